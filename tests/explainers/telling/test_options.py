"""An option that is set is told with what it does, and the numbers told are those of the call."""

from __future__ import annotations

import inspect
import math

import pytest
import torch
from torch.nn import functional as F

from explainers.locale import Translator
from explainers.losses.registry import registry
from explainers.telling.options import options
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
CLASSES = "x = torch.tensor([[2.0, 0.5, -1.0, 0.0], [0.2, 1.7, -0.3, 0.1]])\ny = torch.tensor([0, 1])\n"
V = "v, w = torch.tensor([[3.0, -4.0], [1.0, 2.0]]), torch.tensor([[1.0, -1.0], [1.0, 2.5]])\n"
N = "p, t = torch.tensor([[0.5, 3.0], [0.25, 0.75]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])\n"
CTC = "q = torch.tensor([[0.6, 0.4], [0.5, 0.5], [0.3, 0.7]]).log()\n"
ADAPTIVE = (
    "torch.manual_seed(0)\nnn.AdaptiveLogSoftmaxWithLoss(2, 8, cutoffs=[{}])(torch.ones(1, 2), torch.tensor([7]))"
)
CALLS = {
    "cross_entropy": CLASSES + "F.cross_entropy(x, y, {})",
    "nll_loss": CLASSES + "F.nll_loss(x, y, {})",
    "linear_cross_entropy": CLASSES + "F.linear_cross_entropy(x, torch.ones(3, 4), y, {})",
    "softmax": V + "F.softmax(v, {})",
    "log_softmax": V + "F.log_softmax(v, {})",
    "softmin": V + "F.softmin(v, {})",
    "mse_loss": N + "F.mse_loss(p, t, {})",
    "l1_loss": N + "F.l1_loss(p, t, {})",
    "smooth_l1_loss": N + "F.smooth_l1_loss(p, t, {})",
    "huber_loss": N + "F.huber_loss(p, t, {})",
    "binary_cross_entropy": N + "F.binary_cross_entropy(p / 3, t, {})",
    "binary_cross_entropy_with_logits": N + "F.binary_cross_entropy_with_logits(p, t, {})",
    "poisson_nll_loss": N + "F.poisson_nll_loss(p, t, {})",
    "gaussian_nll_loss": N + "F.gaussian_nll_loss(p, t, {})",
    "kl_div": N + "F.kl_div(p, t, {})",
    "margin_ranking_loss": N + "F.margin_ranking_loss(p, p / 2, 2 * t - 1, {})",
    "hinge_embedding_loss": N + "F.hinge_embedding_loss(p, 2 * t - 1, {})",
    "multi_margin_loss": CLASSES + "F.multi_margin_loss(x, y, {})",
    "multilabel_soft_margin_loss": N + "F.multilabel_soft_margin_loss(p, t, {})",
    "cosine_embedding_loss": V + "F.cosine_embedding_loss(v, w, torch.tensor([1, -1]), {})",
    "triplet_margin_loss": V + "F.triplet_margin_loss(v, w, v + w, {})",
    "triplet_margin_with_distance_loss": V + "F.triplet_margin_with_distance_loss(v, w, v + w, {})",
    "cosine_similarity": V + "F.cosine_similarity(v, w, {})",
    "pairwise_distance": V + "F.pairwise_distance(v, w, {})",
    "normalize": V + "F.normalize(v, {})",
    "AdaptiveLogSoftmaxWithLoss": ADAPTIVE,
    "ctc_loss": CTC + "F.ctc_loss(q, torch.tensor([0]), torch.tensor(3), torch.tensor(1), {})",
    "softplus": V + "F.softplus(v, {})",
    "logsumexp": V + "torch.logsumexp(v, {})",
    "one_hot": "F.one_hot(torch.tensor([0, 2]), {})",
}
"""A call of each loss, with room for its options."""

