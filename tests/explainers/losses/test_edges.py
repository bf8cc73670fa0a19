"""Calls at the edge of what torch can do: far from the exact numbers, in half precision, without a gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from explainers import explain, watch
from explainers.explanation import Explanation
from explainers.graph.rounding import Rounding

HALF = torch.float16
SCORES = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]])


def holds_torchs_numbers(found: Explanation, loss: str, args: Sequence[torch.Tensor], options: dict[str, Any]) -> None:
    """An explanation is certified, and its value and gradients are torch's, to the bit."""
    assert found.proof.certified, found.proof
    value = getattr(F, loss)(*args, **options)
    assert np.array_equal(found.value, value.detach().double().numpy(), equal_nan=True)
    leaves = list(dict.fromkeys(args))
    for leaf, slope in zip(leaves, torch.autograd.grad(value.sum(), leaves), strict=True):
        assert any(np.array_equal(own, slope.double().numpy(), equal_nan=True) for own in found.gradient.values()), leaf


FAR = (
    (
        "cosine_embedding_loss",
        [torch.tensor([[s * 30.0]], dtype=HALF) for s in (1, -1)] + [torch.tensor([1])],
        1.0,
        2.0,
    ),
    ("mse_loss", [torch.tensor([1e-30]), torch.tensor([0.0])], 0.0, 1e-60),
    ("cross_entropy", [torch.tensor([[12.0, 0, 0]], dtype=HALF), torch.tensor([0])], 0.0, 2 * math.exp(-12)),
)


@pytest.mark.parametrize(("loss", "args", "rounded", "exact"), FAR, ids=[name for name, *_ in FAR])
def test_a_number_far_from_the_exact_one_is_certified_and_both_are_said(
    loss: str, args: list[torch.Tensor], rounded: float, exact: float
) -> None:
    found = explain(loss, *args)
    assert found.proof.certified, found.proof
    assert found.proof.off_by_rounding
    assert found.value == rounded
    assert found.proof.exact == pytest.approx(exact, rel=1e-3)
    assert f"{args[0].dtype}".removeprefix("torch.") in found.verdict
    assert f"{found.proof.exact:.3g}" in str(found)


def test_a_mean_whose_kernel_adds_in_half_precision_is_certified() -> None:
    log_p = torch.tensor([1.83984375, 0.0, 0.0, 0.0, 0.0, 1.2421875, 3.927734375, 1.0], dtype=HALF)
    found = explain("nll_loss", log_p.reshape(2, 1, 2, 2), torch.zeros(2, 2, 2, dtype=torch.int64))
    assert found.proof.certified, found.proof


def test_a_number_with_the_usual_rounding_is_not_called_far() -> None:
    found = explain("mse_loss", torch.tensor([0.1], dtype=torch.bfloat16), torch.tensor([0.7], dtype=torch.bfloat16))
    assert found.proof.certified and not found.proof.off_by_rounding


def test_of_an_array_the_element_that_is_off_is_told() -> None:
    found = explain("mse_loss", torch.tensor([1.0, 1e-30]), torch.zeros(2), reduction="none")
    assert found.proof.torch == 0.0 and found.proof.exact == pytest.approx(1e-60)
    assert "one of these" in found.verdict


@given(
    st.floats(-7e4, 7e4) | st.sampled_from([1e-12, 3e-8, 2.98e-8, 65519.0, 65520.0, 1e-45]),
    st.sampled_from(["float16", "bfloat16", "float32"]),
)
def test_the_nearest_number_of_a_dtype_is_torchs(value: float, dtype: str) -> None:
    nearest = Rounding("native").nearest(Fraction(repr(value)), dtype)
    assert float(nearest) == torch.tensor(value, dtype=torch.float64).to(getattr(torch, dtype)).item()


def test_a_backward_pass_that_torch_refuses_costs_the_gradient_alone() -> None:
    found = explain("huber_loss", torch.tensor([2.5, 0.0]), torch.tensor([3.0, -2.0], dtype=torch.float64))
    checks = {check.name: check.passed for check in found.proof.checks}
    assert found.proof.certified and checks["gradient"] is None and checks["float64"] is True
    assert any("backward" in reason.text for reason in found.proof.reasons)


