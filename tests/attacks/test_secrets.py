"""Looking for the token in what a fork inherits: each search finds one that is planted, and none of the service's."""

import pytest

from tests.attacks.attack import Assault
from tests.attacks.tables.searching import SEARCHES

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLANTED = "whyloss-" + "secret-" + "0" * 32


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("planted", [True, False])
async def test_the_token_is_in_nothing_that_a_child_inherits(name: str, planted: bool, assault: Assault) -> None:
    search = SEARCHES[name]
    before = "planted = ''.join(['whyloss-', 'secret-', '0' * 32])" if planted else ""
    source = f"found = set()\n{before}\n{search.source}\nfor each in found: emit(each.encode())"
    outcome = await assault(source, *search.ends, limits=search.limits)
    assert outcome.frames == ((PLANTED.encode(),) if planted else ())
