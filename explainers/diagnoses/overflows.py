"""Finite numbers whose result is larger than their dtype can hold."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import Birth, birth, chain, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call, Value
from explainers.reruns import Edit, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LARGEST: Final[Mapping[str, float]] = {
    "float16": 65504.0,
    "bfloat16": float(2.0**128 * (1 - 2.0**-8)),
    "float32": float(np.finfo(np.float32).max),
    "float64": float(np.finfo(np.float64).max),
}
_EXP_LIMIT = f"{math.log(_LARGEST['float32']):.1f}"
_HALF = ("float16", "bfloat16")
_GROWING = frozenset(
    {"exp", "expm1", "exp2", "sinh", "cosh", "mul", "pow", "square", "add", "sub", "sum", "mean", "prod", "cumsum"}
    | {"matmul", "mm", "bmm", "mv", "dot", "linear", "norm", "to", "half", "bfloat16", "float", "type"}
    | {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "gaussian_nll_loss"}
    | {"nll_loss", "cross_entropy", "binary_cross_entropy_with_logits"}
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="exp-overflow-manual-softmax",
            family="overflows",
            title=said("exp overflows in a softmax written by hand"),
            explanation=said(
                "e to the power of x is larger than float32 can hold from x ≈ {limit} on, and inf / inf is nan. "
                "softmax does not change when a number is taken from all scores, so torch's own functions first "
                "subtract the largest.",
                limit=_EXP_LIMIT,
            ),
            words=("exp overflow", "softmax by hand nan", "softmax overflow", "logsumexp overflow", "inf / inf"),
            losses=frozenset(),
            trigger=_exponential,
            positive=_HEAD + "z = torch.tensor([1000.0, 999.0, 0.0])\np = z.exp() / z.exp().sum()\n-torch.log(p[0])",
            control=_HEAD + "z = torch.tensor([10.0, 9.0, 0.0])\np = z.exp() / z.exp().sum()\n-torch.log(p[0])",
            concern="non-finite",
            dominates=frozenset({"number-overflow", "stable-logarithm"}),
        ),
        Rule(
            slug="half-overflow",
            family="overflows",
            symptoms=(Symptom("nan", 5), Symptom("inf", 4)),
            title=said("A number is too large for float16"),
            explanation=said(
                "float16 ends at {half}; whatever is larger becomes inf (overflow). bfloat16 and float32 reach about "
                "{single}. Sums and squares in a loss are best computed in float32: cast with .float() first; "
                "autocast does so for torch's own losses.",
                half=f"{_LARGEST['float16']:g}",
                single=number(_LARGEST["float32"]),
            ),
            words=(
                "fp16 loss inf",
                "amp loss nan",
                "autocast loss inf",
                "float16 overflow",
                "half precision inf",
                "fp16 nan loss",
                "65504",
                "mixed precision nan",
            ),
            losses=frozenset(),
            trigger=_half,
            positive=_HEAD + "p = torch.ones(300, 300, dtype=torch.float16)\n(p * p).sum()",
            control=_HEAD + "p = torch.ones(100, 100, dtype=torch.float16)\n(p * p).sum()",
            concern="non-finite",
            dominates=frozenset({"number-overflow"}),
        ),
        Rule(
            slug="number-overflow",
            unedited="What lets numbers grow lies before the call; a wider dtype is the choice of who pays for it.",
            family="overflows",
            symptoms=(Symptom("inf", 1),),
            title=said("A number is too large for its dtype"),
            explanation=said(
                "Each dtype has a largest number; a result beyond it becomes inf. Mostly the numbers before it have "
                "grown out of hand: a learning rate that is too high, inputs that are not scaled, or exp of a score."
            ),
            words=(
                "loss becomes inf after some epochs",
                "loss explodes to infinity",
                "overflow",
                "loss is inf",
                "exploding loss",
            ),
            losses=frozenset(),
            trigger=_overflow,
            positive=_HEAD + "pred = torch.tensor([1e20, 1.0])\nF.mse_loss(pred, torch.tensor([0.0, 1.0]))",
            control=_HEAD + "pred = torch.tensor([1e10, 1.0])\nF.mse_loss(pred, torch.tensor([0.0, 1.0]))",
            concern="non-finite",
        ),
    )


def _born_large(scene: Scene) -> Birth | None:
    """An inf that is no limit (as log 0 and 1 / 0 are), but a number too large."""
    found = birth(scene)
    if found is None or not math.isinf(found.made) or found.name not in _GROWING:
        return None
    return found


def _dtype(scene: Scene) -> str:
    return scene.recording.tensor(scene.call.outputs[0]).dtype if scene.call.outputs else "float32"


def _limit(scene: Scene) -> Message:
    dtype = _dtype(scene)
    return said("The largest number in {dtype} is {most}.", dtype=dtype, most=number(_LARGEST.get(dtype, math.inf)))


def _exponential(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name != "exp" or found.made != math.inf:
        return None
    edits, use, text = _stable(scene)
    if use is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: exp({x}) overflows; torch's {name} subtracts the largest score first.",
                     value=stated(scene), x=number(found.numbers[0]), name=text),
        evidence=(told(found), *operands_told(found), _limit(scene), *chain(scene)),
        trials=(
            Trial(said("with torch.{name} in its place", name=text), graph_rerun(*edits)),
            Trial(said("the same program in float64"), graph_rerun(float64=True), "illustration"),
        ),
        fix=fixes.fix(scene, _written_stable(scene, use, text), "safe", said("Use torch.{name}.", name=text)),
    )  # fmt: skip


def _stable(scene: Scene) -> tuple[tuple[Edit, ...], Call | None, str]:
    """What is made of exp(x) and its sum: a softmax, or a logsumexp; swapped for torch's own function of x."""
    x, ids = scene.call.argument("input"), _powers(scene)
    sums = {id: c for c in scene.recording.calls if short(c) == "sum" and c.ref("input") in ids for id in c.outputs}
    for call in scene.recording.calls:
        over = call.ref("other" if short(call) == "div" else "input")
        total = None if over is None else sums.get(over)
        if total is None or short(call) not in ("div", "log"):
            continue
        if short(call) == "div" and call.ref("input") not in ids:
            continue
        name = "softmax" if short(call) == "div" else "logsumexp"
        swap = SwapFunction(call.index, f"torch.{name}", (Argument("input", x), Argument("dim", _over(scene, total))))
        return (swap,), call, name
    return (), None, ""


