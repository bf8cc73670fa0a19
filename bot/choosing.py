"""Which program answers a message: its own, its lines on numbers made up for it, or an example of ours."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from bot import stopped
from bot.claims import about, for_explainer
from bot.evaluation import Children, Evaluated
from bot.evaluator.frames import decode
from bot.examples import Examples, adapted, called_in, is_telling
from bot.exchange import Answer, Catalogue, Loss
from bot.given_away import GivenAway, given_away
from bot.jobs import work
from bot.opposing import found, opposed, program, search
from bot.reading.files import is_picture
from bot.reading.question import Origin, Question, Snippet
from bot.reading.sketches.calling import is_of_backward
from bot.remarks import has_random_numbers, has_random_stand_ins
from bot.sketching import fitting, furthest, is_same
from bot.stopped import Stop
from bot.symptoms import symptom
from explainers.claims import Claim
from explainers.recording import Recording
from explainers.standins import stand_in

_RECORDINGS: Final = msgspec.msgpack.Decoder(Recording)
_SIZE: Final = re.compile(r"\d{2,}")
_OF_DEFINITIONS: Final = "definitions"
"""The family of what is computed otherwise elsewhere: other bases, factors, roots."""

_OF_TRAINING: Final = ("training", "reductions", "backward", "silent-gradients")
"""Families of what a program does wrong whatever its numbers and its loss are."""


@dataclass(frozen=True)
class Program:
    """A program that ran, and what is claimed of it.

    `shows` is the example that it is, with arguments that the asker names; `given_away` the closed form of a bare
    number that it returns; `symptom` what it shows one cause of, where nothing but that was told.
    """

    evaluated: Evaluated
    claims: tuple[Claim, ...]
    shows: work.Example | None = None
    given_away: GivenAway | None = None
    symptom: str | None = None

    @property
    def is_theirs(self) -> bool:
        """Whether it is the asker's, also where something was added to it."""
        return self.evaluated.snippet.origin is not Origin.COMPLETED


@dataclass(frozen=True)
class _Source:
    """An example before it runs."""

    source: str
    claims: tuple[Claim, ...]
    shows: work.Example | None = None
    given_away: GivenAway | None = None
    symptom: str | None = None


