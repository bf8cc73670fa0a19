"""Floors against a search that knows nothing of gradients: a grid over the region."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.diagnoses import floors
from explainers.diagnoses.floors import FloorQuestion, LossGraph, floor, least, loss_graph
from explainers.diagnoses.regions import Bounded, Box, Everywhere, Region, Simplex, extreme, nearest
from explainers.diagnoses.scene import Scene, scenes
from explainers.losses.registry import registry
from explainers.messages import said
from explainers.notebook import explained
from explainers.tracing import record

Diagnose = Callable[..., Any]  # the fixture
LOSSES = [
    "F.cross_entropy(torch.zeros(1, 3), torch.tensor([2]))",
    "F.cross_entropy(torch.zeros(1, 3), torch.tensor([0]), label_smoothing=0.3)",
    "F.cross_entropy(torch.zeros(3), torch.tensor([0.5, 0.3, 0.2]))",
    "F.cross_entropy(torch.zeros(3, 1).T, torch.tensor([1]), weight=torch.tensor([1.0, 5.0, 2.0]), reduction='sum')",
    "F.nll_loss(torch.zeros(1, 3), torch.tensor([1]))",
    "F.binary_cross_entropy_with_logits(torch.zeros(3), torch.tensor([1.0, 0.0, 0.6]))",
    "F.binary_cross_entropy_with_logits(torch.zeros(3), torch.tensor([1.0, 0.0, 1.0]), pos_weight=torch.tensor(3.0))",
    "F.mse_loss(torch.zeros(3), torch.tensor([-2.0, 0.25, 0.75]))",
]
COARSE, GRID = np.linspace(0, 1, 9), np.linspace(0, 1, 21)


def scene(source: str) -> Scene:
    return scenes(record(source), (), registry())[-1]


def graph(source: str) -> LossGraph:
    found = loss_graph(scene(source), "input")
    assert found is not None
    return found


def asked(source: str, region: Region):
    return floor(scene(source), FloorQuestion("input", region, said("")))


def on_grid(loss: LossGraph, points: list[tuple[float, ...]]) -> float:
    return min(loss.at(np.array(point).reshape(loss.shape))[0] for point in points)


@pytest.mark.parametrize("source", LOSSES)
def test_no_point_of_a_box_lies_below_its_floor_and_some_come_near(source: str):
    loss, lowest = graph(source), least(graph(source), Box(0.0, 1.0))
    assert lowest is not None
    best = on_grid(loss, list(itertools.product(COARSE, repeat=3)))
    assert lowest.value <= best + 1e-9
    assert best - lowest.value < 0.01
    assert (lowest.x >= 0).all() and (lowest.x <= 1).all()


@pytest.mark.parametrize("source", LOSSES)
def test_no_point_of_the_simplex_lies_below_its_floor_and_some_come_near(source: str):
    loss, dim = graph(source), len(graph(source).shape) - 1
    lowest = least(loss, Simplex(dim))
    assert lowest is not None
    triples = [(a, b, 1 - a - b) for a, b in itertools.product(GRID, repeat=2) if a + b <= 1]
    best = on_grid(loss, triples)
    assert lowest.value <= best + 1e-9
    assert best - lowest.value < 0.01
    assert lowest.x.sum() == pytest.approx(1)


def test_the_floor_of_three_inputs_between_zero_and_one():
    found = asked("F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))", Box(0.0, 1.0))
    assert found is not None and found.attained
    assert found.value == pytest.approx(math.log(1 + 2 / math.e), abs=1e-12)
    assert found.point == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("loss", "region"),
    [
        ("F.cross_entropy(z.softmax(-1), torch.tensor([1]))", Simplex(1)),
        ("F.cross_entropy(z.T.softmax(0).T, torch.tensor([1]))", Box(0.0, 1.0)),
        ("F.binary_cross_entropy_with_logits(z.softmax(1), torch.tensor([[1.0, 0.0, 1.0]]))", Simplex(1)),
        ("F.binary_cross_entropy_with_logits(z.sigmoid(), torch.tensor([[1.0, 0.0, 1.0]]))", Box(0.0, 1.0)),
    ],
)
def test_a_diagnosis_asks_for_the_floor_over_what_the_activation_returns(
    loss: str, region: Bounded, diagnose: Diagnose
):
    source = "z = torch.tensor([[2.0, 0.5, -1.0]])\n" + loss
    lowest = least(graph(source), region)
    (diagnosis,) = diagnose(source).diagnoses
    assert lowest is not None and diagnosis.floor is not None
    assert diagnosis.floor.value == pytest.approx(lowest.value, abs=1e-8)
    assert not diagnosis.floor.attained


def test_no_finite_scores_reach_zero():
    found = asked("F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]))", Everywhere())
    assert found is not None
    assert (found.value, found.attained) == (pytest.approx(0, abs=1e-12), False)


def test_soft_targets_reach_their_entropy():
    found = asked("F.cross_entropy(torch.zeros(3), torch.tensor([0.5, 0.3, 0.2]))", Everywhere())
    entropy = -sum(q * math.log(q) for q in (0.5, 0.3, 0.2))
    assert found is not None and found.attained
    assert found.value == pytest.approx(entropy, abs=1e-7)


@pytest.mark.parametrize(
    "unbounded",
    [
        "F.nll_loss(torch.zeros(2, 3), torch.tensor([0, 1]))",
        "F.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([-1.0, 1.0]))",
    ],
)
def test_a_loss_without_a_floor_is_said_to_have_none(unbounded: str):
    found = asked(unbounded, Everywhere())
    assert found is not None and found.value == float("-inf")


@pytest.mark.parametrize(
    "unanswerable",
    [
        "2 * F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]))",
        "x = torch.zeros(3).softmax(0)\nF.cross_entropy(x, x)",
        "F.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))",
        "F.cross_entropy(torch.zeros(30000, 3), torch.zeros(30000, dtype=torch.long))",
        "F.mse_loss(torch.zeros(300), torch.zeros(300, 1))",
    ],
)
def test_no_floor_is_claimed_where_none_was_computed(unanswerable: str):
    assert asked(unanswerable, Box(0.0, 1.0)) is None


vectors = st.lists(st.floats(-5, 5), min_size=4, max_size=4).map(np.array)


@given(vectors, vectors)
@settings(max_examples=60, deadline=None)
def test_projection_is_the_nearest_point(x: np.ndarray, other: np.ndarray):
    for region in (Box(-1.0, 2.0), Simplex(0)):
        there, elsewhere = nearest(region, x), nearest(region, other)
        assert np.linalg.norm(x - there) <= np.linalg.norm(x - elsewhere) + 1e-9
        assert np.allclose(nearest(region, there), there)


@given(vectors, vectors)
@settings(max_examples=60, deadline=None)
def test_the_extreme_point_is_least_for_its_slope(slope: np.ndarray, other: np.ndarray):
    for region in (Box(-1.0, 2.0), Simplex(0)):
        assert slope @ extreme(region, slope) <= slope @ nearest(region, other) + 1e-9


@pytest.mark.parametrize(
    ("source", "least_sum"),
    [
        ("F.l1_loss(torch.zeros(3), torch.tensor([0.3, -1.7, 2.9]), reduction='none')", 0.0),
        ("F.cross_entropy(torch.zeros(3), torch.tensor([0.5, 0.3, 0.2]), reduction='none')", None),
        (
            "F.cross_entropy(torch.zeros(2, 3), torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]), reduction='none')",
            -sum(q * math.log(q) for q in (0.5, 0.3, 0.2, 0.2, 0.2, 0.6)),
        ),
    ],
)
def test_of_several_numbers_it_is_the_least_sum(source: str, least_sum: float | None):
    found = asked(source, Everywhere())
    assert found is not None and found.attained
    assert found.summed == (least_sum is not None)  # one row gives one number
    if least_sum is not None:
        assert found.value == pytest.approx(least_sum, abs=1e-7)


def test_the_same_question_is_searched_once(monkeypatch: pytest.MonkeyPatch):
    searched: list[str] = []
    search = floors.loss_graph

    def counting(scene: Scene, argument: str) -> LossGraph | None:
        searched.append(argument)
        return search(scene, argument)

    monkeypatch.setattr(floors, "loss_graph", counting)
    head = "import torch\nimport torch.nn.functional as F\n"
    source = "F.cross_entropy(torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([[0.5, 0.3, 0.2]]))"
    found = explained(record(head + source))
    assert [floor.within for d in found.diagnoses for floor in d.floors] and found.floors
    assert searched == ["input"]


@pytest.mark.parametrize("rows", [3, 3000])
def test_a_search_is_bounded_by_what_an_evaluation_costs(rows: int, monkeypatch: pytest.MonkeyPatch):
    spent: list[int] = []
    at = LossGraph.at

    def counting(self: LossGraph, x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]):
        spent.append(self.cost)
        return at(self, x)

    monkeypatch.setattr(LossGraph, "at", counting)
    scores = f"torch.arange({3 * rows}.0).reshape({rows}, 3).cos()"
    asked(f"F.cross_entropy({scores}, ({scores} * 7).softmax(1), weight=torch.tensor([1.0, 900.0, 3.0]))", Everywhere())
    most = max(floors.WORK, floors.EVALUATIONS.start * max(spent))
    assert 0 < sum(spent) <= 3 * (most + (floors.HALVINGS + 6) * max(spent))
