"""The table of programs: hand-written losses are certified, known for what they are, and read under their own names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sympy

from explainers.derivation import Combination, Definition, Quantity, Substitution
from explainers.frontier import DontKnow
from explainers.reading import Reading
from explainers.telling.sections import tables
from tests.explainers import copied_programs, longer_programs, programs

CERTIFIED = {**programs.CERTIFIED, **longer_programs.CERTIFIED, **copied_programs.CERTIFIED}


def mean_of(loss: str, *, made: Mapping[str, str] | None = None, **options: float) -> tuple[object, ...]:
    return loss, "mean", options, dict(made or {})


EQUAL = {
    "SMOOTHING": mean_of("cross_entropy", label_smoothing=0.1),
    "SMOOTHING_SCATTER": mean_of("cross_entropy", label_smoothing=0.15),
    "SMOOTHING_FILLED": mean_of("cross_entropy", label_smoothing=0.1),
    "OWN_CE": mean_of("cross_entropy"),
    "OWN_CE_SHIFTED": mean_of("cross_entropy"),
    "LOOP_CE": mean_of("cross_entropy"),
    "LOOP_STACK": mean_of("cross_entropy"),
    "HAND_MLP": mean_of("cross_entropy"),
    "EINSUM": mean_of("cross_entropy", made={"target": "torch.arange(2)"}),
    "LIST_NET": mean_of("cross_entropy", made={"target": "probabilities"}),
    "GAUSSIAN": mean_of("gaussian_nll_loss", made={"var": "exp(2 * log_sigma)"}),
}
"""The library loss that each hand-written program is; no other one is any."""
MULTIPLES = {"HINGE": ("multi_margin_loss", 3.0)}
BY_NUMBERS = {"GAUSSIAN"}
NAMED = {
    "FOCAL": {"bce", "pt"},
    "DICE": {"overlap"},
    "IOU": {"inter", "iou"},
    "TRIPLET_HARD": {"dist", "hardest_pos", "hardest_neg"},
    "VAE": {"bce", "kld"},
    "WEIGHTED_SUM": {"mse", "lasso", "ridge"},
    "TWO_HEADS": {"cls_loss", "reg_loss"},
    "HARD_EXAMPLES": {"losses"},
    "HAND_MLP": {"hidden", "scores"},
}
GIVEN = {"CRITIC": "linear", "TWO_HEADS": "linear"}


@pytest.mark.parametrize("name", CERTIFIED)
def test_a_program_is_certified_by_the_whole_certificate(name: str, explained: Callable[[str], Any]) -> None:
    found = explained(CERTIFIED[name]).explanation
    assert isinstance(found.reading, Reading), found.reading
    assert found.proof.certified, found.proof
    assert False not in found.derivation.holds()
    last = found.recording.shown[-1]
    assert found.value == pytest.approx(last.number), "it is about what the program shows"
    like = found.like
    same = like if like is not None and like.factor == 1 else None
    told = same and (same.loss.name, same.reduction, dict(same.options), dict(same.made))
    assert told == EQUAL.get(name)
    assert same is None or same.proven != (name in BY_NUMBERS)
    assert ((like and not same and (like.loss.name, like.factor)) or None) == MULTIPLES.get(name)
    quantities = {step.symbol for step in found.derivation.steps if isinstance(step, Quantity)}
    assert NAMED.get(name, set()) <= quantities
    given = {call.function.rsplit(".", 1)[-1] for call in found.reading.forms.composition.given}
    assert name not in GIVEN or GIVEN[name] in given


def test_the_table_is_long_enough() -> None:
    assert len(CERTIFIED) >= 60


@pytest.mark.parametrize(
    "source",
    [
        "a = torch.tensor([0.0])\nb = a / a\nloss = (b * 0).sum()\nprint(loss)",
        "p = torch.tensor([0.0, 0.5])\nprint((p * torch.log(p)).sum() * 0 + 3)",
        "a = torch.tensor([float('inf'), 1.0])\nprint((a - a).mean())",
    ],
    ids=["0 · nan", "0 · log 0", "inf − inf"],
)
def test_a_formula_keeps_the_nan_of_the_program(source: str, explained: Callable[[str], Any]) -> None:
    found = explained(source).explanation
    assert found.proof.certified
    values = [step.value for step in found.derivation.steps if isinstance(step, Substitution | Combination)]
    assert math.isnan(float(values[-1]))


def test_a_sum_of_two_elements_is_no_loop(explained: Callable[[str], Any]) -> None:
    source = "b = torch.tensor([[0.0, 1.0, 2.0, 4.0], [1.0, 1.0, 3.0, 2.0]], requires_grad=True)\n"
    found = explained(source + "center = (b[:, 0] + b[:, 2]) / 2\nprint((center ** 2).mean())").explanation
    (center,) = (step for step in found.derivation.steps if isinstance(step, Quantity))
    assert not center.formula.has(sympy.Sum)


def test_places_that_a_program_decides_on_have_a_letter_each(explained: Callable[[str], Any]) -> None:
    found = explained(longer_programs.TRIPLET_SEMIHARD).explanation
    held = list(found.derivation.letters)
    assert len(set(held)) == len(held)
    assert any(check.name == "twin" and check.passed for check in found.proof.checks)


@pytest.mark.parametrize(
    "step", ["total += z[i].logsumexp(0) - z[i, y[i]]", "total = total - torch.log(torch.softmax(z[i], 0)[y[i]])"]
)
def test_a_loop_over_a_batch_is_one_row(step: str, explained: Callable[[str], Any]) -> None:
    sizes = []
    for rows in (9, 16):
        setup = f"torch.manual_seed(0)\nz = torch.randn({rows}, 4, requires_grad=True)\n"
        setup += f"y = torch.randint(0, 4, ({rows},))\n"
        loop = f"total = 0\nfor i in range(len(y)):\n    {step}\nprint(total / len(y))"
        found = explained(setup + loop).explanation
        assert found.proof.certified
        assert found.like is not None and found.like.loss.name == "cross_entropy"
        assert not any(isinstance(s, Quantity) and s.formula.has(sympy.Sum) for s in found.derivation.steps)
        sizes.append(len(found.derivation.steps))
    assert len(set(sizes)) == 1, "no step for each round"


_BATCH = "torch.manual_seed(0)\nz = torch.randn(4, 5, requires_grad=True)\ny = torch.randint(0, 5, (4,))\n"


@pytest.mark.parametrize(
    ("loop", "numbers"),
    [
        ("for i in range(4):\n    total = total + 0.5 ** i * (z[i].logsumexp(0) - z[i, y[i]])", (1, 0.5, 0.25, 0.125)),
        ("for i in range(4):\n    total = total + (i + 1) * 0.3 * z[i].logsumexp(0)", (0.3, 0.6, 0.9, 1.2)),
        ("w = 1.0\nfor i in range(4):\n    total += w * F.cross_entropy(z[i:i+1], y[i:i+1])\n    w *= 0.9", None),
        ("for i in range(4):\n    total += (z[i] - i).pow(2).mean()", (0, 1, 2, 3)),
        ("for k, row in enumerate(z):\n    total = total + row.sum() / (k + 1)", (1, 2, 3, 4)),
    ],
)
def test_a_loop_that_counts_or_changes_a_number_is_one_row_with_these_numbers(
    loop: str, numbers: tuple[float, ...] | None, explained: Callable[[str], Any]
) -> None:
    found = explained(f"{_BATCH}total = 0\n{loop}\nprint(total)").explanation
    assert found.proof.certified
    (held,) = [values for _, values in tables(found)]
    assert held == pytest.approx(numbers or (1, 0.9, 0.81, 0.729))
    steps = len(found.derivation.steps)
    assert steps == len(explained(f"{_BATCH}total = z.logsumexp(1).sum()\nprint(total)").explanation.derivation.steps)


def test_sums_over_tensors_that_are_no_rows_of_one_are_told_apart(explained: Callable[[str], Any]) -> None:
    source = (
        "outs = [torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 0.7]]), torch.tensor([[3.0, -1.0]])]\n"
        "t = torch.tensor([1])\ntotal, w = 0, 1.0\n"
        "for o in outs:\n    total = total + w * F.cross_entropy(o, t)\n    w = w / 2\nprint(total)"
    )
    found = explained(source).explanation
    assert found.proof.certified
    assert {"total (1)", "total (2)"} <= set(found.derivation.names.values())


def test_where_a_formula_differs_from_the_library_loss_the_factor_is_told(explained: Callable[[str], Any]) -> None:
    setup = "x = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)\nt = torch.tensor([0.5, 2.5, 1.0])\n"
    found = explained(setup + "print(((x - t) ** 2).mean() / 2)").explanation
    assert found.equals is None
    assert found.like is not None
    assert (found.like.loss.name, found.like.factor) == ("mse_loss", pytest.approx(0.5))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("((x - t) ** 2).sum()", "3 times"),
        ("((x - t) ** 2).mean()", "same value"),
        ("((x - t).abs() + 1e-3).pow(2).mean()", "part at element"),
    ],
)
def test_two_values_are_compared_term_by_term(other: str, said: str, explained: Callable[[str], Any]) -> None:
    setup = "x = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)\nt = torch.tensor([0.5, 2.5, 1.0])\n"
    found = explained(f"{setup}print({other})\nloss = F.mse_loss(x, t)\nloss.backward()\nprint(loss)").explanation
    (further,) = found.others
    assert further.proof.certified, "a further value has a certificate of its own"
    assert further.relation is not None and said in str(further.relation.text.format(**further.relation.named))


def test_numbers_of_numpy_are_held_against_the_loss(explained: Callable[[str], Any]) -> None:
    source = """\
