"""The keystone: a loss by library call and by hand, in forms that share no line, is one graph with one gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.composition import Composition, compose
from explainers.differentiable import differentiable
from explainers.forms import Forms, forms
from explainers.graph import ops
from explainers.graph.nodes import Binary, Constant, Input, LogSumExp, Named, Node, OneHot, Softmax, Sum, Take, Unary
from explainers.losses.registry import registry
from explainers.tracing import record

CLASSES = "z = torch.tensor([[2.0, 0.5, -1.0], [0.25, 1.75, -0.5]], requires_grad=True)\ny = torch.tensor([0, 2])\n"
PAIRS = "x = torch.tensor([2.5, 0.0, -1.0], requires_grad=True)\ny = torch.tensor([3.0, -0.5, 2.0])\n"
CROSS_ENTROPY = [
    "F.cross_entropy(z, y)",
    "nn.CrossEntropyLoss()(z, y)",
    "(-torch.log_softmax(z, dim=1)[range(2), y]).mean()",
    "e = z.exp()\np = e / e.sum(1, keepdim=True)\n-p.gather(1, y.unsqueeze(1)).log().squeeze().sum() / len(y)",
    "shifted = z - z.max(dim=1, keepdim=True).values\n"
    "(shifted.exp().sum(1).log() - (F.one_hot(y, 3) * shifted).sum(1)).mean()",
    "F.nll_loss(F.log_softmax(z, 1), y)",
]
MSE = [
    "F.mse_loss(x, y)",
    "nn.MSELoss()(x, y)",
    "((x - y) ** 2).mean()",
    "d = y - x\n(d @ d) / x.numel()",
    "torch.sum((x - y) * (x - y)) / 3",
]


def formed(source: str) -> Forms:
    """The normal form of a program and of its gradients."""
    recording = record(source)
    assert recording.raised is None and recording.subject is not None
    found = compose(recording, recording.subject, registry())
    assert isinstance(found, Composition)
    real = differentiable(recording, found, registry())
    return forms(found, found.values(recording), real, [id for id in real if recording.tensors[id].requires_grad])


def difference(setup: str, one: str, other: str) -> Node:
    """One program less another in normal form: 0 where both are the same node, for only then the terms cancel."""
    *steps, last = other.splitlines()
    return formed("\n".join([setup + "value = " + one, *steps, f"value - ({last})"])).root


@pytest.mark.parametrize("form", CROSS_ENTROPY)
def test_every_way_to_cross_entropy_is_one_graph(form: str) -> None:
    assert ops.is_number(difference(CLASSES, CROSS_ENTROPY[0], form), 0)


@pytest.mark.parametrize("form", MSE)
def test_every_way_to_the_squared_error_is_one_graph(form: str) -> None:
    assert ops.is_number(difference(PAIRS, MSE[0], form), 0)


@pytest.mark.parametrize(
    ("setup", "one", "other"),
    [
        (CLASSES, "F.cross_entropy(z, y)", "F.cross_entropy(z, y, reduction='sum')"),
        (CLASSES, "F.cross_entropy(z, y)", "F.cross_entropy(z, y, label_smoothing=0.1)"),
        (CLASSES, "F.cross_entropy(z, y)", "F.cross_entropy(2 * z, y)"),
        (CLASSES, "F.cross_entropy(z, y)", "F.nll_loss(z, y)"),
        (PAIRS, "F.mse_loss(x, y)", "0.5 * F.mse_loss(x, y)"),
        (PAIRS, "F.mse_loss(x, y)", "(x - y).abs().mean()"),
        (PAIRS, "F.mse_loss(x, y)", "((x + y) ** 2).mean()"),
    ],
)
def test_another_formula_is_another_graph(setup: str, one: str, other: str) -> None:
    assert not ops.is_number(difference(setup, one, other), 0)


@pytest.mark.parametrize("form", CROSS_ENTROPY)
def test_the_value_is_a_mean_of_log_sum_exp_less_the_target(form: str) -> None:
    found = formed(CLASSES + form)
    match found.root:
        case Binary(
            "div",
            Sum(Binary("sub", LogSumExp(z, (c,)), Take(taken, Input(dtype="int64"), along)), (n,)),
            Constant(value),
        ):
            assert z is taken and c is along and isinstance(z, Input)
            assert (n.size, c.size, value) == (2, 3, 2)
        case other:
            pytest.fail(f"another normal form: {other}")


@pytest.mark.parametrize("form", CROSS_ENTROPY)
def test_its_gradient_is_softmax_less_one_hot_over_n(form: str) -> None:
    found = formed(CLASSES + form)
    ((z, slope),) = found.gradients.items()
    match slope:
        case Binary("div", Binary("sub", Softmax(logits, (c,)), OneHot(Input(dtype="int64"), along)), Constant(value)):
            assert logits is z and c is along and value == 2
        case other:
            pytest.fail(f"another gradient: {other}")


@pytest.mark.parametrize("form", MSE)
def test_the_gradient_of_the_squared_error_is_twice_the_difference_over_n(form: str) -> None:
    found = formed(PAIRS + form)
    ((x, slope),) = found.gradients.items()
    match slope:
        case Binary("div", Binary("mul", Constant(two), Binary("sub", Input() as a, Input() as b)), Constant(value)):
            assert (two, value, a.tensor) == (2, 3, x.tensor)
            assert b.tensor != x.tensor
        case Unary("neg", Binary("div", Binary("mul", Constant(two), Named("d")), Constant(value))):
            assert (two, value) == (2, 3)
        case other:
            pytest.fail(f"another gradient: {other}")


def test_the_gradient_of_bce_with_logits_is_sigmoid_less_target() -> None:
    setup = "x = torch.tensor([0.5, -2.0], requires_grad=True)\nt = torch.tensor([1.0, 0.25])\n"
    found = formed(setup + "F.binary_cross_entropy_with_logits(x, t, reduction='sum')")
    ((x, slope),) = found.gradients.items()
    match slope:
        case Binary("sub", Unary("sigmoid", logits), Input(symbol="t")):
            assert logits is x
        case other:
            pytest.fail(f"another gradient: {other}")


@pytest.mark.parametrize(("setup", "form", "name"), [
    *((CLASSES, form, "cross_entropy") for form in CROSS_ENTROPY[2:5]),
    *((PAIRS, form, "mse_loss") for form in MSE[2:]),
    (CLASSES, "(z.logsumexp(1) - z[torch.arange(2), y]).sum()", "cross_entropy"),
    (PAIRS, "(x - y).square()", "mse_loss"),
])  # fmt: skip
def test_a_hand_written_loss_is_named(setup: str, form: str, name: str, explained: Callable[[str], Any]) -> None:
    found = explained(setup + form).explanation
    assert found.loss is None and found.equals is not None
    assert found.equals.name == name
    assert found.proof.certified


@pytest.mark.parametrize(
    "form", ["z[torch.arange(2), y].mean()", "z.exp().mean()", "z.softmax(1)[:, 0].sum()", "(z ** 2).mean()"]
)
def test_another_formula_has_no_library_name(form: str, explained: Callable[[str], Any]) -> None:
    assert explained(CLASSES + form).explanation.equals is None


@pytest.mark.parametrize(
    "formula",
    ["torch.sqrt(a**2 + b**2).sum()", "torch.sqrt((a - b) ** 2 + 1e-6).mean()", "((a - b) + 1).pow(2).mean()"],
)
def test_very_large_numbers_make_two_formulas_no_multiples_of_each_other(
    formula: str, explained: Callable[[str], Any]
) -> None:
    setup = "a = torch.tensor([3e19, 1.0])\nb = torch.tensor([4e18, 0.0])\n"
    found = explained(f"{setup}print({formula})").explanation
    assert found.like is None
    same = explained(f"{setup}print(((a / 1e10 - b / 1e10) ** 2).mean())").explanation
    assert same.proof.certified
