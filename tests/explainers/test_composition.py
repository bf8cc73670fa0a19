"""Hand-written programs as graphs: certified within the table, given upstream of it, else refused by name and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.frontier import DontKnow
from explainers.reading import Reading

SETUP = """\
z = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]], requires_grad=True)
y = torch.tensor([0, 2])
x = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
t = torch.tensor([1.0, 0.0, 0.25])
p = torch.tensor([0.8, 0.3, 0.5], requires_grad=True)
square = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0], [0.5, 0.25, 2.0]], requires_grad=True)
four = torch.tensor([1.0, 2.0, 3.0, 5.0], requires_grad=True)
"""
CERTIFIED = """\
(-torch.log_softmax(z, 1)[range(2), y]).mean()
(torch.logsumexp(z, 1) - z[torch.arange(2), y]).mean()
-torch.log(z.exp() / z.exp().sum(1, keepdim=True)).gather(1, y[:, None]).mean()
-(F.one_hot(y, 3) * F.log_softmax(z, dim=1)).sum(1).mean()
-(F.one_hot(y, 3).float() * z.softmax(1).log()).sum() / len(y)
-z.log_softmax(-1).gather(1, y.unsqueeze(1)).squeeze(1).sum() / z.shape[0]
(z - z.max(dim=1, keepdim=True).values).exp().sum(1).log().sum()
(z - z.max()).exp().sum(dim=1).log().mean()
z.max(1).values.sum()
z.softmax(1).max(1)[0].mean()
z.amax(dim=(0, 1)) - z.min()
(x - t).pow(2).sum() / x.numel()
((x - t) @ (x - t)) / 3
x.dot(t)
square.mv(x).sum()
square.mm(square).mean()
(x - t).square().mean().sqrt()
F.mse_loss(x, t) * 0.5 + 0.1 * x.abs().sum()
torch.where((x - t).abs() < 1, 0.5 * (x - t) ** 2, (x - t).abs() - 0.5).mean()
torch.clamp(x, min=0).sum()
x.clamp(-1, 0.75).mean()
-(t * p.clamp(min=1e-7).log() + (1 - t) * (1 - p).clamp(min=1e-7).log()).mean()
(x.clamp(min=0) - x * t + torch.log(1 + torch.exp(-x.abs()))).mean()
-(p * torch.log2(p)).sum()
((1 - p) ** 2 * -torch.log(p)).mean()
1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
torch.maximum(x, t).sum() - torch.minimum(x, t).sum()
torch.max(x, t).mean()
F.relu(1 - x * t).mean()
F.softplus(x).sum() + torch.sigmoid(x).log().mean()
torch.tanh(x).sum() + torch.exp(-x).mean()
F.softplus(x, beta=2).mean()
x.view(3, 1).squeeze().reshape(1, 3).mean()
z.permute(1, 0).sum(0).mean() + z.T[0].sum() + z.transpose(0, 1).mean()
square[0].sum() + square[:, 1].mean() + square[..., -1].sum() + square[1, 2]
z.index_select(1, torch.tensor([0, 2])).mean()
z.std() + z.var(unbiased=False) + z.var(dim=1).sum()
(z * z).sum(-1).mean()
x.mean() + 2 / x.sum()
x.float().double().mean()
x.mean() * 0.9 * 0.7 / 3
(0.1 * x).mean() / 0.3 - 0.7 * (x / 3).sum() / 11
(x.detach() * x).sum()
(z.softmax(1) * F.one_hot(y)).sum()
torch.nn.functional.nll_loss(torch.log(z.softmax(1) + 1e-8), y)
F.cross_entropy(z, y) + F.cross_entropy(z, 1 - y.clamp(max=1))
F.cross_entropy(square @ square, torch.tensor([0, 1, 2]))
F.cross_entropy(z, torch.where(torch.tensor([True, False]), y, -100))
F.binary_cross_entropy(x.sigmoid(), t)
F.mse_loss(x, t, reduction='none')
"""
MIXED_AXES = """\
square @ square.T
(square @ square.T).sum()
(square * square.T).sum()
(square - square.T).pow(2).mean()
(four.unsqueeze(1) * four).sum()
(four - four.unsqueeze(1)).pow(2).mean()
four * four.view(4, 1)
F.mse_loss(four, four.view(4, 1))
F.mse_loss(four, four[torch.tensor([3, 1, 0, 2])])
four[torch.tensor([3, 1, 0, 2])].softmax(0)[0]
square[torch.arange(3), torch.tensor([2, 0, 1])].mean()
square.gather(0, torch.tensor([[2, 0, 1], [1, 1, 0], [0, 2, 2]])).mean()
(x.view(3, 1) + t).logsumexp(dim=(0, 1))
(square.softmax(0) * square.softmax(1)).sum()
square.sum(0) + square.sum(1)
(square.mean(0) - square.mean(1)).abs().max()
"""


@pytest.mark.filterwarnings("ignore:Using a target size")  # the broadcast is what is tested
@pytest.mark.parametrize("program", [*CERTIFIED.splitlines(), *MIXED_AXES.splitlines()])
def test_a_hand_written_program_is_certified(program: str, explained: Callable[[str], Any]) -> None:
    found = explained(SETUP + program).explanation
    assert isinstance(found.reading, Reading), found.reading
    assert found.proof.certified, found.proof
    assert all(check.passed for check in found.proof.checks if check.name != "twin"), found.proof
    assert False not in found.derivation.holds()
    given = {call.function for call in found.reading.forms.composition.given}
    assert given <= {"torch.tensor", "torch.arange"}, "nothing but the numbers themselves"


@pytest.mark.parametrize(
    ("program", "given"),
    [
        ("model = nn.Linear(3, 2)\nF.cross_entropy(model(z), y.clamp(max=1))", "linear"),
        ("h = nn.LayerNorm(3)(z)\nF.cross_entropy(h, y)", "layer_norm"),
        ("h = torch.fft.fft(x).abs()\nF.mse_loss(h, t)", "abs"),
        ("h = F.dropout(x)\nh.exp().mean()", "dropout"),
        ("conv = nn.Conv1d(1, 1, 2)\nh = conv(x[None])\nh.logsumexp(1).sum()", "conv1d"),
        ("h = torch.special.erfcx(x)\nh += 1\nh.exp().sum()", "erfcx"),
        ("F.mse_loss(z.argmax(1).float(), y.float())", "argmax"),
    ],
)
def test_what_lies_upstream_of_the_table_is_given(program: str, given: str, explained: Callable[[str], Any]) -> None:
    found = explained(SETUP + program)
    composition = found.reading.forms.composition
    assert given in {call.function.rsplit(".", 1)[-1].strip("_") for call in composition.given}
    assert all(call.index < max(c.index for c in composition.calls) for call in composition.given)
    assert found.explanation.proof.certified, found.explanation.proof


@pytest.mark.parametrize(
    ("program", "function", "line"),
    [
        ("torch.special.erfcx(x)", "torch.special.erfcx", 8),
        ("a = square * 2\nb = a.cumsum(0)\ntorch.linalg.cond(b)", "torch.linalg.cond", 10),
        ("x.sum()\ntorch.nuclear_norm(square @ square.T)", "torch.nuclear_norm", 9),
    ],
)
def test_what_the_table_lacks_is_refused_by_name_and_line(
    program: str, function: str, line: int, explained: Callable[[str], Any]
) -> None:
    found = explained(SETUP + program).explanation
    assert isinstance(found.reading, DontKnow)
    assert found.reading.span is not None
    assert (found.reading.function, found.reading.span.line) == (function, line)
    assert found.proof.verdict == "not-applicable"
    assert [type(step).__name__ for step in found.derivation.steps] == ["Refused"]


def test_a_given_value_that_was_not_recorded_is_refused(explained: Callable[[str], Any]) -> None:
    import msgspec

    from explainers.composition import compose
    from explainers.losses.registry import registry

    recording = explained(SETUP + "F.cross_entropy(z * 2, y)").recording
    bare = {id: msgspec.structs.replace(t, data=None) if t.name == "z" else t for id, t in recording.tensors.items()}
    found = compose(msgspec.structs.replace(recording, tensors=bare), recording.subject, registry())
    assert isinstance(found, DontKnow)


def test_same_sizes_are_not_the_same_axis(explained: Callable[[str], Any]) -> None:
    axes = {
        program: explained(SETUP + program).reading.forms.composition.inputs
        for program in ("(square * square.T).sum()", "(x * t).sum()", "x.view(3, 1) * t")
    }
    inner = {program: [a.axes for a in inputs.values()] for program, inputs in axes.items()}
    (both,) = inner["(square * square.T).sum()"]
    assert both[0] is not both[1]
    assert inner["(x * t).sum()"][0] == inner["(x * t).sum()"][1], "elementwise: one axis"
    assert inner["x.view(3, 1) * t"][0] != inner["x.view(3, 1) * t"][1], "an outer product: two"
