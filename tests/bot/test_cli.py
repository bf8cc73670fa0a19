"""The commands as others run them: exit status, standard output and error, files."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
MESSAGE = EXAMPLES / "why-0.5514.md"
FIELDS = [
    *("id", "outcome", "language", "loss", "value", "error", "claims", "diagnoses", "floor", "gradient", "proof"),
    *("others", "verdict", "text", "alt_text", "missing", "timings_ms"),
]

Run = subprocess.CompletedProcess[str]


def whyloss(*arguments: str | Path, text: str | bytes = "", module: str = "bot", **environment: str) -> Run:
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        input=data,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=300,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Service:
    """`whyloss ask` with the tests' service."""

    def __init__(self, socket_path: Path) -> None:
        self._environment = {"WHYLOSS_EVALUATOR__SOCKET": str(socket_path)}

    def ask(self, *arguments: str | Path, text: str | bytes = "") -> Run:
        return whyloss("ask", *arguments, text=text, **self._environment)

    def lines(self, *lines: Any) -> list[dict[str, Any]]:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        done = self.ask("--jsonl", text=text)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def service(socket_path: Path) -> Service:
    return Service(socket_path)


def test_people_get_text_and_the_places_of_files(service: Service, tmp_path: Path) -> None:
    card, full, source = tmp_path / "new" / "card.png", tmp_path / "full.png", tmp_path / "source"
    done = service.ask(MESSAGE, "--card", card, "--full", full, "--source", source, "--theme", "light")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0.5514 ")
    assert all(str(path) in done.stdout for path in (card, full, source / "derivation.py"))
    assert card.read_bytes().startswith(b"\x89PNG")
    assert full.read_bytes().startswith(b"\x89PNG")
    twin = subprocess.run([sys.executable, source / "derivation.py"], capture_output=True, text=True, check=True)
    assert float(twin.stdout) == pytest.approx(0.5514447, abs=1e-6)


