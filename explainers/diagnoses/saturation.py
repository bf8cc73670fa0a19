"""Numbers just below 1 that are rounded to exactly 1, where a function has its pole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import birth, chain, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, wrapped
from explainers.diagnoses.operands import replaced
from explainers.diagnoses.scene import VIEWS, Floats, Scene, line_of, short
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import code_of, number, stated
from explainers.graph.rounding import UNIT
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_CLIPPED = "p = torch.tensor([0.2, 1.0]){}\n-torch.log1p(-p.clamp(max=1.0 - 1e-6)).mean()"
_POLES = frozenset({"log", "log2", "log10", "log1p", "atanh", "arctanh", "logit", "erfinv", "div", "reciprocal"})
_ALONG = VIEWS | {"neg", "sub", "rsub", "add"}
_SURE = 1e-6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="rounded-to-one",
            family="precision",
            title=said("A number just below 1 is rounded to exactly 1"),
            explanation=said(
                "Next to 1 a dtype has no number nearer than its precision allows: 1 − 0.0005 in float16, 1 − 6e-8 in "
                "float32. What lies closer is rounded to exactly 1: a bound such as 1 − 1e-6, or a sigmoid, softmax or "
                "tanh that saturates. Compute in float32, take a larger distance from 1, or let logsigmoid or "
                "log_softmax take the logarithm of the logits."
            ),
            words=(
                "clamp does not help half precision inf",
                "1 - eps rounds to 1",
                "sigmoid saturates exactly 1",
                "saturated sigmoid float32",
                "tanh saturates atanh inf",
            ),
            losses=frozenset(),
            trigger=_rounded,
            positive=_HEAD + _CLIPPED.format(".half()"),
            control=_HEAD + _CLIPPED.format(""),
            concern="non-finite",
            dominates=frozenset({"log-of-nonpositive", "division-by-zero", "zero-times-log-zero"}),
        ),
    )


@dataclass(frozen=True)
class _Saturated:
    """A call whose result is exactly 1 in places where it should be 1 less a gap."""

    call: Call
    dtype: str
    gap: float


def _rounded(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    saturated = _saturated(scene) if found is not None and found.name in _POLES else None
    if found is None or saturated is None:
        return None
    maker, step = saturated.call, UNIT[saturated.dtype]
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value}: {code} is rounded to exactly 1 in {dtype}, where {function} in line {line} is not finite.",
            value=stated(scene),
            code=code_of(maker),
            dtype=saturated.dtype,
            function=found.name,
            line=line_of(scene.call),
        ),
        evidence=(
            told(found),
            *operands_told(found),
            said(
                "Exactly it is 1 − {gap}; the number of {dtype} next below 1 is 1 − {step}, and what is nearer to 1 "
                "than half of that becomes 1.",
                gap=number(saturated.gap),
                dtype=saturated.dtype,
                step=number(step),
            ),
            *chain(scene),
        ),
        trials=(_trial(saturated),),
        fix=fixes.fix(
            scene,
            _mended(scene, saturated),
            "safe" if short(maker).startswith("clamp") else "choose",
            _note(saturated.dtype),
        ),
    )


def _trial(saturated: _Saturated) -> Trial:
    """What the fix would give, and of an activation what the number next below 1 gives."""
    maker, dtype = saturated.call, saturated.dtype
    if _is_wider_enough(saturated):
        return Trial(said("computed in float32"), graph_rerun(wrapped(maker, "input", "torch.Tensor.float")))
    least = _SURE if short(maker).startswith("clamp") else UNIT[dtype]
    what = said("with at most 1 − {step} in its place", step=number(least))
    return Trial(what, graph_rerun(followed_by(maker, "torch.clamp", max=1.0 - least)))


def _is_wider_enough(saturated: _Saturated) -> bool:
    """Whether float32 can tell the number from 1."""
    return UNIT[saturated.dtype] > UNIT["float32"] and saturated.gap > UNIT["float32"]


def _note(dtype: str) -> Message:
    least = number(2 * UNIT[dtype])
    if UNIT[dtype] > UNIT["float32"]:
        return said("Compute it in float32, or keep a larger distance from 1 ({least} or more).", least=least)
    return said(
        "Keep a larger distance from 1 ({least} or more), or compute logarithms of the logits: logsigmoid(−x) is "
        "log(1 − sigmoid(x)).",
        least=least,
    )


def _saturated(scene: Scene) -> _Saturated | None:
    """The call on the way to the pole whose result was rounded to 1."""
    waiting, seen = list(scene.call.inputs()), set[int]()
    while waiting:
        id = waiting.pop()
        call = scene.makers.get(id)
        if call is None or id in seen:
            continue
        seen.add(id)
        held, dtype = numbers(scene.recording.tensors.get(id)), scene.recording.tensors[id].dtype
        if held is not None and (held == 1).any() and dtype in UNIT and (gap := _gap(scene, call, held == 1)):
            return _Saturated(call, dtype, gap)
        if short(call) in _ALONG:
            waiting.extend(call.inputs())
    return None


def _gap(scene: Scene, call: Call, ones: np.ndarray) -> float:
    """How far below 1 the exact result is where it was rounded to 1, the largest such distance; 0 where it is 1."""
    bound = call.argument("max")
    if short(call) in ("clamp", "clamp_max", "clip"):
        return 1 - bound if isinstance(bound, float) and bound < 1 else 0.0
    id = call.ref("input")
    x = numbers(scene.recording.tensors.get(id)) if id is not None else None
    if x is None or not np.isfinite(x).all():
        return 0.0
    gaps = _distances(call, x)
    return 0.0 if gaps is None or gaps.shape != ones.shape else float(gaps[ones].max())


def _distances(call: Call, x: Floats) -> Floats | None:
    """1 less the result, without rounding it away; None where the function never saturates at 1."""
    with np.errstate(over="ignore", under="ignore"):
        match short(call), call.argument("dim"):
            case "sigmoid", _:
                return np.asarray(1 / (1 + np.exp(x)))
            case "tanh", _:
                return np.asarray(2 / (1 + np.exp(2 * x)))
            case "softmax", int() as dim:
                rest = np.exp(x - x.max(axis=dim, keepdims=True))
                others = np.where(rest == 1, 0.0, rest).sum(axis=dim, keepdims=True)
                return np.asarray(np.where(rest == 1, others / (1 + others), 1.0))
            case _:
                return None


def _mended(scene: Scene, saturated: _Saturated) -> str | None:
    """The program with the bound computed in float32, there with one that float32 can tell from 1."""
    there = replace(scene, call=saturated.call)
    if not short(saturated.call).startswith("clamp"):
        return None
    if _is_wider_enough(saturated):
        return replaced(there, input="{}.float()")
    return replaced(there, max=f"1 - {_SURE}")
