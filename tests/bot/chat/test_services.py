"""A real evaluator service that dies or is full, seen from Discord: one reply to each, whatever became of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.testing import CapturingLogger

from bot.fleet.local import LocalFleet
from bot.fleet.supervised import Supervised, supervised
from bot.settings import FairnessSettings, Settings
from tests.bot.chat.conftest import Start
from tests.loopback_discord.loopback import Loopback

SLOW = "```py\nimport time; time.sleep(2)\nF.mse_loss(torch.tensor([1.0]), torch.tensor([3.0]))\n```\nwhy is it 4?"
WITHIN = 120.0


@dataclass
class Services:
    """The services that were started, one after the other."""

    started: list[LocalFleet] = field(default_factory=list[LocalFleet])

    async def start(self) -> LocalFleet:
        settings = Settings(fairness=FairnessSettings(waiting=1))
        self.started.append(await LocalFleet.started(settings))
        return self.started[-1]

    async def kill(self, number: int) -> None:
        """The service of this number, once it has a question."""
        async with asyncio.timeout(WITHIN):
            while len(self.started) <= number:  # noqa: ASYNC110 - a service tells only its supervisor
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        os.kill(self.started[number].pid, signal.SIGKILL)


@asynccontextmanager
async def warm(services: Services) -> AsyncGenerator[Supervised]:
    async with supervised(services.start, structlog.wrap_logger(CapturingLogger())) as fleet:
        async with asyncio.timeout(WITHIN):
            while not services.started:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        yield fleet


async def test_a_service_that_dies_of_a_question_is_replaced_and_the_next_turns_away_when_full(
    loopback: Loopback, start: Start
) -> None:
    guild = loopback.guild()
    alice, channel, services = loopback.person("alice", guild), loopback.channel(guild), Services()
    async with warm(services) as fleet, start(fleet):
        message = alice.mention(channel, SLOW)
        await services.kill(0)
        reply = await loopback.reply_to(message, WITHIN, lambda each: each.pictures)
        assert "4" in reply.text
        assert len(loopback.replies(message)) == 1
        people = [loopback.person(f"person{n}", guild) for n in range(8)]
        messages = [person.mention(channel, SLOW) for person in people]
        await loopback.until(lambda: all(map(loopback.replies, messages)), WITHIN)
        await loopback.until(
            lambda: not any("queue" in each.text for m in messages for each in loopback.replies(m)), WITHIN
        )
        await asyncio.sleep(1)
    replies = [loopback.replies(message) for message in messages]
    assert all(len(each) == 1 for each in replies)
    turned_away = [each for (each,) in replies if not each.pictures]
    assert 0 < len(turned_away) < len(messages)
    assert all("waiting" in each.text for each in turned_away), [each.text for each in turned_away]
    assert len(services.started) == 2
    for each in services.started:
        with pytest.raises(ProcessLookupError):
            os.kill(each.pid, 0)


async def test_a_question_that_kills_two_services_is_not_asked_again(loopback: Loopback, start: Start) -> None:
    guild = loopback.guild()
    alice, services = loopback.person("alice", guild), Services()
    async with warm(services) as fleet, start(fleet):
        message = alice.mention(loopback.channel(guild), SLOW)
        await services.kill(0)
        await services.kill(1)
        reply = await loopback.reply_to(message, WITHIN)
    assert "My evaluator went away" in reply.text
    assert not reply.pictures
    assert len(loopback.replies(message)) == 1