def test_the_gradient_is_torchs_own_where_the_exact_one_does_not_fit() -> None:
    x = torch.tensor([300.0], dtype=HALF, requires_grad=True)
    found = explain("mse_loss", x, torch.zeros(1, dtype=HALF), reduction="sum")
    F.mse_loss(x, torch.zeros(1, dtype=HALF), reduction="sum").backward()
    assert x.grad is not None and found.gradient["input"] == x.grad.tolist()


def test_an_argument_without_a_gradient_may_be_computed_from_real_numbers() -> None:
    counts = torch.tensor([3.0, 7.0, 11.0])
    with watch() as run:
        loss = F.cross_entropy(SCORES, torch.tensor([0, 2]), weight=counts.sum() / counts / 3)
    assert run.explain(loss).proof.certified
    with watch() as run:
        loss = F.binary_cross_entropy_with_logits(SCORES, SCORES.sigmoid() / 2, pos_weight=counts / 5)
    found: Explanation = run.explain(loss)
    assert found.proof.certified, found.proof


@pytest.mark.parametrize("loss", ["multi_margin_loss", "multilabel_margin_loss"])
def test_what_torch_leaves_unwritten_is_said_to_be(loss: str) -> None:
    target = torch.zeros((0,) if loss == "multi_margin_loss" else (0, 3), dtype=torch.int64)
    found = explain(loss, torch.zeros(0, 3), target)
    assert found.proof.verdict == "not-applicable"
    assert any("unwritten" in reason.text for reason in found.proof.reasons)
    assert "it is not derived" in str(found)


def test_a_clamp_bound_that_half_precision_makes_0_divides_by_it() -> None:
    found = explain("normalize", torch.zeros(1, 2, dtype=HALF))
    assert next(check for check in found.proof.checks if check.name == "value").passed
    assert all(math.isnan(entry) for entry in found.value[0])


def test_a_backward_pass_that_torch_refuses_in_every_dtype_is_said() -> None:
    found = explain("huber_loss", torch.tensor([2.5, 0.0]), torch.tensor([3, 2]))
    checks = {check.name: check.passed for check in found.proof.checks}
    assert found.proof.certified and checks["gradient"] is None and checks["float64"] is True
    assert "no gradient" in str(found) and "RuntimeError" in str(found)


def test_ctc_cuts_targets_that_are_real_numbers() -> None:
    log_p = torch.linspace(-3, 2, 40).sin().reshape(5, 2, 4).log_softmax(-1)
    found = explain("ctc_loss", log_p, torch.tensor([[1.0, 2.9], [3.0, 1.0]]), (5, 4), (2, 1))
    whole = explain("ctc_loss", log_p, torch.tensor([[1, 2], [3, 1]]), (5, 4), (2, 1))
    assert found.proof.certified and found.value == whole.value
    assert all({c.name: c.passed for c in each.proof.checks}["twin"] for each in (found, whole))


@pytest.mark.parametrize("target", [[[1, 2], [3, 4]], [[1, -1], [3, 1]]])
def test_a_label_that_is_no_class_is_not_derived(target: list[list[int]]) -> None:
    log_p = torch.zeros(5, 2, 4).log_softmax(-1)
    found = explain("ctc_loss", log_p, torch.tensor(target), (5, 5), (2, 2))
    assert found.proof.verdict == "not-applicable" and "label" in found.verdict
    assert any(c.ran for c in found.diagnoses[0].counterfactuals)


def test_the_backward_of_a_label_that_is_no_class_is_not_run() -> None:
    log_p = torch.zeros(3, 1, 4).log_softmax(-1).requires_grad_()
    with watch() as run:
        loss = F.ctc_loss(log_p, torch.tensor([[700]]), torch.tensor([3]), torch.tensor([1]))
        loss.backward()
    assert log_p.grad is not None and log_p.grad.isnan().all()
    assert run.explain(loss).diagnoses[0].slug == "ctc-label-out-of-range"