SET = {
    "label_smoothing": ("label_smoothing=0.1", "0.1"),
    "ignore_index": ("ignore_index=1", "1"),
    "weight": ("weight=torch.tensor([1.0, 2.5, 1.0, 3.0])", "3"),
    "beta": ("beta=0.5", "0.5"),
    "delta": ("delta=0.5", "0.5"),
    "threshold": ("threshold=0.4", "0.4"),
    "pos_weight": ("pos_weight=torch.tensor([2.0, 3.5])", "3.5"),
    "log_input": ("log_input=False", "log_input=False"),
    "full": ("full=True", "full=True"),
    "eps": ("eps=0.25", "0.25"),
    "var": ("4.0", "4"),
    "log_target": ("log_target=True", "log_target=True"),
    "margin": ("margin=0.75", "0.75"),
    "swap": ("swap=True", "swap=True"),
    "distance_function": ("distance_function=nn.PairwiseDistance()", "distance_function"),
    "dim": ("dim=0", "dim=0"),
    "keepdim": ("keepdim=True", "keepdim=True"),
    "cutoffs": ("3, 5", "5…7"),
    "blank": ("blank=1", "1"),
    "zero_infinity": ("zero_infinity=True", "zero_infinity=True"),
    "num_classes": ("num_classes=5", "5"),
    "p": ("p=1", "p=1"),
}
"""Options → as they are set, and what is said of it at least."""

OTHERWISE = {
    ("multi_margin_loss", "p"): ("p=2", "p=2"),
    ("gaussian_nll_loss", "full"): ("torch.ones(2, 2), full=True", "full=True"),
    ("gaussian_nll_loss", "eps"): ("torch.ones(2, 2), eps=2.0", "changes 4 of 4"),
    ("logsumexp", "keepdim"): ("dim=1, keepdim=True", "keepdim=True"),
    **{(loss, "weight"): ("weight=torch.tensor([[1.0, 2.5], [1.0, 3.0]])", "7.5") for loss in ("mse_loss", "l1_loss")},
    ("huber_loss", "weight"): ("weight=torch.tensor([[1.0, 2.5], [1.0, 3.0]])", "still divides by the number"),
    **{
        (loss, "weight"): ("weight=torch.tensor([1.0, 2.5])", "(2,)")
        for loss in ("binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss")
    },
    ("linear_cross_entropy", "weight"): ("weight=torch.tensor([1.0, 2.5, 4.5])", "4.5"),
}
TOLD_ELSEWHERE = frozenset(
    {"reduction", "size_average", "reduce", "_stacklevel", "dtype", "out", "options", "linear_bias", "head_bias"}
)
"""Arguments that are no options of the value, and what is told by the divisor."""

OPTIONS = [(loss.name, option.name) for loss in registry().losses.values() for option in loss.options]


def told(source: str) -> str:
    recording = record(HEAD + source)
    assert recording.raised is None and recording.subject is not None
    found = options(recording, recording.producer(recording.subject))
    return " ".join(each.say(Translator()) for each in found)


def test_every_option_of_every_loss_is_told():
    for loss in registry().losses.values():
        parameters = inspect.signature(loss.program).parameters.values()
        given = {each.name for each in parameters if each.default is not each.empty} - TOLD_ELSEWHERE
        assert given <= {option.name for option in loss.options}, loss.name


@pytest.mark.parametrize(("loss", "option"), OPTIONS)
def test_an_option_that_is_set_is_told_with_its_number(loss: str, option: str):
    written, number = OTHERWISE.get((loss, option)) or SET[option]
    assert number in told(CALLS[loss].format(written))


@pytest.mark.parametrize("name", sorted({loss for loss, _ in OPTIONS}))
def test_torchs_defaults_are_not_told(name: str):
    rest = {"logsumexp": "dim=1, ", "gaussian_nll_loss": "torch.ones(2, 2), "}.get(name, "")
    known = [each for each in registry()[name].options if each.default is not None and not each.always]
    said = told(CALLS[name].format(rest + ", ".join(f"{each.name}={each.default}" for each in known))) if known else ""
    assert not any(f"{each.name}=" in said for each in known)