def _powers(scene: Scene) -> set[int]:
    """Every exp of the same scores: by hand it is often written twice."""
    same = [c for c in scene.recording.calls if short(c) == "exp" and c.ref("input") == scene.call.ref("input")]
    return {id for call in same for id in call.outputs}


def _over(scene: Scene, total: Call) -> Value:
    dim = total.argument("dim")
    return dim if dim is not None else -1 if len(scene.given("input").shape) == 1 else None


def _written_stable(scene: Scene, use: Call, name: str) -> str | None:
    source = Source(scene.recording.source)
    node, x = source.at(use.span), operand(source, scene.call)
    dim = next((a.value for e in _stable(scene)[0] if isinstance(e, SwapFunction) for a in e.arguments[1:]), None)
    if node is None or x is None or not isinstance(dim, int):
        return None
    return source.replaced(source.piece(node), f"{atom(source, x)}.{name}({dim})")


def _half(scene: Scene) -> Suspicion | None:
    found = _born_large(scene)
    if found is None or _dtype(scene) not in _HALF:
        return None
    first = scene.call.inputs()[:1]
    names = [a.name for a in scene.call.arguments if scene.call.ref(a.name) in first]
    edits = tuple(wrapped(scene.call, name, "torch.Tensor.float") for name in names)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {function} overflows {dtype}, whose largest number is {most}.",
                     value=stated(scene), function=found.name, dtype=_dtype(scene), most=_top(scene)),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(Trial(said("computed in float32"), graph_rerun(*edits)),),
        fix=fixes.fix(scene, _floated(scene), "safe", said("Compute it in float32: cast with .float() first.")),
    )  # fmt: skip


def _top(scene: Scene) -> str:
    return f"{_LARGEST[_dtype(scene)]:g}" if _dtype(scene) == "float16" else number(_LARGEST[_dtype(scene)])


def _floated(scene: Scene) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    x = operand(source, scene.call) if isinstance(node, ast.Call) else getattr(node, "left", None)
    return source.replaced(source.piece(x), f"{atom(source, x)}.float()") if isinstance(x, ast.expr) else None


def _overflow(scene: Scene) -> Suspicion | None:
    found = _born_large(scene)
    if found is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: the result of {function} is too large for {dtype}.",
                     value=stated(scene), function=found.name, dtype=_dtype(scene)),
        evidence=(told(found), *operands_told(found), _limit(scene), *chain(scene)),
        trials=(Trial(said("the same program in float64"), graph_rerun(float64=True)),),
        fix=fixes.fix(scene, None, "choose", said("Keep the numbers before it small, or compute it in float64.")),
    )  # fmt: skip
