"""torch's inf and nan stand beside the exact numbers, in text and on the card; no enclosure is claimed of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.telling import Context, tell

INPUT = "x = torch.tensor([{}, 1.0], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("input", "loss", "numbers"),
    [
        ("100.0", "torch.log(torch.cosh(x)).mean()", ("49.8703", "[nan, 0.3808]", "[0.5, 0.3808]")),
        ("1e20", "((x - 1) ** 2).mean().sqrt()", ("7.07e+19", "[0, 0]", "[0.7071, 0]")),
        ("200.0", "torch.log(1 + torch.exp(x)).mean()", ("[nan, 0.3655]", "[0.5, 0.3655]")),
    ],
)
def test_both_numbers_are_said(
    input: str, loss: str, numbers: tuple[str, ...], explained: Callable[[str], Any]
) -> None:
    told = tell(explained(INPUT.format(input) + f"loss = {loss}\nloss.backward()\nprint(loss)").explanation, Context())
    takeaway = repr(told.card.takeaway)
    assert told.explanation.value == float("inf")
    for number in numbers:
        assert number in told.text
        assert number in takeaway
    assert not {"value enclosed", "gradient enclosed"} & set(told.card.checks)


def test_of_a_sound_program_both_enclosures_are_claimed(explained: Callable[[str], Any]) -> None:
    told = tell(explained(INPUT.format(2.0) + "print(torch.log(torch.cosh(x)).mean())").explanation, Context())
    assert {"value enclosed", "gradient enclosed"} <= set(told.card.checks)


def test_a_gradient_that_rounding_puts_on_the_other_side_of_a_kink_is_said_beside_the_exact_one(
    explained: Callable[[str], Any],
) -> None:
    source = "p = torch.tensor([0.1, 0.4, 0.5], requires_grad=True)\nq = torch.tensor([0.3, 0.3, 0.4])\n"
    source += "loss = (p.cumsum(0) - q.cumsum(0)).abs().sum()\nloss.backward()\nprint(loss, p.grad)"
    told = tell(explained(source).explanation, Context())
    assert "torch's gradient of p is [-2, -1, 0]; without any rounding it is [-3, -2, -1]." in told.text
