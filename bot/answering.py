"""The walk of a message: read → evaluate → plan → rerun → explain → draw → Answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import msgspec

from bot import comparing, stopped
from bot.beside import Beside
from bot.choosing import Choosing, Program
from bot.claims import for_answer
from bot.comparing import Compared
from bot.dated import dated
from bot.evaluation import Children
from bot.evaluator.explainer import ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import encode
from bot.examples import Examples
from bot.exchange import Answer, Ask, Catalogue, Drawn, Paragraph, StageName
from bot.given_away import possible, told, unshown
from bot.investigating import EXPLAINER_ERRORS, Investigating
from bot.jobs import work
from bot.languages import nearest
from bot.last_digits import rounding
from bot.line import TurnedAway
from bot.log import Log, places, reason
from bot.only_told import about_the_number, number_told
from bot.reading.question import NeedsInput, Question, Reading, TooLong
from bot.remarks import has_random_stand_ins, preface, raises_today, remarks, shown, unraised
from bot.stopped import Asker, Stop
from bot.stopwatch import Stopwatch
from explainers.locale import Translator
from explainers.messages import Message, said

_MOST_INSTEAD: Final = 2
"""Programs of ours after one that showed nothing: an example with the asker's arguments, then as it stands."""


@dataclass(frozen=True)
class Bounds:
    """What one question may take: bytes of its text, of its files and of its Answer, reruns, seconds to explain."""

    message_bytes: int
    file_bytes: int
    answer_bytes: int
    reruns: int
    explain_seconds: float


@dataclass(frozen=True)
class Answering:
    """Answers messages, any number at a time; `translators` by locale, the fallback among them."""

    children: Children
    explainers: Explainers
    bounds: Bounds
    catalogue: Catalogue
    examples: Examples
    translators: Mapping[str, Translator]
    log: Log

    async def answer(self, ask: Ask, on_stage: Callable[[StageName], None]) -> Answer:
        """The Answer; cancelling ends all work for it."""
        walk = Walk(self, ask, on_stage)
        try:
            async with asyncio.timeout(ask.deadline):
                answer = await walk.answer()
        except TimeoutError:
            answer = walk.stopped(stopped.late(walk.what, ask.deadline))
        except ExplainerTimedOut:
            answer = walk.stopped(stopped.late(walk.what, min(ask.deadline, self.bounds.explain_seconds)))
        except EXPLAINER_ERRORS as error:
            self.log.error("not explained", ask=ask.id, error=reason(error), places=places(error))
            answer = walk.stopped(stopped.failed(walk.what))
        return self._fitted(answer)

    def busy(self, ask: Ask, reason: TurnedAway) -> Answer:
        """The Answer for one who may not even wait."""
        return Walk(self, ask, lambda _stage: None).stopped(stopped.turned_away(reason))

    def failed(self, ask: Ask) -> Answer:
        """The Answer where something of ours broke."""
        return Walk(self, ask, lambda _stage: None).stopped(stopped.failed(stopped.place(None)))

    def _fitted(self, answer: Answer) -> Answer:
        """The Answer without what is drawn, where that makes it too large for a frame."""
        if len(encode(answer)) <= self.bounds.answer_bytes:
            return answer
        self.log.warning("answer too large for its pictures", ask=answer.id)
        return msgspec.structs.replace(answer, drawn=Drawn())


