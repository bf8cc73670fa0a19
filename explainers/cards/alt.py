"""Alt text: what the answer card shows, for those who hear it; chat services take at most 1,024 characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explainers.cards.card import Block, Card
from explainers.cards.plain import PlainWriter, plain_writer
from explainers.cards.tabulated import tabulated
from explainers.locale import Translator

LIMIT = 1024
_LONGEST_PART = 400
_BLANKS = re.compile(r"\s+", re.ASCII)  # the other spaces keep a sign beside its word


def alt_text(card: Card, translator: Translator, limit: int = LIMIT) -> str:
    """Verdict, value, takeaway, steps, panels and caution in this order; what does not fit whole is left out with "…".

    Raises `typeset.Unprintable`.
    """
    said = ""
    for part in _parts(card, plain_writer(card, translator)):
        line = _BLANKS.sub(" ", part).strip(" ")
        line = line if len(line) <= _LONGEST_PART else line[: _LONGEST_PART - 1] + "…"
        longer = f"{said}\n{line}" if said else line
        if len(longer) > limit - 2:
            return f"{said}\n…"
        said = longer
    return said


def _parts(card: Card, writer: PlainWriter) -> Iterator[str]:
    yield writer.text(card.title)
    yield f"{card.value.label}: {card.value.text}"
    if card.takeaway:
        yield writer.text(card.takeaway)
    for number, step in enumerate((step for step in card.steps if step.on_card), start=1):
        formula = "" if step.formula is None else f": {writer.formula(step.formula)}"
        yield f"{number}. {writer.text(step.title)}{formula}"
    yield from (_panel(panel, writer) for panel in card.panels)
    if card.caution:
        yield f"{writer.words.caution}: {writer.text(card.caution)}"


def _panel(panel: Block, writer: PlainWriter) -> str:
    rows = (" ".join(writer.text(cell) for cell in row) for row in tabulated(panel))
    return f"{writer.text(panel.title)}: {'; '.join(rows)}" if panel.title else "; ".join(rows)
