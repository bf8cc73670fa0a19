"""Every entry of the registry has a knob that is plotted, or says why not; and the points of a curve are torch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from explainers.cards.card import Curve
from explainers.locale import available
from explainers.losses.registry import Loss, registry
from explainers.notebook import explained
from explainers.reference import example, page
from explainers.telling import Context, Told, tell
from explainers.telling.subgradients import subgradient
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"


def told(source: str) -> Told:
    return tell(explained(record(HEAD + source)), Context())


def curves(answer: Told) -> list[Curve]:
    return [panel for panel in answer.card.panels if isinstance(panel, Curve)]


@pytest.mark.parametrize("loss", registry().losses.values(), ids=lambda loss: loss.name)
def test_each_has_a_curve_or_a_reason(loss: Loss):
    answer = tell(example(loss), Context())
    if loss.no_curve is None:
        (curve,) = curves(answer)
        assert curve.mark is not None and len({y for _, y in curve.points}) > 2
    else:
        assert not curves(answer)
        assert loss.no_curve.text in answer.text and loss.no_curve.text in page(loss, answer.explanation)


def test_of_several_numbers_one_is_plotted_against_what_moves_it_most():
    (curve,) = curves(told("F.softmax(torch.tensor([[2.0, 0.5], [-1.0, 3.0]]), dim=1)"))
    assert curve.mark is not None and (curve.mark.x, curve.mark.text) == (3.0, "0.982")
    for x, y in curve.points:
        assert y == pytest.approx(float(torch.softmax(torch.tensor([-1.0, x]), 0)[1]), rel=1e-5)


def test_an_input_that_does_not_move_the_plotted_number_is_passed_over():
    source = "a, b = torch.tensor([1.0]), torch.tensor([[0.5], [-4.0]])\ntorch.cat([a, b[:, 0]]).square()"
    (curve,) = curves(told(source))
    assert curve.mark is not None and (curve.mark.x, curve.mark.y) == (-4.0, 16.0)
    assert all(y == pytest.approx(x * x) for x, y in curve.points)


def test_what_has_a_logarithm_is_moved_between_0_and_1_where_it_lies_there():
    (curve,) = curves(told("p = torch.tensor([0.25, 0.75])\nF.nll_loss(p.log()[None], torch.tensor([0]))"))
    assert all(0 < x < 1 for x, _ in curve.points)
    assert all(
        y == pytest.approx(float(F.nll_loss(torch.tensor([[x, 0.0]]).log(), torch.tensor([0]))))
        for x, y in curve.points
    )


def test_where_it_is_no_number_along_the_way_nothing_is_plotted():
    assert not curves(told("torch.tensor([2.0, 3.0]).log()"))


@pytest.mark.parametrize("locale", available())
def test_the_knob_is_the_entry_at_a_kink_and_the_slope_that_torch_takes_stands_below(locale: str):
    source = "x = torch.tensor([[4.0], [1.0]], requires_grad=True)\nF.l1_loss(x, torch.tensor([[6.0], [1.0]]))"
    explanation = explained(record(HEAD + source))
    answer = tell(explanation, Context(locale=locale))
    (curve,) = curves(answer)
    (sentence,) = subgradient(explanation)
    assert curve.mark is not None and curve.mark.x == 1.0
    assert "".join(map(str, curve.caption)) == sentence.say(answer.translator)
    assert sentence.say(answer.translator) in answer.alt_text


def test_without_a_kink_nothing_stands_below_a_curve():
    (curve,) = curves(told("F.mse_loss(torch.tensor([1.0]), torch.tensor([1.0]))"))
    assert not curve.caption


@pytest.mark.parametrize("count", [40, 10_001])
def test_nothing_is_plotted_of_too_many_numbers_and_that_is_said(count: int):
    answer = told(f"F.l1_loss(torch.arange({count}.0) % 7, torch.arange({count}.0) % 11)")
    assert bool(curves(answer)) == (f"here are {2 * count}" not in answer.text)
    assert bool(curves(answer)) == (count == 40)
