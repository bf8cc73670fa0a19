"""One question, one reply: across tasks, across processes, and with nothing of the message kept."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bot.store import Claims, opened
from bot.store.engine import StoreUnusable, migrated
from bot.store.schema import CLAIMS, METADATA


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/claims.sqlite3"


@pytest_asyncio.fixture
async def claims(url: str) -> AsyncGenerator[Claims]:
    async with opened(url) as claims:
        yield claims


async def test_of_many_at_once_one_has_the_claim(claims: Claims, url: str) -> None:
    async with opened(url) as other:
        won = await asyncio.gather(*(each.claim(1, 2, 0) for _ in range(10) for each in (claims, other)))
    assert sorted(won) == [False] * 19 + [True]


async def test_only_a_later_revision_is_claimed_again(claims: Claims) -> None:
    assert await claims.claim(1, 2, 5)
    assert not await claims.revise(1, 5)
    assert await claims.revise(1, 6)
    assert not await claims.revise(1, 6)
    assert not await claims.revise(3, 7), "a question that nobody claimed"


async def test_what_was_under_way_is_found_by_the_next_process(url: str) -> None:
    async with opened(url) as claims:
        for question in range(4):
            await claims.claim(question, 2, 0)
        await claims.enter(1, "sending")
        await claims.sent(2, reply=20, layout=True)
        await claims.enter(3, "silent")
    async with opened(url) as claims:
        assert [(c.question, c.state) for c in await claims.unfinished()] == [(0, "claimed"), (1, "sending")]
        sent = await claims.find(2)
        assert sent is not None
        assert (sent.state, sent.reply, sent.layout) == ("sent", 20, True)


async def test_a_later_revision_keeps_its_reply(claims: Claims) -> None:
    await claims.claim(1, 2, 0)
    await claims.sent(1, reply=20, layout=True)
    assert await claims.revise(1, 9)
    (found,) = await claims.unfinished()
    assert (found.state, found.reply, found.revision) == ("claimed", 20, 9)


async def test_a_deleted_reply_stays_deleted(claims: Claims) -> None:
    await claims.claim(1, 2, 0)
    await claims.sent(1, reply=20, layout=True)
    await claims.removed(20)
    assert not await claims.revise(1, 9)


async def test_old_claims_are_forgotten(claims: Claims) -> None:
    await claims.claim(1, 2, 0)
    await claims.forget(before=time.time() - 60)
    assert await claims.find(1) is not None
    await claims.forget(before=time.time() + 60)
    assert await claims.find(1) is None


async def test_migrations_lead_to_the_schema(url: str) -> None:
    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with migrated(url) as engine, engine.connect() as connection:
        assert await connection.run_sync(difference) == []


def test_no_column_could_hold_a_message() -> None:
    held = {column.name: column.type for column in CLAIMS.columns}
    assert {name for name, type in held.items() if type.python_type is str} == {"state"}


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////nowhere/at/all.sqlite3", "nonsense", "nodriver://x"])
async def test_a_database_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(StoreUnusable, match=r"store\.url"):
        async with opened(url):
            pass
