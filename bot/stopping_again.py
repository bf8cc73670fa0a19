"""A program with two mistakes: once the first is fixed it stops again, and that is explained too."""

from __future__ import annotations

from collections.abc import Iterator

from bot.exchange import Paragraph
from bot.jobs.work import Concluded, Fixed
from explainers.locale import Translator
from explainers.messages import said


def again(then: Concluded, translator: Translator) -> Iterator[Paragraph]:
    """What the answer to the program with its first fix adds to that of the program without."""
    verdict = said("With this fixed, your program goes on and stops again. {verdict}", verdict=then.answer.verdict)
    yield Paragraph("remarks", verdict.say(translator))
    yield from (each for each in then.answer.paragraphs if each.kind == "fix")
    match then.fixed:
        case Fixed(stops=False, value=float() | int() as value):
            both = said("With both fixes it gives {value}.", value=f"{value:.5g}")
            yield Paragraph("remarks", both.say(translator))
        case Fixed(stops=True):
            yield Paragraph("remarks", said("After both fixes it stops a third time.").say(translator))
        case _:
            pass
