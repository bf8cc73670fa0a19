"""The certificate's gradient is that of the program, or none is certified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.telling import Context, tell

FUNCTION = """
class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return ((x - y) ** 2).mean()
    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * {} * (x - y), None
x, y = torch.tensor([1.0, 2.0], requires_grad=True), torch.zeros(2)
loss = Squared.apply(x, y)
loss.backward()
"""
HOOK = """
x = torch.tensor([1.0, 2.0], requires_grad=True)
x.register_hook(lambda g: 3 * g)
loss = (x ** 2).mean()
loss.backward()
print(loss, x.grad)
"""


@pytest.mark.parametrize(
    ("program", "certified", "function", "found"),
    [
        (FUNCTION.format(5) + "print(loss, x.grad)", False, "Squared", "[5, 10]"),
        (FUNCTION.format(1) + "print(loss, x.grad)", True, None, None),
        (FUNCTION.format(5) + "print(loss)", False, "Squared", None),
        (HOOK, False, None, "[3, 6]"),
        (HOOK.replace("3 * g", "1 * g"), True, None, None),
    ],
)
def test_no_gradient_is_certified_but_the_programs_own(
    program: str, certified: bool, function: str | None, found: str | None, explained: Callable[[str], Any]
) -> None:
    told = explained(program).explanation
    (check,) = (check for check in told.proof.checks if check.name == "gradient")
    assert told.proof.certified
    assert (check.passed is True) == certified
    assert [(own.function, own.found, own.exact) for own in told.own_gradients] == (
        [] if certified else [(function, found, "[1, 2]")]
    )


def test_a_wrong_backward_is_the_headline(explained: Callable[[str], Any]) -> None:
    told = explained(FUNCTION.format(5) + "print(loss, x.grad)").explanation
    assert "Squared" in told.verdict
    assert "[5, 10]" in tell(told, Context()).text