import numpy as np
x = torch.tensor([1.0, 2.0, 4.0])
t = torch.tensor([0.5, 2.5, 1.0])
print(np.sum((x.numpy() - t.numpy()) ** 2))
loss = F.mse_loss(x, t)
print(loss)
"""
    found = explained(source).explanation
    (further,) = found.others
    assert further.value == pytest.approx(9.5)
    assert further.relation is not None and further.relation.named["times"] == "3"


@pytest.mark.parametrize(
    ("source", "function", "line"),
    [
        ("f = torch.func.vmap(lambda z: z.exp().sum())\nprint(f(torch.ones(2, 3)).mean())", "torch.func.vmap", 2),
        ("x = torch.ones(2)\ny = torch.vmap(torch.sin)(x)\nprint(y.sum())", "torch.func.vmap", 2),
        ("g = torch.func.grad(lambda w: (w ** 2).sum())(torch.ones(3))\nprint(g.sum())", "torch.func.grad", 1),
    ],
)
def test_what_hides_its_inside_is_refused_by_name_and_line(
    source: str, function: str, line: int, explained: Callable[[str], Any]
) -> None:
    found = explained(source).explanation
    assert isinstance(found.reading, DontKnow)
    assert found.reading.function == function
    assert found.reading.span is not None and found.reading.span.line == line
    assert found.proof.verdict == "not-applicable"


ELSEWHERE = {
    "module": (
        (
            "model = nn.Linear(2, 2).to('cuda')\n"
            "x = torch.ones(1, 2).cuda()\n"
            "F.cross_entropy(model(x), torch.tensor([1]).cuda())"
        ),
        "cuda",
    ),
    "factory": ("x = torch.ones(3, device='cuda:0', requires_grad=True)\n(x ** 2).sum()", "cuda"),
    "device": ("d = torch.device('mps')\nx = torch.ones(3).to(d)\nx.exp().mean()", "mps"),
    "parallel": (
        "m = nn.DataParallel(nn.Linear(2, 1)).cuda()\ntorch.cuda.synchronize()\nm(torch.ones(1, 2)).mean() + 1",
        "cuda",
    ),
    "scaler": (
        (
            "s = torch.cuda.amp.GradScaler()\n"
            "x = torch.ones(1, 2, requires_grad=True).cuda()\n"
            "with torch.cuda.amp.autocast():\n"
            "    loss = F.cross_entropy(x, torch.tensor([0]))\n"
            "s.scale(loss).backward()\n"
            "loss"
        ),
        "cuda",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.filterwarnings("ignore")  # torch's own about AMP without a GPU
def test_programs_for_another_device_run_here_and_it_is_noted(name: str, explained: Callable[[str], Any]) -> None:
    source, device = ELSEWHERE[name]
    found = explained(source).explanation
    assert found.recording.raised is None
    assert found.proof.certified, found.proof
    assert device in found.recording.adapted


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_autocast_is_certified_in_the_dtype_it_works_in(dtype: str, explained: Callable[[str], Any]) -> None:
    source = f"""\
