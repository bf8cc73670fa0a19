"""Plausible mistakes put into the reference programs one at a time: each that changes a number is refused."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType, ModuleType

import numpy as np
import pytest

from explainers.composition import Composition, compose
from explainers.counterfactuals import FLOAT64, VALUE
from explainers.derive import derivation, forms
from explainers.graph.balls import precise
from explainers.graph.derivative import gradient
from explainers.graph.exact import Exact, along, exact
from explainers.graph.nodes import Input
from explainers.losses import binary, reduction, regression
from explainers.losses import classification as classes
from explainers.losses.registry import Registry, registry
from explainers.proof import Proof, differentiable, enclosures, prove
from explainers.recording import Recording
from explainers.replay import replay_all
from explainers.reruns import GraphRerun, RerunResult
from explainers.tracing import record

LOSSES = registry()
SETUP = """\
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7], [-3.0, 1.25, 0.3], [1.0, 1.5, -0.25]])
y = torch.tensor([0, 2, 1, 2])
s = torch.tensor([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]])
w = torch.tensor([0.5, 2.0, 1.25])
t = torch.tensor([[1.0, 0.0, 0.25], [0.0, 1.0, 1.0], [0.5, 0.0, 1.0], [1.0, 1.0, 0.0]])
p = torch.tensor([[0.8, 0.3, 0.5], [0.1, 0.9, 0.45], [0.6, 0.01, 0.99], [0.2, 0.7, 0.35]])
edge = torch.tensor([0.0, 1.0, 0.5, 1.0])
hard = torch.tensor([1.0, 0.0, 1.0, 1.0])
"""
CALLS: Mapping[str, tuple[str, ...]] = {
    "cross_entropy": (
        "F.cross_entropy(z, y)",
        "F.cross_entropy(z, y, weight=w)",
        "F.cross_entropy(z, y, weight=w, reduction='sum', label_smoothing=0.1)",
        "F.cross_entropy(z, y, label_smoothing=0.2, ignore_index=2)",
        "F.cross_entropy(z, y, weight=w, ignore_index=2)",
        "F.cross_entropy(z, s, weight=w, reduction='sum')",
        "F.cross_entropy(z, s, label_smoothing=0.1)",
    ),
    "nll_loss": ("F.nll_loss(z, y)", "F.nll_loss(z, y, weight=w, ignore_index=2)", "F.nll_loss(z, y, reduction='sum')"),
    "mse_loss": (
        "F.mse_loss(z, t)",
        "F.mse_loss(z, t, weight=s + 0.5)",
        "F.mse_loss(z, t, reduction='sum')",
        "F.mse_loss(z, t, size_average=False)",
        "F.mse_loss(z, t, reduce=False)",
    ),
    "binary_cross_entropy": (
        "F.binary_cross_entropy(p, t)",
        "F.binary_cross_entropy(p, t, weight=w, reduction='sum')",
        "F.binary_cross_entropy(edge, hard)",
    ),
    "binary_cross_entropy_with_logits": (
        "F.binary_cross_entropy_with_logits(z, t)",
        "F.binary_cross_entropy_with_logits(z, t, weight=w, pos_weight=w * 2, reduction='sum')",
    ),
    "log_softmax": ("F.log_softmax(z, dim=1)",),
    "softmax": ("F.softmax(z, dim=1)",),
}
LOG_P = "log_p = ops.log_softmax(input.node, c)"
SPREAD = "ops.mul(eps / _size(c), spread)"
MUTANTS: tuple[tuple[str, ModuleType, str, str], ...] = (
    ("the sign", classes, "ops.neg(ops.take(log_p, y, c))", "ops.take(log_p, y, c)"),
    ("one class further", classes, "ops.take(log_p, y, c)", 'ops.take(log_p, ops.binary("add", y, 1), c)'),
    ("no log-softmax", classes, LOG_P, "log_p = input.node"),
    ("softmax without log", classes, LOG_P, "log_p = ops.softmax(input.node, c)"),
    ("softmax twice", classes, LOG_P, "log_p = ops.log_softmax(ops.softmax(input.node, c), c)"),
    (
        "logarithm to base 2",
        classes,
        LOG_P,
        "log_p = ops.div(ops.log_softmax(input.node, c), ops.log(ops.constant(2)))",
    ),
    (
        "an epsilon in the logarithm",
        classes,
        LOG_P,
        "log_p = ops.log(ops.add(ops.softmax(input.node, c), Fraction(1, 10**7)))",
    ),
    (
        "an epsilon that float32 cannot see",
        classes,
        LOG_P,
        "log_p = ops.log(ops.add(ops.softmax(input.node, c), Fraction(1, 10**12)))",
    ),
    ("no gradient", classes, LOG_P, "log_p = ops.log_softmax(ops.stop_gradient(input.node), c)"),
    ("weights do not normalise", classes, ", reduction, weights)", ", reduction)"),
    ("no weights", classes, "item if weights is None else ops.mul(weights, item)", "item"),
    ("no smoothing", classes, "ops.add(ops.mul(1 - eps, item), ops.mul(eps / _size(c), spread))", "item"),
    ("smoothing on top", classes, "ops.mul(1 - eps, item)", "item"),
    ("smoothing over the others", classes, SPREAD, "ops.mul(eps / (_size(c) - 1), spread)"),
    ("smoothing not shared", classes, SPREAD, "ops.mul(eps, spread)"),
    ("ignored ones count", classes, "1 if weights is None else weights, 0", "weights or ops.constant(1), weights or 1"),
    ("ignored ones added", classes, "ops.where(kept, item, 0)", "item"),
    ("soft targets not raised", classes, "ops.add(ops.mul(t, 1 - eps), eps / _size(c))", "ops.mul(t, 1 - eps)"),
    ("soft targets unweighted", classes, "t = ops.mul(_per_class(weight, c), t)", "t = t"),
    ("soft targets summed over all", classes, "reduced(item, _classes(input)[1],", "reduced(item, input.layout,"),
    ("sigmoid for softmax", classes, "ops.softmax(_as(input, dtype), axis)", "ops.sigmoid(input.node)"),
    ("sigmoid in the logarithm", classes, "ops.log_softmax(_as(input, dtype), axis)", "ops.logsigmoid(input.node)"),
    ("sum for mean", reduction, "Array(ops.mean(item, over))", "Array(ops.sum(item, over))"),
    ("mean for sum", reduction, "return Array(ops.sum(item, over))", "return Array(ops.mean(item, over))"),
    ("N − 1", reduction, "ops.mean(item, over)", "ops.div(ops.sum(item, over), ops.count(over) - 1)"),
    ("the batch only", reduction, "ops.mean(item, over)", "ops.div(ops.sum(item, over), over[0].size)"),
    ("number for weights", reduction, "ops.sum(weights, over)", "ops.count(over)"),
    ("size_average forgotten", reduction, 'return "sum" if size_average is False else "mean"', 'return "mean"'),
    ("reduce forgotten", reduction, "if reduce is False:", "if reduce is None:"),
    ("a half", regression, "ops.square(ops.sub(x, y))", "ops.div(ops.square(ops.sub(x, y)), 2)"),
    ("absolute for square", regression, "ops.square(ops.sub(x, y))", 'ops.unary("abs", ops.sub(x, y))'),
    ("plus for minus", regression, "ops.sub(x, y)", "ops.add(x, y)"),
    ("an epsilon in the difference", regression, "ops.sub(x, y)", "ops.add(ops.sub(x, y), 1e-10)"),
    ("gradient of one side", regression, "ops.sub(x, y)", "ops.sub(x, ops.stop_gradient(y))"),
    ("weights squared", regression, "ops.mul(item, weights)", "ops.mul(item, ops.square(weights))"),
    ("no clamp", binary, "ops.clamp_min(ops.log(p), LEAST_LOG)", "ops.log(p)"),
    ("another clamp", binary, "LEAST_LOG = -100", "LEAST_LOG = -10"),
    ("swapped arguments", binary, "(p, t), layout", "(t, p), layout"),
    ("one side only", binary, "ops.sub(ops.mul(ops.sub(t, 1), no), ops.mul(t, yes))", "ops.neg(ops.mul(t, yes))"),
    ("an epsilon for the clamp", binary, "ops.clamp_min(ops.log(p), LEAST_LOG)", "ops.log(ops.add(p, 1e-12))"),
    ("another least variance", binary, "np.float32(1e-12)", "np.float32(1e-8)"),
    (
        "the derivative instead of torch's backward",
        binary,
        "ops.with_gradient(item, ((p, ops.div(ops.sub(p, t), variance)), (t, towards_target)))",
        "item",
    ),
    ("positive weight as it is", binary, "ops.sub(plus, 1)", "plus"),
    ("weights left out", binary, "return ops.mul(both[0], both[1])", "return both[0]"),
    ("the other logit", binary, "rest = ops.logsigmoid(x)", "rest = ops.logsigmoid(ops.neg(x))"),
    ("half of the logit's part", binary, "ops.mul(ops.sub(1, t), x)", "x"),
    ("gradient upside down", binary, "ops.sub(ops.sigmoid(x), t)", "ops.sub(t, ops.sigmoid(x))"),
    ("target's gradient upside down", binary, "(t, ops.neg(x))", "(t, x)"),
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A recorded call, what torch said when asked again, and the exact value and gradients of the right program."""

    recording: Recording
    results: Mapping[str, RerunResult]
    right: tuple[Exact, ...]