NONE = float("nan")
TINY = [
    ("normalize", [torch.full((1, 2), 1e-30)], {}),
    ("normalize", [torch.zeros(1, 2, dtype=HALF)], {"p": 1.5}),
    ("cosine_similarity", [torch.tensor([[-9e-36, -1.4e-13]]), torch.tensor([[1e-30, 1.0]])], {"eps": 0.1}),
    ("cosine_embedding_loss", [torch.zeros(1, 2, dtype=HALF), torch.ones(1, 2, dtype=HALF), torch.tensor([1])], {}),
    ("poisson_nll_loss", [torch.zeros(2, dtype=HALF), torch.ones(2, dtype=HALF)], {"log_input": False}),
    ("pairwise_distance", [torch.tensor([[NONE, 1.0]]), torch.zeros(1, 2)], {"p": math.inf}),
    ("triplet_margin_loss", [torch.full((1, 2), 1e36), torch.ones(1, 2), torch.zeros(1, 2)], {"p": 4}),
    ("pairwise_distance", [torch.tensor([[1e30]]), torch.zeros(1, 1)], {}),
    ("kl_div", [torch.tensor([-1.0, -2.0]), torch.tensor([1e-44, 0.5])], {"reduction": "sum"}),
    ("soft_margin_loss", [torch.tensor([-1e22]), torch.tensor([0.6])], {}),
    ("triplet_margin_loss", [torch.tensor([[NONE, 1.0]]), torch.ones(1, 2), torch.zeros(1, 2)], {}),
    ("log_softmax", [torch.zeros(1, 0)], {"dim": 0}),
    ("one_hot", [torch.zeros(0, dtype=torch.int64)], {"num_classes": 5}),
    ("softplus", [torch.tensor([100.0, 2.0])], {"beta": 10, "threshold": 1000}),
    ("softplus", [torch.tensor([100.0, 2.0])], {"beta": 1.3, "threshold": 90}),
    ("ctc_loss", [torch.tensor([[[math.inf, -1.0, -2.0]], [[-1.0] * 3]]), torch.tensor([[1, 2]]), (2,), (2,)], {}),
    ("poisson_nll_loss", [torch.tensor([1, 2]), torch.tensor([1, 3])], {"full": True}),
]


@pytest.mark.parametrize(("loss", "args", "options"), TINY, ids=[f"{k}-{name}" for k, (name, *_) in enumerate(TINY)])
def test_what_underflows_overflows_or_is_no_number_is_certified(
    loss: str, args: list[torch.Tensor], options: dict[str, Any]
) -> None:
    found = explain(loss, *args, **options)
    assert found.proof.certified, found.proof


def test_a_cluster_that_no_target_is_in_takes_no_part() -> None:
    adaptive = torch.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [4])
    found = explain(adaptive, torch.tensor([[math.inf, 0.0, 1.0, 2.0]]), torch.tensor([1]))
    assert found.proof.certified and not any(name.startswith("tail") for name in found.gradient)


SPOILED = [
    # the entry of the gradient, and the step that makes it so
    (
        "kl_div",
        [torch.tensor([-1.0, -0.5]), torch.tensor([0.0, 1.0])],
        {"reduction": "sum"},
        "target[0]",
        "0 / 0 = nan",
    ),
    ("binary_cross_entropy", [torch.tensor([0.3, 1.0]), torch.tensor([0.0, 1.0])], {}, "target[1]", "log1p(-1) = -inf"),
    ("logsumexp", [torch.full((2,), -math.inf)], {"dim": 0}, "input[0]", "(-inf) - (-inf) = nan"),
    ("gaussian_nll_loss", [torch.tensor([k], dtype=HALF) for k in (1e-4, 0.0, 1e-7)], {}, "var[0]", "ends at 65504"),
]


@pytest.mark.parametrize(("loss", "args", "options", "entry", "step"), SPOILED, ids=[name for name, *_ in SPOILED])
def test_the_step_that_makes_a_gradient_infinite_or_nan_is_told(
    loss: str, args: list[torch.Tensor], options: dict[str, Any], entry: str, step: str
) -> None:
    lines = str(explain(loss, *args, **options)).splitlines()
    told = next(k for k, line in enumerate(lines) if f"at {entry} it is" in line)
    assert any(step in line for line in lines[told - 2 : told + 2])


