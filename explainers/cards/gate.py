"""The last look at a string before Typst evaluates it as math: nothing but the printer's own vocabulary passes.

In Typst's math mode `#` opens full code and `std.` reaches `read` even without it; a range of 10^8 aborts the
process. So after string literals are taken out, only a few characters and a list of words may remain.
"""

from __future__ import annotations

import re

from explainers.cards.names import GREEK
from explainers.graph.symbols import Role

_LITERAL = re.compile(r'"(?:[^"\\\n]|\\["\\])*"')
_PLAIN = re.compile(r"[A-Za-z0-9\s_^(),;:.+\-*=<>!&|\[\]\\]*")
_WORD = re.compile(r"[A-Za-z]{2,}(?:\.[A-Za-z]+)*")
_FIELD = re.compile(r"\.[A-Za-z]")
_OWN = (
    "frac", "sqrt", "root", "abs", "floor", "ceil", "lr", "op", "mat", "delim", "cases", "upright", "bold", "hat",
    "macron", "sum", "product", "log", "max", "min", "exp", "tanh", "infinity", "ell", "partial", "nabla", "dots.c",
    "phi.alt", "approx", "in", "times", "thin", "quad", "and", "or", "not", "wordif", "wordotherwise",
)  # fmt: skip
WORDS = GREEK | frozenset(Role) | frozenset(_OWN)


class UnsafeMath(ValueError):
    """A string holds what the printer cannot have written."""


def gate(math: str) -> str:
    """The string itself; raises `UnsafeMath` where anything beyond the vocabulary is in it."""
    bare = _LITERAL.sub('""', math)
    if not _PLAIN.fullmatch(bare.replace('""', " ")) or "//" in bare or "/*" in bare:
        raise UnsafeMath(f"a character that no formula needs in {math[:200]!r}")
    for word in _WORD.findall(bare):
        if word not in WORDS:
            raise UnsafeMath(f"the unknown word {word!r} in {math[:200]!r}")
    if _FIELD.search(_WORD.sub(" ", bare)):
        raise UnsafeMath(f"a field access in {math[:200]!r}")
    return math
