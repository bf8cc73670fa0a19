"""What the service checks and prepares before it starts anything."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from bot.evaluator.strength import Strength
from bot.reach import is_open, reachable
from bot.service import FloorNotMet, check_floor


@pytest.mark.parametrize(("floor", "refused"), [("A", True), ("B", False), ("C", False)])
def test_a_jail_weaker_than_the_floor_is_refused(floor: str, refused: bool) -> None:
    found = Strength("B", ("a network namespace of its own",))
    with (
        pytest.raises(FloorNotMet, match=r"level is B, .* asks for A.* a network namespace")
        if refused
        else nullcontext()
    ):
        check_floor(found, floor)


def test_a_jail_that_does_not_hold_is_refused_by_every_floor() -> None:
    with pytest.raises(FloorNotMet, match="a locked child could fork"):
        check_floor(Strength("none", ("a locked child could fork",)), "C")


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
