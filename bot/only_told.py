"""What a number would mean as a loss of the kind that is named, where nothing that it could come from is shown."""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from bot.choosing import Program
from bot.claims import is_value
from bot.exchange import Answer, Drawn, Paragraph
from bot.reading.losses import HAND_WRITTEN, functions
from bot.reading.question import Claim, Question
from bot.reading.stated import CLASSES
from bot.remarks import has_random_numbers
from explainers.locale import Translator
from explainers.messages import Message, said

_OF_CLASSES: Final = frozenset({"cross_entropy", "nll_loss"})
_BINARY: Final = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
_MEASURES: Final = frozenset({"perplexity", "running_loss", "entropy", "cosine_similarity"})
"""Named beside a loss, or values whose meaning is in their data alone."""

_MOST_TOLD: Final = 2
"""More numbers are a log or a table, of which none is the one that is asked about."""

_LARGEST: Final = 14.0
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?", re.I)
"""A number as it is spoken of; a printed tensor is shown as its value."""


def number_told(question: Question, program: Program, answer: Answer) -> Claim | None:
    """The number that the message states, where what was run is ours and gives another."""
    ours = not program.is_theirs or has_random_numbers(program.evaluated.snippet)
    if not ours or program.given_away is not None or question.traceback is not None or answer.outcome != "explained":
        return None
    printed = [each for each in question.claims if each.kind == "printed" and isinstance(each.value, float)]
    if not 0 < len(printed) <= _MOST_TOLD or _loss(question) is None:
        return None
    return None if any(is_value(each, answer.value) for each in printed) else printed[0]


def _loss(question: Question) -> str | None:
    known = (functions() | HAND_WRITTEN) - _MEASURES
    return next((each for each in question.loss_words if each in known), None)


def about_the_number(answer: Answer, question: Question, claim: Claim, speaker: Translator) -> Answer:
    """The answer whose verdict is of the number that was asked about, and asks for the code; what was said of the
    example stays as far as it says what is the matter with that. A picture of the example would show its number for
    the asker's, so there is none."""
    verdict = _verdict(claim, _loss(question) or "", question).say(speaker)
    example = (Paragraph("preface", answer.verdict),) if answer.diagnoses else ()
    rest = tuple(each for each in answer.paragraphs if each.kind != "verdict")
    return msgspec.structs.replace(answer, verdict=verdict, paragraphs=(*example, *rest), drawn=Drawn())


def _verdict(claim: Claim, loss: str, question: Question) -> Message:
    value = float(claim.value) if isinstance(claim.value, float) else math.nan
    told = claim.text if _NUMBER.fullmatch(claim.text) else f"{value:.6g}"
    if loss in _OF_CLASSES and 0 < value < _LARGEST:
        return _of_classes(told, value, loss, question)
    if loss in _BINARY and 0 < value < _LARGEST:
        return said(
            "{number} as {loss} means p = {p} for the right answer (geometric mean); p = 0.5 gives 0.6931. "
            "Show your code, which settles why.",
            number=told, loss=loss, p=f"{math.exp(-value):.3g}",
        )  # fmt: skip
    if loss == "mse_loss" and value > 0:
        return said(
            "{number} as {loss}: the predictions are off by {root} = √{number} (root mean square). "
            "Show your code, which settles why.",
            number=told, loss=loss, root=f"{math.sqrt(value):.4g}",
        )  # fmt: skip
    return said("What makes {loss} {number} is in its numbers. Show your code with them.",
                number=told, loss=loss)  # fmt: skip


def _of_classes(number: str, value: float, loss: str, question: Question) -> Message:
    """Against the chance of as many classes as are stated, else as a probability and a perplexity."""
    classes = _classes(question)
    if classes is None:
        return said(
            "{number} as {loss} means p = {p} for the right class (geometric mean), perplexity {perplexity}. "
            "Show your code, which settles why.",
            number=number, loss=loss, p=f"{math.exp(-value):.3g}", perplexity=f"{math.exp(value):.3g}",
        )  # fmt: skip
    return said(
        "{number} as {loss} means p = {p} for the right class (geometric mean); chance over {classes} classes "
        "gives {chance}. Show your code, which settles why.",
        number=number, loss=loss, p=f"{math.exp(-value):.3g}", classes=classes, chance=f"{math.log(classes):.4g}",
    )  # fmt: skip


def _classes(question: Question) -> int | None:
    stated = (each.value for each in question.stated if each.name == CLASSES)
    count = next((int(each) for each in stated if each.isdigit()), 0)
    return count if count > 1 else None
