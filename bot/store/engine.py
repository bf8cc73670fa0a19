"""The database: opened, migrated, closed."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_MS: Final = 5000


class StoreUnusable(ValueError):
    """The database can't be opened or brought up to date; says which one and why."""


@asynccontextmanager
async def migrated(url: str) -> AsyncGenerator[AsyncEngine]:
    """An engine on a database whose tables are those of `schema`, with one connection: each use of it is short.

    Raises StoreUnusable.
    """
    try:
        engine = create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)
        _prepare(engine)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
        except BaseException:
            await engine.dispose()
            raise
    except (SQLAlchemyError, ModuleNotFoundError, OSError) as error:
        raise StoreUnusable(
            f"store.url can't be used ({str(error).splitlines()[0]}): name a folder that whyloss may write to"
        ) from None
    try:
        yield engine
    finally:
        await engine.dispose()


def _prepare(engine: AsyncEngine) -> None:
    """SQLite lets others read while one writes, and waits for its turn."""
    if engine.dialect.name != "sqlite":
        return
    folder = Path(engine.url.database or "").parent
    if not os.access(folder, os.W_OK):  # told here, because aiosqlite's thread outlives a loop that it failed in
        raise PermissionError(f"{folder} is no folder to write to")

    def pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={_BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", pragmas)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
