"""Programs that stop, overflow or lose their gradient, as people write them: the guilty line, and what mends it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from explainers.diagnoses.turning import first_turn
from explainers.explanation import conclude, plan
from explainers.locale import available
from explainers.replay import replay, rerun_source
from explainers.reruns import GraphRerun
from explainers.telling import Context, tell
from explainers.tracing import record
from tests.explainers.diagnoses.failing_programs import GRADIENTS, HEAD, STOPS, TURNS

Diagnose = Callable[..., Any]  # the fixture


@pytest.mark.parametrize(("slug", "stops", "meant"), STOPS)
def test_a_fix_that_was_run_gives_what_was_meant(slug: str, stops: str, meant: str | None, diagnose: Diagnose):
    road = diagnose(HEAD + stops)
    assert road.recording.raised is not None
    assert road.slugs[0] == slug
    found = road.diagnoses[0]
    assert found.confidence == "shown" and found.place is not None
    (ran,) = [c for c in found.counterfactuals if c.role == "fix"]
    assert math.isfinite(ran.values[0])
    if meant is not None:
        assert ran.values[0] == pytest.approx(diagnose(HEAD + meant).value, rel=1e-6)


@pytest.mark.parametrize(("slug", "function", "line", "source", "value"), TURNS)
def test_the_first_number_that_is_not_finite_is_found_and_mended(
    slug: str, function: str, line: int, source: str, value: float, diagnose: Diagnose
):
    road = diagnose(HEAD + source)
    assert not math.isfinite(road.value)
    assert road.slugs[0] == slug
    found = road.diagnoses[0]
    turned = first_turn(road.recording, {id: c for c in road.recording.calls for id in c.outputs})
    blamed = turned or next(c for c in road.recording.calls if c.span == found.place)
    assert blamed.function.rpartition(".")[2].strip("_") == function
    assert blamed.span is not None and blamed.span.line == line
    corrected = [c.value for c in found.counterfactuals if c.role == "correction"]
    assert corrected[0] == pytest.approx(value, rel=1e-3, abs=1e-6)
    fixed = [number for c in found.counterfactuals if c.role == "fix" for number in c.values]
    assert fixed == pytest.approx([value] * len(fixed), rel=1e-3, abs=1e-6)
    assert found.fix is None or not found.fix.diff or fixed


def test_a_fix_that_gives_nan_again_is_not_offered(diagnose: Diagnose):
    source = "p = torch.tensor([float('nan'), 0.0])\n-(p[1] * torch.log(p[1]) + p[0])"
    found = diagnose(HEAD + source).diagnoses[0]
    assert not [c for c in found.counterfactuals if c.role == "fix"]
    assert found.fix is not None and not found.fix.diff


@pytest.mark.parametrize("scale", [10, 100])
def test_a_loop_that_diverges_to_nan_has_too_large_a_rate_and_learns_with_the_one_given(scale: int, diagnose: Diagnose):
    data = f"torch.manual_seed(0)\nx = torch.randn(8, 1) * {scale}\ny = x * 2\nm = nn.Linear(1, 1)\n"
    data += "opt = torch.optim.SGD(m.parameters(), lr=1.0)\nfor i in range(30):\n    opt.zero_grad()\n"
    data += "    loss = ((m(x) - y) ** 2).mean()\n    loss.backward()\n    opt.step()\nprint(loss)"
    road = diagnose(HEAD + data)
    assert math.isnan(road.value)
    assert road.slugs[0] == "learning-rate-too-large"
    (ran,) = [c for c in road.diagnoses[0].counterfactuals if c.role == "fix"]
    assert ran.values[0] < road.recording.losses[0] / 100


FIXED_GRADIENTS = {"dead-relu": [0.01]}
"""Of fixes that are no mere undoing of what lost the gradient."""


@pytest.mark.parametrize(("slug", "line", "source", "gradient"), GRADIENTS)
def test_a_gradient_that_is_lost_or_spoilt_is_found_and_mended(
    slug: str, line: int, source: str, gradient: list[float], diagnose: Diagnose
):
    road = diagnose(HEAD + source)
    assert math.isfinite(road.value)
    assert road.slugs[0] == slug
    found = road.diagnoses[0]
    assert found.place is not None and found.place.line == line
    (mended,) = [c.values for c in found.counterfactuals if c.role == "gradient"]
    assert mended == pytest.approx(gradient, rel=1e-4, abs=1e-4)
    fixed = [c for c in found.counterfactuals if c.role == "fix"]
    mends = [c.values for c in fixed if len(c.values) == len(gradient)]
    assert mends == [pytest.approx(FIXED_GRADIENTS.get(slug, gradient), rel=1e-3)] * len(mends)
    assert not found.fix.diff or fixed


LOOP = "x = torch.tensor([{}], requires_grad=True)\nloss = torch.stack([F.{}(v) for v in x]).sum()\nloss.backward()"
FEW = "torch.manual_seed(0)\nD = nn.Linear(2, 1)\nopt = torch.optim.SGD(D.parameters(), lr=0.01)\n"
CRITIC = FEW + (
    "x = torch.randn(4, 2)\nfor i in range(3):\n    loss = D(x{}).mean()\n    opt.zero_grad()\n"
    "    loss.backward()\n    opt.step()\n"
    "    for p in D.parameters():\n        p.data.clamp_(-0.01, 0.01)\nprint(loss)"
)


@pytest.mark.parametrize(
    ("source", "slug", "fires", "gradient"),
    [
        (LOOP.format("-1.0, -2.0", "relu"), "dead-relu", True, (1.0, 1.0)),
        (LOOP.format("1.0, -2.0", "relu"), "dead-relu", False, ()),
        (LOOP.format("3.0, 2.0", "hardtanh"), "clamp-cuts-gradient", True, (1.0, 1.0)),
        (LOOP.format("0.5, 2.0", "hardtanh"), "clamp-cuts-gradient", False, ()),
        (CRITIC.format(""), "gradient-cut-silently", False, ()),
        (CRITIC.format(" @ D.weight.data.T + D.bias").replace("D(x", "(x"), "gradient-cut-silently", True, None),
    ],
)
def test_one_place_of_a_loop_is_judged_and_edited_over_all_its_calls(
    source: str, slug: str, fires: bool, gradient: tuple[float, ...] | None, diagnose: Diagnose
):
    found = [d for d in diagnose(HEAD + source).diagnoses if d.slug == slug]
    assert bool(found) == fires
    if gradient:
        assert [c.values for c in found[0].counterfactuals if c.role == "gradient"] == [gradient]


def test_the_margin_of_a_loop_is_halved_in_every_round(diagnose: Diagnose):
    source = "a = torch.zeros(3, 2, requires_grad=True)\nloss = 0\nfor i in range(3):\n"
    source += "    p = (a[i] - a[i - 1]).pow(2).sum()\n    n = (a[i] - a[i - 2]).pow(2).sum()\n"
    source += "    loss = loss + F.relu(p - n + 1.0)\nloss / 3"
    (found,) = [d for d in diagnose(HEAD + source).diagnoses if d.slug == "margin-at-collapse"]
    assert [c.value for c in found.counterfactuals] == [0.5]


@pytest.mark.parametrize(
    ("loss", "told"),
    [("0.7 * kd + 5", {"part": "0.1233", "value": "5.0863"}), ("kd", None)],
)
def test_what_is_said_of_a_term_is_not_said_of_the_sum(loss: str, told: dict[str, str] | None, diagnose: Diagnose):
    source = "s = torch.tensor([[1.0, 2.0], [0.5, 0.1]])\nt = torch.tensor([[2.0, 1.0], [0.2, 0.3]])\n"
    source += f"kd = F.kl_div(s.log_softmax(1), t.softmax(1), reduction='mean')\nloss = {loss}\nprint(loss)"
    (found,) = [d for d in diagnose(HEAD + source).diagnoses if d.slug == "kl-reduction-mean"]
    value = found.verdict.named["value"]
    assert value == "0.1233" if told is None else value.named == told


@pytest.mark.parametrize(
    ("flags", "written"),
    [
        ("size_average=True", "+ F.kl_div(x, y, reduction='batchmean')"),
        ("reduce=True, reduction='sum', log_target=False", "+ F.kl_div(x, y, reduction='batchmean', log_target=False)"),
        ("None, True", None),
    ],
)
def test_a_reduction_takes_the_place_of_the_flags_that_say_another(flags: str, written: str | None, diagnose: Diagnose):
    source = "x = torch.tensor([[0.2, 0.8], [0.5, 0.5]]).log()\ny = torch.tensor([[0.4, 0.6], [0.1, 0.9]])\n"
    found = diagnose(HEAD + source + f"F.kl_div(x, y, {flags})").diagnoses[0]
    assert found.slug == "kl-reduction-mean"
    assert [line for line in found.fix.diff if line.startswith("+")] == ([] if written is None else [written])
    given = [c.value for c in found.counterfactuals if c.role in ("correction", "fix")]
    assert given == pytest.approx([given[0]] * (1 if written is None else 2))


@pytest.mark.parametrize("locale", [*available()])
@pytest.mark.parametrize("source", [STOPS[0][1], STOPS[29][1], TURNS[0][3], GRADIENTS[1][2]])
def test_the_whole_answer_is_said_in_each_language(source: str, locale: str):
    recording = record(HEAD + source)
    results = tuple(
        replay(recording, rerun) if isinstance(rerun, GraphRerun) else rerun_source(rerun)
        for rerun in plan(recording, ()).reruns
    )
    found = conclude(recording, (), results)
    told = tell(found, Context(locale=locale))
    assert found.diagnoses and told.verdict in told.text
    assert told.alt_text


def test_a_tensor_made_anew_of_numbers_that_were_read_cuts_the_way_to_the_weights(diagnose: Diagnose):
    lines = "torch.manual_seed(0)\nx = 9 * torch.ones(2, 3)\nlayer = nn.Linear(3, 2)\n"
    lines += "out = torch.tensor({}, requires_grad=True)\n"
    loss = "F.cross_entropy({}, torch.tensor([0, 1])).backward()"
    road = diagnose(HEAD + lines.format("layer(x).tolist()") + loss.format("out"))
    assert road.slugs[0] == "gradient-cut-silently"
    assert road.diagnoses[0].place is not None and "tolist" in road.diagnoses[0].place.text
    assert "gradient-cut-silently" not in diagnose(HEAD + lines.format("[1.0]") + loss.format("layer(x)")).slugs


@pytest.mark.parametrize(
    "shift", ["x.max().item()", "x.data.max()", "x.detach().max()", "7.0 * (x.sum() > 0).item()", "x.sum().detach()"]
)
def test_a_constant_that_changes_no_gradient_cuts_none(shift: str, diagnose: Diagnose):
    source = f"x = torch.tensor([1.5, 2.25, 0.5], requires_grad=True)\ns = x - {shift}\n"
    source += "l = s.exp().sum().log() - s[0]\nl.backward()"
    assert "gradient-cut-in-part" not in diagnose(HEAD + source).slugs


def test_the_parameter_that_gets_no_gradient_is_named(diagnose: Diagnose):
    source = "torch.manual_seed(0)\nenc, dec = nn.Linear(2, 2), nn.Linear(2, 2)\nx = torch.tensor([[1.0, 2.0]])\n"
    source += "h = enc(x).data\nloss = F.mse_loss(dec(h), x)\nloss.backward()"
    (found,) = [d for d in diagnose(HEAD + source).diagnoses if d.slug == "gradient-cut-silently"]
    assert found.verdict.named["name"] == "enc.weight"


def test_a_logarithm_of_what_is_truly_0_has_no_stable_form(diagnose: Diagnose):
    masked = "x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])\nm = torch.tensor([[1.0, 1.0], [0.0, 0.0]])\n"
    assert "stable-logarithm" not in diagnose(HEAD + masked + "(x.exp() * m).sum(1).log().sum()").slugs
    assert "stable-logarithm" not in diagnose(HEAD + "p = torch.tensor([0.0, 1.0])\n(1 - p).log().sum()").slugs


def test_a_stable_form_leaves_what_else_needs_the_probabilities_as_it_is(diagnose: Diagnose):
    source = "x = torch.tensor([-200.0, 3.0])\ny = torch.tensor([1.0, 0.0])\np = torch.sigmoid(x)\n"
    source += "-((1 - p) ** 2 * y * p.log() + p**2 * (1 - y) * (1 - p).log()).sum()"
    found = diagnose(HEAD + source).diagnoses[0]
    corrected = [c.value for c in found.counterfactuals if c.role in ("correction", "fix")]
    assert corrected == pytest.approx([200 + 0.9525741**2 * 3.0485874] * len(corrected), rel=1e-5)


@pytest.mark.parametrize(
    ("source", "gradient"),
    [
        (
            "x = torch.tensor([0.0, 4.0], requires_grad=True)\nl = torch.where(x > 0, x.sqrt(), x * 0).sum()",
            [0.0, 0.25],
        ),
        ("x = torch.zeros(2, requires_grad=True)\nl = torch.sqrt((x**2).sum())", [0.0, 0.0]),
        ("x = torch.tensor([0.0, 1.0], requires_grad=True)\nl = ((1 - x) ** 0.5).sum()", [-0.5, -5e5]),
    ],
)
def test_the_gradient_that_a_fix_leaves_is_that_of_the_fixed_program(
    source: str, gradient: list[float], diagnose: Diagnose
):
    found = diagnose(HEAD + source + "\nl.backward()\nprint(l, x.grad)").diagnoses[0]
    (fixed,) = [c for c in found.counterfactuals if c.role == "fix"]
    assert fixed.values == pytest.approx(gradient, rel=1e-3)


@pytest.mark.parametrize(
    ("lines", "diff"),
    [
        ("x = torch.ones(1, 2)\n", "x = torch.ones(1, 2).cuda()"),
        ("x = torch.ones(1, 2)\nx.cuda()\n", "x = x.cuda()"),
    ],
)
def test_what_a_gpu_would_refuse_is_said_and_mended(lines: str, diff: str, diagnose: Diagnose):
    source = f"torch.manual_seed(0)\nmodel = nn.Linear(2, 2).cuda()\n{lines}print(model(x).sum())"
    found = next(d for d in diagnose(HEAD + source).diagnoses if d.slug == "tensors-on-two-devices")
    assert found.fix is not None and f"+ {diff}" in found.fix.diff
    assert record(found.fix.source).apart is None


def test_a_long_loop_of_steps_is_looked_through_once(diagnose: Diagnose):
    source = "torch.manual_seed(0)\nx = torch.randn(8, 1)\nm = nn.Linear(1, 1)\n"
    source += (
        "opt = torch.optim.SGD(m.parameters(), lr=0.1)\nfor k in range(60):\n    loss = ((m(x) - 3 * x) ** 2).mean()\n"
    )
    source += "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n    loss.item()\nprint(loss)"
    road = diagnose(HEAD + source)
    assert len(road.recording.losses) == 60
    assert "gradient-cut-silently" not in road.slugs and "gradient-cut-in-part" not in road.slugs
