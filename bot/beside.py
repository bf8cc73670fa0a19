"""What else a message holds beside the program that is explained: further programs, earlier exceptions, second
mistakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from bot.choosing import Choosing, Program
from bot.claims import about, are_apart, for_explainer, printed, without
from bot.comparing import Compared, Version, versions
from bot.evaluation import Children, Evaluated
from bot.exchange import Answer, Numbers, Other, Paragraph, Wants
from bot.investigating import EXPLAINER_ERRORS, Investigating
from bot.jobs import work
from bot.reading.question import Question, ReportedError, Snippet
from bot.stopped import Stop
from bot.stopping_again import again
from bot.symptoms import told
from explainers.locale import Translator
from explainers.messages import Message, said
from explainers.standins import stand_in

_SECOND_SHARE: Final = 0.7
"""Of the time that is left, what a second mistake may take: the answer to the first is there already."""

_MOST_OTHERS: Final = 3
"""Further snippets of a message that are run."""

_MOST_CAUSES: Final = 3
"""Examples of what else causes a symptom that are run beside the first."""

_MOST_SKETCHES: Final = 2
"""Versions of a program that lacks names in which the cause of its number is looked for."""

_MOST_EARLIER: Final = 2
"""Exceptions before the one asked about that are told too."""


@dataclass(frozen=True)
class _Shown:
    """What a further program shows, and what its own answer says first."""

    told: Other
    verdict: str
    diagnosed: tuple[str, ...]
    """What its answer says of the cause, and its fix."""

    causes: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """Looks into the rest of one message; nothing of it may take the answer from the subject."""

    children: Children
    choosing: Choosing
    investigating: Investigating
    translator: Translator

    async def versions(self, explained: Snippet) -> tuple[Compared, ...]:
        """The message's further programs that show a value, each held against the explained one."""
        found = versions(self._question, explained, _MOST_OTHERS)
        return tuple(each for each in await asyncio.gather(*map(self._version, found)) if each is not None)

    def meant(self, program: Program, answer: Answer, found: tuple[Compared, ...]) -> int | None:
        """Which further program is asked about rather than the explained one: the first in which a cause is found,
        where none is in that. None where there is none, or where each is a question of its own."""
        question = self._question
        if not program.is_theirs or answer.diagnoses or question.fails or are_apart(question):
            return None
        caused = (each for each in found if each.causes and each.other.error is None and each.version.changes)
        return next((question.snippets.index(each.version.snippet) for each in caused), None)

    async def instead(self, at: int, value: Numbers | None) -> tuple[Question, Program] | None:
        """The question with another program as its subject, and that program; `value` is the one that was explained,
        so that no claim of it is one of the other. None where it does not run again."""
        claims = without(self._question.claims, value)
        question = msgspec.structs.replace(self._question, subject=at, claims=claims)
        evaluated = await self.children.run(question.snippets[at], printed(claims))
        if isinstance(evaluated, Stop):
            return None
        return question, Program(evaluated, for_explainer(about(question, evaluated.snippet)))

    async def earlier(self) -> tuple[Paragraph, ...]:
        """What the exceptions meant that came before the one asked about."""
        before = self._question.before[:_MOST_EARLIER]
        return tuple(each for each in await asyncio.gather(*map(self._before, before)) if each is not None)

    async def causes(self, program: Program) -> tuple[Paragraph, ...]:
        """What else causes a symptom than the example of ours that was run for it: what the next examples give."""
        if program.symptom is None:
            return ()
        others = self.choosing.examples.causing(program.symptom, self._question.loss_words)[1 : 1 + _MOST_CAUSES]
        ran = await asyncio.gather(*map(self._cause, others))
        found = [each for each in ran if each is not None]
        sentences = told(found, self.choosing.catalogue, self.translator.locale)
        return (Paragraph("remarks", "\n".join(each.say(self.translator) for each in sentences)),)

    async def settled(self, program: Program) -> tuple[Paragraph, ...]:
        """What the asker's own lines show of the cause of a number that a program of ours gave, run on numbers made up
        for what they lack, else the example of a cause that their words name; nothing where there is neither."""
        given, sketches = program.given_away, self._question.sketches[:_MOST_SKETCHES]
        if given is None:
            return ()
        form = given.found[0].slug
        found = [each for each in await asyncio.gather(*map(self._sketched, sketches)) if each is not None]
        shows = (each for each in found if any(self.choosing.may_cause(d.slug, form) for d in each.diagnoses[:1]))
        if (shown := next(shows, None)) is not None:
            told = said("Your code shows it, on numbers made up for what it lacks: {verdict}", verdict=shown.verdict)
            return (self._with_fix(told, shown),)
        named = self.choosing.named_cause(self._question, form)
        cause = None if named is None else await self._cause(named)
        if cause is None:
            return ()
        told = said(
            "Your words name a cause of it, which I ran on numbers of ours: {verdict}", verdict=cause[1].verdict
        )
        return (self._with_fix(told, cause[1]),)

    def _with_fix(self, told: Message, answer: Answer) -> Paragraph:
        fixes = (each.text for each in answer.paragraphs if each.kind == "fix")
        return Paragraph("remarks", "\n".join([told.say(self.translator), *fixes]))

    async def stopping_again(self, program: Program, concluded: work.Concluded) -> tuple[Paragraph, ...]:
        """What is to say of the program with its fix, where it then stops at another place."""
        if concluded.fixed is None or not concluded.fixed.stops:
            return ()
        snippet = msgspec.structs.replace(program.evaluated.snippet, source=concluded.fixed.source)
        try:
            async with asyncio.timeout(_SECOND_SHARE * self.investigating.left()):
                fixed = await self.children.run(snippet, printed(self._question.claims))
                if isinstance(fixed, Stop):
                    return ()
                then = await self.investigating.investigated(Program(fixed, program.claims), Wants())
        except (TimeoutError, *EXPLAINER_ERRORS):  # the first mistake has its answer without the second
            return ()
        return tuple(again(then, self.translator))

    @property
    def _question(self) -> Question:
        return self.investigating.question

    async def _version(self, version: Version) -> Compared | None:
        """What a further program of the message shows, and what each change that leads to it does."""
        alone = asyncio.gather(*map(self._other, version.alone))
        try:
            other = await self._other(version.snippet)
            if other is None or (other.told.error is not None and not version.changes):
                return None
            each_alone = tuple(None if each is None else each.told for each in await alone)
            apart = are_apart(self._question)
            answered = other.diagnosed if apart or not version.changes else ()
            first = (other.verdict,) if apart else ()
            return Compared(version, other.told, each_alone, other.verdict, answered or first, other.causes)
        finally:
            alone.cancel()

    async def _other(self, snippet: Snippet) -> _Shown | None:
        """What a further program of the message shows, or stops with; None where it shows nothing."""
        claims = about(self._question, snippet)
        evaluated = await self.children.run(snippet, printed(claims))
        if isinstance(evaluated, Stop):
            return None
        program = Program(evaluated, for_explainer(claims))
        try:
            answer = (await self.investigating.investigated(program, Wants())).answer
        except EXPLAINER_ERRORS:  # the message's subject has its answer without it
            return None
        expression = _last(snippet)
        if answer.value is None and answer.error is None:
            return None
        told = Other(expression, answer.loss, answer.value, answer.proof, answer.error)
        return _Shown(told, answer.verdict, tuple(_diagnosed(answer)), tuple(each.slug for each in answer.diagnoses))

    async def _cause(self, example: work.Example) -> tuple[str, Answer] | None:
        """The slug of an example and the answer to it; None where it does not show what it is to show."""
        evaluated = await self.choosing.ours(example.source)
        if not isinstance(evaluated, Evaluated):
            return None
        try:
            answer = (await self.investigating.investigated(Program(evaluated, example.claims), Wants())).answer
        except EXPLAINER_ERRORS:  # one cause fewer is told
            return None
        return (example.slug, answer) if any(each.slug == example.slug for each in answer.diagnoses) else None

    async def _sketched(self, sketch: Snippet) -> Answer | None:
        """The answer to a version of the asker's program; None where it does not run."""
        evaluated = await self.children.run(sketch, ())
        if isinstance(evaluated, Stop) or evaluated.ran.ended != "returned":
            return None
        try:
            return (await self.investigating.investigated(Program(evaluated, ()), Wants())).answer
        except EXPLAINER_ERRORS:  # the number has its answer without it
            return None

    async def _before(self, error: ReportedError) -> Paragraph | None:
        """What an exception meant that came before the one asked about; None where no program of ours raises it."""
        source = stand_in(error.message, self.investigating.ask.text)
        evaluated = await self.choosing.ours(source) if source is not None else None
        if not isinstance(evaluated, Evaluated):
            return None
        program = Program(evaluated, for_explainer(self._question.claims))
        try:
            answer = (await self.investigating.investigated(program, Wants())).answer
        except EXPLAINER_ERRORS:  # the message's last exception has its answer without it
            return None
        heading = said("Before that, {type}: {verdict}", type=error.type, verdict=answer.verdict)
        return self._with_fix(heading, answer)


def _last(snippet: Snippet) -> str:
    """The last line of a program that is no remark."""
    lines = (line.strip() for line in reversed(snippet.source.splitlines()))
    return next((line for line in lines if line and not line.startswith("#")), "")


def _diagnosed(answer: Answer) -> Iterator[str]:
    """What an answer says of a program whose cause it knows: the verdict, what else it would give, and the fix."""
    if answer.diagnoses or any(each.kind == "expected" for each in answer.claims):
        yield answer.verdict
        yield from (each.text for each in answer.paragraphs if each.kind in ("counterfactuals", "fix"))
