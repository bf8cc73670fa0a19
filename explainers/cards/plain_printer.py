"""`notation.Node` → one line of Unicode: what a terminal, a chat message or a screen reader gets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never
from unicodedata import lookup

from explainers.cards.names import GREEK
from explainers.cards.notation import (
    Accent,
    Applied,
    Big,
    Cases,
    Coloured,
    Condition,
    Fenced,
    Fraction,
    Greek,
    Grid,
    Joint,
    Letter,
    Listing,
    Logical,
    Node,
    Number,
    Product,
    Relation,
    Root,
    Scripts,
    Sign,
    Terms,
    Word,
)
from explainers.cards.typst_printer import terms_joined

_CASE = {True: "SMALL", False: "CAPITAL"}
GREEK_LETTERS: Mapping[str, str] = MappingProxyType(
    {name: lookup(f"GREEK {_CASE[name.islower()]} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}") for name in GREEK}
)
SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "ell": "ℓ",
        "infinity": "∞",
        "pi": "π",
        "e": "e",
        "ellipsis": "…",
        "nabla": "∇",
        "partial": "∂",
        "one": "1",
    }
)
JOINTS: Mapping[str, str] = MappingProxyType({"times": " × ", "thin": " ", "none": ""})
LOGIC: Mapping[str, str] = MappingProxyType({"and": " ∧ ", "or": " ∨ "})
_RAISED = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def plain_math(node: Node, words: Mapping[str, str]) -> str:
    """`words` translates "if" and "otherwise"."""
    match node:
        case Number(digits=digits):
            return digits
        case Letter(letter=letter):
            return letter
        case Greek(name=name):
            return GREEK_LETTERS[name]
        case Sign(name=name):
            return SIGNS[name]
        case Word(text=text):
            return text
        case Coloured(body=body):
            return plain_math(body, words)
        case Accent(body=body, mark=mark):
            return plain_math(body, words) + ("\u0302" if mark == "hat" else "\u0304")
        case Scripts(body=body, below=below, above=above):
            return plain_math(body, words) + _below(below, words) + _above(above, words)
        case Fraction(above=above, below=below):
            return f"{_operand(above, words)}/{_operand(below, words)}"
        case Root(body=body, degree=degree):
            sign = {2: "√", 3: "∛", 4: "∜"}.get(degree) or f"{str(degree).translate(_RAISED)}√"
            return sign + _operand(body, words)
        case Fenced(body=body, fence=fence):
            return f"{fence[0]}{plain_math(body, words)}{fence[1]}"
        case _:
            return _composite(node, words)


def _composite(
    node: Listing | Terms | Product | Applied | Big | Cases | Grid | Relation | Logical | Condition,
    words: Mapping[str, str],
) -> str:
    match node:
        case Listing(items=items):
            return ", ".join(plain_math(item, words) for item in items)
        case Terms(terms=terms):
            return terms_joined(tuple((negative, plain_math(term, words)) for negative, term in terms), "−")
        case Product(factors=factors, joints=joints):
            return _product(factors, joints, words)
        case Applied(function=function, body=body):
            argument = _operand(body, words) if isinstance(_bare(body), Fraction) else plain_math(body, words)
            return f"{plain_math(function, words)}{'' if argument.startswith('(') else ' '}{argument}"
        case Big(operator=operator, below=below, above=above, body=body):
            sign = "Σ" if operator == "sum" else "Π"
            bounds = plain_math(below, words) + ("" if above is None else f"..{plain_math(above, words)}")
            alone = above is None and not isinstance(_bare(below), Relation | Listing)
            return f"{sign}_{bounds if alone else f'({bounds})'} {plain_math(body, words)}"
        case Cases(rows=rows):
            lines = (f"{plain_math(value, words)} {plain_math(condition, words)}" for value, condition in rows)
            return f"{{ {'; '.join(lines)} }}"
        case Grid(rows=rows):
            return f"[{'; '.join(', '.join(plain_math(entry, words) for entry in row) for row in rows)}]"
        case Relation(left=left, relation=relation, right=right):
            return f"{plain_math(left, words)} {relation} {plain_math(right, words)}"
        case Logical(operator=operator, operands=operands):
            parts = [plain_math(operand, words) for operand in operands]
            return f"¬{parts[0]}" if operator == "not" else LOGIC[operator].join(parts)
        case Condition(word=word, body=body):
            return words[word] if body is None else f"{words[word]} {plain_math(body, words)}"
        case _:
            assert_never(node)


def _product(factors: tuple[Node, ...], joints: tuple[Joint, ...], words: Mapping[str, str]) -> str:
    """A fraction or an index on one line would swallow the factor after it, so something stands between them."""
    text = plain_math(factors[0], words)
    for before, joint, factor in zip(factors, joints, factors[1:], strict=False):
        if isinstance(_bare(before), Fraction) and joint == "thin":
            text += " · "
        else:
            text += " " if isinstance(_bare(before), Scripts) and joint == "none" else JOINTS[joint]
        text += plain_math(factor, words)
    return text


def _bare(node: Node) -> Node:
    return _bare(node.body) if isinstance(node, Coloured) else node


def _operand(node: Node, words: Mapping[str, str]) -> str:
    """On one line a fraction's halves and a root's body need the brackets that a bar spares them."""
    text = plain_math(node, words)
    inner = _bare(node)
    closed = isinstance(inner, Number | Letter | Greek | Sign | Word | Accent | Scripts | Fenced | Grid)
    return text if closed or (isinstance(inner, Applied) and isinstance(inner.body, Fenced)) else f"({text})"


def _below(node: Node | None, words: Mapping[str, str]) -> str:
    if node is None:
        return ""
    text = plain_math(node, words)
    if text.isdecimal() and text.isascii():
        return text.translate(_LOWERED)
    return f"_{text}" if len(text) == 1 or text.isalnum() else f"_({text})"


def _above(node: Node | None, words: Mapping[str, str]) -> str:
    if node is None:
        return ""
    text = plain_math(node, words)
    if text and set(text) <= set("0123456789−"):
        return text.translate(_RAISED)
    return f"^{text}" if len(text) == 1 else f"^({text})"
