"""Atoms and heads that a shown formula needs and sympy lacks: typed decimals, "…", a colour, ∇, one entry."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from sympy import AtomicExpr, Expr, sympify
from sympy.core.symbol import Str

_DECIMAL = re.compile(
    r"""(?P<sign>[-+−]?)
        (?P<mantissa>\d+(?:\.\d*)?|\.\d+|inf|nan)(?P<cut>…|\.\.\.)?
        (?:[eE](?P<exponent>[-+]?\d+)|\s*\\times\s*10\^\{?(?P<power>-?\d+)\}?)?""",
    re.VERBOSE,
)


class Role(StrEnum):
    """What a colour means: the same in formulas, words, bars and the curve."""

    TARGET = "target"
    LOSS = "loss"
    LOGIT = "logit"
    BAD = "bad"
    MUTED = "muted"


class NumberLabel(AtomicExpr):
    """A number as somebody typed it: "0.10" stays "0.10", and no arithmetic is ever done on it.

    Accepts digits with an optional fraction, an exponent as "9.08e-05" or "9.08 \\times 10^{-5}", a trailing "…",
    and "nan", "inf", "-inf". Raises ValueError for anything else.
    """

    is_number = True
    is_commutative = True

    def __new__(cls, text: str) -> NumberLabel:
        if not _DECIMAL.fullmatch(text):
            raise ValueError(f"{text!r} is no decimal number; write it as 0.1, 9.08e-05, nan or inf")
        label: NumberLabel = Expr.__new__(cls)
        label._text = text
        return label

    _text: str

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self._text,)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self._text,)

    def _sympystr(self, printer: object) -> str:
        return self._text

    @property
    def text(self) -> str:
        return self._text

    @property
    def parts(self) -> tuple[bool, str, int | None]:
        """(is negative, digits with "…" where it was cut, power of ten or None)."""
        found = _DECIMAL.fullmatch(self._text)
        assert found, "checked at construction"
        power = found["exponent"] or found["power"]
        digits = found["mantissa"] + ("…" if found["cut"] else "")
        return found["sign"] in ("-", "−"), digits, None if power is None else int(power)

    def _eval_is_extended_negative(self) -> bool:
        return self.parts[0]

    def unsigned(self) -> NumberLabel:
        """The same digits without a minus."""
        return NumberLabel(self._text.lstrip("-−+"))

    def sort_key(self, order: object = None) -> Any:
        """Among numbers, by value, so that a sympy operation that re-sorts keeps numbers where numbers go."""
        negative, digits, power = self.parts
        value = 0.0 if digits == "nan" else float(digits.rstrip("…")) * 10.0 ** (power or 0)
        return (1, 0, "Number"), (0, ()), (), -value if negative else value


class Elided(AtomicExpr):
    """Terms left out of a long sum, row or column: prints "…"."""

    is_commutative = True


class Marked(Expr):
    """`Marked(expr, Role.TARGET)`: this one occurrence carries a colour, whatever else equals it."""

    def __new__(cls, expr: object, role: Role) -> Marked:
        return Expr.__new__(cls, sympify(expr), Str(role.value))

    @property
    def expr(self) -> Expr:
        return self.args[0]  # pyright: ignore[reportReturnType] - sympified in __new__

    @property
    def role(self) -> Role:
        return Role(str(self.args[1]))


class Gradient(Expr):
    """`Gradient(loss, z)`: the heading ∇_z ℓ."""

    def __new__(cls, of: object, by: object) -> Gradient:
        return Expr.__new__(cls, sympify(of), sympify(by))


class Component(Expr):
    """`Component(vector, i, …)`: one entry of something that is no IndexedBase, as in softmax(z)_y."""

    def __new__(cls, of: object, *indices: object) -> Component:
        return Expr.__new__(cls, sympify(of), *map(sympify, indices))


class OverAlignments(Expr):
    """Σ over alignments π → y of Πₜ factor: the factor holds a letter for the time step and one for the class π(t).

    `label` is the label at the letter `place`; `steps` and `length` say how many time steps and labels count. With
    `where`, a time step and a class, only the alignments that have the class there. `terms` bounds the factors.
    """

    is_commutative = True

    def __new__(cls, *parts: object) -> OverAlignments:
        return Expr.__new__(cls, *map(sympify, parts))

    @classmethod
    def made(
        cls,
        factor: tuple[object, object, object],
        labels: tuple[object, object],
        spans: tuple[object, object],
        blank: int,
        terms: int,
        where: tuple[object, ...] = (),
    ) -> OverAlignments:
        """`factor` with its two letters, `labels` with theirs."""
        return cls(*factor, *labels, *spans, blank, terms, *where)

    @property
    def each(self) -> Any:
        return self.args[0]

    @property
    def letters(self) -> tuple[Any, Any, Any]:
        """Of the time step, of π(t), and of a label's place."""
        return self.args[1], self.args[2], self.args[4]

    @property
    def label(self) -> Any:
        return self.args[3]

    @property
    def spans(self) -> tuple[Any, Any]:
        return self.args[5], self.args[6]

    @property
    def blank(self) -> int:
        return int(self.args[7])  # pyright: ignore[reportArgumentType] - an Integer

    @property
    def terms(self) -> int:
        return int(self.args[8])  # pyright: ignore[reportArgumentType] - an Integer

    @property
    def where(self) -> tuple[Any, ...]:
        return self.args[9:]


class Omitted(Elided):
    """Terms left out of one sum, told apart by a key so that their total can be looked up."""

    def __new__(cls, key: str) -> Omitted:
        made: Omitted = super().__new__(cls)
        made._key = key
        return made

    _key: str

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self._key,)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self._key,)
