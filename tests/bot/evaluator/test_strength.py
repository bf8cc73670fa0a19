"""The level of a jail, from what a locked child could do and what surrounds it."""

import msgspec
import pytest

from bot.evaluator.selfcheck import Probes
from bot.evaluator.strength import LEVELS, Surroundings, strength

OURS = {"net": "net:[1]", "user": "user:[1]"}
HELD = Probes(user=65534, namespaces=OURS, seen={"fork": "Permission denied", "read a file": "Permission denied"})
AROUND = Surroundings(user=65534, namespaces=OURS, landlock=5, network=True)
APART = {"net": "net:[2]", "user": "user:[1]"}


def around(**instead: object) -> Surroundings:
    return Surroundings(**{**AROUND.__dict__, **instead})  # pyright: ignore[reportArgumentType] - names are its fields


@pytest.mark.parametrize(
    ("probes", "surroundings", "level"),
    [
        pytest.param(HELD, AROUND, "B", id="Landlock, same user, network"),
        pytest.param(HELD, around(landlock=0), "C", id="no Landlock"),
        pytest.param(HELD, around(landlock=0, network=False), "C", id="no Landlock, no network"),
        pytest.param(HELD, around(network=False), "A", id="a container without a network"),
        pytest.param(HELD, around(user=0), "B", id="own user in the service's network"),
        pytest.param(msgspec.structs.replace(HELD, namespaces=APART), AROUND, "B", id="own network, same user"),
        pytest.param(msgspec.structs.replace(HELD, namespaces=APART), around(user=0), "A", id="own network and user"),
        pytest.param(msgspec.structs.replace(HELD, namespaces={}), around(user=0), "B", id="namespaces not known"),
    ],
)
def test_levels(probes: Probes, surroundings: Surroundings, level: str) -> None:
    found = strength(probes, surroundings)
    assert found.level == level
    assert bool(found.lacks) == (level != "A")


def test_one_thing_that_was_not_refused_leaves_no_level() -> None:
    broken = msgspec.structs.replace(HELD, seen={**HELD.seen, "fork": ""})
    found = strength(broken, around(network=False))
    assert found.level == "none"
    assert found.lacks == ("a locked child could fork",)
    assert not any(found.reaches(floor) for floor in LEVELS)


@pytest.mark.parametrize(("floor", "met"), [("A", False), ("B", True), ("C", True)])
def test_a_floor_is_met_by_its_level_and_by_stronger_ones(floor: str, met: bool) -> None:
    assert strength(HELD, AROUND).reaches(floor) == met
