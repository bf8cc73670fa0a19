"""Every attack that has to be stopped, against the jail with Landlock and without, and what the tables say of it."""

import collections

import pytest

from tests.attacks.attack import Assault
from tests.attacks.tables import CATEGORIES, STOPPED

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("category", "name"), [(category, name) for category in STOPPED for name in STOPPED[category]])
async def test_it_is_stopped(category: str, name: str, assault: Assault) -> None:
    attack = STOPPED[category][name]
    await assault(f"{attack.source}\nemit(b'PWNED')", *attack.ends, limits=attack.limits)


async def test_every_attack_has_a_story_and_a_program_of_its_own() -> None:
    attacks = [attack for table in CATEGORIES.values() for attack in table.values()]
    assert [attack.story for attack in attacks if not attack.story.endswith(".") or "; " not in attack.story] == []
    for field in ("story", "source"):
        counted = collections.Counter(getattr(attack, field) for attack in attacks)
        assert [text for text, count in counted.items() if count > 1] == []


async def test_there_are_enough_of_them() -> None:
    assert sum(len(table) for table in CATEGORIES.values()) >= 150
