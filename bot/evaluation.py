"""The part of the walk that runs in jailed children: reading and running a message, and running it again with edits."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

import msgspec

from bot import endings, stopped
from bot.evaluator import outcomes
from bot.evaluator.frames import FrameInvalid, decode, encode
from bot.evaluator.limits import Limits
from bot.evaluator.supervisor import Evaluator, QueueFull
from bot.exchange import Ask
from bot.jobs import work
from bot.reading.building import built_of_data
from bot.reading.names import foreign_names
from bot.reading.question import File, Question, Reading, Snippet
from bot.stopped import Stop
from explainers.reruns import TWIN, GraphRerun, Plan, SourceRerun

_READINGS: Final = msgspec.msgpack.Decoder(Reading)
_RUNS: Final = msgspec.msgpack.Decoder(work.Ran)

_UNDEFINED: Final = ("NameError", "ModuleNotFoundError", "ImportError")
"""What a program raises that needs names which its message does not define."""


@dataclass(frozen=True)
class Evaluated:
    """A snippet that was run, and the Ran that its child sent."""

    snippet: Snippet
    ran: work.Ran


@dataclass(frozen=True)
class Children:
    """Runs jobs in jailed children, each within a point of time of the loop's clock."""

    evaluator: Evaluator
    room: work.Room

    async def read_and_run(self, ask: Ask, on_reading: Callable[[Reading], None]) -> Evaluated | Stop | None:
        """Reads the message and runs its subject; `on_reading` is called before anything of it runs.

        None where the message is a Question without a program.
        """
        files = tuple(File(file.name, file.data) for file in ask.files)
        request = encode(work.Message(ask.text, files, ask.direct, self.room))
        found: list[Reading] = []

        def take(payload: bytes) -> None:
            if not found:
                found.append(decode(payload, _READINGS))
                on_reading(found[0])

        outcome = await self._outcome(work.READ_AND_RUN, request, take)
        if isinstance(outcome, Stop) or not found:
            return outcome if isinstance(outcome, Stop) else endings.of_outcome(outcome, stopped.place(None))
        return self._judged(found[0], outcome)

    async def run(self, snippet: Snippet, claims: tuple[tuple[float, float], ...]) -> Evaluated | Stop:
        """Runs one program in a child of its own."""
        outcome = await self._outcome(work.RUN, encode(work.Program(snippet, claims, self.room)))
        return outcome if isinstance(outcome, Stop) else self._evaluated(snippet, outcome, outcome.frames)

    async def rerun(self, evaluated: Evaluated, plan: Plan, until: float) -> tuple[work.Rerun, ...]:
        """All reruns of the plan; those of the graph share a child that never sees the source.

        The page's own script is ours too, made from the recorded numbers: it runs in that child, after them.
        """
        graph = tuple(each for each in plan.reruns if isinstance(each, GraphRerun))
        page = tuple(each for each in plan.reruns if isinstance(each, SourceRerun) and each.label == TWIN)
        sources = tuple(each for each in plan.reruns if isinstance(each, SourceRerun) and each.label != TWIN)
        prelude = evaluated.snippet.prelude
        done = await asyncio.gather(
            self._results((*graph, *page), work.REPLAY, work.Replay(evaluated.ran.recording, graph, page), until),
            *(self._results((each,), work.RERUN, work.Edited(each, prelude), until) for each in sources),
        )
        return tuple(result for results in done for result in results)

    async def _results(
        self, reruns: tuple[GraphRerun | SourceRerun, ...], entry: str, request: object, until: float
    ) -> tuple[work.Rerun, ...]:
        """A result for each rerun, as far as the child came within the time."""
        if not reruns:
            return ()
        frames: list[bytes] = []
        try:
            async with asyncio.timeout_at(until):
                run = self.evaluator.run(entry, encode(request), on_frame=frames.append, on_lost=frames.clear)
                reason = _reason(await run)
        except TimeoutError:
            reason = "there was no time left"
        except QueueFull:
            reason = "too many jobs were waiting"
        labels = [each.label for each in reruns]
        arrived = [work.Returned(label, frame) for label, frame in zip(labels, frames, strict=False)]
        return (*arrived, *(work.NotRun(label, reason) for label in labels[len(arrived) :]))

    async def _outcome(
        self, entry: str, request: bytes, on_frame: Callable[[bytes], None] | None = None
    ) -> outcomes.Outcome | Stop:
        try:
            return await self.evaluator.run(entry, request, on_frame=on_frame)
        except QueueFull as error:
            return stopped.busy(error.waiting)

    def _judged(self, reading: Reading, outcome: outcomes.Outcome) -> Evaluated | Stop | None:
        if not isinstance(reading, Question):
            return stopped.of_reading(reading)
        if reading.subject is None:
            return None
        return self._evaluated(reading.snippets[reading.subject], outcome, outcome.frames[1:], reading.missing)

    def _evaluated(
        self, snippet: Snippet, outcome: outcomes.Outcome, frames: tuple[bytes, ...], missing: tuple[str, ...] = ()
    ) -> Evaluated | Stop:
        what = stopped.place(snippet)
        if not isinstance(outcome, outcomes.Finished) or not frames:
            return endings.of_outcome(outcome, what)
        try:
            ran = decode(frames[0], _RUNS)
        except FrameInvalid:  # only a program that took over its process sends such a thing
            return endings.of_outcome(outcomes.Crashed(stdout=outcome.stdout), what)
        return self._stop(ran, snippet, missing, outcome.stdout) or Evaluated(snippet, ran)

    def _stop(self, ran: work.Ran, snippet: Snippet, missing: tuple[str, ...], printed: str) -> Stop | None:
        """Why a program that was run to its end is not explained; None where it is. `missing` are names it lacks."""
        what = stopped.place(snippet)
        match ran.ended:
            case "returned":
                return None
            case "showed-nothing":
                built = built_of_data(snippet.source)
                sentence = stopped.built_of_data(*built) if built else stopped.showed_nothing(what)
                return Stop("needs-input", sentence, printed)
            case "raised":
                unnamed = missing if ran.error and ran.error.type in _UNDEFINED else ()
                if unnamed and set(unnamed) <= set(foreign_names(snippet.source)):
                    return dataclasses.replace(stopped.not_installed(unnamed), printed=printed)
                return dataclasses.replace(stopped.undefined(unnamed), printed=printed) if unnamed else None
            case "refused":
                attempt = endings.refused(ran.attempt, ran.error.message if ran.error else "")
                return Stop("forbidden", endings.forbidden(what, attempt), printed)
            case "out-of-memory":
                return Stop("out-of-memory", endings.out_of_memory(what, self.evaluator.limits.memory_mb), printed)
            case _:
                assert_never(ran.ended)


def limits_of(wall_seconds: float, cpu_seconds: int, memory_mb: int, room: work.Room, request_bytes: int) -> Limits:
    """Limits of a child; a Recording goes out of one, and back into the next for its reruns."""
    return Limits(
        wall_seconds=wall_seconds,
        cpu_seconds=cpu_seconds,
        memory_mb=memory_mb,
        request_bytes=room.recording_bytes + request_bytes,
        output_bytes=room.printed_bytes,
        frame_bytes=2 * room.recording_bytes + request_bytes,
        result_bytes=8 * room.recording_bytes,
    )


def _reason(outcome: outcomes.Outcome) -> str:
    """Why a child gave fewer results than it was asked for."""
    match outcome:
        case outcomes.TimedOut():
            return "it took too long"
        case outcomes.OutOfMemory():
            return "it needed too much memory"
        case outcomes.TooLarge():
            return "its result was too large"
        case outcomes.Forbidden():
            return "it tried what the sandbox forbids"
        case outcomes.Crashed() | outcomes.Finished():
            return "its process ended without a result"
        case _:
            assert_never(outcome)
