"""Fleets that die, do not start, or die of a question; tests/bot/chat/test_services.py kills real ones."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from bot.exchange import PROTOCOL, Answer, Ask, Catalogue
from bot.fleet.port import FleetAbsent, FleetLost, FleetUnfit, LosableFleet, Progress
from bot.fleet.supervised import Opener, Supervised, opener, supervised
from bot.settings import EvaluatorSettings, Settings

QUIET = structlog.wrap_logger(CapturingLogger())
ASK = Ask(id="1", text="why is my loss 0.5514?", deadline=20)


class Mortal:
    """A fleet that answers with its name, unless the question kills it."""

    def __init__(self, name: str, mortal_to: Callable[[str], bool] = lambda _text: False) -> None:
        self.name = name
        self._mortal_to = mortal_to
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.asked: list[str] = []
        self.closed = False

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(PROTOCOL, self.name, (), ())

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        self.asked.append(ask.text)
        if self._mortal_to(ask.text):
            self.die()
        if self.death.done():
            raise FleetLost(self.death.result())
        return Answer(id=ask.id, outcome="explained", language="en", verdict=self.name, text=self.name, alt_text="")

    def die(self) -> None:
        if not self.death.done():
            self.death.set_result(f"{self.name} died")

    async def lost(self) -> str:
        return await asyncio.shield(self.death)

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def over(*fleets: LosableFleet | Exception) -> AsyncGenerator[Supervised]:
    """One after the other; there is none after the last."""
    left = list(fleets)

    async def open_next() -> LosableFleet:
        if not left:
            await asyncio.Event().wait()
        fleet = left.pop(0)
        if isinstance(fleet, Exception):
            raise fleet
        return fleet

    async with supervised(open_next, QUIET) as fleet:
        yield fleet


async def said(fleet: Supervised, ask: Ask = ASK) -> str:
    return (await fleet.answer(ask, lambda _news: None)).verdict


async def test_the_next_takes_over_from_one_that_died() -> None:
    first, second = Mortal("first"), Mortal("second")
    async with over(first, second) as fleet:
        assert await said(fleet) == "first"
        first.die()
        assert await said(fleet) == "second"
        assert first.closed
    assert second.closed


async def test_a_question_that_was_lost_is_asked_once_more() -> None:
    first, second = Mortal("first", lambda _text: True), Mortal("second")
    async with over(first, second) as fleet:
        assert await said(fleet) == "second"


async def test_a_question_that_kills_is_asked_twice_at_most() -> None:
    fleets = [Mortal(name, lambda text: "poison" in text) for name in ("first", "second", "third")]
    async with over(*fleets) as fleet:
        with pytest.raises(FleetLost, match="second died"):
            await said(fleet, Ask(id="1", text="poison"))
        assert await said(fleet) == "third"
        assert [each.asked.count("poison") for each in fleets] == [1, 1, 0]


async def test_one_that_does_not_start_is_tried_again() -> None:
    async with over(FleetLost("no room"), Mortal("second")) as fleet:
        with pytest.raises(FleetLost):
            fleet.catalogue  # noqa: B018 - a property that raises
        assert await said(fleet) == "second"
        assert fleet.catalogue.torch == "second"


async def test_who_waits_in_vain_hears_why() -> None:
    async with over(FleetLost("this machine can hold no jail")) as fleet:
        with pytest.raises(FleetAbsent, match="no jail"):
            await said(fleet, Ask(id="1", text="", deadline=0.2))


async def test_who_asks_while_the_first_starts_waits_for_it_beyond_the_time_of_an_answer() -> None:
    begun = asyncio.Event()
    release = asyncio.Event()

    async def slowly() -> LosableFleet:
        begun.set()
        await release.wait()
        return Mortal("first")

    async with supervised(slowly, QUIET) as fleet:
        asked = asyncio.create_task(said(fleet, Ask(id="1", text="", deadline=0.05)))
        await begun.wait()
        await asyncio.sleep(0.2)
        assert not asked.done()
        release.set()
        assert await asked == "first"


async def test_nobody_waits_for_one_that_will_not_serve_here_and_it_is_tried_again() -> None:
    async with over(FleetUnfit("weak"), Mortal("second")) as fleet:
        with pytest.raises(FleetUnfit, match="weak"):
            await said(fleet, Ask(id="1", text="", deadline=1000))
        await asyncio.sleep(0.7)
        assert await said(fleet) == "second"


def at(socket: Path) -> Opener:
    return opener(Settings(evaluator=EvaluatorSettings(socket=socket)))


async def test_where_settings_name_a_socket_none_is_started(tmp_path: Path) -> None:
    with pytest.raises(FleetLost, match="nobody listens"):
        await at(tmp_path / "x.sock")()


async def test_a_service_at_the_named_socket_is_connected_to(socket_path: Path) -> None:
    async with supervised(at(socket_path), QUIET) as fleet:
        assert (await fleet.answer(ASK, lambda _news: None)).id == ASK.id
