"""Differences, products and means that have no value, and functions outside of where they are defined."""

from __future__ import annotations

import ast
import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import birth, chain, operands_told, spoiled_inputs, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, replaced, wrapped
from explainers.diagnoses.inside import inside
from explainers.diagnoses.operands import atom, known_as, written
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, argument
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.reruns import Edit

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_EPS = 1e-8
_LARGE = 1e9
_ABOVE = -0.999999
_ROUNDING = 1e-3
_ROOTS = frozenset({"sqrt", "rsqrt", "pow", "acos", "asin", "atanh", "log1p"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="inf-minus-inf",
            unedited="Where the mask's infinities are written may be any line before.",
            family="undefined-values",
            symptoms=(Symptom("nan", 7),),
            title=said("inf − inf is nan"),
            explanation=said(
                "Infinities have no difference: that of two numbers that grow beyond all bounds can be anything."
            ),
            words=("inf - inf", "inf minus inf nan", "masked with -inf nan"),
            losses=frozenset(),
            trigger=_inf_minus_inf,
            positive=_HEAD + "a = torch.tensor([1.0, float('-inf')])\nb = torch.tensor([0.5, float('-inf')])\n"
            "(a - b).sum()",
            control=_HEAD + "a = torch.tensor([1.0, 2.0])\nb = torch.tensor([0.5, 1.0])\n(a - b).sum()",
            concern="non-finite",
        ),
        Rule(
            slug="infinity-times-zero",
            family="undefined-values",
            title=said("0 · inf is nan"),
            explanation=said(
                "Multiplying with 0 does not mask an infinite number: 0 · inf is nan. torch.where or masked_fill "
                "leaves the entry out. So it is with a probability of 0 times the log-probability −inf, whose limit "
                "would be 0: leave it out, or mask scores with a large finite number such as -1e9."
            ),
            words=(
                "0 * inf",
                "inf times zero",
                "mask times inf nan",
                "cross entropy of soft labels with scores of -inf is nan",
                "masked logits -inf distillation loss nan",
            ),
            losses=frozenset(),
            trigger=_inf_times_zero,
            positive=_HEAD + "x = torch.tensor([0.4, float('inf')])\nmask = torch.tensor([1.0, 0.0])\n(x * mask).sum()",
            control=_HEAD + "x = torch.tensor([0.4, 3.0])\nmask = torch.tensor([1.0, 0.0])\n(x * mask).sum()",
            concern="non-finite",
        ),
        Rule(
            slug="logarithm-inside-loss",
            family="undefined-values",
            title=said("The loss itself takes a logarithm of 0 or of a negative number"),
            explanation=said(
                "The loss computes a logarithm of its input. Nothing keeps the input positive here, and a logarithm of "
                "0 is −inf, of a negative number nan."
            ),
            words=("poisson_nll_loss nan", "log_input=False nan", "negative rate"),
            losses=frozenset({"poisson_nll_loss"}),
            trigger=_log_inside,
            positive=_HEAD + "rate = torch.tensor([-1.0, 2.0])\ncount = torch.tensor([1.0, 2.0])\n"
            "F.poisson_nll_loss(rate, count, log_input=False)",
            control=_HEAD + "rate = torch.tensor([1.0, 2.0])\ncount = torch.tensor([1.0, 2.0])\n"
            "F.poisson_nll_loss(rate, count, log_input=False)",
            concern="non-finite",
        ),
        Rule(
            slug="outside-domain",
            family="undefined-values",
            title=said("A function outside of its domain"),
            explanation=said(
                "Real square roots of negative numbers, arccosines of numbers beyond 1 and the like are nan."
            ),
            words=("sqrt of a negative number", "acos nan", "negative base power"),
            losses=frozenset(),
            trigger=_outside,
            positive=_HEAD + "x = torch.tensor([4.0, -1e-6])\nx.sqrt().sum()",
            control=_HEAD + "x = torch.tensor([4.0, 1e-6])\nx.sqrt().sum()",
            concern="non-finite",
        ),
    )


def _inf_minus_inf(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name not in ("sub", "add") or len(found.numbers) < 2 or not math.isnan(found.made):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: an infinite number is taken from an infinite one.", value=stated(scene)),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=_finite(scene),
        fix=fixes.fix(scene, None, "choose", said("Mask with a large finite number such as -1e9, not with inf.")),
    )


def _inf_times_zero(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name != "mul" or 0.0 not in found.numbers or not math.isnan(found.made):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: 0 is multiplied with {infinite}, and 0 · {infinite} is nan.",
            value=stated(scene),
            infinite=next((number(x) for x in found.numbers if math.isinf(x)), "inf"),
        ),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=_finite(scene),
        fix=fixes.fix(scene, _where(scene), "likely", said("Leave the entry out with torch.where.")),
    )