class Walk:
    """One message on its way."""

    def __init__(self, answering: Answering, ask: Ask, on_stage: Callable[[StageName], None]) -> None:
        self.what = stopped.place(None)
        self._answering = answering
        self._ask = ask
        self._on_stage = on_stage
        self._watch = Stopwatch()
        self._until = asyncio.get_running_loop().time() + ask.deadline
        self._question: Question | None = None
        self._missing: tuple[str, ...] = ()
        self._locale = nearest(ask.locale, answering.translators)
        self._choosing = Choosing(answering.children, answering.catalogue, answering.examples, ask.text)

    async def answer(self) -> Answer:
        """Raises what an explainer raises."""
        if too_long := self._too_long():
            return self.stopped(too_long)
        self._enter("read")
        evaluated = await self._answering.children.read_and_run(self._ask, self._was_read)
        question = self._question
        program = await self._choosing.chosen(question, evaluated)
        if isinstance(program, Stop) or question is None:
            return self.stopped(self._told_why(program) if isinstance(program, Stop) else stopped.failed(self.what))
        self.what = stopped.place(program.evaluated.snippet)
        self._enter("explain")
        return await self._explained(question, program)

    def stopped(self, stop: Stop) -> Answer:
        """The Answer of a walk that ends here."""
        question = self._question
        asker = Asker(self._ask.id, self._locale, for_answer(question.claims) if question else (), self._missing)
        answer = stopped.answer(stop, asker, self._translator)
        return msgspec.structs.replace(answer, timings_ms=self._watch.timings())

    async def _explained(self, question: Question, program: Program, *, may_change: bool = True) -> Answer:
        """The Answer to a program; the rest of the message is looked into meanwhile.

        Where nothing is found in it, and something is in another one of the message, that is asked about.
        """
        investigating = self._investigating(question)
        beside = Beside(self._answering.children, self._choosing, investigating, self._translator)
        others = asyncio.ensure_future(beside.versions(program.evaluated.snippet))
        earlier = asyncio.ensure_future(beside.earlier())
        causes = asyncio.ensure_future(beside.causes(program))
        settled = asyncio.ensure_future(beside.settled(program))
        try:
            program, concluded = await self._concluded(question, program, investigating)
            if self._choosing.is_guessed(question, program, concluded.answer):
                return self.stopped(self._told_why(stopped.undefined(self._missing)))
            at = beside.meant(program, concluded.answer, await others) if may_change else None
            meant = None if at is None else await beside.instead(at, concluded.answer.value)
            if meant is not None:
                return await self._explained(*meant, may_change=False)
            further = await beside.stopping_again(program, concluded)
            more = (*further, *await earlier, *await causes)
            return self._finished(question, program, concluded, await others, more, await settled)
        finally:
            others.cancel()
            earlier.cancel()
            causes.cancel()
            settled.cancel()

    async def _concluded(
        self, question: Question, program: Program, investigating: Investigating
    ) -> tuple[Program, work.Concluded]:
        """What is made of the program, or of the one that says more."""
        results = await investigating.rerun(program)
        self._enter("draw")
        concluded = await investigating.concluded(program, results, self._ask.wants)
        for _ in range(_MOST_INSTEAD):
            instead = await self._choosing.instead(question, program, concluded.answer)
            if instead is None:
                break
            program, concluded = instead, await investigating.investigated(instead, self._ask.wants)
        return program, concluded

    def _investigating(self, question: Question) -> Investigating:
        answering, bounds = self._answering, self._answering.bounds
        return Investigating(
            answering.children,
            answering.explainers,
            self._ask,
            question,
            self._locale,
            bounds.reruns,
            bounds.explain_seconds,
            self._until,
        )

    @property
    def _translator(self) -> Translator:
        return self._answering.translators[self._locale]

    def _told_why(self, stop: Stop) -> Stop:
        """The Stop, which says of names that the message shows in part that this is what they lack."""
        question = self._question if stop.outcome == "needs-input" else None
        return stopped.cut(question.cut) if question and question.cut else stop

    def _unraised(self, question: Question, program: Program, answer: Answer) -> tuple[Message, ...]:
        """That a program of the asker's raises no more what they report, or raises where they report none."""
        if not program.is_theirs or has_random_stand_ins(program.evaluated.snippet):
            return ()
        told = unraised if question.fails and answer.error is None else raises_today
        return tuple(told(question, answer, self._answering.catalogue.torch))

    def _enter(self, stage: StageName) -> None:
        self._watch.enter(stage)
        self._on_stage(stage)

    def _was_read(self, reading: Reading) -> None:
        if isinstance(reading, Question):
            self._enter("evaluate")
            self._question = msgspec.structs.replace(reading, earlier=self._ask.earlier)
        if isinstance(reading, Question | NeedsInput):
            self._missing = reading.missing
        if not isinstance(reading, TooLong):
            self._locale = nearest(self._ask.locale or reading.language, self._answering.translators)

    def _too_long(self) -> Stop | None:
        bounds = self._answering.bounds
        text, files = len(self._ask.text.encode()), sum(len(file.data) for file in self._ask.files)
        if text > bounds.message_bytes:
            return stopped.too_long(said("Your message"), text, bounds.message_bytes)
        if files > bounds.file_bytes:
            return stopped.too_long(said("What you attached"), files, bounds.file_bytes)
        return None

    def _finished(
        self,
        question: Question,
        program: Program,
        concluded: work.Concluded,
        compared: tuple[Compared, ...],
        further: tuple[Paragraph, ...],
        settled: tuple[Paragraph, ...],
    ) -> Answer:
        answer = concluded.answer if program.is_theirs else unshown(concluded.answer)
        if concluded.troubles:
            self._answering.log.error("explained in part", ask=self._ask.id, troubles=concluded.troubles)
        translator, snippet = self._translator, program.evaluated.snippet
        before = [Paragraph("preface", each.say(translator)) for each in preface(question, snippet)]
        if program.given_away is not None:
            before += (*told(program.given_away, self._answering.catalogue, translator, bool(settled)), *settled)
            answer = possible(answer)
        first: tuple[Paragraph, ...] = ()
        if (number := number_told(question, program, answer)) is not None:
            answer = about_the_number(answer, question, number, translator)
            first = (Paragraph("verdict", answer.verdict),)
        others = tuple(each.other for each in compared)
        changed = (comparing.told(question, snippet, answer.value, each) for each in compared)
        added = (
            *shown(question, others),
            *chain(*changed),
            *remarks(question, snippet),
            *self._unraised(question, program, answer),
            *(dated(question.text, self._answering.catalogue.torch) if program.is_theirs else ()),
            *_rounded(question, program),
        )
        after = [Paragraph("remarks", each.say(translator)) for each in added]
        paragraphs = (*first, *before, *answer.paragraphs, *further, *after)
        return msgspec.structs.replace(
            answer,
            text="\n\n".join(each.text for each in paragraphs) + "\n",
            paragraphs=paragraphs,
            others=answer.others + others,
            timings_ms=self._watch.timings(concluded.draw_ms),
        )


def _rounded(question: Question, program: Program) -> tuple[Message, ...]:
    """What tells two numbers of the asker's apart, where no program of theirs does."""
    found = None if program.is_theirs else rounding(question)
    return () if found is None else (found,)
