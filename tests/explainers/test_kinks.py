"""At an input where the slope of a loss jumps, the two slopes are the loss's own and the one said is autograd's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.digits import shown
from explainers.kinks import MOST_TRIED, Kink, kink, side_of
from explainers.locale import Translator, available, translator
from explainers.notebook import explained
from explainers.reading import Reading
from explainers.telling.subgradients import subgradient
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\n"
PAIR = "x = torch.tensor([1.0, 2.0], requires_grad=True)\n"
ROW = "x = torch.tensor([[1.0, 0.0, 0.25]], requires_grad=True)\n"
KINKS = [
    # program, the slopes on both sides, where torch's lies
    (PAIR + "F.l1_loss(x, torch.tensor([1.0, 3.0]), reduction='sum')", (-1, 1), "middle"),
    (PAIR + "F.smooth_l1_loss(x, torch.tensor([1.0, 3.0]), beta=0.0)", (-0.5, 0.5), "middle"),
    (PAIR + "F.hinge_embedding_loss(x, torch.tensor([-1.0, 1.0]), reduction='sum')", (-1, 0), "below"),
    (PAIR + "F.margin_ranking_loss(x, torch.tensor([0.5, 0.0]), torch.ones(2), margin=0.5)", (-0.5, 0), "below"),
    (ROW + "F.multi_margin_loss(x, torch.tensor([0]))", (-2 / 3, -1 / 3), "above"),
    (ROW + "F.multilabel_margin_loss(x, torch.tensor([[0, -1, -1]]))", (-2 / 3, -1 / 3), "above"),
    (ROW + "F.cosine_embedding_loss(x, torch.tensor([[0.0, 1.0, 0.0]]), -torch.ones(1))", None, "above"),
    (
        "x = torch.zeros(1, 2, requires_grad=True)\n"
        "F.triplet_margin_loss(torch.zeros(1, 2), x, torch.zeros(1, 2), margin=1e-30)",
        (-(0.5**0.5), 0),
        "below",
    ),
    (PAIR + "F.relu(x - 1).sum()", (0, 1), "below"),
    (PAIR + "x.clamp(max=2.0).sum()", (1, 0), "below"),
    (PAIR + "torch.maximum(x, torch.tensor([0.0, 2.0])).sum()", (0, 1), "middle"),
    ("x = torch.tensor([2.0, 2.0, 1.0], requires_grad=True)\nx.amax()", (0, 1), "middle"),
    ("x = torch.tensor([2.0, 2.0, 1.0], requires_grad=True)\nx.max(0).values", (0, 1), "above"),
]
SMOOTH = [
    (PAIR + "F.smooth_l1_loss(x, torch.tensor([0.0, 2.5]), reduction='sum')", 1.0),
    (PAIR + "F.huber_loss(x, torch.tensor([0.0, 3.5]), delta=1.0, reduction='sum')", 1.0),
]
LEAPS = [
    # program, the slopes on both sides, how much higher the value is above, where torch's slope lies
    (PAIR + "torch.where(x > 1, x.log(), 2 * x).sum()", (2, 1), -2.0, "below"),
    (PAIR + "torch.where(x >= 2, x.square(), x).sum()", (1, 4), 2.0, "above"),
    (PAIR + "F.softplus(x, threshold=1).sum()", (0.7310585786, 1), -0.3132616875, "below"),
    (PAIR + "F.softplus(20 * x).sum()", (20, 20), -2.06115362e-9, "below"),
]
NONE = [
    PAIR + "F.l1_loss(x, torch.tensor([1.5, 3.0]))",
    PAIR + "F.mse_loss(x, torch.tensor([1.0, 2.0]))",
    PAIR + "F.cross_entropy(torch.stack([x, x]), torch.tensor([0, 1]))",
    PAIR + "(x.detach() - 1).abs().sum() + x.sum()",
    "x = torch.tensor([[0.0], [0.0], [float('inf')]], requires_grad=True)\n"
    "F.cosine_embedding_loss(torch.zeros(3, 1), x, torch.ones(3), margin=0)",
]


def found(source: str) -> Kink | None:
    explanation = explained(record(HEAD + source))
    assert isinstance(explanation.reading, Reading)
    return kink(explanation.reading, explanation.autograd)


def autograd(source: str) -> np.ndarray:
    names: dict[str, object] = {"torch": torch, "F": F}
    *lines, last = source.splitlines()
    exec("\n".join(lines), names)
    loss, x = eval(last, names), names["x"]
    assert isinstance(x, torch.Tensor)
    loss.backward()
    assert x.grad is not None
    return x.grad.numpy().astype(np.float64)


@pytest.mark.parametrize(("source", "slopes", "side"), KINKS)
def test_the_slope_that_is_said_is_the_one_of_autograd(source: str, slopes: tuple[float, float] | None, side: str):
    explanation = explained(record(HEAD + source))
    one = explanation.kink
    assert one is not None and not one.smooth
    assert one.taken == pytest.approx(autograd(source)[one.at])
    assert one.taken == np.asarray(explanation.gradient["x"])[one.at]
    assert f"takes {shown(one.taken + 0.0)}" in str(explanation)
    assert side_of(one) == side
    if slopes is not None:
        assert (one.below, one.above) == pytest.approx(slopes)


@pytest.mark.parametrize(("source", "slopes", "gap", "side"), LEAPS)
def test_where_the_value_jumps_the_jump_and_both_slopes_are_said(
    source: str, slopes: tuple[float, float], gap: float, side: str
):
    one = found(source)
    assert one is not None and not one.smooth and side_of(one) == side
    assert one.gap == pytest.approx(gap, rel=1e-4)
    assert (one.below, one.above) == pytest.approx(slopes)
    assert one.taken == pytest.approx(autograd(source)[one.at])


@pytest.mark.parametrize(("source", "slope"), SMOOTH)
def test_where_both_pieces_have_one_slope_there_is_no_choice(source: str, slope: float):
    one = found(source)
    assert one is not None and one.smooth
    assert (one.at, one.taken) == ((0,), slope) and autograd(source)[0] == slope


@pytest.mark.parametrize("source", NONE)
def test_nothing_is_said_where_nothing_ties(source: str):
    assert found(source) is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.0]), min_size=1, max_size=4), st.sampled_from(["l1", "relu"]))
def test_any_tie_of_l1_and_relu_is_found(values: list[float], loss: str):
    call = "F.l1_loss(x, torch.zeros_like(x), reduction='sum')" if loss == "l1" else "F.relu(x).sum()"
    one = found(f"x = torch.tensor({values}, requires_grad=True)\n{call}")
    assert (one is None) == (0.0 not in values)
    if one is not None:
        assert one.at == (values.index(0.0),)
        assert (one.below, one.above, one.taken) == ((-1, 1, 0) if loss == "l1" else (0, 1, 0))


@pytest.mark.parametrize("locale", [*available()])
def test_it_is_one_sentence_in_each_language(locale: str):
    explanation = explained(record(HEAD + KINKS[0][0]))
    (told,) = subgradient(explanation)
    assert "x[0] = 1" in told.say(translator(locale))
    assert told.say(Translator()) in str(explanation)


@pytest.mark.parametrize(
    ("source", "alike", "others", "untried"),
    [
        (PAIR + "F.l1_loss(x, torch.tensor([1.0, 3.0]))", 0, 0, 0),
        (PAIR + "F.l1_loss(x, torch.tensor([1.0, 2.0]))", 1, 0, 0),
        (PAIR + "F.margin_ranking_loss(x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0]))", 0, 1, 0),
        ("x = torch.ones(20, requires_grad=True)\nF.l1_loss(x, torch.ones(20))", MOST_TRIED - 1, 0, 20 - MOST_TRIED),
    ],
)
def test_further_numbers_at_a_kink_are_counted(source: str, alike: int, others: int, untried: int):
    first = found(source)
    assert first is not None
    assert (first.alike, first.others, first.untried) == (alike, others, untried)
    text = " ".join(message.say(Translator()) for message in subgradient(explained(record(HEAD + source))))
    assert ("the same side:" in text, "another side:" in text, "not tried:" in text) == (
        alike > 0,
        others > 0,
        untried > 0,
    )