def _finite(scene: Scene) -> tuple[Trial, ...]:
    """The program with large finite numbers in place of the infinite ones, wherever their tensors are used."""
    edits = [_finite_from(scene, id) for id in _first_infinite(scene)]
    return (Trial(said("with ±1e9 in place of ±inf"), graph_rerun(*edits)),) if edits else ()


def _first_infinite(scene: Scene) -> list[int]:
    """The tensors behind the call's operands that hold inf and were made of none that do."""
    waiting, seen, found = list(scene.call.inputs()), set[int](), list[int]()
    while waiting:
        id = waiting.pop()
        if id in seen or not _holds_infinity(scene, id):
            continue
        seen.add(id)
        call = scene.makers.get(id)
        before = [] if call is None else [i for i in call.inputs() if _holds_infinity(scene, i)]
        found += [] if before else [id]
        waiting += before
    return found


def _holds_infinity(scene: Scene, id: int) -> bool:
    held = scene.held(id)
    return held is not None and bool(np.isinf(held).any())


def _finite_from(scene: Scene, id: int) -> Edit:
    call = scene.makers.get(id)
    if call is not None and call.inputs():
        return followed_by(call, "torch.clamp", min=-_LARGE, max=_LARGE)
    tensor = scene.recording.tensors[id]
    return replaced(tensor, np.clip(tensor.array().astype(np.float64), -_LARGE, _LARGE))


def _where(scene: Scene) -> str | None:
    """`x * mask` written as `torch.where(mask != 0, x, 0.0)`, the infinite operand being x; of other factors than 0 and
    1 the product is kept."""
    source = Source(scene.recording.source)
    infinite = spoiled_inputs(scene)
    if len(infinite) != 1:
        return None
    x, factor = written(scene, infinite[0]), written(scene, "other" if infinite[0] == "input" else "input")
    if x is None or factor is None:
        return None
    text, node = f"torch.where({atom(source, factor)} != 0, {source.written(x)}, 0.0)", source.at(scene.call.span)
    held = scene.recorded("other" if infinite[0] == "input" else "input")
    is_mask = isinstance(node, ast.BinOp) and held is not None and bool(np.isin(held, (0, 1)).all())
    return source.replaced(source.piece(node if is_mask and node is not None else x), text)


def _log_inside(scene: Scene) -> Suspicion | None:
    """A loss of finite numbers that takes the logarithm of one that has none."""
    held = scene.recorded("input")
    if held is None or not np.isfinite(held).all():
        return None
    found, steps = birth(scene), inside(scene)
    if found is None or not steps or not (held <= 0).any() or not str(steps[0].named["step"]).startswith("log("):
        return None
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {function} takes a logarithm, and {name} holds {low}.",
                     value=stated(scene), function=scene.name, name=name, low=number(float(held.min()))),
        evidence=(told(found), *steps),
        trials=(
            Trial(said("with its input cut to where it is defined"),
                  graph_rerun(wrapped(scene.call, "input", "torch.clamp", min=_EPS))),
        ),
        fix=fixes.fix(scene, fixes.rewritten(scene, "input", f"{{}}.clamp(min={_EPS})"), "choose",
                      said("Make the input positive: softplus or exp of what the model gives, or a least value.")),
    )  # fmt: skip


def _outside(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name not in _ROOTS or not math.isnan(found.made) or not found.numbers:
        return None
    x = found.numbers[0]
    low, high = (-1.0, 1.0) if found.name in ("acos", "asin", "atanh") else (0.0, None)
    low = _ABOVE if found.name == "log1p" else low
    far = x < low - _ROUNDING or (high is not None and x > high + _ROUNDING)
    options = {"min": low} if high is None else {"min": low, "max": high}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: {function} of {x} is no real number.", value=stated(scene), function=found.name, x=number(x)
        ),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(
            Trial(said("with its input cut to where it is defined"),
                  graph_rerun(wrapped(scene.call, "input", "torch.clamp", **options))),
        ),
        fix=fixes.fix(scene, _cut(scene, low, high), "choose",
                      said("It is far outside: mend what computes it, or cut the input with clamp.") if far else
                      said("Rounding can go just beyond the limit: cut the input with clamp.")),
    )  # fmt: skip


def _cut(scene: Scene, low: float, high: float | None) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    text = f"clamp(min={low:g})" if high is None else f"clamp({low:g}, {high:g})"
    if not isinstance(node, ast.Call):
        x = node.left if isinstance(node, ast.BinOp) else None
    else:
        is_method = isinstance(node.func, ast.Attribute) and not source.is_torch(node.func.value)
        x = node.func.value if is_method and isinstance(node.func, ast.Attribute) else argument(node, 0, "input")
    return source.replaced(source.piece(x), f"{atom(source, x)}.{text}") if x is not None else None
