"""What the explainers make of a program that ran: plan → rerun → conclude."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from bot.choosing import Program
from bot.claims import for_answer
from bot.evaluation import Children
from bot.evaluator.explainer import ExplainerDied, ExplainerRaised, ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import FrameError, decode, encode
from bot.exchange import Ask, Wants
from bot.jobs import work
from bot.reading.question import Question
from bot.remarks import supplied
from explainers.reruns import Plan

T = TypeVar("T")

EXPLAINER_ERRORS: Final = (ExplainerTimedOut, ExplainerDied, ExplainerRaised, FrameError)

_PLANS: Final = msgspec.msgpack.Decoder(Plan)
_NOTHING: Final = msgspec.msgpack.Decoder(None)
_CONCLUDED: Final = msgspec.msgpack.Decoder(work.Concluded)
_EXPLAIN_SHARE: Final = 0.4
"""Of the time that is left, what reruns leave to explaining and drawing."""


@dataclass(frozen=True)
class Investigating:
    """Investigates programs for one message, in a locale, until a point of time of the loop's clock."""

    children: Children
    explainers: Explainers
    ask: Ask
    question: Question
    locale: str
    reruns: int
    explain_seconds: float
    until: float

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.until - asyncio.get_running_loop().time())

    async def investigated(self, program: Program, wants: Wants) -> work.Concluded:
        """Raises what an explainer raises."""
        return await self.concluded(program, await self.rerun(program), wants)

    async def rerun(self, program: Program) -> tuple[work.Rerun, ...]:
        """What the reruns gave that the diagnoses of a program want."""
        recording = program.evaluated.ran.recording
        plan = await self._ask(work.ToPlan(recording, program.claims, self.reruns), _PLANS)
        until = self.until - _EXPLAIN_SHARE * self.left()
        reruns = self.children.rerun(program.evaluated, plan, until)
        results, _none = await asyncio.gather(reruns, self._derive(work.ToDerive(recording, program.claims)))
        return results

    async def concluded(self, program: Program, results: tuple[work.Rerun, ...], wants: Wants) -> work.Concluded:
        """The Answer, and what is drawn of it that is wanted."""
        request = work.ToConclude(
            id=self.ask.id,
            recording=program.evaluated.ran.recording,
            claims=program.claims,
            results=results,
            completions=supplied(program.evaluated.snippet),
            stated=for_answer(self.question.claims),
            missing=self.question.missing,
            locale=self.locale,
            theme=self.ask.theme,
            wants=wants,
        )
        return await self._ask(request, _CONCLUDED)

    async def _derive(self, request: work.ToDerive) -> None:
        """Works ahead; what goes wrong goes wrong again, and is told, where it is needed."""
        with contextlib.suppress(*EXPLAINER_ERRORS):
            await self._ask(request, _NOTHING)

    async def _ask(self, request: work.ToExplainer, decoder: msgspec.msgpack.Decoder[T]) -> T:
        seconds = min(self.explain_seconds, self.left())
        return decode(await self.explainers.call(encode(request), seconds), decoder)