@dataclass(frozen=True)
class Choosing:
    """Chooses and runs the program for one message of this text."""

    children: Children
    catalogue: Catalogue
    examples: Examples
    text: str

    async def chosen(self, question: Question | None, evaluated: Evaluated | Stop | None) -> Program | Stop:
        """The message's program, or an example of ours where it holds none (None) or one that needs what nobody
        defines.
        """
        if evaluated is None:
            return stopped.lacking("code") if question is None else await self._example(question)
        if question is None:
            return stopped.failed(stopped.place(None)) if isinstance(evaluated, Evaluated) else evaluated
        if isinstance(evaluated, Evaluated):
            if evaluated.ran.ended == "raised" and question.cut:
                return stopped.cut(question.cut)
            return await self._as_reported(question, evaluated)
        if evaluated.outcome == "out-of-memory" and question.topics:
            return await self._example_or(question, evaluated)
        if evaluated.outcome != "needs-input" or not (question.missing or question.sketches):
            return evaluated
        return await self._completed(question, evaluated)

    async def instead(self, question: Question, program: Program, answer: Answer) -> Program | None:
        """An example, where the asker's lines on made-up numbers show nothing; else the example as it stands, where the
        arguments that the asker names took from it what it is to show. None where the program is right.
        """
        if program.evaluated.snippet in question.sketches and not answer.diagnoses:
            found = None if self.examples.best(question) is None else await self._example(question)
            return found if isinstance(found, Program) else None
        example = program.shows
        if example is None or (any(found.slug == example.slug for found in answer.diagnoses) and _behaves(answer)):
            return None
        ran = await self.ours(example.source)
        return None if isinstance(ran, Stop) else Program(ran, program.claims, given_away=program.given_away)

    def is_guessed(self, question: Question, program: Program, answer: Answer) -> bool:
        """Whether made-up numbers went into a loss that is assumed, and say nothing of how the program trains."""
        made = {each.what for each in program.evaluated.snippet.completions}
        if not made >= {"loss", "made-up"} or question.traceback is not None:
            return False
        families = {kind.slug: kind.family for kind in self.catalogue.diagnoses}
        return not any(families.get(found.slug) in _OF_TRAINING for found in answer.diagnoses)

    def named_cause(self, question: Question, form: str) -> work.Example | None:
        """The example of a mistake that the words name, which can be why a number has the form of another one."""
        best = self.examples.best(question) if question.subject is None else None
        if best is None or best.slug == form or not is_telling(best, frozenset(question.topics)):
            return None
        return best if self._family(best.slug) == self._family(form) else None

    def may_cause(self, slug: str, form: str) -> bool:
        """Whether a diagnosis of a program can be why its number has the form of another one: it is of the same family,
        or a mistake of training, whatever the numbers are."""
        return self._family(slug) in (*_OF_TRAINING, self._family(form))

    def _family(self, slug: str) -> str | None:
        return next((kind.family for kind in self.catalogue.diagnoses if kind.slug == slug), None)

    def _is_of_definition(self, question: Question) -> bool:
        """Whether the words name another definition of the loss: its number is then no sign of a mistake."""
        best = self.examples.best(question) if question.subject is None else None
        named = best is not None and is_telling(best, frozenset(question.topics))
        return named and best is not None and self._family(best.slug) == _OF_DEFINITIONS

    async def ours(self, source: str) -> Evaluated | Stop:
        """Runs a program of ours."""
        return await self.children.run(Snippet(source, Origin.COMPLETED, (), (), shown=True), ())

    async def _completed(self, question: Question, stop: Stop) -> Program | Stop:
        """What answers a program that lacks names: the form of a number that it gives, a sketch of it that fits, else
        what raises the reported error.
        """
        if not question.fails and (form := await self._form(question)) is not None:
            return form
        sketches = [each for each in await self._sketched(question) if isinstance(each, Evaluated)]
        if (sketch := fitting(question, sketches)) is not None:
            return _asked(question, sketch)
        if (raising := await self._raising(question)) is not None:
            return raising
        if (example := await self._example_raising(question)) is not None:
            return example
        if question.fails and (sketch := furthest(sketches)) is not None and sketch.ran.ended == "raised":
            return _asked(question, sketch)
        return await self._example_or(question, stop)

    async def _as_reported(self, question: Question, evaluated: Evaluated) -> Program | Stop:
        """A program that raises the reported error, where data that we read out of the message or made up do not."""
        reported = question.traceback is not None and question.fails
        ours = evaluated.snippet.origin is Origin.LITERAL or has_random_stand_ins(evaluated.snippet)
        if not reported or not ours or (evaluated.ran.ended == "raised" and not _misreads(question, evaluated)):
            return _asked(question, evaluated)
        raising = await self._raising(question)
        return raising if isinstance(raising, Program) else _asked(question, evaluated)

    async def _sketched(self, question: Question) -> list[Evaluated | Stop]:
        """The asker's lines on numbers made up for them, as far as they run."""
        return await asyncio.gather(*(self.children.run(each, ()) for each in question.sketches))

    async def _raising(self, question: Question) -> Program | Stop | None:
        """A program of ours that raises the reported error, None where none is known."""
        made_up = stand_in(question.traceback.message, self.text) if question.traceback else None
        if made_up is None:
            return None
        ran = await self.ours(made_up)
        return ran if isinstance(ran, Stop) else _asked(question, ran)

    async def _example_raising(self, question: Question) -> Program | None:
        """The example that the words are about, where it raises the reported error of a backward pass: numbers made up
        for a loss that nobody defines raise another one.
        """
        reported, example = question.traceback, self.examples.best(question)
        if reported is None or not is_of_backward(reported.message) or example is None or not example.raises:
            return None
        ran = await self.ours(example.source)
        if isinstance(ran, Stop) or ran.ran.error is None or not is_same(ran.ran.error, reported):
            return None
        return Program(ran, example.claims)

    async def _example_or(self, question: Question, stop: Stop) -> Program | Stop:
        example = await self._example(question)
        return stop if isinstance(example, Stop) else example

    async def _example(self, question: Question) -> Program | Stop:
        """A question in words is answered with the example that it is about, else with one of the loss that it names;
        an error message with a program that raises it.

        The arguments that it names go into the example, unless that then raises.
        """
        if not self._is_of_definition(question) and (form := await self._form(question)) is not None:
            return form
        if (raising := await self._raising(question)) is not None:
            return raising
        if question.subject is None and question.cut:
            return stopped.cut(question.cut)
        if (both := await self._both(question)) is not None:
            return both
        example = self._fitting(question)
        if example is None:
            unread = "picture" if any(map(is_picture, question.left_out)) else "file" if question.left_out else "code"
            return stopped.lacking(unread)
        arguments = {loss.name: loss.arguments for loss in self.catalogue.losses}
        told = adapted(example.source, question.stated, arguments)
        ran = await self._run(example, told)
        raised = isinstance(ran, Stop) or ran.evaluated.ran.ended == "raised"
        return await self._run(example) if raised and told != example.source else ran

    async def _form(self, question: Question) -> Program | Stop | None:
        """The program of the closed form that a bare number is; None where it is none."""
        found = await asyncio.to_thread(given_away, question)
        if found is None:
            return None
        return await self._run(_Source(found.source, _claimed(question, found), given_away=found))

    async def _both(self, question: Question) -> Program | None:
        """Two losses whose difference is asked about, of the same numbers; None where an example is about both, or
        about what else the words name."""
        pair, best = opposed(question), self.examples.best(question)
        if pair is None or (best is not None and (best.is_about(pair) or is_telling(best, frozenset(question.topics)))):
            return None
        searched = [await self._searched(*each) for each in (pair, pair[::-1])]
        ways = [way for way in searched if way is not None]
        source = next((each for each, same in ways if same), ways[0][0] if ways else None)
        ran = None if source is None else await self.ours(source)
        return None if ran is None or isinstance(ran, Stop) else Program(ran, ())

    async def _searched(self, first: str, second: str) -> tuple[str, bool] | None:
        """A program that shows both losses, and whether some call of the second is the same as the first; None where no
        numbers fit both."""
        ran = await self.ours(search(first, second))
        if isinstance(ran, Stop) or ran.ran.ended != "returned":
            return None
        same, gave = found(decode(ran.ran.recording, _RECORDINGS).stdout)
        return (program(first, second, same, gave), bool(same)) if gave else None

    async def _run(self, example: _Source, told: str | None = None) -> Program | Stop:
        ran = await self.ours(told or example.source)
        if isinstance(ran, Stop):
            return ran
        return Program(ran, example.claims, example.shows, example.given_away, example.symptom)

    def _fitting(self, question: Question) -> _Source | None:
        """The example that fits the words best; else the plain one of a loss that they name with one of its arguments,
        one of what causes the symptom that they tell most often, or the plain one of a loss that they name."""
        stated = {each.name for each in question.stated}
        argued = any(stated.intersection(loss.arguments) for loss in self._named(question))
        if (best := self.examples.best(question)) is not None:
            named, calls = called_in(question.text), called_in(best.source)
            plain = self._plain(question) if argued and named and calls and not named & calls else None
            return plain or _Source(best.source, best.claims, shows=best if question.stated else None)
        symptomatic = None if argued else self._symptomatic(question)
        return symptomatic or self._plain(question)

    def _symptomatic(self, question: Question) -> _Source | None:
        """The example of what causes the symptom that the words tell most often."""
        word = symptom(question.claims) if question.traceback is None else None
        causes = self.examples.causing(word, question.loss_words) if word else ()
        return _Source(causes[0].source, causes[0].claims, symptom=word) if causes else None

    def _plain(self, question: Question) -> _Source | None:
        """The plain example of the first loss that is named, where nothing else is to be explained."""
        named = self._named(question) if question.subject is None and question.traceback is None else []
        unprinted = tuple(each for each in question.claims if each.kind == "behaviour" or each.value == 0.0)
        return _Source(named[0].example, for_explainer(unprinted)) if named else None

    def _named(self, question: Question) -> list[Loss]:
        """The losses of the catalogue that are named, in order of mention."""
        known = {loss.name: loss for loss in self.catalogue.losses}
        return [known[name] for name in question.loss_words if name in known]


