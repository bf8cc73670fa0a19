"""A number without its data: the closed form that gives it away, and what the asker must say to settle it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from bot.exchange import Answer, Catalogue, Paragraph
from bot.reading.question import Claim, Question, Span
from bot.reading.stated import CLASSES, NEGATIVES, stated
from explainers.fingerprints import (
    Fingerprint,
    fingerprints,
    near_chance,
    of_pairs,
    summed_chance,
    with_negatives,
)
from explainers.locale import Translator, translator
from explainers.messages import Message, said

_OF_MARGINS: Final = ("triplet_margin_loss", "margin_ranking_loss")
_OF_SUMS: Final = frozenset({"elbo"})
"""Losses whose value is a sum over whatever there is, so that it gives nothing away."""

_NUMBER: Final = re.compile(r"(?<![\w.])\d{1,6}(?:\.\d{1,9})?(?!\w|\.\d)")

_WORDS: Final = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff]")
_SENTENCE: Final = 5
"""Words that a line has which says something."""

_SEVERAL: Final = 3
"""Losses that tell together what none of them tells alone."""


@dataclass(frozen=True)
class GivenAway:
    """A claim and what it can be, the likeliest first.

    `between` are the least and the greatest of several losses that stay around it, `stated` the arguments that the
    asker names; it is only `near` a form where it is none to all of its digits.
    """

    claim: Claim
    found: tuple[Fingerprint, ...]
    between: tuple[float, float] | None = None
    stated: frozenset[str] = frozenset()
    near: bool = False

    @property
    def source(self) -> str:
        """The program of ours that returns the number."""
        return self.found[0].source


def given_away(question: Question) -> GivenAway | None:
    """What the first telling number of a question gives away that holds neither a whole program, data nor traceback."""
    if (question.snippets and not question.missing) or question.traceback is not None:
        return None
    if any(each.value == "nan" or each.value != each.value for each in question.claims):
        return None  # a finite number beside it says nothing of why it is not finite
    of_others = any("binary" in name or name == "info_nce" for name in question.loss_words)
    contrastive = "info_nce" in question.loss_words
    counts = (int(each.value) for each in question.stated if each.name == CLASSES and not of_others)
    classes = next(counts, None)
    told = [
        each for each in question.claims if each.kind == "printed" and not _OF_SUMS.intersection(question.loss_words)
    ]
    told.sort(key=lambda each: not _in_a_sentence(each, question.text))  # what is written about before what is logged
    margins = ((claim, question.loss_words or _OF_MARGINS) for claim in _at_margin(question))
    named = ((claim, question.loss_words) for claim in told)
    tried = ((claim, _found(claim, losses, classes)) for claim, losses in (*named, *margins))
    counted = any(each.name == CLASSES for each in stated(question.text))  # else the number gave their count away
    names = frozenset(each.name for each in question.stated if counted or each.name != CLASSES)
    if (among := _among_negatives(told, question, names)) is not None:
        return among
    pairs = [int(float(each.value)) for each in question.stated if each.name == "batch"] if contrastive else []
    paired = ((claim, _of_pairs(claim, each)) for claim in told for each in pairs)
    summed = ((claim, _summed(claim, question)) for claim in told)
    tried = (*paired, *tried, *summed)
    one = next((GivenAway(claim, found, stated=names) for claim, found in tried if found), None)
    return one or _stayed(told, question.loss_words, classes) or _near(told, classes)


def _in_a_sentence(claim: Claim, text: str) -> bool:
    """Whether a line with the number holds a sentence rather than a log."""
    lines = (line for line in text.split("\n") if claim.text in line)
    return any(len(_WORDS.findall(line)) >= _SENTENCE for line in lines)


def _among_negatives(told: Sequence[Claim], question: Question, names: frozenset[str]) -> GivenAway | None:
    """The number that is the chance of a positive among as many negatives as the question states."""
    count = next((int(float(each.value)) for each in question.stated if each.name == NEGATIVES), None)
    if count is None:
        return None
    scalars = ((each, float(each.value)) for each in told if isinstance(each.value, float | int))
    tried = ((claim, with_negatives(value, claim.radius, count)) for claim, value in scalars)
    return next((GivenAway(claim, (form,), stated=names) for claim, form in tried if form is not None), None)


def _near(told: Sequence[Claim], classes: int | None) -> GivenAway | None:
    """The one number of a question that is near the level of chance of as many classes as it states."""
    if len(told) != 1 or not isinstance(told[0].value, float | int):
        return None
    form = near_chance(float(told[0].value), classes)
    return GivenAway(told[0], (form,), near=True) if form is not None else None


def _stayed(told: Sequence[Claim], losses: tuple[str, ...], classes: int | None) -> GivenAway | None:
    """What several losses give away that stay around one number: what lies between the least and the greatest."""
    values = [float(each.value) for each in told if isinstance(each.value, float | int)]
    if len(values) < _SEVERAL:
        return None
    least, most = min(values), max(values)
    around = msgspec.structs.replace(told[0], value=(least + most) / 2, radius=(most - least) / 2)
    found = _found(around, losses, classes)
    return GivenAway(around, found, (least, most)) if found else None


def _at_margin(question: Question) -> Iterator[Claim]:
    """The margin that the question states, where the same number stands there a second time: as the loss.

    Also what a loss with a margin is said to be stuck at: that few digits are all that a margin has.
    """
    stays = any(each.kind == "behaviour" and each.value == "always-same" for each in question.claims)
    if stays and frozenset(question.loss_words) & frozenset(_OF_MARGINS):
        yield from (msgspec.structs.replace(each, radius=0.0) for each in question.claims if each.kind == "printed")
    for margin in (float(each.value) for each in question.stated if each.name == "margin"):
        same = [number for number in _NUMBER.finditer(question.text) if float(number[0]) == margin]
        if len(same) > 1:
            yield Claim("printed", margin, 0.0, same[0][0], Span(same[0].start(), same[0].end()))


def _of_pairs(claim: Claim, pairs: int) -> tuple[Fingerprint, ...]:
    value = claim.value
    return of_pairs(float(value), claim.radius, pairs) if isinstance(value, float | int) else ()


def _summed(claim: Claim, question: Question) -> tuple[Fingerprint, ...]:
    """What a sum over as many outputs gives away as the message counts of anything."""
    value, topics = claim.value, frozenset(question.topics)
    if not isinstance(value, float | int) or not {"sum", "sigmoid"} <= topics | _of_sigmoids(question):
        return ()
    counts = {int(number[0]) for number in _NUMBER.finditer(question.text) if number[0].isdigit()}
    return summed_chance(float(value), claim.radius, counts)


def _of_sigmoids(question: Question) -> frozenset[str]:
    return frozenset({"sigmoid"}) if any("binary" in name for name in question.loss_words) else frozenset()


def _found(claim: Claim, losses: tuple[str, ...], classes: int | None) -> tuple[Fingerprint, ...]:
    value = claim.value
    if not isinstance(value, float | int):
        return ()
    return fingerprints(float(value), claim.radius, losses, classes)


def told(given: GivenAway, catalogue: Catalogue, speaker: Translator, settled: bool) -> Iterator[Paragraph]:
    """That it is possible, the closed form, what it would mean, and the one question back that is still open; none
    where it is `settled`."""
    titles = {kind.slug: kind.titles for kind in catalogue.diagnoses}
    for found in given.found:
        title = titles.get(found.slug, {}).get(speaker.locale, found.slug)
        sentence = _sentence(given, found, title)
        answered = settled or (bool(found.settled_by) and given.stated.issuperset(found.settled_by))
        asked = () if answered else (found.question.say(translator(speaker.locale)),)
        yield Paragraph("preface", " ".join((sentence.say(speaker), *asked)))


def _sentence(given: GivenAway, found: Fingerprint, title: str) -> Message:
    if given.near:
        return said(
            "{number} is near {form}. Possible: {title}.", number=given.claim.text, form=found.form, title=title
        )
    if given.between is None:
        return said(
            "{number} is {form} to all of its digits. Possible: {title}.",
            number=given.claim.text,
            form=found.form,
            title=title,
        )
    least, most = (f"{each:.4g}" for each in given.between)
    return said(
        "The losses stay between {least} and {most}, around {form}. Possible: {title}.",
        least=least,
        most=most,
        form=found.form,
        title=title,
    )


def unshown(answer: Answer) -> Answer:
    """The answer where a program of ours was run: what it proves is not proven of the asker's."""
    weaker = (
        msgspec.structs.replace(each, confidence="consistent") if each.confidence == "shown" else each
        for each in answer.diagnoses
    )
    return msgspec.structs.replace(answer, diagnoses=tuple(weaker))


def possible(answer: Answer) -> Answer:
    """The answer where nothing is shown: a program of ours returned the number, not the asker's."""
    weaker = tuple(msgspec.structs.replace(each, confidence="possible") for each in answer.diagnoses)
    return msgspec.structs.replace(answer, diagnoses=weaker)
