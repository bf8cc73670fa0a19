"""The walk of a message: read → evaluate → plan → rerun → explain → draw → Answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeVar

import msgspec

from bot import comparing, stopped
from bot.claims import for_answer, for_explainer, printed
from bot.comparing import Compared, Version, versions
from bot.evaluation import Children, Evaluated
from bot.evaluator.explainer import ExplainerDied, ExplainerRaised, ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import FrameError, decode, encode
from bot.examples import Examples, adapted
from bot.exchange import Answer, Ask, Catalogue, Drawn, Other, Paragraph, StageName, Wants
from bot.given_away import GivenAway, given_away, possible, told
from bot.jobs import work
from bot.languages import FALLBACK
from bot.line import TurnedAway
from bot.log import Log, places, reason
from bot.reading.files import is_picture
from bot.reading.question import NeedsInput, Origin, Question, Reading, ReportedError, Snippet, TooLong
from bot.remarks import has_random_stand_ins, preface, remarks, shown, supplied
from bot.sketching import fitting, furthest
from bot.stopped import Asker, Stop
from bot.stopping_again import again
from bot.stopwatch import Stopwatch
from explainers import claims
from explainers.locale import Translator
from explainers.messages import said
from explainers.reruns import Plan
from explainers.standins import stand_in

T = TypeVar("T")

_PLANS: Final = msgspec.msgpack.Decoder(Plan)
_NOTHING: Final = msgspec.msgpack.Decoder(None)
_CONCLUDED: Final = msgspec.msgpack.Decoder(work.Concluded)
_EXPLAIN_SHARE: Final = 0.4
"""Of the time that is left, what reruns leave to explaining and drawing."""

_SECOND_SHARE: Final = 0.7
"""Of the time that is left, what a second mistake may take: the answer to the first is there already."""

_MOST_OTHERS: Final = 3
"""Further snippets of a message that are run."""

_MOST_EARLIER: Final = 2
"""Exceptions before the one asked about that are told too."""

_EXPLAINER_ERRORS: Final = (ExplainerTimedOut, ExplainerDied, ExplainerRaised, FrameError)


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
        except _EXPLAINER_ERRORS as error:
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
        self._claims: tuple[claims.Claim, ...] | None = None
        self._shows: work.Example | None = None
        self._given_away: GivenAway | None = None
        self._missing: tuple[str, ...] = ()
        self._locale = self._spoken(ask.locale or FALLBACK)

    async def answer(self) -> Answer:
        """Raises what an explainer raises."""
        if too_long := self._too_long():
            return self.stopped(too_long)
        self._enter("read")
        evaluated = await self._evaluated()
        if isinstance(evaluated, Stop) or self._question is None:
            return self.stopped(self._told_why(evaluated) if isinstance(evaluated, Stop) else stopped.failed(self.what))
        self.what = stopped.place(evaluated.snippet)
        self._enter("explain")
        question = self._question
        others = asyncio.gather(*(self._version(question, each) for each in self._versions(evaluated.snippet)))
        earlier = asyncio.gather(*(self._before(question, each) for each in question.before[:_MOST_EARLIER]))
        try:
            results = await self._rerun(self._question, evaluated)
            self._enter("draw")
            concluded = await self._conclude(self._question, evaluated, results, self._ask.wants)
            if isinstance(plain := await self._instead(evaluated, concluded), Evaluated):
                evaluated, results = plain, await self._rerun(self._question, plain)
                concluded = await self._conclude(self._question, evaluated, results, self._ask.wants)
            further = await self._stopping_again(self._question, evaluated, concluded)
            found = tuple(each for each in await others if each is not None)
            before = tuple(each for each in await earlier if each is not None)
        finally:
            others.cancel()
            earlier.cancel()
        return self._finished(question, evaluated, concluded, found, (*further, *before))

    def stopped(self, stop: Stop) -> Answer:
        """The Answer of a walk that ends here."""
        question = self._question
        asker = Asker(self._ask.id, self._locale, for_answer(question.claims) if question else (), self._missing)
        answer = stopped.answer(stop, asker, self._answering.translators[self._locale])
        return msgspec.structs.replace(answer, timings_ms=self._watch.timings())

    def _told_why(self, stop: Stop) -> Stop:
        """The Stop, which says of names that the message shows in part that this is what they lack."""
        cut = self._question.cut if self._question and stop.outcome == "needs-input" else ()
        return stopped.cut(cut) if cut else stop

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
            self._locale = self._spoken(self._ask.locale or reading.language)

    def _spoken(self, locale: str) -> str:
        """The locale, or its language, where the bot speaks it."""
        known = self._answering.translators
        return next((name for name in (locale, locale.partition("-")[0]) if name in known), FALLBACK)

    def _too_long(self) -> Stop | None:
        bounds = self._answering.bounds
        text, files = len(self._ask.text.encode()), sum(len(file.data) for file in self._ask.files)
        if text > bounds.message_bytes:
            return stopped.too_long(said("Your message"), text, bounds.message_bytes)
        if files > bounds.file_bytes:
            return stopped.too_long(said("What you attached"), files, bounds.file_bytes)
        return None

    async def _evaluated(self) -> Evaluated | Stop:
        """The message's program, or an example of ours where it holds none or one that needs what nobody defines."""
        evaluated = await self._answering.children.read_and_run(self._ask, self._was_read)
        if evaluated is None:
            return await self._example()
        question = self._question
        if question is None:
            return evaluated
        if isinstance(evaluated, Evaluated):
            if evaluated.ran.ended == "raised" and question.cut:
                return stopped.cut(question.cut)
            return await self._as_reported(question, evaluated)
        if evaluated.outcome == "out-of-memory" and question.topics:
            example = await self._example()
            return evaluated if isinstance(example, Stop) else example
        if evaluated.outcome != "needs-input" or not (self._missing or question.sketches):
            return evaluated
        found = await self._sketched(question)
        if (sketch := fitting(question, found)) is not None:
            return sketch
        if (raising := await self._raising(question)) is not None:
            return raising
        if question.fails and (sketch := furthest(found)) is not None and sketch.ran.ended == "raised":
            return sketch
        example = await self._example()
        return evaluated if isinstance(example, Stop) else example

    async def _as_reported(self, question: Question, evaluated: Evaluated) -> Evaluated | Stop:
        """A program that raises the reported error, where data that we read out of the message or made up do not."""
        reported = question.traceback is not None and question.fails
        ours = evaluated.snippet.origin is Origin.LITERAL or has_random_stand_ins(evaluated.snippet)
        if not reported or not ours or evaluated.ran.ended == "raised":
            return evaluated
        raising = await self._raising(question)
        return evaluated if raising is None or isinstance(raising, Stop) else raising

    async def _sketched(self, question: Question) -> list[Evaluated]:
        """The asker's lines on numbers made up for them, as far as they run."""
        found = await asyncio.gather(*(self._answering.children.run(each, ()) for each in question.sketches))
        return [each for each in found if isinstance(each, Evaluated)]

    async def _raising(self, question: Question) -> Evaluated | Stop | None:
        """A program of ours that raises the reported error, None where none is known."""
        if question.traceback is None:
            return None
        made_up = stand_in(question.traceback.message, self._ask.text)
        return await self._ours(made_up) if made_up is not None else None

    async def _example(self) -> Evaluated | Stop:
        """A question in words is answered with the example that it is about, else with one of the loss that it names;
        an error message with a program that raises it.

        The arguments that it names go into the example, unless that then raises.
        """
        question = self._question
        self._given_away = await asyncio.to_thread(given_away, question) if question else None
        if self._given_away is not None:
            return await self._ours(self._given_away.source)
        if question is not None and (raising := await self._raising(question)) is not None:
            return raising
        source = self._chosen(question) if question else None
        if question is None or source is None:
            unread = question is not None and any(map(is_picture, question.left_out))
            return stopped.lacking("picture" if unread else "code")
        arguments = {loss.name: loss.arguments for loss in self._answering.catalogue.losses}
        told = adapted(source, question.stated, arguments)
        evaluated = await self._ours(told)
        raised = isinstance(evaluated, Stop) or evaluated.ran.ended == "raised"
        return await self._ours(source) if raised and told != source else evaluated

    async def _instead(self, evaluated: Evaluated, concluded: work.Concluded) -> Evaluated | Stop | None:
        """An example, where the asker's lines on made-up numbers show nothing; else the example as it stands, where the
        arguments that the asker names took from it what it is to show.
        """
        if self._question and evaluated.snippet in self._question.sketches and not concluded.answer.diagnoses:
            return None if self._answering.examples.best(self._question) is None else await self._example()
        example, self._shows = self._shows, None
        answer = concluded.answer
        kept = any(found.slug == example.slug for found in answer.diagnoses) if example else False
        if example is None or (kept and _behaves(answer)):
            return None
        return await self._ours(example.source)

    def _chosen(self, question: Question) -> str | None:
        example = self._answering.examples.best(question)
        if example is not None:
            self._claims = example.claims
            self._shows = example if question.stated else None
            return example.source
        self._claims = for_explainer(tuple(each for each in question.claims if each.kind != "printed"))
        plain = {loss.name: loss.example for loss in self._answering.catalogue.losses}
        named = question.loss_words if question.subject is None and question.traceback is None else ()
        return next((plain[name] for name in named if name in plain), None)

    async def _ours(self, source: str) -> Evaluated | Stop:
        return await self._answering.children.run(Snippet(source, Origin.COMPLETED, (), (), shown=True), ())

    def _versions(self, explained: Snippet) -> tuple[Version, ...]:
        return versions(self._question, explained, _MOST_OTHERS) if self._question else ()

    async def _version(self, question: Question, version: Version) -> Compared | None:
        """What a further program of the message shows, and what each change that leads to it does."""
        alone = asyncio.gather(*(self._other(question, each) for each in version.alone))
        try:
            other = await self._other(question, version.snippet)
            return None if other is None else Compared(version, other, tuple(await alone))
        finally:
            alone.cancel()

    async def _other(self, question: Question, snippet: Snippet) -> Other | None:
        """What a further program of the message shows; None where it shows nothing."""
        evaluated = await self._answering.children.run(snippet, printed(question.claims))
        if isinstance(evaluated, Stop):
            return None
        try:
            results = await self._rerun(question, evaluated)
            answer = (await self._conclude(question, evaluated, results, Wants())).answer
        except _EXPLAINER_ERRORS:  # the message's subject has its answer without it
            return None
        expression = snippet.source.rstrip().rpartition("\n")[2]
        return Other(expression, answer.loss, answer.value, answer.proof) if answer.value is not None else None

    async def _stopping_again(
        self, question: Question, evaluated: Evaluated, concluded: work.Concluded
    ) -> tuple[Paragraph, ...]:
        """What is to say of the program with its fix, where it then stops at another place."""
        if concluded.fixed is None or not concluded.fixed.stops:
            return ()
        snippet = msgspec.structs.replace(evaluated.snippet, source=concluded.fixed.source)
        try:
            async with asyncio.timeout(_SECOND_SHARE * self._left()):
                fixed = await self._answering.children.run(snippet, printed(question.claims))
                if isinstance(fixed, Stop):
                    return ()
                then = await self._conclude(question, fixed, await self._rerun(question, fixed), Wants())
        except (TimeoutError, *_EXPLAINER_ERRORS):  # the first mistake has its answer without the second
            return ()
        return tuple(again(then, self._answering.translators[self._locale]))

    async def _before(self, question: Question, error: ReportedError) -> Paragraph | None:
        """What an exception meant that came before the one asked about; None where no program of ours raises it."""
        source = stand_in(error.message, self._ask.text)
        evaluated = await self._ours(source) if source is not None else None
        if not isinstance(evaluated, Evaluated):
            return None
        try:
            answer = (await self._conclude(question, evaluated, await self._rerun(question, evaluated), Wants())).answer
        except _EXPLAINER_ERRORS:  # the message's last exception has its answer without it
            return None
        heading = said("Before that, {type}: {verdict}", type=error.type, verdict=answer.verdict)
        told = [heading.say(self._answering.translators[self._locale])]
        return Paragraph("remarks", "\n".join([*told, *(p.text for p in answer.paragraphs if p.kind == "fix")]))

    async def _rerun(self, question: Question, evaluated: Evaluated) -> tuple[work.Rerun, ...]:
        stated, recording = self._stated(question), evaluated.ran.recording
        plan = await self._ask_explainer(work.ToPlan(recording, stated, self._answering.bounds.reruns), _PLANS)
        until = self._until - _EXPLAIN_SHARE * self._left()
        reruns = self._answering.children.rerun(evaluated, plan, until)
        results, _none = await asyncio.gather(reruns, self._derive(work.ToDerive(recording, stated)))
        return results

    async def _derive(self, request: work.ToDerive) -> None:
        """Works ahead; what goes wrong goes wrong again, and is told, where it is needed."""
        with contextlib.suppress(*_EXPLAINER_ERRORS):
            await self._ask_explainer(request, _NOTHING)

    async def _conclude(
        self, question: Question, evaluated: Evaluated, results: tuple[work.Rerun, ...], wants: Wants
    ) -> work.Concluded:
        request = work.ToConclude(
            id=self._ask.id,
            recording=evaluated.ran.recording,
            claims=self._stated(question),
            results=results,
            completions=supplied(evaluated.snippet),
            stated=for_answer(question.claims),
            missing=question.missing,
            locale=self._locale,
            theme=self._ask.theme,
            wants=wants,
        )
        return await self._ask_explainer(request, _CONCLUDED)

    def _stated(self, question: Question) -> tuple[claims.Claim, ...]:
        """What is claimed of the program: by the asker of theirs, by us of an example of ours."""
        return for_explainer(question.claims) if self._claims is None else self._claims

    async def _ask_explainer(self, request: work.ToExplainer, decoder: msgspec.msgpack.Decoder[T]) -> T:
        seconds = min(self._answering.bounds.explain_seconds, self._left())
        return decode(await self._answering.explainers.call(encode(request), seconds), decoder)

    def _left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    def _finished(
        self,
        question: Question,
        evaluated: Evaluated,
        concluded: work.Concluded,
        compared: tuple[Compared, ...],
        further: tuple[Paragraph, ...],
    ) -> Answer:
        answer = concluded.answer
        if concluded.troubles:
            self._answering.log.error("explained in part", ask=self._ask.id, troubles=concluded.troubles)
        translator = self._answering.translators[self._locale]
        before = [Paragraph("preface", each.say(translator)) for each in preface(question, evaluated.snippet)]
        if self._given_away is not None:
            before += told(self._given_away, self._answering.catalogue, translator)
            answer = possible(answer)
        others = tuple(each.other for each in compared)
        changed = (comparing.told(question, evaluated.snippet, answer.value, each) for each in compared)
        added = (*shown(question, others), *chain(*changed), *remarks(question, evaluated.snippet))
        after = [Paragraph("remarks", each.say(translator)) for each in added]
        paragraphs = (*before, *answer.paragraphs, *further, *after)
        return msgspec.structs.replace(
            answer,
            text="\n\n".join(each.text for each in paragraphs) + "\n",
            paragraphs=paragraphs,
            others=answer.others + others,
            timings_ms=self._watch.timings(concluded.draw_ms),
        )


def _behaves(answer: Answer) -> bool:
    """Whether the value is nan, infinite or negative, where the asker says that theirs is."""
    value, said_of_it = answer.value, {claim.value for claim in answer.claims if claim.kind == "behaviour"}
    shown = {"nan": value == "nan", "inf": value in ("inf", "-inf"), "negative": isinstance(value, float) and value < 0}
    told = [shown[word] for word in shown if word in said_of_it]
    return any(told) or not told
