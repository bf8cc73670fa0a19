"""The atoms that formulas need beside sympy's own; one more than the card knows: the terms behind a particular "…"."""

from __future__ import annotations

from typing import Any

from explainers.cards.symbols import Elided, NumberLabel

__all__ = ["NumberLabel", "Omitted"]


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
