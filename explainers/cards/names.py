"""The names of variables and functions on the page."""

from __future__ import annotations

import re

from explainers.cards.notation import Accent, Greek, Letter, Node, Number, Scripts, Sign, Word

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
    "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda",
    "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
))  # fmt: skip
LONGEST_NAME = 40
_LETTERED = re.compile(rf"(?P<base>[A-Za-z]|ell|{'|'.join(sorted(GREEK))})(?:_?(?P<digits>\d+)|_(?P<rest>.+))?", re.S)


def name(text: str) -> Node:
    """A variable's name: one letter in italics with its index, Greek letters, any longer name upright as written."""
    text = _printable(text)
    found = _LETTERED.fullmatch(text)
    if not found:
        return Word(text)
    base = Sign("ell") if found["base"] == "ell" else Greek(found["base"]) if found["base"] in GREEK else None
    body = base or Letter(found["base"])
    if found["rest"] in ("hat", "bar"):
        return Accent(body, "hat" if found["rest"] == "hat" else "bar")
    below = found["digits"] or found["rest"]
    return body if below is None else Scripts(body, below=index_name(below))


def index_name(text: str) -> Node:
    """The part of a name after its underscore."""
    return Number(text) if text.isdecimal() else name(text)


def _printable(text: str) -> str:
    kept = "".join(" " if letter.isspace() else letter for letter in text if letter.isprintable() or letter.isspace())
    return kept if len(kept) <= LONGEST_NAME else kept[: LONGEST_NAME - 1] + "…"
