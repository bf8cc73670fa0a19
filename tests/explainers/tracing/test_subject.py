"""What a program shows, and which tensor it is about."""

from __future__ import annotations

import math

import pytest

from explainers.tracing import record


@pytest.mark.parametrize(
    ("source", "claims", "subject"),
    [
        ("a = F.mse_loss(torch.ones(2), torch.zeros(2))\nb = F.l1_loss(torch.ones(2), torch.full((2,), 3.0))", (), "b"),
        ("a = F.mse_loss(torch.ones(2), torch.zeros(2))\nb = a * 3\na", (), "a"),
        ("a = torch.ones(2, requires_grad=True)\nb = (a * 3).sum()\nb.backward()\nprint(a.grad)", (), "b"),
        ("a = torch.ones(2, requires_grad=True)\nb = (a * 3).sum()\ng = torch.autograd.grad(b, a)\nprint(g)", (), "b"),
        ("a = torch.ones(2)\nb = (a * 3).sum()\nc = b / 4\nprint(c)", [(6.0, 0.05)], "b"),
        ("a = torch.ones(2)\nb = (a * 3).sum()\nc = b / 4\nprint(c)", [(6.2, 0.05)], "c"),
        ("a = torch.ones(2)\nb = a * torch.tensor([3.0, 4.0])\nc = b.sum()\nprint(c)", [(3.0, 0.05), (4.0, 0.05)], "b"),
        ("a = torch.zeros(1).log()\nb = a.sum() * 0\nc = torch.ones(2) * 2\nprint(c)", [(math.nan, 0.0)], "b"),
        ("x = torch.ones(2)\na = (x - x) / 0\nb = x * 0\nprint(a, b)",
         [(math.nan, 0.0), (math.nan, 0.0), (0.0, 0.0), (0.0, 0.0)], "a"),
        ("a = torch.ones(2, requires_grad=True)\nb = (a * 3).sum()\nb.backward()\nprint(a.grad)",
         [(3.0, 0.05), (3.0, 0.05)], "b"),
        ("c = nn.MSELoss()\na = c(torch.ones(2), torch.zeros(2))\nc", (), "a"),
        ("x = torch.tensor([0.5])\ny = x + 0\nz = x * 3\nprint(z, y)", [(0.5, 0.05)], "y"),
        ("a = torch.ones(2)\nb = -(a * 3).log().mean()\nc = a * 2", (), "b"),
        ("x = torch.zeros(2, requires_grad=True)\na = F.mse_loss(x, torch.zeros(2))\nb = a.sqrt()\nb.backward()",
         [(0.0, 0.0)], "b"),
        ("a = torch.ones(2)", (), None),
        ("a = torch.tensor(1.0)", (), None),
    ],
)  # fmt: skip
def test_the_subject(source: str, claims: list[tuple[float, float]], subject: str | None) -> None:
    recording = record(source, claims=claims)
    assert recording.raised is None
    assert recording.subject == (None if subject is None else recording.names[subject])


_STEPPED = """\
x = torch.zeros(2, requires_grad=True)
kept = []
for _ in range(3):
    loss = {}
    kept.append(loss)
    loss.backward()
    with torch.no_grad():
        x -= 0.1 * x.grad
first, second, last = kept
"""


@pytest.mark.parametrize(
    ("formula", "subject"), [("(x ** 2).sum().sqrt() + 1", "first"), ("x.sum() / 0 - x.sum() / 0", "last")]
)
def test_a_loss_spoiled_by_a_step_is_asked_about_where_its_gradient_was(formula: str, subject: str) -> None:
    recording = record(_STEPPED.format(formula))
    assert recording.subject == recording.names[subject]


def test_a_claimed_nan_of_a_bare_expression_goes_before_a_claimed_number_shown_last() -> None:
    source = "z = torch.tensor([float('inf')])\nz - z\nz * 0 == z\ntorch.sigmoid(-z)"
    recording = record(source, claims=[(math.nan, 0.0), (0.0, 0.0)])
    assert recording.subject is not None
    made = next(call for call in recording.calls if recording.subject in call.outputs)
    assert made.span is not None
    assert made.span.line == 2


def test_others_are_further_shown_values_and_losses_left_in_variables() -> None:
    source = """\
a = F.mse_loss(torch.ones(2), torch.zeros(2))
b = F.l1_loss(torch.ones(2), torch.zeros(2))
c = torch.ones(2) * 2
print(c, c.argmax())
total = a * 2
total.requires_grad
total
"""
    recording = record(source)
    assert recording.subject == recording.names["total"]
    assert set(recording.others) == {recording.names["c"], recording.names["b"]}


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("print(loss)", "tensor(1.4142)"),
        ("print('loss', loss.item())", "1.4142135381698608"),
        ("print(float(loss))", "1.4142135381698608"),
        ("print(f'loss: {loss.item():.3f} after 2.5 s')", "1.414"),
        ("print(f'loss: {loss:.3f}')", "1.414"),
        ("print('loss = %.2e' % loss.item())", "1.41e+00"),
        ("print('loss: ' + str(loss))", "tensor(1.4142)"),
        ("print([loss])", "tensor(1.4142)"),
        ("loss.item()", "1.4142135381698608"),
    ],
)
def test_a_shown_number_leads_back_to_its_tensor(statement: str, text: str) -> None:
    recording = record(f"loss = torch.tensor(2.0).sqrt()\nother = loss * 3\n{statement}\n")
    (shown,) = recording.shown
    assert (shown.text, shown.tensor, shown.line) == (text, recording.names["loss"], 3)
    assert recording.subject == recording.names["loss"]


def test_what_is_printed_stays_in_order_with_its_line() -> None:
    recording = record("for i in range(2):\n    print('step', i, torch.ones(1) * i)\nprint(torch.ones(2))")
    assert [(s.number, s.line) for s in recording.shown] == [(0, 2), (0, 2), (1, 2), (1, 2), (None, 3)]
    assert recording.stdout == "step 0 tensor([0.])\nstep 1 tensor([1.])\ntensor([1., 1.])\n"
