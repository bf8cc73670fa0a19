"""What a card says, as frozen values of our own field-neutral blocks; it knows no particular loss.

Words arrive translated (the renderers only add a few of their own), formulas as sympy trees, numbers as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from explainers.cards.notation import RelationSign
from explainers.graph.symbols import Role

Theme: TypeAlias = Literal["dark", "light"]


@dataclass(frozen=True)
class Chain:
    """lhs = a = b ≈ c: `parts` are (relation, expression) in order.

    Without `lhs` the first part stands alone and its relation is not printed. Expressions are sympy trees of the
    vocabulary in `typeset.RULES`, printed in the order they have.
    """

    lhs: Any | None
    parts: tuple[tuple[RelationSign, Any], ...] = ()


@dataclass(frozen=True)
class Strong:
    """Emphasised words."""

    text: str


@dataclass(frozen=True)
class Toned:
    """Words in the colour of a role, as the formulas have it."""

    text: str
    role: Role


@dataclass(frozen=True)
class Code:
    """A piece of code within a sentence."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula within a sentence: a sympy expression or a Chain."""

    formula: Any


Segment: TypeAlias = str | Strong | Toned | Code | Math
Text: TypeAlias = tuple[Segment, ...]


@dataclass(frozen=True)
class Value:
    """The badge in the corner: "loss" over "0.5514"; the text may be long, or "nan"."""

    label: str
    text: str
    role: Role = Role.LOSS


@dataclass(frozen=True)
class Table:
    """Rows under a head, all of one length; one row may be highlighted. The first column is set left, others right."""

    head: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    highlighted: int | None = None
    title: Text = ()


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: `share` in 0 … 1 (outside or nan: clamped, drawn empty)."""

    label: str
    share: float
    text: str
    highlighted: bool = False


@dataclass(frozen=True)
class Bars:
    """Shares of a whole, such as a softmax."""

    title: Text
    rows: tuple[Bar, ...]


@dataclass(frozen=True)
class Mark:
    """The point of a curve that the question is about."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A sampled function: points (x, y) with ascending x; points that aren't finite leave a gap. The note stands
    within it, the caption below it."""

    title: Text
    points: tuple[tuple[float, float], ...]
    mark: Mark | None = None
    note: Text = ()
    caption: Text = ()


@dataclass(frozen=True)
class Grid:
    """Small numbers in rows and columns with some cells highlighted (row, column), such as a broadcast difference;
    `marked` ones have the loss's colour."""

    title: Text
    rows: tuple[tuple[str, ...], ...]
    highlighted: frozenset[tuple[int, int]] = frozenset()
    role: Role = Role.TARGET
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    note: Text = ()
    marked: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Facts:
    """Pairs of (what, how much)."""

    title: Text
    rows: tuple[tuple[Text, Text], ...]


Block: TypeAlias = Table | Bars | Curve | Grid | Facts


@dataclass(frozen=True)
class Step:
    """One step of a derivation. `body` and `extra` show in the full derivation only; `on_card` steps on both.

    The last one that `arrives` at the value is on a card also where there is no room for all steps before it.
    """

    title: Text
    formula: Chain | None = None
    body: Text = ()
    extra: Block | None = None
    on_card: bool = True
    arrives: bool = False


@dataclass(frozen=True)
class DiffLine:
    """A line of a fix: added, removed, or kept as context."""

    sign: Literal["+", "-", " "]
    text: str


@dataclass(frozen=True)
class Card:
    """One drawn explanation.

    `colours` maps sympy expressions to roles wherever they occur; `symbols.Marked` colours one occurrence. `panels`
    stand beside the steps. `checks` are the names of passed checks; `caution` says what remains uncertain.
    """

    title: Text
    value: Value
    steps: tuple[Step, ...] = ()
    takeaway: Text = ()
    code: str = ""
    panels: tuple[Block, ...] = ()
    fix: tuple[DiffLine, ...] = ()
    checks: tuple[str, ...] = ()
    caution: Text = ()
    footer: Text = ()
    locale: str = "en"
    theme: Theme = "dark"
    colours: Mapping[Any, Role] = field(default_factory=dict[Any, Role])

    @property
    def beside(self) -> tuple[Block, ...]:
        """The panels without the tables that a step of the full derivation shows itself."""
        shown = [step.extra.title for step in self.steps if isinstance(step.extra, Grid)]
        return tuple(panel for panel in self.panels if not isinstance(panel, Grid) or panel.title not in shown)