def test_smoothing_below_zero_is_none():
    assert "has no effect" in told(f"{CLASSES}F.cross_entropy(x, y, label_smoothing=-3.0)")
    x = torch.tensor([[2.0, 0.5, -1.0, 0.0]])
    assert F.cross_entropy(x, torch.tensor([1]), label_smoothing=-3.0) == F.cross_entropy(x, torch.tensor([1]))


def test_softplus_jumps_where_it_turns_linear():
    said = told("F.softplus(torch.tensor([0.05, 0.02]), beta=10, threshold=0.4)")
    below, above = F.softplus(torch.tensor([0.04 - 1e-6, 0.04 + 1e-6]), beta=10, threshold=0.4).tolist()
    assert f"{below - above:.3f}" in said
    assert "1 of 2 inputs" in said


def test_one_variance_for_all_is_a_multiple_of_the_squared_error():
    said = told("F.gaussian_nll_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]), 4.0)")
    squared = F.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])).item()
    value = F.gaussian_nll_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]), 4.0).item()
    assert "times 0.125" in said
    assert value == pytest.approx(0.125 * squared + 0.5 * math.log(4))


def test_nothing_is_told_of_options_that_are_left_as_they_are():
    assert told(f"{CLASSES}F.cross_entropy(x, y)") == ""
    assert told(f"{CLASSES}F.cross_entropy(x, y, label_smoothing=0.0, ignore_index=-100)") == ""


@pytest.mark.parametrize("eps", [0.1, 0.25])
def test_smoothed_labels_are_the_ones_that_give_torchs_value(eps: float):
    said = told(f"{CLASSES}F.cross_entropy(x, y, label_smoothing={eps})")
    own, other = 1 - eps + eps / 4, eps / 4
    assert f"= {own:g}" in said
    assert f"other class {other:g}" in said
    x = torch.tensor([[2.0, 0.5, -1.0, 0.0]])
    soft = torch.full((1, 4), other).index_fill(1, torch.tensor([0]), own)
    smoothed = F.cross_entropy(x, torch.tensor([0]), label_smoothing=eps)
    assert F.cross_entropy(x, soft).item() == pytest.approx(smoothed.item(), rel=1e-6)


def test_an_ignored_class_stays_in_the_softmax():
    assert "does not take class 2 out" in told(f"{CLASSES}F.cross_entropy(x, y, ignore_index=2)")
    assert "out of the softmax" not in told(f"{CLASSES}F.cross_entropy(x, y, ignore_index=-1)")


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
def test_ignored_items_are_counted(loss: str):
    ignoring = CLASSES + "y[1] = -1\n"
    assert "1 of 2 targets are -1" in told(f"{ignoring}F.{loss}(x, y, ignore_index=-1)")
    assert "by the others" not in told(f"{ignoring}F.{loss}(x, y, ignore_index=-1, reduction='none')")


def test_stirlings_formula_is_told_with_torchs_own_error():
    call = "F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), {}full=True, eps=0.0)"
    said = told(call.format("log_input=False, "))
    full = F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), log_input=False, full=True, eps=0.0).item()
    part = F.poisson_nll_loss(torch.tensor([3.0]), torch.tensor([5.0]), log_input=False, eps=0.0).item()
    assert f"{full - part:.4f}" in said
    assert f"{math.log(120):.4f}" in said
    assert "must be positive" in said


def test_a_variance_is_raised_to_eps_and_not_increased_by_it():
    call = "F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 0.5]), eps=1.0)"
    assert "changes 1 of 2" in told(call)
    raised = F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 1.0]))
    assert raised.item() == F.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.tensor([4.0, 0.5]), eps=1.0)


def test_beta_zero_is_an_absolute_difference():
    assert "l1_loss" in told("F.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]), beta=0.0)")
    assert "slope 1" in told("F.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]), beta=0.5)")