w = torch.tensor([[2.0, 0.51], [0.3, 0.7]], requires_grad=True)
with torch.autocast("cpu", dtype=torch.{dtype}):
    out = torch.tensor([[2.0, 0.5], [1.0, 1.1]]) @ w
    loss = F.cross_entropy(out, torch.tensor([0, 1]))
loss.backward()
print(loss)
"""
    found = explained(source).explanation
    assert found.proof.certified, found.proof
    (product,) = [call for call in found.recording.calls if call.function == "torch.matmul"]
    assert found.recording.tensors[product.outputs[0]].dtype == dtype


PAIR = "torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.5])"
OLD = {
    "variable": """\
from torch.autograd import Variable
x = Variable(torch.Tensor([[2.0, 0.5]]), requires_grad=True)
print(nn.CrossEntropyLoss()(x, Variable(torch.LongTensor([0]))))
""",
    "item": """\
x = torch.tensor([[2.0, 0.5]], requires_grad=True)
loss = F.cross_entropy(x, torch.tensor([0]))
print(loss.data[0])
""",
    "size_average": f"print(nn.MSELoss(size_average=False)({PAIR}))",
    "reduce": f"print(nn.MSELoss(reduce=False)({PAIR}))",
    "elementwise_mean": f"print(nn.MSELoss(reduction='elementwise_mean')({PAIR}))",
}


@pytest.mark.parametrize("name", OLD)
@pytest.mark.filterwarnings("ignore")  # that they are old
def test_old_idioms_run(name: str, explained: Callable[[str], Any]) -> None:
    found = explained(OLD[name]).explanation
    assert found.proof.certified, found.proof


def test_a_training_loop_is_cut_and_its_losses_are_kept(explained: Callable[[str], Any]) -> None:
    source = """\
