"""The plain-text twin of a card: linear Unicode that a terminal or a chat message shows as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, assert_never

from explainers.cards.card import Block, Card, Chain, Code, Math, Step, Strong, Text, Toned
from explainers.cards.fonts import columns
from explainers.cards.formulas import laid_out
from explainers.cards.plain_printer import plain_math
from explainers.cards.tabulated import tabulated
from explainers.cards.typeset import Typesetter
from explainers.cards.words import Words
from explainers.locale import Translator


@dataclass(frozen=True)
class PlainWriter:
    """Flattens texts and formulas; sums are printed short (Σ_j)."""

    words: Words
    typeset: Typesetter

    def text(self, text: Text) -> str:
        return "".join(map(self._segment, text))

    def _segment(self, segment: str | Strong | Toned | Code | Math) -> str:
        match segment:
            case str():
                return segment
            case Strong(text=text) | Toned(text=text) | Code(text=text):
                return text
            case Math(formula=formula):
                return self.formula(formula)
            case _:
                assert_never(segment)

    def formula(self, formula: Any) -> str:
        """A chain or an expression on one line; raises `typeset.Unprintable`."""
        if not isinstance(formula, Chain):
            return plain_math(self.typeset(formula), self.words.conditions)
        line = laid_out(formula, self.typeset)
        said = self.words.conditions
        start = [] if line.lhs is None else [plain_math(line.lhs, said)]
        for place, (relation, part) in enumerate(line.parts):
            lead = "" if line.lhs is None and place == 0 else f"{relation} "
            start.append(lead + plain_math(part, said))
        return " ".join(start)

    def block(self, block: Block) -> list[str]:
        """A title and rows padded to columns, wide letters counted as two."""
        rows = [[self.text(cell) for cell in row] for row in tabulated(block)]
        aligned = [row for row in rows if len(row) > 1]
        wide = [max(map(columns, column)) for column in zip_longest(*aligned, fillvalue="")]
        lines = [_padded(row, wide) if len(row) > 1 else row[0] for row in rows]
        return [*([self.text(block.title)] if block.title else []), *(f"  {line}" for line in lines)]


def _padded(row: list[str], wide: list[int]) -> str:
    return "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, wide, strict=False)).rstrip()


def plain_writer(card: Card, translator: Translator) -> PlainWriter:
    return PlainWriter(Words(translator), Typesetter(card.colours, short=True))


def plain_text(card: Card, translator: Translator) -> str:
    """Everything on the full derivation, in its order; raises `typeset.Unprintable`."""
    writer = plain_writer(card, translator)
    return "\n\n".join(section for section in _sections(card, writer) if section) + "\n"


def _sections(card: Card, writer: PlainWriter) -> Iterator[str]:
    value = f"{card.value.label}: {card.value.text}"
    yield "\n".join(line for line in (writer.text(card.title), card.code, value) if line)
    yield writer.text(card.takeaway)
    for number, step in enumerate(card.steps, start=1):
        yield "\n".join(_step(number, step, writer))
    for panel in card.beside:
        yield "\n".join(writer.block(panel))
    if card.fix:
        yield "\n".join([f"{writer.words.fix}:", *(f"{line.sign} {line.text}" for line in card.fix)])
    if card.caution:
        yield f"{writer.words.caution}: {writer.text(card.caution)}"
    yield "  ".join(f"✓ {check}" for check in card.checks)
    yield writer.text(card.footer)


def _step(number: int, step: Step, writer: PlainWriter) -> Iterator[str]:
    yield f"{number}. {writer.text(step.title)}"
    if step.body:
        yield f"   {writer.text(step.body)}"
    if step.formula:
        yield f"   {writer.formula(step.formula)}"
    if step.extra:
        yield from (f"   {line}" for line in writer.block(step.extra))
