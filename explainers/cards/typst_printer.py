"""`notation.Node` → Typst math source, of fixed fragments, digits and quoted names only: what `gate` lets through."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

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

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "ell": "ell",
        "infinity": "infinity",
        "pi": "pi",
        "e": "e",
        "ellipsis": "dots.c",
        "nabla": "nabla",
        "partial": "partial",
        "one": "bold(1)",
    }
)
RELATIONS: Mapping[str, str] = MappingProxyType(
    {"=": "=", "≈": "approx", "≠": "!=", "<": "<", "≤": "<=", ">": ">", "≥": ">=", "→": "->", "∈": "in"}
)
JOINTS: Mapping[str, str] = MappingProxyType({"times": " times ", "thin": " thin ", "none": " "})
LOGIC: Mapping[str, str] = MappingProxyType({"and": " and ", "or": " or ", "not": "not "})
FENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"()": ("lr((", "))"), "[]": ("lr([", "])"), "||": ("abs(", ")"), "⌊⌋": ("floor(", ")"), "⌈⌉": ("ceil(", ")")}
)
GREEK_STEM = MappingProxyType({"epsilon": "epsilon", "phi": "phi.alt"})


def quoted(text: str) -> str:
    """A Typst string literal: the only way that free text enters math."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typst_math(node: Node) -> str:
    match node:
        case Number(digits=digits):
            return quoted(digits) if not digits.isascii() or not digits.replace(".", "").isdecimal() else digits
        case Letter(letter=letter):
            return letter
        case Greek(name=name):
            return GREEK_STEM.get(name, name)
        case Sign(name=name):
            return SIGNS[name]
        case Word(text=text, operator=operator):
            return _word(text, operator)
        case Coloured(body=body, role=role):
            return f"{role.value}({typst_math(body)})"
        case Accent(body=body, mark=mark):
            return f"{'hat' if mark == 'hat' else 'macron'}({typst_math(body)})"
        case Scripts(body=body, below=below, above=above):
            return _scripts(body, below, above)
        case Fraction(above=above, below=below):
            return f"frac({typst_math(above)}, {typst_math(below)})"
        case Root(body=body, degree=degree):
            return f"sqrt({typst_math(body)})" if degree == 2 else f"root({degree}, {typst_math(body)})"
        case _:
            return _composite(node)


def _composite(
    node: Fenced | Listing | Terms | Product | Applied | Big | Cases | Grid | Relation | Logical | Condition,
) -> str:
    match node:
        case Fenced(body=body, fence=fence):
            left, right = FENCES[fence]
            return f"{left}{typst_math(body)}{right}"
        case Listing(items=items):
            return ", ".join(map(typst_math, items)) if len(items) != 1 else typst_math(items[0])
        case Terms(terms=terms):
            return terms_joined(tuple((negative, typst_math(term)) for negative, term in terms), "-")
        case Product(factors=factors, joints=joints):
            first, *rest = map(typst_math, factors)
            return first + "".join(JOINTS[joint] + factor for joint, factor in zip(joints, rest, strict=True))
        case Applied(function=function, body=body):
            return f"{typst_math(function)}{_argument(body)}"
        case Big(operator=operator, below=below, above=above, body=body):
            top = "" if above is None else f"^({typst_math(above)})"
            return f"{operator}_({typst_math(below)}){top} {typst_math(body)}"
        case Cases(rows=rows):
            return f"cases({', '.join(f'{typst_math(value)} & quad {typst_math(when)}' for value, when in rows)})"
        case Grid(rows=rows):
            body = "; ".join(", ".join(map(_entry, row)) for row in rows)
            return f'mat(delim: "[", {body})'
        case Relation(left=left, relation=relation, right=right):
            return f"{typst_math(left)} {RELATIONS[relation]} {typst_math(right)}"
        case Logical(operator=operator, operands=operands):
            parts = [typst_math(operand) for operand in operands]
            return f"not {parts[0]}" if operator == "not" else LOGIC[operator].join(parts)
        case Condition(word=word, body=body):
            return f"word{word} {'' if body is None else typst_math(body)}"
        case _:
            assert_never(node)


def terms_joined(terms: tuple[tuple[bool, str], ...], minus: str) -> str:
    """The first term with its sign in front, the others behind " + " or " - "."""
    (negative, first), *rest = terms
    lead = f"{minus}{first}" if negative else first
    return lead + "".join(f" {minus if below else '+'} {term}" for below, term in rest)


def _word(text: str, operator: bool) -> str:
    if not operator:
        return f"upright({quoted(text)})"
    return text if text in ("log", "max", "min", "exp", "tanh") else f"op({quoted(text)})"


def _scripts(body: Node, below: Node | None, above: Node | None) -> str:
    bottom = "" if below is None else f"_({typst_math(below)})"
    top = "" if above is None else f"^({typst_math(above)})"
    return f"{typst_math(body)}{bottom}{top}"


def _argument(body: Node) -> str:
    """Plain brackets directly behind a function's name keep its spacing; Typst still grows them."""
    if isinstance(body, Fenced) and body.fence == "()":
        return f"({typst_math(body.body)})"
    return f" {typst_math(body)}"


def _entry(node: Node) -> str:
    """A matrix entry: commas and semicolons would split it, so a list in it is fenced off."""
    return f"lr(({typst_math(node)}))" if isinstance(node, Listing) else typst_math(node)
