"""Finite losses whose gradient is nan or inf: the step of the backward pass that made it."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.alignments import strange_labels
from explainers.diagnoses.backward_steps import TAME, blamed, gradient_trial, suspects, turned_backward
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import set_to, wrapped
from explainers.diagnoses.logarithms import stable
from explainers.diagnoses.operands import atom, replaced
from explainers.diagnoses.scene import Scene, line_of, short, upstream
from explainers.diagnoses.source_edits import Source, argument, operand
from explainers.diagnoses.turning import is_spoiled, numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_EPS = 1e-12
_CAP = 80.0
"""Largest operand of exp that is far from overflowing in float32."""

_STEEP = (
    *("sqrt", "log", "log2", "log10", "log1p", "pow", "div", "rdiv", "exp", "norm", "acos", "rsqrt", "reciprocal"),
)
_ARCS = frozenset({"acos", "asin", "atanh"})
_WITHIN = 0.999999
"""Their derivatives are infinite at ±1, where rounding puts the cosine of equal vectors."""

_ELEMENTWISE = frozenset({"neg", "add", "sub", "mul", "radd", "rsub", "rmul", "div"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="where-gradient-trap",
            family="spoiled-gradients",
            title=said("The gradient of a branch that is not taken"),
            explanation=said(
                "where picks one value, but backward goes through both branches and multiplies the one not taken with "
                "0. Its derivative is infinite there, and 0 · inf is nan. Make the operand of that branch harmless "
                "before the function is applied: with a clamp, or a second where inside it (the double where)."
            ),
            words=(
                "nan gradient torch.where mask",
                "torch.where nan gradient",
                "where backward nan",
                "nan gradient but finite loss",
                "double where",
            ),
            losses=frozenset(),
            trigger=_where,
            positive=_HEAD + "x = torch.tensor([0.0, 4.0], requires_grad=True)\n"
            "loss = torch.where(x > 0, x.sqrt(), torch.zeros_like(x)).sum()\nloss.backward()",
            control=_HEAD + "x = torch.tensor([1.0, 4.0], requires_grad=True)\n"
            "loss = torch.where(x > 0, x.sqrt(), torch.zeros_like(x)).sum()\nloss.backward()",
            concern="non-finite",
            dominates=frozenset({"sqrt-zero-gradient", "gradient-not-finite", "log-underflow-gradient"}),
        ),
        Rule(
            slug="sqrt-zero-gradient",
            family="spoiled-gradients",
            symptoms=(Symptom("nan", 3),),
            title=said("A square root of 0 has an infinite slope"),
            explanation=said(
                "The derivative of √u is 1 / (2√u), infinite at u = 0. Where what is under the root has the "
                "derivative 0 there, as a square has, 0 · inf is nan. The loss itself is fine. The same holds for "
                "every power u^γ with γ below 1, whose derivative γ · u^(γ − 1) is infinite at 0; with γ = 1 or above "
                "it is finite. Of a number below 0 such a power is nan itself."
            ),
            words=(
                "rmse loss nan",
                "norm at zero nan",
                "distance of identical vectors nan gradient",
                "pairwise distance gradient nan",
                "sqrt gradient nan",
                "SqrtBackward0 returned nan values",
                "rmse gradient nan",
                "sqrt at zero",
                "norm gradient nan",
                "power below 1 of 0 gradient nan",
                "focal loss gamma 0.5 nan during training",
                "focal tversky loss nan gamma 0.75",
            ),
            losses=frozenset(),
            trigger=_root,
            positive=_HEAD + "w = torch.tensor([1.0, 2.0], requires_grad=True)\n"
            "loss = F.mse_loss(w, torch.tensor([1.0, 2.0])).sqrt()\nloss.backward()",
            control=_HEAD + "w = torch.tensor([1.0, 2.0], requires_grad=True)\n"
            "loss = F.mse_loss(w, torch.tensor([1.0, 2.5])).sqrt()\nloss.backward()",
            variants=(
                _HEAD + "p = torch.tensor([1.0, 0.0], requires_grad=True)\ny = torch.tensor([1.0, 0.0])\n"
                "tp, fn, fp = (p * y).sum(), ((1 - p) * y).sum(), (p * (1 - y)).sum()\n"
                "gamma = 0.75\nloss = (1 - tp / (tp + 0.7 * fn + 0.3 * fp)) ** gamma\nloss.backward()",
            ),
            concern="non-finite",
            dominates=frozenset({"gradient-not-finite"}),
        ),
        Rule(
            slug="log-underflow-gradient",
            family="spoiled-gradients",
            title=said("The gradient passes log 0"),
            explanation=said(
                "The loss does not pick the entry whose probability was rounded to 0, so its value is finite. But the "
                "derivative of log is 1 / p, infinite at p = 0, and backward multiplies it with 0: nan. log_softmax "
                "and logsigmoid have a finite derivative everywhere."
            ),
            words=(
                "log softmax gradient nan",
                "loss 0 gradient nan",
                "LogBackward0 returned nan values in its 0th output",
                "LogBackward",
            ),
            losses=frozenset(),
            trigger=_log,
            positive=_HEAD + "z = torch.tensor([[200.0, 0.0]], requires_grad=True)\n"
            "loss = F.nll_loss(torch.log(torch.softmax(z, dim=1)), torch.tensor([0]))\nloss.backward()",
            control=_HEAD + "z = torch.tensor([[200.0, 0.0]], requires_grad=True)\n"
            "loss = F.nll_loss(F.log_softmax(z, dim=1), torch.tensor([0]))\nloss.backward()",
            concern="non-finite",
            dominates=frozenset({"gradient-not-finite"}),
        ),
        Rule(
            slug="gradient-not-finite",
            family="spoiled-gradients",
            title=said("The gradient is not finite"),
            explanation=said(
                "One step of the backward pass has an infinite derivative at these numbers, or an undefined one. "
                "After one step of the optimizer the weights are nan too."
            ),
            words=("gradient is nan", "nan gradient", "inf gradient"),
            losses=frozenset(),
            trigger=_any,
            positive=_HEAD + "x = torch.tensor([0.0, 2.0], requires_grad=True)\nloss = torch.special.entr(x).sum()\n"
            "loss.backward()",
            control=_HEAD + "x = torch.tensor([0.5, 2.0], requires_grad=True)\nloss = torch.special.entr(x).sum()\n"
            "loss.backward()",
            concern="non-finite",
        ),
    )


def _zero_in(scene: Scene, call: Call) -> bool:
    """Whether the operand holds an exact 0."""
    held = numbers(scene.recording.tensors.get(call.inputs()[0])) if call.inputs() else None
    return held is not None and bool((held == 0).any())


def _is_root(scene: Scene, call: Call) -> bool:
    exponent = call.argument("exponent")
    fractional = short(call) != "pow" or (isinstance(exponent, float) and 0 < exponent < 1)
    return fractional and short(call) != "rsqrt" and _zero_in(scene, call)


def _root(scene: Scene) -> Suspicion | None:
    call = next((c for c in suspects(scene, "sqrt", "pow") if _is_root(scene, c)), None)
    if call is None or _picked_by_where(scene, call) is not None:
        return None
    source = Source(scene.recording.source)
    node = source.at(call.span)
    x = operand(source, call) if isinstance(node, ast.Call) else node.left if isinstance(node, ast.BinOp) else None
    changed = source.replaced(source.piece(x), f"({source.written(x)} + {_EPS})") if x is not None else None
    return Suspicion(
        at=call.index,
        verdict=said("{value} is fine, but its gradient is not: the root in line {line} is taken of 0.",
                     value=stated(scene), line=line_of(call)),
        evidence=blamed(scene, call, 0.0),
        trials=(
            *gradient_trial(scene, call, said("with {eps} added under the root", eps=_EPS),
                            wrapped(call, "input", "torch.add", other=_EPS)),
            *_without_power(scene, call),
        ),
        fix=fixes.fix(scene, changed, "safe", said("Add a small number under the root, or leave the root away.")),
    )  # fmt: skip


def _without_power(scene: Scene, call: Call) -> tuple[Trial, ...]:
    """The gradient with the exponent 1, of a power that is written as one."""
    if short(call) != "pow":
        return ()
    return gradient_trial(scene, call, said("with the exponent 1"), set_to(call, "exponent", 1.0))


def _log(scene: Scene) -> Suspicion | None:
    for call in suspects(scene, "log"):
        maker = scene.makers.get(call.inputs()[0])
        if maker is None or short(maker) not in ("softmax", "sigmoid") or not _zero_in(scene, call):
            continue
        source = Source(scene.recording.source)
        node, x, dim = source.call_at(call.span), operand(source, maker), maker.argument("dim")
        text = f".log_softmax({dim})" if short(maker) == "softmax" else ".sigmoid().log()"
        whole = source.piece(node) if node is not None and x is not None and short(maker) == "softmax" else None
        changed = source.replaced(whole, f"{atom(source, x)}{text}") if whole is not None and x is not None else None
        return Suspicion(
            at=call.index,
            verdict=said("{value} is fine, but its gradient is nan: line {line} takes the log of a {name} that is 0.",
                         value=stated(scene), line=line_of(call), name=short(maker)),
            evidence=blamed(scene, call, 0.0),
            trials=gradient_trial(
                scene, call, said("with log_softmax or logsigmoid in its place"), *stable(call, maker)
            ),
            fix=fixes.fix(scene, changed, "safe", said("Let log_softmax or logsigmoid take the logarithm.")),
        )  # fmt: skip
    return None


def _picked_by_where(scene: Scene, call: Call) -> Call | None:
    """The where that leaves out the entries of a call that are to blame, seen through steps that keep their places."""
    reached = set(call.outputs)
    for later in scene.needed():
        if short(later) == "where" and any(later.ref(name) in reached for name in ("input", "other")):
            return later
        if short(later) in _ELEMENTWISE and not reached.isdisjoint(later.inputs()):
            reached |= set(later.outputs)
    return None


def _where(scene: Scene) -> Suspicion | None:
    for call in suspects(scene, *_STEEP):
        picked = _picked_by_where(scene, call)
        if picked is None or not _unsafe(scene, call):
            continue
        return Suspicion(
            at=call.index,
            verdict=said("{value} is fine, but its gradient is not: backward also goes through {name}, not taken.",
                         value=stated(scene), name=short(call)),
            evidence=blamed(scene, call, _bad_operand(scene, call)),
            trials=_with_tame_operand(scene, call),
            fix=fixes.fix(scene, _safe_first(scene, call, picked), "safe",
                          said("Make the operand harmless first: where on the input, too.")),
        )  # fmt: skip
    return None


def _with_tame_operand(scene: Scene, call: Call) -> tuple[Trial, ...]:
    if short(call) == "exp":
        bound = said("with at most {cap} in its place", cap=_CAP)
        return gradient_trial(scene, call, bound, wrapped(call, "input", "torch.clamp", max=_CAP))
    bound = said("with at least {eps} in its place", eps=_EPS)
    if (by := _divisor(call)) is not None:
        return gradient_trial(scene, call, bound, set_to(call, "other", _EPS)) if by <= 0 else ()
    name = "other" if short(call) == "div" else "input"
    return gradient_trial(scene, call, bound, wrapped(call, name, "torch.clamp", min=_EPS))


def _divisor(call: Call) -> float | None:
    """The plain number that a call divides by, None where it is a tensor or nothing is divided."""
    by = call.argument("other") if short(call) == "div" else None
    return float(by) if isinstance(by, int | float) else None


def _unsafe(scene: Scene, call: Call) -> bool:
    """Whether the derivative is not finite somewhere: at a 0 or below, of exp where it overflowed."""
    if short(call) == "exp":
        return any(is_spoiled(scene.recording.tensors.get(id)) for id in call.outputs)
    if (by := _divisor(call)) is not None:
        return by == 0
    name = "other" if short(call) == "div" else "input"
    id, least = call.ref(name), -1.0 if short(call) == "log1p" else 0.0
    held = None if id is None else numbers(scene.recording.tensors.get(id))
    return held is not None and bool((held <= least).any())


def _bad_operand(scene: Scene, call: Call) -> float:
    if (by := _divisor(call)) is not None:
        return by
    held = numbers(scene.recording.tensors[call.inputs()[-1 if short(call) == "div" else 0]])
    if held is not None and held.size and short(call) == "exp":
        return float(np.max(held))
    return float(np.min(held)) if held is not None and held.size else float("nan")


def _safe_first(scene: Scene, call: Call, picked: Call) -> str | None:
    """`x.sqrt()` inside a where as `torch.where(condition, x, 1.0).sqrt()`."""
    source = Source(scene.recording.source)
    chosen, node = source.call_at(picked.span), source.at(call.span)
    condition = argument(chosen, 0, "condition") if chosen is not None else None
    x = operand(source, call) if isinstance(node, ast.Call) else node.right if isinstance(node, ast.BinOp) else None
    branches = [call in upstream(picked.ref(name), scene.makers) for name in ("input", "other")]
    if condition is None or x is None or all(branches) or not any(branches):
        return None
    kept = f"{source.written(x)}, 1.0" if branches[0] else f"1.0, {source.written(x)}"
    text = f"torch.where({source.written(condition)}, {kept})"
    return source.replaced(source.piece(x), text)


def _any(scene: Scene) -> Suspicion | None:
    found = turned_backward(scene) if scene.gradients is not None else _candidate(scene)
    id = found[0].ref(found[1]) if found is not None else None
    if found is None or id is None:
        return None
    call, name = found
    if short(call) == "ctc_loss" and strange_labels(replace(scene, call=call)):
        return None  # its backward was not run
    there, bad = _entry(scene, id)
    named = scene.recording.tensors[id].name or name
    return Suspicion(
        at=call.index,
        verdict=said("{value} is fine, but the gradient of {name} is {bad}: {function} makes it so.",
                     value=stated(scene), name=named, bad=number(bad), function=short(call))
        if call.span is None else
        said("{value} is fine, but the gradient of {name} is {bad}: {function} in line {line} makes it so.",
             value=stated(scene), name=named, bad=number(bad), function=short(call), line=line_of(call)),
        evidence=blamed(scene, call, there),
        trials=_away(scene, call, name),
        fix=fixes.fix(scene, _written_away(scene, call, name), "choose",
                      said("Keep its operand away from there, with a least value for example.")),
    )  # fmt: skip


def _away(scene: Scene, call: Call, name: str) -> tuple[Trial, ...]:
    """The gradient with the operand kept where the derivative is finite."""
    if short(call) in _ARCS:
        return gradient_trial(scene, call, said("with its operand within ±{limit}", limit=_WITHIN),
                              wrapped(call, name, "torch.clamp", min=-_WITHIN, max=_WITHIN))  # fmt: skip
    return gradient_trial(scene, call, said("with at least {eps} in its place", eps=_EPS),
                          wrapped(call, name, "torch.clamp", min=_EPS))  # fmt: skip


def _written_away(scene: Scene, call: Call, name: str) -> str | None:
    own = replace(scene, call=call)
    limits = f"clamp(-{_WITHIN}, {_WITHIN})" if short(call) in _ARCS else f"clamp(min={_EPS})"
    return replaced(own, **{name: f"{{}}.{limits}"})


def _candidate(scene: Scene) -> tuple[Call, str] | None:
    """Before the backward pass is known: the last step whose derivative may be infinite at a 0 of its operand."""
    for call in reversed(scene.needed()):
        for argument_ in call.arguments:
            id = call.ref(argument_.name)
            held = None if id is None else numbers(scene.recording.tensors.get(id))
            history = id is not None and scene.recording.tensors[id].requires_grad
            steep = held is not None and (np.abs(held) == 1 if short(call) in _ARCS else held == 0).any()
            if history and short(call) not in TAME and steep:
                return call, argument_.name
    return None


def _entry(scene: Scene, id: int) -> tuple[float, float]:
    """A tensor's number, and its gradient, at the first place where that is not finite."""
    values = numbers(scene.recording.tensors.get(id))
    bad = numbers((scene.gradients or {}).get(id))
    if values is None or bad is None or values.shape != bad.shape:
        return 0.0, float("nan")
    at = tuple(np.argwhere(~np.isfinite(bad))[0]) if bad.ndim else ()
    return float(values[at]), float(bad[at])
