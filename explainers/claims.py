"""What the asker states about a value, and whether a computed value agrees with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """A value or behaviour the asker states.

    `value` is a number ("nan", "inf", "-inf" as words), a nested tuple of them, or the name of a behaviour
    ("negative", "always-same", …). `radius` is half a unit of the last digit they wrote. What an example of `ours`
    says that one who writes it states is not put into the mouth of who asks.
    """

    kind: Literal["printed", "expected", "behaviour"]
    value: float | str | tuple[object, ...]
    radius: float = 0.0
    text: str = ""
    ours: bool = False

    def __post_init__(self) -> None:
        """Nested lists, as which tuples cross a process, are tuples again: a claim can be looked up."""
        if isinstance(self.value, tuple | list):
            msgspec.structs.force_setattr(self, "value", _tupled(self.value))

    def agrees(self, value: float) -> bool:
        """Whether a computed number is the stated one, within the digits they wrote (and float32's own roundoff).

        A claim of exactly 0 is met by what rounds to 0 in the four digits torch prints.
        """
        match self.value:
            case str() as word:
                return self.kind != "behaviour" and same_kind(value, float(word))
            case tuple():
                return False
            case stated:
                if not math.isfinite(value):
                    return False
                slack = max(self.radius, 5e-5 if stated == 0 else 0.0, 2e-6 * abs(stated))
                return abs(value - stated) <= slack * (1 + 1e-9)


def _tupled(nested: Sequence[object]) -> tuple[object, ...]:
    return tuple(_tupled(cast("Sequence[object]", x)) if isinstance(x, list | tuple) else x for x in nested)


def same_kind(value: float, stated: float) -> bool:
    """Whether two non-finite numbers are the same one."""
    return (math.isnan(value) and math.isnan(stated)) or value == stated


def expected(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The values the asker expected."""
    return tuple(claim for claim in claims if claim.kind == "expected")
