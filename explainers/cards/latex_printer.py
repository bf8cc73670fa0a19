"""`notation.Node` → LaTeX math for amsmath; colours are the commands that `latex` defines."""

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
from explainers.cards.plain_printer import GREEK_LETTERS
from explainers.cards.typst_printer import terms_joined

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "ell": r"\ell",
        "infinity": r"\infty",
        "pi": r"\pi",
        "e": "e",
        "ellipsis": r"\cdots",
        "nabla": r"\nabla",
        "partial": r"\partial",
        "one": r"\mathbf{1}",
    }
)
RELATIONS: Mapping[str, str] = MappingProxyType(
    {
        "=": "=",
        "≈": r"\approx",
        "≠": r"\neq",
        "<": "<",
        "≤": r"\leq",
        ">": ">",
        "≥": r"\geq",
        "→": r"\to",
        "∈": r"\in",
    }
)
JOINTS: Mapping[str, str] = MappingProxyType({"times": r" \times ", "thin": r"\,", "none": " "})
LOGIC: Mapping[str, str] = MappingProxyType({"and": r" \land ", "or": r" \lor "})
LINE_END = r" \\ "
FENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "()": ("(", ")"),
        "[]": ("[", "]"),
        "||": ("|", "|"),
        "⌊⌋": (r"\lfloor", r"\rfloor"),
        "⌈⌉": (r"\lceil", r"\rceil"),
    }
)
_ESCAPED_SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "−": "-", "✓": r"\checkmark", "…": r"\dots", "≈": r"\approx", "×": r"\times", "→": r"\to", "∞": r"\infty",
        "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "∇": r"\nabla", "∂": r"\partial", "ℓ": r"\ell", "√": r"\surd",
        "∈": r"\in", "·": r"\cdot",
        **{letter: f"\\{name}" for name, letter in GREEK_LETTERS.items()},
        **{letter: f"^{digit}" for digit, letter in zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True)},
        **{letter: f"_{digit}" for digit, letter in zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True)},
    }
)  # fmt: skip
_ESCAPES = MappingProxyType(
    {ord(plain): f"\\{plain}" for plain in "&%$#_{}"}
    | {ord("\\"): r"\textbackslash{}", ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}"}
    | {ord(letter): f"\\ensuremath{{{sign}}}" for letter, sign in _ESCAPED_SIGNS.items()}
)


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return text.translate(_ESCAPES)


def latex_math(node: Node, words: Mapping[str, str]) -> str:
    """`words` translates "if" and "otherwise"."""
    match node:
        case Number(digits=digits):
            return digits.replace("…", r"\ldots")
        case Letter(letter=letter):
            return letter
        case Greek(name=name):
            return f"\\{name}"
        case Sign(name=name):
            return SIGNS[name]
        case Word(text=text, operator=operator):
            return f"\\operatorname{{{escaped(text)}}}" if operator else f"\\text{{{escaped(text)}}}"
        case Coloured(body=body, role=role):
            return f"\\{role.value}{{{latex_math(body, words)}}}"
        case Accent(body=body, mark=mark):
            return f"\\{mark}{{{latex_math(body, words)}}}"
        case Scripts(body=body, below=below, above=above):
            bottom = "" if below is None else f"_{{{latex_math(below, words)}}}"
            top = "" if above is None else f"^{{{latex_math(above, words)}}}"
            return f"{{{latex_math(body, words)}}}{bottom}{top}"
        case Fraction(above=above, below=below):
            return f"\\frac{{{latex_math(above, words)}}}{{{latex_math(below, words)}}}"
        case Root(body=body, degree=degree):
            return f"\\sqrt{'' if degree == 2 else f'[{degree}]'}{{{latex_math(body, words)}}}"
        case Fenced(body=body, fence=fence):
            left, right = FENCES[fence]
            return f"\\left{left} {latex_math(body, words)} \\right{right}"
        case _:
            return _composite(node, words)


def _composite(
    node: Listing | Terms | Product | Applied | Big | Cases | Grid | Relation | Logical | Condition,
    words: Mapping[str, str],
) -> str:
    match node:
        case Listing(items=items):
            return ", ".join(latex_math(item, words) for item in items)
        case Terms(terms=terms):
            return terms_joined(tuple((negative, latex_math(term, words)) for negative, term in terms), "-")
        case Product(factors=factors, joints=joints):
            first, *rest = (latex_math(factor, words) for factor in factors)
            return first + "".join(JOINTS[joint] + factor for joint, factor in zip(joints, rest, strict=True))
        case Applied(function=function, body=body):
            return f"{latex_math(function, words)} {latex_math(body, words)}"
        case Big(operator=operator, below=below, above=above, body=body):
            sign = r"\sum" if operator == "sum" else r"\prod"
            top = "" if above is None else f"^{{{latex_math(above, words)}}}"
            return f"{sign}_{{{latex_math(below, words)}}}{top} {latex_math(body, words)}"
        case Cases(rows=rows):
            lines = (f"{latex_math(value, words)} & {latex_math(condition, words)}" for value, condition in rows)
            return f"\\begin{{cases}} {LINE_END.join(lines)} \\end{{cases}}"
        case Grid(rows=rows):
            lines = (" & ".join(latex_math(entry, words) for entry in row) for row in rows)
            return f"\\begin{{bmatrix}} {LINE_END.join(lines)} \\end{{bmatrix}}"
        case Relation(left=left, relation=relation, right=right):
            return f"{latex_math(left, words)} {RELATIONS[relation]} {latex_math(right, words)}"
        case Logical(operator=operator, operands=operands):
            parts = [latex_math(operand, words) for operand in operands]
            return f"\\lnot {parts[0]}" if operator == "not" else LOGIC[operator].join(parts)
        case Condition(word=word, body=body):
            said = f"\\text{{{escaped(words[word])}}}"
            return said if body is None else f"{said}\\ {latex_math(body, words)}"
        case _:
            assert_never(node)
