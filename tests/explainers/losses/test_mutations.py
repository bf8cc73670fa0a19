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
from explainers.derive import derivation
from explainers.differentiable import differentiable
from explainers.enclosures import enclosures
from explainers.forms import forms
from explainers.graph.balls import precise
from explainers.graph.derivative import gradient
from explainers.graph.exact import Exact, along, exact
from explainers.graph.nodes import Input
from explainers.losses import (
    activations,
    adaptive,
    binary,
    ctc,
    distances,
    likelihood,
    linear,
    margins,
    reduction,
    regression,
)
from explainers.losses import classification as classes
from explainers.losses.registry import Registry, registry
from explainers.proof import Proof, prove
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
pm = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])
edge = torch.tensor([0.0, 1.0, 0.5, 1.0])
hard = torch.tensor([1.0, 0.0, 1.0, 1.0])
"""
ADAPTIVE = """\
adaptive = nn.AdaptiveLogSoftmaxWithLoss(3, 7, cutoffs=[2, 4], div_value=1.5, head_bias=True)
with torch.no_grad():
    for k, weight in enumerate(adaptive.parameters()):
        weight.copy_(((torch.arange(weight.numel()) * 5 + k) % 7 - 3).view_as(weight) / 4)
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
        "F.mse_loss(z[:1], t, weight=s[:1] + 0.5)",
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
    "softmin": ("F.softmin(z, dim=1)",),
    "l1_loss": ("F.l1_loss(z, t)", "F.l1_loss(z, t, weight=s + 0.5)", "F.l1_loss(z, t, reduction='sum')"),
    "smooth_l1_loss": ("F.smooth_l1_loss(z, t, beta=0.7)", "F.smooth_l1_loss(z, t, beta=0)"),
    "huber_loss": ("F.huber_loss(z, t, delta=0.7)", "F.huber_loss(z, t, delta=2.0, weight=s + 0.5)"),
    "poisson_nll_loss": (
        "F.poisson_nll_loss(z, t * 4, full=True)",
        "F.poisson_nll_loss(p, t * 4, log_input=False, eps=1e-3)",
    ),
    "gaussian_nll_loss": (
        "F.gaussian_nll_loss(z, t, p, full=True)",
        "F.gaussian_nll_loss(z, t, p, eps=0.4, reduction='sum')",
    ),
    "kl_div": (
        "F.kl_div(z, s, reduction='batchmean')",
        "F.kl_div(z, p)",
        "F.kl_div(z, -t, log_target=True, reduction='sum')",
    ),
    "margin_ranking_loss": ("F.margin_ranking_loss(z, t, pm, margin=0.3)",),
    "hinge_embedding_loss": ("F.hinge_embedding_loss(z, pm, margin=0.7)",),
    "soft_margin_loss": ("F.soft_margin_loss(z, pm)",),
    "multi_margin_loss": (
        "F.multi_margin_loss(z, y, margin=0.8)",
        "F.multi_margin_loss(z, y, p=2, weight=w)",
        "F.multi_margin_loss(edge, torch.tensor(1))",
    ),
    "multilabel_margin_loss": ("F.multilabel_margin_loss(z, torch.tensor([[0, 2, -1]] * 3 + [[1, -1, 0]]))",),
    "multilabel_soft_margin_loss": ("F.multilabel_soft_margin_loss(z, t, weight=w)",),
    "cosine_embedding_loss": (
        "F.cosine_embedding_loss(z, t, torch.tensor([1, -1, 1, -1]), margin=-0.5)",
        "F.cosine_embedding_loss(z * 1e-4, t, torch.tensor([1, -1, 1, -1]), margin=-0.5)",
    ),
    "triplet_margin_loss": (
        "F.triplet_margin_loss(z, t, p, margin=3.0, swap=True)",
        "F.triplet_margin_loss(z, t, p, margin=3.0, p=1, eps=1e-3, reduction='sum')",
    ),
    "triplet_margin_with_distance_loss": ("F.triplet_margin_with_distance_loss(z, t, p, margin=3.0, swap=True)",),
    "linear_cross_entropy": ("F.linear_cross_entropy(z, s, y, linear_bias=edge)", "F.linear_cross_entropy(z, s, y)"),
    "AdaptiveLogSoftmaxWithLoss": (
        ADAPTIVE + "adaptive(z, torch.tensor([0, 3, 4, 6])).loss",
        ADAPTIVE + "adaptive(z[0], torch.tensor(5)).output",
    ),
    "ctc_loss": (
        "F.ctc_loss(z[:, None], torch.tensor([[1, 2]]), (4,), (2,))",
        "F.ctc_loss(z.log_softmax(1)[:, None], torch.tensor([[1, 1]]), (4,), (2,), reduction='sum')",
    ),
    "cosine_similarity": ("F.cosine_similarity(z, t)", "F.cosine_similarity(z, t * 1e-3, eps=0.1)"),
    "pairwise_distance": ("F.pairwise_distance(z, t)", "F.pairwise_distance(z, t, p=3)"),
    "normalize": ("F.normalize(z)", "F.normalize(z, p=1, dim=0)"),
    "sigmoid": ("torch.sigmoid(z)",),
    "logsigmoid": ("F.logsigmoid(z)",),
    "softplus": ("F.softplus(z, beta=2)", "F.softplus(z * 20)"),
    "logsumexp": ("torch.logsumexp(z, 1)", "torch.logsumexp(z, (0, 1))"),
    "one_hot": ("F.one_hot(y, 4)",),
}
LOG_P = "log_p = ops.log_softmax(ops.real(input.node), c)"
SPREAD = "(eps / _size(c), spread)"
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
    ("no smoothing", classes, "terms = [(1 - eps, terms[0][1]), (eps / _size(c), spread)]", "pass"),
    ("smoothing on top", classes, "(1 - eps, terms[0][1])", "(Fraction(1), terms[0][1])"),
    ("smoothing over the others", classes, SPREAD, "(eps / (_size(c) - 1), spread)"),
    ("smoothing not shared", classes, SPREAD, "(eps, spread)"),
    ("ignored ones count", classes, "1 if weights is None else weights, 0", "weights or ops.constant(1), weights or 1"),
    ("ignored ones added", classes, "ops.where(kept, term, 0)", "term"),
    ("soft targets not raised", classes, "ops.add(ops.mul(t, 1 - eps), eps / _size(c))", "ops.mul(t, 1 - eps)"),
    ("soft targets unweighted", classes, "t = ops.mul(_per_class(weight, c), t)", "t = t"),
    ("soft targets summed over all", classes, "layout = _classes(input)[1]", "layout = input.layout"),
    ("soft targets averaged over classes", classes, "rows = ops.count(axis for axis in layout if axis)",
     "rows = ops.count(axis for axis in input.layout if axis)"),
    ("the sign in softmin", classes, "Array(ops.neg(input.node), input.layout)", "input"),
    ("sigmoid for softmax", classes, "ops.softmax(_as(input, dtype), axis)", "ops.sigmoid(input.node)"),
    ("sigmoid in the logarithm", classes, "ops.log_softmax(_as(input, dtype), axis)", "ops.logsigmoid(input.node)"),
    ("sum for mean", reduction, "Array(ops.mean(item, over))", "Array(ops.sum(item, over))"),
    ("mean for sum", reduction, "return Array(ops.sum(item, over))", "return Array(ops.mean(item, over))"),
    ("N − 1", reduction, "ops.mean(item, over)", "ops.div(ops.sum(item, over), ops.count(over) - 1)"),
    ("the batch only", reduction, "ops.mean(item, over)", "ops.div(ops.sum(item, over), over[0].size)"),
    ("number for weights", reduction, "ops.sum(weights, over)", "ops.count(over)"),
    ("size_average forgotten", reduction, 'return "sum" if size_average is False else "mean"', 'return "mean"'),
    ("reduce forgotten", reduction, "if reduce is False:", "if reduce is None:"),
    ("a half", regression, "_reduced(ops.square(difference)", "_reduced(ops.div(ops.square(difference), 2)"),
    ("absolute for square", regression, "_reduced(ops.square(difference)", '_reduced(ops.unary("abs", difference)'),
    ("plus for minus", regression, "ops.sub(x, y)", "ops.add(x, y)"),
    ("an epsilon in the difference", regression, "ops.sub(x, y)", "ops.add(ops.sub(x, y), 1e-10)"),
    ("gradient of one side", regression, "ops.sub(x, y)", "ops.sub(x, ops.stop_gradient(y))"),
    ("weights as often as they are repeated", regression, "total = ops.sum(weights, weights.axes)",
     "total = ops.sum(weights, tuple(axis for axis in layout if axis))"),
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
    ("target's gradient upside down", binary, "t), ops.neg(x)", "t), x"),
    ("L1 squared", regression, 'ops.unary("abs", difference)', "ops.square(difference)"),
    ("beta forgotten", regression, "near = ops.div(ops.mul(ops.square(difference), 0.5), beta)",
     "near = ops.mul(ops.square(difference), 0.5)"),
    ("half of beta forgotten", regression, "ops.sub(size, ops.mul(beta, 0.5))", "ops.sub(size, beta)"),
    ("delta outside forgotten", regression, "far = ops.mul(delta, ops.sub(size, ops.mul(delta, 0.5)))",
     "far = ops.sub(size, ops.mul(delta, 0.5))"),
    ("a slope without bounds", regression, "_within(wide, most)", "wide"),
    ("no half in smooth L1", regression, "ops.mul(ops.square(difference), 0.5), beta)",
     "ops.square(difference), beta)"),
    ("log_input forgotten", likelihood, "    if log_input:", "    if True:"),
    ("log_target forgotten", likelihood, "ops.mul(own, ops.sub(t, x)) if log_target else", ""),
    ("no exponential", likelihood, "in_its_dtype(lambda x: ops.exp(ops.real(x)), input, x), x", "x, x"),
    ("no epsilon for a count", likelihood, 'ops.log(ops.alone("add", ops.real(x), eps))', "ops.log(ops.real(x))"),
    ("Stirling everywhere", likelihood, 'ops.where(ops.compare("le", t, 1), 0, stirling)', "stirling"),
    ("Stirling without its root", likelihood, "ops.sub(ops.mul(t, ops.log(ops.real(t))), t), root)",
     "ops.sub(ops.mul(t, ops.log(ops.real(t))), t), 0)"),
    ("a standard deviation for a variance", likelihood, "ops.div(ops.square(ops.sub(x, t)), v)",
     "ops.div(ops.square(ops.sub(x, t)), ops.square(v))"),
    ("no half", likelihood, "item = ops.mul(0.5, ops.add(ops.log(v)", "item = ops.mul(1, ops.add(ops.log(v)"),
    ("a clamp that stops the gradient", likelihood, "ops.with_gradient(ops.clamp_min(v, eps), ((v, ops.constant(1)),))",
     "ops.clamp_min(v, eps)"),
    ("the constant forgotten", likelihood, "0.5 * math.log(2 * math.pi)", "math.log(2 * math.pi)"),
    ("no entropy", likelihood, "ops.sub(own, ops.mul(t, x))", "ops.neg(ops.mul(t, x))"),
    ("KL the other way", likelihood, "ops.mul(own, ops.sub(t, x))", "ops.mul(ops.exp(x), ops.sub(x, t))"),
    ("elements for the batch", likelihood, "ops.div(total.node, input.shape[0])",
     "ops.div(total.node, input.shape[0] * input.shape[-1])"),
    ("a sign in the ranking", margins, "ops.mul(ops.neg(y), ops.sub(a, b))", "ops.mul(y, ops.sub(a, b))"),
    ("no hinge", margins, "ops.clamp_min(ops.sub(margin, x), 0)", "ops.sub(margin, x)"),
    ("alike and different swapped", margins, 'ops.compare("ne", y, -1), x', 'ops.compare("ne", y, 1), x'),
    ("margin subtracted", margins, "ops.sub(a, b)), margin)", "ops.sub(a, b)), -margin)"),
    ("the label's sign lost", margins, "ops.mul(ops.neg(x), y)", "ops.neg(x)"),
    ("negative labels left out", margins, "ops.neg(ops.add(yes, no))", "ops.neg(yes)"),
    ("class weights left out", margins, "missed = ops.mul(missed, ops.take(aligned(weight, (c,)), y, c))", "pass"),
    ("log for log1p", margins, "ops.log1p(grown)", "ops.log(grown)"),
    ("the other classes", margins, "ops.div(ops.sum(missed, (c,) if c else ()), _size(c))",
     "ops.div(ops.sum(missed, (c,) if c else ()), _size(c) - 1)"),
    ("the target's own margin", margins, "missed = ops.where(others, _positive(short, p), 0)",
     "missed = _positive(short, p)"),
    ("the power forgotten", margins, "ops.where(over, ops.square(short), 0)", "ops.where(over, short, 0)"),
    ("a tie that passes the gradient", margins, 'over = ops.compare("gt", short, 0)',
     'over = ops.compare("ge", short, 0)'),
    ("labels behind the end", margins, "fresh is None or _only_ends_are_negative(target)", "True"),
    ("labels against themselves", margins, 'ops.both(listed, ops.compare("eq", times, 0))', "listed"),
    ("no average over classes", margins, "ops.div(ops.sum(item, along), input.shape[at])", "ops.sum(item, along)"),
    ("no square added", distances, 'ops.alone("add", ops.sum(ops.cast(ops.square(wide), x.dtype), over), LEAST_SQUARE)',
     "ops.sum(ops.cast(ops.square(wide), x.dtype), over)"),
    ("the lengths forgotten", distances,
     'ops.div(ops.sum(ops.alone("mul", a, b), over), ops.unary("sqrt", lengths))', "ops.sum(ops.mul(a, b), over)"),
    ("the margin forgotten", distances, "ops.sub(cosine, margin)", "cosine"),
    ("no epsilon in a distance", distances, "ops.add(ops.sub(a, b), eps)", "ops.sub(a, b)"),
    ("the larger of the two distances", distances, '"minimum", own, other', '"maximum", own, other'),
    ("every distance Euclidean", distances, "norm(difference.node, p,", "norm(difference.node, 2,"),
    ("every length Euclidean", distances, "norm(input.node, p,", "norm(input.node, 2,"),
    ("cosines of sums", distances, "norm(x, 2, over, len(layout))", "norm(x, 1, over, len(layout))"),
    ("a dot product", distances, "[ops.div(x, _held_up(", "[ops.mul(x, _held_up("),
    ("different pairs alike", distances, 'ops.compare("eq", y, -1), ops.clamp', 'ops.compare("eq", y, 1), ops.clamp'),
    ("no swap", distances, "    if swap:", "    if False:"),
    ("near and far swapped", distances, "ops.sub(ops.add(margin, d), e)", "ops.sub(ops.add(margin, e), d)"),
    ("a maximum that stops the gradient", distances,
     "ops.with_gradient(ops.clamp_min(length, least), ((length, ops.constant(1)),))",
     "ops.clamp_min(length, least)"),
    ("bias subtracted", linear, "ops.add(node, aligned", "ops.sub(node, aligned"),
    ("transposed twice", linear, "ops.mul(input.node, weights)", "ops.add(input.node, weights)"),
    ("twice the slope of a square", margins, "ops.where(over, ops.mul(2, short), 0)", "ops.where(over, short, 0)"),
    ("a cluster's own place forgotten", adaptive, "ops.sub(y, start)", "y"),
    ("the first cluster for every other", adaptive, "cutoffs[0] + k", "cutoffs[0]"),
    ("the head alone", adaptive, "ops.add(output, first)", "first"),
    ("the clusters alone", adaptive, "ops.add(output, first)", "output"),
    ("the head's bias forgotten", adaptive, "ops.add(head.node, aligned(head_bias, head.layout[-1:]))", "head.node"),
    ("a cutoff to the wrong side", adaptive, 'ops.compare("ge", y, start)', 'ops.compare("gt", y, start)'),
    ("the derivative instead of CTC's backward", ctc, "ops.sub(ops.exp(z), ops.occupancy(total))",
     "ops.neg(ops.occupancy(total))"),
    ("another blank", ctc, "(time, classes, places), blank)", "(time, classes, places), 1 - blank)"),
    ("one label fewer", ctc, "(spans, lengths), (time", "(spans, ops.sub(lengths, 1)), (time"),
    ("one time step fewer", ctc, "(spans, lengths), (time", "(ops.sub(spans, 1), lengths), (time"),
    ("lengths forgotten", ctc, "ops.div(loss, ops.cast(least, dtype))", "loss"),
    ("beta in softplus forgotten", activations, "scaled = ops.mul(beta, input.node)", "scaled = input.node"),
    ("the sum alone", activations, "total = ops.logsumexp(", "total = ops.sum("),
    ("one minus sigmoid", activations, "ops.sigmoid(ops.real(", "ops.sigmoid(ops.neg("),
    ("no threshold", activations, "ops.where(past, input.node, soft)", "soft"),
    ("sigmoid for its logarithm", activations, "ops.logsigmoid(input.node)", "ops.sigmoid(input.node)"),
    ("one class further on", activations, "ops.one_hot(input.node, axis", 'ops.one_hot(ops.add(input.node, 1), axis'),
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
    asked = differentiable(recording, found, LOSSES)
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
    asked = differentiable(told.recording, composed(told.recording, LOSSES), LOSSES)
    left = tuple(id for id in asked if id in found.inputs)  # of an input that the mistake takes away nothing is asked
    value, *slopes = told.right
    right = (value, *(slope for id, slope in zip(asked, slopes, strict=True) if id in left))
    return any(_differ(a, b) for a, b in zip(right, numbers(told.recording, found, left), strict=True))


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
        asked = differentiable(recording, found, LOSSES)
        made = forms(found, values, asked, asked)
        assert recording.subject is not None
        subject = recording.tensors[recording.subject]
        if found.subject.shape != subject.shape:
            return Proof("refused")
        return prove(made, enclosures(made, values), derivation(made, values, None), told.results, subject)
