"""A Chain in forms of falling width: on one line, aligned at its relations, and with its middle elided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explainers.cards.card import Chain
from explainers.cards.elision import elided, longest
from explainers.cards.fonts import Coverage
from explainers.cards.gate import gate
from explainers.cards.notation import Node, RelationSign
from explainers.cards.typeset import Typesetter
from explainers.cards.typst_printer import RELATIONS, typst_math

_INLINE_KEEP = 4
KEEPS = (16, 12, 8, 6, 4, 3, 2)


@dataclass(frozen=True)
class Line:
    """A chain laid out: the left side and the (relation, right side) pairs."""

    lhs: Node | None
    parts: tuple[tuple[RelationSign, Node], ...]

    def longest(self) -> int:
        """See `elision.longest`."""
        sides = [part for _, part in self.parts]
        return max(map(longest, sides if self.lhs is None else [self.lhs, *sides]), default=0)

    def kept(self, keep: int) -> Line:
        lhs = None if self.lhs is None else elided(self.lhs, keep)
        return Line(lhs, tuple((relation, elided(part, keep)) for relation, part in self.parts))


def laid_out(chain: Chain, typeset: Typesetter) -> Line:
    """Each part that does not read as the one before it. Raises `typeset.Unprintable` of a class without a rule."""
    lhs = None if chain.lhs is None else typeset(chain.lhs)
    parts: list[tuple[RelationSign, Node]] = [(relation, typeset(part)) for relation, part in chain.parts]
    kept = [k for k, (sign, part) in enumerate(parts) if not k or sign != "=" or part != parts[k - 1][1]]
    return Line(lhs, tuple(parts[k] for k in kept))


def variants(chain: Chain, typeset: Typesetter, coverage: Coverage) -> list[dict[str, object]]:
    """What the template chooses from, widest first: {math, lines}; every string has passed the gate."""
    line = laid_out(chain, typeset)
    found: list[dict[str, object]] = []
    for form in _forms(line):
        for math, is_aligned in ((_joined(form, ""), False), (_joined(form, "&"), True)):
            if not is_aligned or len(form.parts) > 1:
                found.append({"math": gate(coverage.drawable(math)), "aligned": is_aligned})
    return found


def inline(node: Node, coverage: Coverage) -> str:
    """A formula within a sentence, which has room for a short one only."""
    return gate(coverage.drawable(typst_math(elided(node, _INLINE_KEEP))))


def _forms(line: Line) -> Iterator[Line]:
    yield line
    last, most = line, line.longest()
    for keep in (keep for keep in KEEPS if keep + 1 < most):
        shorter = line.kept(keep)
        if shorter != last:
            yield shorter
        last = shorter


def _joined(line: Line, alignment: str) -> str:
    parts = list(line.parts)
    text = typst_math(line.lhs) if line.lhs is not None else ""
    if line.lhs is None and parts:
        text = typst_math(parts.pop(0)[1])
    lead = " \\ " if alignment else " "
    for place, (relation, part) in enumerate(parts):
        text += f"{lead if place else ' '}{alignment}{RELATIONS[relation]} {typst_math(part)}"
    return text