def _misreads(question: Question, evaluated: Evaluated) -> bool:
    """Whether stand-ins of the sizes that the error message names raise another error than the reported one."""
    reported, raised = question.traceback, evaluated.ran.error
    if reported is None or raised is None or is_same(raised, reported):
        return False
    sizes = set(_SIZE.findall(reported.message))
    return any(sizes.intersection(_SIZE.findall(each.code)) for each in evaluated.snippet.completions)


def _asked(question: Question, evaluated: Evaluated) -> Program:
    """A program of which the asker claims what they claim; of random numbers of ours no digits."""
    made_up = has_random_numbers(evaluated.snippet)
    claims = (each for each in about(question, evaluated.snippet) if not (made_up and each.kind == "printed"))
    return Program(evaluated, for_explainer(tuple(claims)))


def _claimed(question: Question, found: GivenAway) -> tuple[Claim, ...]:
    """What the asker claims of a number; what is only near the form, or stays around it, is not its value."""
    around = found.near or found.between is not None
    return for_explainer(tuple(each for each in question.claims if not (around and each.kind == "printed")))


def _behaves(answer: Answer) -> bool:
    """Whether the value is nan, infinite or negative, where the asker says that theirs is."""
    value, said_of_it = answer.value, {claim.value for claim in answer.claims if claim.kind == "behaviour"}
    shown = {"nan": value == "nan", "inf": value in ("inf", "-inf"), "negative": isinstance(value, float) and value < 0}
    told = [shown[word] for word in shown if word in said_of_it]
    return any(told) or not told
