"""Claims on questions: the row that is written before any work, so that a question never has two replies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, Delete, Insert, Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import migrated
from bot.store.schema import CLAIMS

T = TypeVar("T")
State = Literal["claimed", "sending", "sent", "silent", "failed", "withdrawn", "unknown"]
"""claimed: being answered · sending: a reply may be on its way · sent: it is there · silent: none was due ·
failed: none could be sent · withdrawn: question or reply were deleted · unknown: whether it was sent can't be told."""

OPEN: tuple[State, ...] = ("claimed", "sending")
KEPT_SECONDS = 30 * 24 * 3600.0
"""How long an edit of a question still reaches its reply."""


@dataclass(frozen=True)
class Claim:
    """A question of a channel; `revision` grows with its edits, `layout` says that the reply is made of components.

    `changed` is when its state last changed, in seconds since 1970.
    """

    question: int
    channel: int
    revision: int
    state: State
    reply: int | None
    layout: bool
    changed: float


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Claims]:
    """The claims at an SQLAlchemy URL, their tables brought up to date; raises StoreUnusable."""
    async with migrated(url) as engine:
        claims = Claims(engine)
        await claims.forget(before=time.time() - KEPT_SECONDS)
        try:
            yield claims
        finally:
            await claims.settled()


class Claims:
    """Safe for any number of tasks, and for two bots on one database; what was begun is done to its end."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._running: set[asyncio.Task[Any]] = set()

    async def claim(self, question: int, channel: int, revision: int) -> bool:
        """Whether this call was the first to claim it."""
        row = {"question": question, "channel": channel, "revision": revision, "layout": False, **_now("claimed")}
        try:
            await self._write(insert(CLAIMS).values(row))
        except IntegrityError:
            return False
        return True

    async def revise(self, question: int, revision: int) -> bool:
        """Claims a later revision of a question; False where it was claimed, or its reply was deleted."""
        row = CLAIMS.c
        later = (row.question == question) & (row.revision < revision) & (row.state != "withdrawn")
        return await self._update(later, revision=revision, **_now("claimed")) > 0

    async def enter(self, question: int, state: State) -> None:
        """The question's state is another one now."""
        await self._update(CLAIMS.c.question == question, **_now(state))

    async def begun(self, question: int, reply: int) -> None:
        """The reply has this id; it may not show all that it will."""
        await self._update(CLAIMS.c.question == question, reply=reply, **_now("sending"))

    async def silenced(self, question: int) -> None:
        """No reply is due, and none is there."""
        await self._update(CLAIMS.c.question == question, reply=None, layout=False, **_now("silent"))

    async def sent(self, question: int, reply: int, layout: bool) -> None:
        """The reply is there."""
        await self._update(CLAIMS.c.question == question, reply=reply, layout=layout, **_now("sent"))

    async def removed(self, reply: int) -> None:
        """Somebody deleted the reply: it will not be sent again."""
        await self._update(CLAIMS.c.reply == reply, **_now("withdrawn"))

    async def find(self, question: int) -> Claim | None:
        found = await self._claims(CLAIMS.c.question == question)
        return found[0] if found else None

    async def unfinished(self) -> tuple[Claim, ...]:
        """What was under way when the process before this one ended."""
        return await self._claims(CLAIMS.c.state.in_(OPEN))

    async def forget(self, before: float) -> None:
        """Drops what has not changed since `before`, in seconds since 1970."""
        await self._write(delete(CLAIMS).where(CLAIMS.c.changed < before))

    async def settled(self) -> None:
        """Waits for what was begun."""
        if self._running:
            await asyncio.wait(self._running)

    async def _update(self, which: ColumnElement[bool], **values: Any) -> int:
        return await self._write(update(CLAIMS).where(which).values(values))

    async def _write(self, statement: Insert | Update | Delete) -> int:
        """The number of rows that it changed."""

        async def write() -> int:
            async with self._engine.begin() as connection:
                return (await connection.execute(statement)).rowcount

        return await self._done(write())

    async def _claims(self, which: ColumnElement[bool]) -> tuple[Claim, ...]:
        async def read() -> tuple[Claim, ...]:
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(CLAIMS).where(which).order_by(CLAIMS.c.question))
                return tuple(Claim(**row) for row in rows.mappings())

        return await self._done(read())

    async def _done(self, work: Coroutine[Any, Any, T]) -> T:
        """The connection is given back in good order, whatever becomes of the caller."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _now(state: State) -> dict[str, Any]:
    return {"state": state, "changed": time.time()}
