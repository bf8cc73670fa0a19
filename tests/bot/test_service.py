"""What the service checks and prepares before it starts anything."""

import os
import socket
from pathlib import Path

import pytest

from bot.evaluator import landlock
from bot.reach import is_open, reachable
from bot.service import FloorNotMet, check_floor


@pytest.mark.parametrize(
    ("version", "interfaces", "met", "unmet"),
    [(0, ("lo",), "C", "AB"), (5, ("lo", "eth0"), "BC", "A"), (5, ("lo",), "ABC", ""), (5, (), "ABC", "")],
    ids=["no Landlock", "Landlock", "Landlock and no network", "no interface at all"],
)
def test_a_jail_weaker_than_the_floor_is_refused(
    version: int, interfaces: tuple[str, ...], met: str, unmet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: version)
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(enumerate(interfaces, start=1)))
    for floor in met:
        check_floor(floor)
    for floor in unmet:
        with pytest.raises(FloorNotMet, match=f"asks for {floor}"):
            check_floor(floor)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "font.otf").write_bytes(b"font")
    return folder


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts processes that become somebody else")
def test_a_package_that_only_root_can_read_is_copied_and_the_copy_removed(package: Path) -> None:
    package.parent.chmod(0o700)
    with reachable(package) as copy:
        assert copy != package
        assert is_open(copy)
        assert (copy / "inner" / "font.otf").read_bytes() == b"font"
    assert not copy.parent.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts processes that become somebody else")
def test_a_single_file_that_is_closed_is_noticed(package: Path) -> None:
    with reachable(package) as copy:
        assert is_open(copy)
        (copy / "inner" / "font.otf").chmod(0o600)
        assert not is_open(copy)