@pytest.mark.filterwarnings("ignore:size_average and reduce")  # the legacy flags are part of what is tested
@pytest.mark.parametrize(("name", "module", "old", "new"), MUTANTS, ids=[m[0].replace(" ", "-") for m in MUTANTS])
def test_a_mistake_that_changes_a_number_is_refused(name: str, module: ModuleType, old: str, new: str) -> None:
    mutated = with_mistake(module, old, new)
    effective = 0
    for loss in reached(module):
        for call in CALLS[loss]:
            told = torchs(call)
            changed = differs(told, mutated)
            effective += changed
            if changed:
                assert judged(told, mutated).verdict == "refused", call
    assert effective, "the mistake shows somewhere"


@pytest.mark.filterwarnings("ignore:size_average and reduce")  # the legacy flags are part of what is tested
@pytest.mark.parametrize("call", [call for calls in CALLS.values() for call in calls])
def test_no_right_derivation_is_refused(call: str) -> None:
    proof = judged(torchs(call), LOSSES)
    assert proof.certified, proof


def test_every_loss_is_called() -> None:
    assert set(CALLS) == set(LOSSES.losses)


def reached(module: ModuleType) -> tuple[str, ...]:
    """The losses whose program a module is part of."""
    return tuple(
        name
        for name, loss in LOSSES.losses.items()
        if module is reduction or loss.program.__module__ == module.__name__
    )


