"""Options of CTC: the blank, and what becomes of targets that do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.losses.options.option import Option, Setting
from explainers.messages import Message, said


def blank() -> Option:
    """The class of the blank."""
    return Option("blank", 0, _blank, always=True)


def zero_infinity() -> Option:
    """Whether infinite losses are set to 0."""
    return Option("zero_infinity", False, _zeroed)


def _blank(set_: Setting) -> Iterator[Message]:
    if set_.number != 0 and set_.sizes:
        yield said(
            "blank={blank} is the class of the blank, one of 0 … {last}: the other classes are labels, class 0 among "
            "them, and no target may hold {blank}.",
            blank=int(set_.number),
            last=set_.sizes[-1] - 1,
        )
    else:
        yield said(
            "Class 0 is the blank (blank=0), which stands for no label: what raises it makes every label less likely."
        )
    yield said(
        "The gradient by log_probs is what torch's backward gives: e^log_probs minus the share of the alignments that "
        "pass there. That is the derivative through log_softmax, not that of the formula by log_probs itself."
    )


def _zeroed(_set: Setting) -> Iterator[Message]:
    yield said("zero_infinity=True sets infinite losses, and their gradients, to 0: it hides targets that do not fit.")
