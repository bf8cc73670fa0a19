"""The locks install anywhere: hashed, bound to no machine, and free of torch, whose builds differ."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "requirements.lock"
DEVELOPMENT = ROOT / "requirements-dev.lock"
LOCKS = pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda path: path.name)


def entries(lock: Path) -> list[str]:
    """The logical lines of a lock, comments dropped and continuations joined."""
    kept = "\n".join(line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#"))
    return [line for line in kept.replace("\\\n", " ").splitlines() if line.strip()]


def locked(lock: Path) -> dict[str, Requirement]:
    requirements = (Requirement(entry.split(" --hash")[0].strip()) for entry in entries(lock))
    return {canonicalize_name(each.name): each for each in requirements}


def pins(lock: Path) -> dict[str, str]:
    return {name: str(each.specifier) for name, each in locked(lock).items()}


def declared(*, development: bool) -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines: list[str] = project["dependencies"] + (project["optional-dependencies"]["dev"] if development else [])
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


@LOCKS
def test_every_entry_is_one_exact_version_with_hashes(lock: Path) -> None:
    for entry in entries(lock):
        assert re.match(r"[a-z0-9.-]+==[0-9][\w.]*(?:; [^#]+?)? +--hash=sha256:[0-9a-f]{64}", entry), entry


@LOCKS
def test_nothing_binds_the_lock_to_one_machine(lock: Path) -> None:
    assert [entry for entry in entries(lock) if re.search(r"://|^-|\+", entry)] == []


@LOCKS
def test_torch_and_its_builds_stay_out(lock: Path) -> None:
    assert [name for name in pins(lock) if re.match(r"torch$|triton$|nvidia-", name)] == []


def test_torch_is_pinned_by_the_project_alone() -> None:
    assert re.fullmatch(r"==\d+\.\d+\.\d+", str(declared(development=False)["torch"].specifier))


@pytest.mark.parametrize(("lock", "development"), [(RUNTIME, False), (DEVELOPMENT, True)], ids=["run", "dev"])
def test_every_dependency_of_the_project_is_locked(lock: Path, development: bool) -> None:
    assert declared(development=development).keys() - {"torch"} <= pins(lock).keys()


def test_what_is_not_built_for_every_machine_is_not_asked_of_every_machine() -> None:
    for name, each in declared(development=True).items():
        if each.marker is not None:
            assert locked(DEVELOPMENT)[name].marker == each.marker, name


def test_tests_run_on_the_versions_that_are_served() -> None:
    assert pins(RUNTIME).items() <= pins(DEVELOPMENT).items()