def test_a_gradient_that_is_lost_beside_a_right_value_stands_in_the_verdict() -> None:
    found = explain("sigmoid", torch.tensor([200.0]))
    assert found.proof.certified and found.gradient["input"] == [0.0]
    assert "is 0, where the formula's is 1.38e-87" in found.verdict


@pytest.mark.parametrize("lengths", [(4, 0, 2), [4, 0, 2]], ids=["tuple", "list"])
def test_ctc_lengths_may_be_numbers_that_differ_in_arrays_beyond_balls(lengths: Sequence[int]) -> None:
    scores = torch.arange(7 * 3 * 5, dtype=torch.float32).reshape(7, 3, 5).sin().log_softmax(-1)
    targets = torch.tensor([[3, 2, 1, 1], [1, 3, 1, 2], [2, 3, 1, 3]])
    found = explain("ctc_loss", scores, targets, (6, 5, 7), lengths)
    assert found.proof.certified, found.proof


def test_the_shown_entries_of_a_matrix_beyond_balls_are_computed_at_their_own_places() -> None:
    x, a = (torch.arange(n * 5, dtype=torch.float64).reshape(n, 5).cos() for n in (4, 5))
    target = torch.arange(20, dtype=torch.float64).reshape(4, 5).sin().softmax(1)
    weight = torch.tensor([1.0, 0.5, 2.0, 3.0, 0.25], dtype=torch.float64)
    for again in (4, 12):
        many = torch.cat([x] * (again // 4)), a, torch.cat([target] * (again // 4))
        found = explain("linear_cross_entropy", *many, weight=weight)
        assert found.proof.certified, found.proof


def test_no_trigger_breaks_on_probabilities_as_target_at_the_level_of_chance() -> None:
    found = explain("cross_entropy", torch.zeros(4, 4, 1), torch.full((4, 4, 1), 0.25))
    assert found.broken == () and found.proof.certified


@pytest.mark.parametrize(
    ("loss", "args", "options"),
    [
        (
            "cross_entropy",
            [[[0, 0, 30.0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], [[0.0] * 4] * 3],
            {"weight": torch.tensor([0, 0, 0, 1.1921e-07], dtype=HALF)},
        ),
        ("normalize", [[2.0027e-05]], {"p": 0.5, "dim": 0}),
    ],
    ids=["underflow", "overflow"],
)
def test_a_gradient_that_torch_multiplies_in_another_order_is_certified(
    loss: str, args: list[Any], options: dict[str, Any]
) -> None:
    tensors = [torch.tensor(held, dtype=HALF, requires_grad=True) for held in args]
    holds_torchs_numbers(explain(loss, *tensors, **options), loss, tensors, options)


@pytest.mark.filterwarnings("ignore:Using a target size", "ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("loss", ["kl_div", "poisson_nll_loss", "mse_loss", "gaussian_nll_loss"])
@pytest.mark.parametrize("other", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_without_dimensions_does_not_raise_the_dtype(
    loss: str, dtype: torch.dtype, other: torch.dtype
) -> None:
    row = torch.tensor([0.3, 0.7, 0.111], dtype=dtype, requires_grad=True)
    number = torch.tensor(0.333, dtype=other, requires_grad=True)
    for args in ((row, number), (number, row)) if loss != "gaussian_nll_loss" else ((row, row * 2, number),):
        holds_torchs_numbers(explain(loss, *args), loss, args, {})


def test_a_count_without_dimensions_has_its_stirling_term() -> None:
    found = explain("poisson_nll_loss", torch.tensor([0.5, 1.0]), torch.tensor(2), full=True, reduction="sum")
    assert found.proof.certified


OUT_OF_RANGE = {
    *((p, 1e30, shape) for p in (-1, -0.5) for shape in ((), (1,))),
    *((3, 3e-30, shape) for shape in ((), (1,))),
    (3, 1e30, (1,)),
}
"""Norms of which a power, in the value or its derivative, leaves float32: nothing is known, and that is the answer."""


@pytest.mark.parametrize("p", [-1, -0.5, 0.5, 2, 3])
@pytest.mark.parametrize("number", [3.3, 1e30, 3e-30])
def test_a_norm_without_dimensions_takes_the_power_and_the_root(p: float, number: float) -> None:
    for shape in ((), (1,)):
        x = torch.full(shape, number, requires_grad=True)
        proof = explain("normalize", x, p=p, dim=0).proof
        if (p, number, shape) not in OUT_OF_RANGE:
            assert proof.certified, proof
        else:
            assert [reason.text for reason in proof.reasons] == [
                "its bounds are infinite here: in {dtype} a step may overflow or divide by 0"
            ], proof


def test_a_gradient_counts_the_places_that_a_decided_formula_no_longer_has() -> None:
    target = torch.full((3, 1, 1), -1)
    found = explain("hinge_embedding_loss", torch.tensor(-1.0), target, margin=0.1, reduction="none")
    assert found.proof.certified and found.gradient == {"input": -3.0}


def test_alignments_with_what_is_not_a_number_are_not_refused() -> None:
    scores = torch.randn(2, 2, 3)
    scores[1, 0, 0] = math.nan
    found = explain("ctc_loss", scores, torch.tensor([1, 2, 1, 2]), [2, 2], [2, 2])
    assert found.proof.certified and math.isnan(found.value)


@pytest.mark.parametrize("scores", [[math.nan, -0.3, -3.0], [-0.3, -0.4, math.nan], [math.inf, -0.1, -2.0]])
@pytest.mark.parametrize("targets", [[1], [1, 1], []])
def test_a_state_that_no_alignment_begins_in_spoils_nothing(scores: list[float], targets: list[int]) -> None:
    x, labels = torch.tensor([[scores]], requires_grad=True), torch.tensor([targets], dtype=torch.int64)
    found = explain("ctc_loss", x, labels, [1], [len(targets)], reduction="none")
    assert found.proof.certified, found.proof
    expected = F.ctc_loss(x, labels, torch.tensor([1]), torch.tensor([len(targets)]), reduction="none")
    assert np.array_equal(found.value, expected.detach().numpy(), equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_what_ties_in_floating_point_alone_takes_the_branch_of_the_exact_numbers(dtype: torch.dtype) -> None:
    x = torch.tensor([7.173978805541992, 0.123, -0.9], dtype=dtype, requires_grad=True)
    rows = torch.stack([x, x - 0.3]).T.detach().requires_grad_()
    ties: tuple[tuple[str, tuple[torch.Tensor, ...], dict[str, Any]], ...] = (
        ("huber_loss", (x, (x + 0.3).detach()), {"delta": 0.3}),
        ("smooth_l1_loss", (x, (x + 0.3).detach()), {"beta": 0.3}),
        ("multi_margin_loss", (rows, torch.zeros(3, dtype=torch.int64)), {"margin": 0.3, "reduction": "none"}),
    )
    for loss, args, options in ties:
        found = explain(loss, *args, **options)
        assert found.proof.certified, (loss, found.proof)


def test_a_loss_of_alignments_that_is_all_but_0_has_a_script_that_agrees() -> None:
    scores = torch.tensor([[-2.4e-39, -1.25e-39, 1.46e-38]])
    found = explain("ctc_loss", scores, torch.tensor([], dtype=torch.int64), [1], [0], blank=2)
    assert found.proof.certified, found.proof


@pytest.mark.filterwarnings("ignore:size_average and reduce args")
def test_what_is_not_finite_is_not_called_right_for_its_legacy_flags() -> None:
    x, y = torch.tensor([1.0, -math.inf]), torch.tensor([0.5, 2.0])
    found = explain("margin_ranking_loss", x, y, torch.ones(2), reduce=False)
    assert found.proof.certified and "deprecated-size-average" not in [d.slug for d in found.diagnoses]
    assert "right" not in found.verdict
