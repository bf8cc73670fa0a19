"""The evaluator service's processes: starts them, answers with them, ends them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

import explainers
from bot.answering import Answering, Bounds
from bot.evaluation import Children, limits_of
from bot.evaluator import landlock
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import decode, encode
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.outcomes import Finished
from bot.evaluator.supervisor import Evaluator, snippet_settings
from bot.exchange import PROTOCOL, Catalogue
from bot.jobs import work
from bot.languages import translators
from bot.log import Log
from bot.reach import reachable
from bot.settings import KIB, MIB, Settings

_LISTED: Final = msgspec.msgpack.Decoder(work.Listed)
_EXPLAINERS: Final = Path(explainers.__path__[0]).resolve()
_REQUEST_BYTES: Final = 2 * MIB
"""A message with its files, and what a frame adds to the bytes it carries."""


class FloorNotMet(RuntimeError):
    """The jail that this machine can hold is weaker than the settings accept."""


@asynccontextmanager
async def started(settings: Settings, log: Log) -> AsyncGenerator[Answering]:
    """Zygotes, children and explainers, warm (seconds), for as long as the context lasts.

    Raises FloorNotMet, ZygoteFailed, JailBroken, ExplainerDied, ExplainerTimedOut.
    """
    check_floor(settings.evaluator.sandbox_floor)
    room = work.Room(settings.limits.recording_mb * MIB, settings.limits.output_kb * KIB)
    async with AsyncExitStack() as stack:
        folder = await asyncio.to_thread(lambda: stack.enter_context(reachable(_EXPLAINERS)))
        evaluator, pool = _evaluator(settings, room), _explainers(settings, room, folder)
        stack.push_async_callback(pool.close)
        stack.push_async_callback(evaluator.close)
        await asyncio.gather(evaluator.start(), pool.start())
        catalogue = await _catalogue(evaluator, pool)
        known = await asyncio.to_thread(translators)
        yield Answering(Children(evaluator, room), pool, _bounds(settings), catalogue, known, log)


def check_floor(floor: str) -> None:
    """Raises FloorNotMet where the strongest jail that can be had here is below `floor` (config.example.toml)."""
    strongest = _strongest()
    if strongest > floor:
        raise FloorNotMet(
            f"this machine can hold a jail of strength {strongest}, and sandbox_floor asks for {floor}: "
            "run whyloss on a kernel with Landlock, in a container without a network, or lower sandbox_floor"
        )


def _strongest() -> str:
    if landlock.abi() == 0:
        return "C"
    return "B" if any(name != "lo" for _, name in socket.if_nameindex()) else "A"


def _evaluator(settings: Settings, room: work.Room) -> Evaluator:
    limits = settings.limits
    zygote = snippet_settings(("bot.jobs.snippets",))
    return Evaluator(
        msgspec.structs.replace(zygote, warm_up="bot.jobs.snippets:warm_up"),
        limits=limits_of(limits.wall_seconds, limits.cpu_seconds, limits.memory_mb, room, _REQUEST_BYTES),
    )


def _explainers(settings: Settings, room: work.Room, folder: Path) -> Explainers:
    limits = ExplainerLimits(
        memory_mb=settings.explainer.memory_mb,
        frame_bytes=max(8 * room.recording_bytes, settings.limits.answer_mb * MIB) + _REQUEST_BYTES,
        jobs=settings.explainer.jobs_before_replacement,
    )
    module = "bot.jobs.explaining"
    zygote = ZygoteSettings(
        preload=(module,), warm_up=f"{module}:prepare", readable=(str(folder),), python_path=(str(folder.parent),)
    )
    return Explainers(zygote, work.EXPLAIN, f"{module}:warm_up", limits=limits)


def _bounds(settings: Settings) -> Bounds:
    limits = settings.limits
    return Bounds(
        message_bytes=limits.message_kb * KIB,
        file_bytes=limits.files_mb * MIB,
        answer_bytes=limits.answer_mb * MIB,
        reruns=limits.reruns,
        explain_seconds=settings.explainer.deadline_seconds,
    )


async def _catalogue(evaluator: Evaluator, pool: Explainers) -> Catalogue:
    listed = decode(await pool.call(encode(work.ToList()), 60.0), _LISTED)
    version = await evaluator.run(work.VERSION, b"")
    torch = version.frames[0].decode() if isinstance(version, Finished) else ""
    return Catalogue(PROTOCOL, torch, listed.losses, listed.diagnoses)
