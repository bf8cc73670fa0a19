"""How a formula is laid out, before any of the three scripts is chosen: the presentation half of MathML, as values.

`typeset` decides order, brackets, fractions and signs once; `typst_printer`, `latex` and `plain` only spell this tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explainers.graph.symbols import Role

Fence: TypeAlias = Literal["()", "[]", "||", "⌊⌋", "⌈⌉"]
Joint: TypeAlias = Literal["times", "thin", "none"]
SignName: TypeAlias = Literal["ell", "infinity", "pi", "e", "ellipsis", "nabla", "partial", "one"]
RelationSign: TypeAlias = Literal["=", "≈", "≠", "<", "≤", ">", "≥", "→", "∈"]


@dataclass(frozen=True)
class Number:
    """Unsigned digits as printed."""

    digits: str


@dataclass(frozen=True)
class Letter:
    """One Latin letter in italics."""

    letter: str


@dataclass(frozen=True)
class Greek:
    """A Greek letter by its English name ("sigma", "Delta")."""

    name: str


@dataclass(frozen=True)
class Sign:
    """A fixed symbol of the vocabulary; "one" is the bold 1 of a one-hot vector."""

    name: SignName


@dataclass(frozen=True)
class Word:
    """An upright name of any characters; `operator` sets it off like "log"."""

    text: str
    operator: bool = False


@dataclass(frozen=True)
class Condition:
    """The word before a case: "if" or "otherwise", in the reader's language."""

    word: Literal["if", "otherwise"]
    body: Node | None = None


@dataclass(frozen=True)
class Accent:
    """A hat or a bar over a letter."""

    body: Node
    mark: Literal["hat", "bar"]


@dataclass(frozen=True)
class Scripts:
    """Subscript and superscript."""

    body: Node
    below: Node | None = None
    above: Node | None = None


@dataclass(frozen=True)
class Fraction:
    """A numerator over a denominator."""

    above: Node
    below: Node


@dataclass(frozen=True)
class Root:
    """A square root, or one of another degree."""

    body: Node
    degree: int = 2


@dataclass(frozen=True)
class Fenced:
    """A body between brackets that grow with it."""

    body: Node
    fence: Fence = "()"


@dataclass(frozen=True)
class Terms:
    """A sum as written: (is subtracted, term) in the given order; at least one."""

    terms: tuple[tuple[bool, Node], ...]


@dataclass(frozen=True)
class Product:
    """Factors with what stands between them: `joints` has one entry less."""

    factors: tuple[Node, ...]
    joints: tuple[Joint, ...]


@dataclass(frozen=True)
class Listing:
    """Comma-separated entries: arguments, indices, a row vector."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Applied:
    """A function before its argument; `body` brings its own brackets where it needs them."""

    function: Node
    body: Node


@dataclass(frozen=True)
class Big:
    """Σ or Π with what is written below and above it."""

    operator: Literal["sum", "product"]
    below: Node
    above: Node | None
    body: Node


@dataclass(frozen=True)
class Cases:
    """A piecewise definition: (value, condition) a line."""

    rows: tuple[tuple[Node, Condition], ...]


@dataclass(frozen=True)
class Grid:
    """A matrix in square brackets; a column vector has one entry a row."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Relation:
    """Two sides and the relation between them, inside a condition or a limit."""

    left: Node
    relation: RelationSign
    right: Node


@dataclass(frozen=True)
class Logical:
    """Conditions joined by "and" or "or", or negated ("not" has one)."""

    operator: Literal["and", "or", "not"]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Coloured:
    """A part whose colour carries a meaning."""

    body: Node
    role: Role


Node: TypeAlias = (
    Number
    | Letter
    | Greek
    | Sign
    | Word
    | Accent
    | Scripts
    | Fraction
    | Root
    | Fenced
    | Terms
    | Product
    | Listing
    | Applied
    | Big
    | Cases
    | Grid
    | Relation
    | Logical
    | Condition
    | Coloured
)

ELLIPSIS = Sign("ellipsis")
