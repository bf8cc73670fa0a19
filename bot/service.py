"""The evaluator service's processes: starts them, answers with them, ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

import explainers
from bot.answering import Answering, Bounds
from bot.evaluation import Children, limits_of
from bot.evaluator.child import ForkRefused
from bot.evaluator.cores import cores
from bot.evaluator.explainer import ExplainerDied, ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import decode, encode
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.outcomes import Finished
from bot.evaluator.strength import Strength, Surroundings, strength
from bot.evaluator.supervisor import Evaluator, JailBroken, snippet_settings
from bot.evaluator.zygote_process import ZygoteFailed
from bot.examples import examples
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


class CannotServe(RuntimeError):
    """The processes of the service did not start."""


class FloorNotMet(CannotServe):
    """The jail that this machine gives is weaker than the settings accept."""


@asynccontextmanager
async def started(settings: Settings, log: Log) -> AsyncGenerator[Answering]:
    """Zygotes, children and explainers, warm (seconds), for as long as the context lasts.

    Raises CannotServe, and FloorNotMet before any stranger's code was run.
    """
    room = work.Room(settings.limits.recording_mb * MIB, settings.limits.output_kb * KIB)
    async with AsyncExitStack() as stack:
        folder = await asyncio.to_thread(lambda: stack.enter_context(reachable(_EXPLAINERS)))
        evaluator, pool = _evaluator(settings, room), _explainers(settings, room, folder)
        stack.push_async_callback(pool.close)
        stack.push_async_callback(evaluator.close)
        check_floor(await _start(evaluator, pool), settings.evaluator.sandbox_floor)
        listed = decode(await pool.call(encode(work.ToList()), 60.0), _LISTED)
        catalogue = await _catalogue(evaluator, listed)
        known = await asyncio.to_thread(translators)
        children, chosen_from = Children(evaluator, room), examples(listed.examples)
        yield Answering(children, pool, _bounds(settings), catalogue, chosen_from, known, log)


def check_floor(found: Strength, floor: str) -> None:
    """Raises FloorNotMet where the jail is below `floor` (config.example.toml)."""
    if not found.reaches(floor):
        level = "none that holds" if found.level == "none" else found.level
        raise FloorNotMet(
            f"no code is evaluated here: the jail's level is {level}, and sandbox_floor asks for {floor}; "
            f"it lacks {'; '.join(found.lacks)} (whyloss doctor shows all of it)"
        )


async def _start(evaluator: Evaluator, pool: Explainers) -> Strength:
    """Starts both; gives how strong a locked child was found to be held."""
    try:
        probes, _ = await asyncio.gather(evaluator.start(), pool.start())
    except JailBroken as broken:
        return Strength("none", (str(broken),))
    except (ZygoteFailed, ForkRefused, ExplainerDied, ExplainerTimedOut) as error:
        raise CannotServe(f"the evaluator did not start: {error}") from error
    return strength(probes, Surroundings.here())


def _evaluator(settings: Settings, room: work.Room) -> Evaluator:
    limits = settings.limits
    module = "bot.jobs.snippets"
    zygote = snippet_settings((module,))
    return Evaluator(
        msgspec.structs.replace(zygote, warm_up=f"{module}:warm_up", rehearse=f"{module}:rehearse"),
        at_once=2 * cores(),  # of the slow ones, which step back, and of the others
        prefork=cores() + 1,
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


async def _catalogue(evaluator: Evaluator, listed: work.Listed) -> Catalogue:
    version = await evaluator.run(work.VERSION, b"")
    torch = version.frames[0].decode() if isinstance(version, Finished) else ""
    return Catalogue(PROTOCOL, torch, listed.losses, listed.diagnoses)