def with_mistake(module: ModuleType, old: str, new: str) -> Registry:
    """The registry over sources in which every `old` reads `new`."""
    source = inspect.getsource(module)
    assert old in source, "the program reads otherwise by now"
    wrong = dict(vars(module))
    exec(compile(source.replace(old, new), module.__name__, "exec"), wrong)  # our own source, edited
    changed = {}
    for name in reached(module):
        loss = LOSSES[name]
        names = wrong
        if module is reduction:
            home = inspect.getmodule(loss.program)
            assert home is not None
            names = dict(vars(home))
            exec(compile(inspect.getsource(home), home.__name__, "exec"), names)
            names |= {"reduced": wrong["reduced"], "legacy": wrong["legacy"]}
        changed[name] = replace(loss, program=names[loss.program.__name__])
    return Registry(MappingProxyType({**LOSSES.losses, **changed}))


@cache
def torchs(call: str) -> Told:
    recording = record(SETUP + call)
    assert recording.raised is None
    found = composed(recording, LOSSES)
    asked = differentiable(found, LOSSES)
    reruns = GraphRerun(VALUE, gradients=asked), GraphRerun(FLOAT64, float64=True, gradients=asked)
    results = {result.label: result for result in replay_all(recording, reruns)}
    return Told(recording, results, numbers(recording, found, asked))


def composed(recording: Recording, losses: Registry) -> Composition:
    assert recording.subject is not None
    found = compose(recording, recording.subject, losses)
    assert isinstance(found, Composition), found
    return found


def numbers(recording: Recording, found: Composition, asked: tuple[int, ...]) -> tuple[Exact, ...]:
    """The exact value and gradients, each laid out as torch does."""
    inputs = [x for id in asked if isinstance(x := found.inputs[id].node, Input)]
    slopes = gradient(found.root, inputs)
    with precise():
        value, *held = exact((found.root, *(slopes[x] for x in inputs)), found.values(recording))
        laid = along(value, found.root.axes, found.subject.axes)
        return laid, *(along(h, slopes[x].axes, x.axes) for h, x in zip(held, inputs, strict=True))


def differs(told: Told, losses: Registry) -> bool:
    """Whether the program of these losses gives another value or gradient than the right one."""
    found = composed(told.recording, losses)
    mutant = numbers(told.recording, found, differentiable(composed(told.recording, LOSSES), LOSSES))
    return any(_differ(a, b) for a, b in zip(told.right, mutant, strict=True))


def _differ(one: Exact, other: Exact) -> bool:
    if one.shape != other.shape:
        return True
    places = list(np.ndindex(one.shape))
    return any(not one.at(p).overlaps(other.at(p)) or one.at(p).is_nan() != other.at(p).is_nan() for p in places)


def judged(told: Told, losses: Registry) -> Proof:
    recording = told.recording
    found = composed(recording, losses)
    values = found.values(recording)
    with precise():
        asked = differentiable(found, LOSSES)
        made = forms(found, values, asked, asked)
        assert recording.subject is not None
        subject = recording.tensors[recording.subject]
        if found.subject.shape != subject.shape:
            return Proof("refused")
        return prove(made, enclosures(made, values), derivation(made, values, None), told.results, subject)
