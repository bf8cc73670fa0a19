"""Squares that overflow under a root, though the root itself is a usual number."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import Birth, birth, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call, Ref
from explainers.reruns import Edit, SwapFunction, WrapArgument, WrapOutput

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="stable-root",
            family="overflows",
            title=said("A square overflows under a root"),
            explanation=said(
                "The square of a number above about 1.8e19 is too large for float32, also where the root is taken of "
                "it afterwards. torch.hypot(a, b) is √(a² + b²) without the squares; a root of a sum or a mean of "
                "squares keeps its size if the largest number is divided out before and multiplied back afterwards."
            ),
            words=("rmse inf", "sqrt of squares overflow", "sqrt(x**2 + eps) inf", "charbonnier loss inf", "hypot"),
            losses=frozenset(),
            trigger=_root,
            positive=_HEAD + "x = torch.tensor([1e20, 1.0])\n(x**2 + 1e-6).sqrt().sum()",
            control=_HEAD + "x = torch.tensor([1e10, 1.0])\n(x**2 + 1e-6).sqrt().sum()",
            concern="non-finite",
            dominates=frozenset({"number-overflow", "half-overflow"}),
        ),
    )


@dataclass(frozen=True)
class _Form:
    """The edits of the stable form, what it does, how to get it, and the program with it where it could be written."""

    edits: tuple[Edit, ...]
    what: Message
    note: Message
    text: str | None


def _by_hypot(edits: tuple[Edit, ...], text: str | None) -> _Form:
    name = "torch.hypot"
    return _Form(edits, said("in the stable form, with {name}", name=name), said("Use {name}.", name=name), text)


def _root(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    form = _form(scene) if found is not None and found.made == math.inf and _is_square(scene.call) else None
    if found is None or form is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: the square of {x} overflows, though the root of it is no larger than {x}.",
                     value=stated(scene), x=_largest(found)),
        evidence=(told(found), *operands_told(found)),
        trials=(Trial(form.what, graph_rerun(*form.edits)),),
        fix=fixes.fix(scene, form.text, "safe", form.note),
    )  # fmt: skip


def _largest(found: Birth) -> str:
    return number(found.numbers[0]) if found.numbers else "…"


def _is_square(call: Call) -> bool:
    same = isinstance(call.argument("input"), Ref) and call.argument("input") == call.argument("other")
    return short(call) == "square" or (short(call) == "pow" and call.argument("exponent") == 2) or same


def _form(scene: Scene) -> _Form | None:
    """√(x² + b), √(a² + b²) and √(Σ x²), √(mean x²) of what the scene's call squares."""
    made = set(scene.call.outputs)
    for call in scene.needed():
        if short(call) == "sqrt" and call.ref("input") in made:
            under = scene.maker(call.ref("input"))
            return None if under is None else _hypot(scene, call, under) or _scaled(scene, call, under)
        if short(call) in ("add", "sum", "mean") and not made.isdisjoint(call.inputs()):
            made |= set(call.outputs)
    return None


def _hypot(scene: Scene, root: Call, under: Call) -> _Form | None:
    if short(under) != "add" or under.argument("alpha") not in (None, 1):
        return None
    a, b = under.argument("input"), under.argument("other")
    squares = [scene.makers.get(v.id) if isinstance(v, Ref) else None for v in (a, b)]
    if all(s is not None and _is_square(s) for s in squares):
        legs = [Argument(n, s.argument("input")) for n, s in zip(("input", "other"), squares, strict=True) if s]
        texts = [_written(scene, s) for s in squares if s is not None]
        return _by_hypot((SwapFunction(root.index, "torch.hypot", tuple(legs)),), _put(scene, root, texts))
    if isinstance(b, int | float) and b > 0 and squares[0] is not None and _is_square(squares[0]):
        x = squares[0].argument("input")
        zero = (Argument("other", 0.0),)
        swap = SwapFunction(root.index, "torch.hypot", (Argument("input", x), Argument("other", x)))
        leg = WrapArgument(root.index, "other", "torch.mul", zero)
        shift = WrapArgument(root.index, "other", "torch.add", (Argument("other", math.sqrt(b)),))
        texts = [_written(scene, squares[0]), f"torch.tensor({math.sqrt(b):.6g})"]
        return _by_hypot((swap, leg, shift), _put(scene, root, texts))
    return None


def _scaled(scene: Scene, root: Call, under: Call) -> _Form | None:
    """The numbers divided by a power of two near the largest before they are squared, the root multiplied with it."""
    if short(under) not in ("sum", "mean") or scene.call.ref("input") is None or under.ref("input") is None:
        return None
    held = numbers(scene.recording.known(scene.call.ref("input")))
    if under.ref("input") not in scene.call.outputs or held is None or not np.isfinite(held).all():
        return None
    scale = 2.0 ** math.floor(math.log2(float(np.abs(held).max())))
    names = [a.name for a in scene.call.arguments if isinstance(a.value, Ref)]
    before = tuple(WrapArgument(scene.call.index, n, "torch.div", (Argument("other", scale),)) for n in names)
    after = WrapOutput(root.index, "torch.mul", (Argument("other", scale),))
    return _Form(
        (*before, after),
        said("with {scale} divided out of the squares and multiplied back behind the root", scale=number(scale)),
        said("Divide by the largest number before squaring, and multiply the root with it."),
        _with_scale(scene, root),
    )


def _with_scale(scene: Scene, root: Call) -> str | None:
    """`(x**2).mean().sqrt()` as `((x / m)**2).mean().sqrt() * m` with m = x.abs().max(), which is a constant."""
    source = Source(scene.recording.source)
    whole, square = source.at(root.span), source.at(scene.call.span)
    x = square.left if isinstance(square, ast.BinOp) and isinstance(square.op, ast.Pow) else None
    if not isinstance(whole, ast.expr) or x is None:
        return None
    (start, end), (left, right) = source.piece(whole), source.piece(x)
    if not (start <= left and right <= end):
        return None
    of = atom(source, x)
    most = f"{of}.abs().max().detach()"
    text = f"{source.text[start:left]}({of} / {most}){source.text[right:end]} * {most}"
    return source.replaced((start, end), f"({text})")


def _written(scene: Scene, square: Call) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(square.span)
    x = node.left if isinstance(node, ast.BinOp) else operand(source, square)
    return None if x is None else source.written(x)


def _put(scene: Scene, root: Call, legs: list[str | None]) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(root.span)
    if not isinstance(node, ast.expr) or None in legs:
        return None
    return source.replaced(source.piece(node), f"torch.hypot({', '.join(text for text in legs if text)})")