def test_programs_get_one_object_and_nothing_else(service: Service, tmp_path: Path) -> None:
    done = service.ask("-", "--json", "--card", tmp_path / "card.png", text=MESSAGE.read_text())
    answer = json.loads(done.stdout)
    assert list(answer) == FIELDS
    assert (answer["id"], answer["outcome"], answer["value"]) == ("-", "explained", pytest.approx(0.5514447, abs=1e-7))
    assert set(answer["timings_ms"]) == {"read", "evaluate", "explain", "draw", "total"}
    assert set(answer["proof"]) == {"verdict", "enclosure", "error_bound", "torch"}
    assert (tmp_path / "card.png").exists()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("F.mse_loss(torch.ones(1), torch.zeros(1)) why is my loss 1?", 0, id="answer"),
        pytest.param("```\nF.mse_loss(torch.ones(2), [1])\n```\nwhy?", 0, id="explained error"),
        pytest.param("why is my loss nan?", 0, id="asked back"),
        pytest.param("good morning everyone", 2, id="no question"),
        pytest.param("", 2, id="nothing"),
        pytest.param("x" * 100_000, 0, id="too long"),
        pytest.param("x" * 5_000_000, 0, id="too long for a frame"),
        pytest.param(bytes(range(256)), 2, id="any bytes"),
        pytest.param(
            "```\nimport ctypes\nctypes.string_at(0)\nF.mse_loss(1, 1)\n```\nwhy is my loss 0?", 1, id="crash"
        ),
    ],
)
def test_the_exit_status_says_what_came_of_it(text: str | bytes, status: int, service: Service) -> None:
    done = service.ask(text=text)
    assert done.returncode == status
    assert done.stdout.strip()
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runn"], "ask, run, evaluator"),
        (["ask", "--nope"], "--nope"),
        (["ask", "/absent/message.md"], "/absent/message.md can't be read"),
        (["ask", "--theme", "pink"], "pink"),
        (["ask", "--locale", "xx"], "there are en, "),
        (["ask", "--jsonl", "--card", "x.png"], "--jsonl writes no files"),
        (["ask", "--jsonl", "/absent/lines.jsonl"], "/absent/lines.jsonl can't be read"),
        (["ask", "--config", "/absent/config.toml"], "/absent/config.toml can't be read"),
        (["evaluator", "--log-level", "loud"], "loud"),
    ],
)
def test_a_bad_command_line_is_one_clear_line(arguments: list[str], said: str, socket_path: Path) -> None:
    done = whyloss(*arguments, WHYLOSS_EVALUATOR__SOCKET=str(socket_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith("whyloss: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_who_has_had_enough_is_no_error(socket_path: Path) -> None:
    command = f"{sys.executable} -m bot ask {MESSAGE} --json | true; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "WHYLOSS_EVALUATOR__SOCKET": str(socket_path)}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=300, check=True)
    assert (done.stdout, done.stderr) == (b"0\n", b"")


def test_a_file_that_cannot_be_written_is_said(service: Service) -> None:
    done = service.ask(MESSAGE, "--card", "/proc/card.png")
    assert done.returncode == 1
    assert "/proc/card.png can't be written" in done.stderr


def test_lines_are_answered_in_order_and_bad_ones_stop_nothing(service: Service) -> None:
    loss = "```py\nF.mse_loss(torch.tensor([{x}]), torch.tensor([0.0]))\n```\nwhy is my loss not 0?"
    answers = service.lines(
        {"id": "slow", "message": "```py\nwhile True: pass\nF.mse_loss\n```\nwhy is my loss 0?"},
        {"id": "same", "message": loss.format(x=2.0)},
        "this is no JSON",
        {"id": 7, "text": "no message"},
        '{"id": "half", "message": "\\ud800"}',
        "",
        {"id": "same", "message": loss.format(x=3.0), "locale": "ja"},
        "[" * 100_000,
        {"message": "good morning everyone"},
    )
    told = [(each["id"], each["outcome"], each["language"], each["value"]) for each in answers]
    assert told == [
        ("slow", "timed-out", "en", None),
        ("same", "explained", "en", 4.0),
        (None, "failed", "en", None),
        (7, "failed", "en", None),
        (None, "failed", "en", None),
        ("same", "explained", "ja", 9.0),
        (None, "failed", "en", None),
        (None, "not-a-question", "en", None),
    ]
    assert all(list(each) == FIELDS for each in answers)
    assert answers[2]["error"]["type"] == "BadLine"
    assert "Line 3" in answers[2]["verdict"]


def test_lines_carry_files_as_base64_or_text(service: Service) -> None:
    code = "import torch\nimport torch.nn.functional as F\nprint(F.mse_loss(torch.ones(2), torch.zeros(2)))\n"
    question = "why is the loss not 0?"
    answers = service.lines(
        {"id": "text", "message": question, "files": [{"name": "a.py", "data": code}]},
        {
            "id": "base64",
            "message": question,
            "files": [{"name": "a.py", "data": base64.b64encode(code.encode()).decode()}],
        },
        {"id": "bad", "message": question, "files": [{"name": "a.py"}]},
    )
    assert [each["value"] for each in answers] == [1.0, 1.0, None]
    assert answers[2]["outcome"] == "failed"


def test_each_line_is_answered_as_it_comes(socket_path: Path) -> None:
    environment = {**os.environ, "WHYLOSS_EVALUATOR__SOCKET": str(socket_path)}
    command = [sys.executable, "-m", "bot", "ask", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        for n in range(3):
            asking.stdin.write(json.dumps({"id": n, "message": "good morning"}).encode() + b"\n")
            asking.stdin.flush()
            assert json.loads(asking.stdout.readline())["id"] == n
        asking.stdin.close()
        assert asking.wait(30) == 0


def test_without_a_service_one_is_started_and_ended(tmp_path: Path) -> None:
    """With a secret in our environment, which the service and its children must never have held."""
    secret = "a-secret-that-nobody-inherits"
    environment = {"WHYLOSS_EVALUATOR__SOCKET": str(tmp_path / "absent.sock"), "DISCORD_TOKEN": secret}
    command = [sys.executable, "-m", "bot", "ask", "--jsonl"]
    everything = {**os.environ, **environment}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=everything) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        asking.stdin.write(b'{"message": "good morning"}\n')
        asking.stdin.flush()
        assert json.loads(asking.stdout.readline())["outcome"] == "not-a-question"
        family = descendants(asking.pid)
        assert len(family) >= 3  # the service and its two zygotes
        environments = [environment_of(process) for process in family]
        assert b"WHYLOSS_LIMITS" in environments[0]
        assert not any(secret.encode() in each or b"PATH=" in each for each in environments)
        asking.stdin.close()
        assert asking.wait(30) == 0
    assert not [process for process in family if Path(f"/proc/{process}/exe").exists()]


def test_a_killed_ask_leaves_no_service_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "WHYLOSS_EVALUATOR__SOCKET": str(tmp_path / "absent.sock")}
    command = [sys.executable, "-m", "bot", "ask", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        asking.stdin.write(b'{"message": "good morning"}\n')
        asking.stdin.flush()
        asking.stdout.readline()
        family = descendants(asking.pid)
        asking.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(is_alive(process) for process in family):
        assert time.monotonic() < deadline, "the service outlives whoever started it"
        time.sleep(0.05)


def test_a_service_takes_the_place_of_a_dead_one_but_not_of_a_living_one(socket_path: Path, tmp_path: Path) -> None:
    done = whyloss("evaluator", "--socket", socket_path)
    assert done.returncode == 1
    assert "listens" in done.stderr
    (tmp_path / "file").write_text("mine")
    assert "no socket" in whyloss("evaluator", "--socket", tmp_path / "file").stderr
    assert (tmp_path / "file").read_text() == "mine"


def descendants(process: int) -> list[int]:
    """All processes below this one, whose parents are read from the process table."""
    parents = {int(stat.parent.name): parent_of(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # gone meanwhile
        return 0


def environment_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:  # gone meanwhile, or a zygote, which nobody but root may look into
        return b""


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_doctor_shows_what_held_and_how_strong_the_jail_is() -> None:
    done = whyloss("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAIL" not in done.stdout
    assert "OFF" not in done.stdout
    passed = [line for line in done.stdout.splitlines() if line.endswith(" PASS")]
    assert f"{len(passed)} of {len(passed)} attacks held." in done.stdout
    assert re.search(r"^Level [ABC][.,]", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(("command", "status"), [(("doctor",), 3), (("ask", MESSAGE), 1)])
def test_below_the_floor_no_code_is_evaluated_and_that_is_said(command: tuple[str | Path, ...], status: int) -> None:
    done = whyloss(*command, module="tests.without_namespaces", WHYLOSS_EVALUATOR__SANDBOX_FLOOR="A")
    assert done.returncode == status
    assert "no code" in done.stdout + done.stderr
    assert "0.5514" not in done.stdout