torch.manual_seed(0)
w = torch.zeros(3, requires_grad=True)
x, y = torch.randn(8, 3), torch.randn(8)
for epoch in range(100000):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
print(loss)
"""
    found = explained(source).explanation
    assert found.recording.cut is not None and found.recording.cut.line == 4
    assert len(found.recording.losses) >= 10
    assert found.recording.losses[0] > found.recording.losses[-1]
    assert found.proof.certified, "the step that was taken last, from the weights as they stood"


def test_a_short_training_loop_is_not_cut(explained: Callable[[str], Any]) -> None:
    source = (
        "w = torch.ones(2, requires_grad=True)\n"
        "for k in range(3):\n"
        "    loss = (w ** 2).sum()\n"
        "    loss.backward()\n"
        "print(loss)"
    )
    found = explained(source).explanation
    assert found.recording.cut is None
    assert found.recording.losses == (2.0, 2.0, 2.0)


_TRAINED = """\
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
opt = torch.optim.{}(net.parameters(), lr=0.01)
x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
for k in range(40):
    opt.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
print(loss)
"""


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_step_of_an_optimizer_is_one_call_so_that_loops_run_to_their_end(
    optimizer: str, explained: Callable[[str], Any]
) -> None:
    found = explained(_TRAINED.format(optimizer)).explanation
    calls = [call.function for call in found.recording.calls]
    assert found.recording.cut is None
    assert calls.count(f"torch.optim.{optimizer}.step") == len(found.recording.losses) == 40
    assert len(calls) < 40 * 8, "a round is what the program writes down: the model, the loss, backward, the step"
    assert found.recording.losses[-1] < found.recording.losses[0]
    assert found.proof.certified
    step = next(call for call in found.recording.calls if call.function.endswith(".step"))
    assert len(step.mutated) == 4 and step.span is not None and step.span.text == "opt.step()"


def test_a_closure_that_computes_the_loss_is_part_of_the_program(explained: Callable[[str], Any]) -> None:
    source = """\
w = torch.tensor([1.0, 2.0], requires_grad=True)
opt = torch.optim.LBFGS([w])
def closure():
    opt.zero_grad()
    loss = ((w - 3) ** 2).sum()
    loss.backward()
    return loss
print(opt.step(closure))
"""
    found = explained(source).explanation
    assert found.recording.losses[0] == 5.0
    assert found.proof.certified


def test_other_seeds_give_the_spread(explained: Callable[[str], Any]) -> None:
    found = explained("x = torch.randn(4, 3)\nprint(F.cross_entropy(x, torch.tensor([0, 1, 2, 0])))").explanation
    assert len(set(found.spread) | {found.value}) == 5
    assert not explained("torch.manual_seed(0)\nprint(torch.randn(3).exp().sum())").explanation.spread


def test_what_the_formula_says_twice_is_named_once(explained: Callable[[str], Any]) -> None:
    twice = "(x.tanh() + x ** 3 + F.elu(x).exp())"
    source = f"x = torch.tensor([1.0, -2.0], requires_grad=True)\nprint(({twice} / (1 + {twice}.sigmoid())).sum())"
    found = explained(source).explanation
    assert found.proof.certified
    quantity = next(step for step in found.derivation.steps if isinstance(step, Quantity))
    definition = next(step for step in found.derivation.steps if isinstance(step, Definition))
    assert str(definition.forms[0]).count(f"{quantity.symbol}[") == 2
