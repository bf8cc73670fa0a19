"""The sum over alignments: by its tables, and by going through every sequence of classes."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers import explain
from explainers.aligning import aligned
from explainers.derivation import Alignments, Forward, agrees
from explainers.graph import alignments as lattices
from explainers.graph import evaluation, ops
from explainers.graph.alignments import step_by_step
from explainers.graph.arithmetic import Arithmetic
from explainers.graph.balls import BallArithmetic, precise
from explainers.graph.evaluation import evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.interval_arrays import Interval, bounds
from explainers.graph.intervals import IntervalArithmetic
from explainers.graph.nodes import AlignmentSum, Axis, Input, Node
from explainers.graph.paths import alignments, count, forward_table, interleaved, likeliest, usable
from explainers.graph.rounding import Rounding
from explainers.graph.tables import Tables

ARITHMETICS: dict[str, Arithmetic[Any]] = {
    "balls": BallArithmetic(Rounding("exact")),
    "intervals": IntervalArithmetic(Rounding("exact")),
    "floats": FloatArithmetic(),
}


def read(path: tuple[int, ...], blank: int) -> list[int]:
    """What a sequence of classes says: without repeats, then without blanks."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


@st.composite
def targets(draw: st.DrawFn) -> tuple[int, int, int, list[int]]:
    """Time steps, classes, the blank, and labels of which none is the blank."""
    steps, classes = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    blank = draw(st.integers(0, classes - 1))
    labels = st.integers(0, classes - 1).filter(lambda label: label != blank)
    return steps, classes, blank, draw(st.lists(labels, max_size=4))


def every(steps: int, classes: int, blank: int, labels: list[int]) -> list[tuple[int, ...]]:
    """All sequences of classes that say the labels."""
    return [p for p in itertools.product(range(classes), repeat=steps) if read(p, blank) == labels]


@settings(deadline=None, max_examples=150)
@given(targets())
def test_the_alignments_are_all_sequences_that_say_the_labels(drawn: tuple[int, int, int, list[int]]) -> None:
    steps, classes, blank, labels = drawn
    states = interleaved(labels, blank)
    found = list(alignments(states, steps))
    said = [tuple(states[s] for s in path) for path in found]
    assert sorted(said) == sorted(every(steps, classes, blank, labels))
    assert count(states, steps) == len(found)
    passed = {(t, s) for path in found for t, s in enumerate(path)}
    open_ = usable(states, steps)
    assert passed == {(t, s) for t in range(steps) for s in range(len(states)) if open_[t][s]}


@settings(deadline=None, max_examples=80)
@given(targets(), st.integers(0, 10**6))
def test_the_forward_table_adds_them_up(drawn: tuple[int, int, int, list[int]], seed: int) -> None:
    steps, classes, blank, labels = drawn
    p = np.random.default_rng(seed).dirichlet(np.ones(classes), steps)
    states = interleaved(labels, blank)
    with precise():
        rows = forward_table(states, steps, lambda t, c: arb(float(p[t, c])))
        total = sum(rows[-1][-2:], arb(0))
    each = {
        path: float(np.prod([p[t, c] for t, c in enumerate(path)])) for path in every(steps, classes, blank, labels)
    }
    assert float(total.mid()) == pytest.approx(sum(each.values()), rel=1e-12)
    best = likeliest(states, [[arb(float(p[t, c])) for c in states] for t in range(steps)])
    if each:
        assert each[tuple(states[s] for s in best)] == pytest.approx(max(each.values()), rel=1e-12)
    else:
        assert not best


def node(steps: int, classes: int, blank: int, labels: list[int]) -> tuple[AlignmentSum, dict[Axis, int]]:
    """A batch of two targets, of which the second is empty, over one more time step than count."""
    n = Axis("n", 2)
    time, c = Axis("a", steps + 1), Axis("c", classes)
    places = Axis("s", len(labels)) if len(labels) > 1 else None
    y: Node = Input("y", (places,) if places else (), "int64", 1)
    x, length = Input("x", (n, time, c), "float64", 0), Input("r", (n,), "int64", 2)
    return ops.alignment_sum(x, y, (ops.constant(steps), length), (time, c, places), blank), {n: 0}


def values(steps: int, classes: int, labels: list[int], seed: int) -> dict[int, Any]:
    x = np.random.default_rng(seed).normal(size=(2, steps + 1, classes)) * 2
    return {0: x, 1: np.asarray(labels if len(labels) > 1 else (labels or [0])[0]), 2: np.array([len(labels), 0])}


@pytest.mark.parametrize("name", ARITHMETICS)
@settings(deadline=None, max_examples=40)
@given(drawn=targets(), seed=st.integers(0, 10**6))
def test_total_and_shares_are_those_of_every_sequence(
    name: str, drawn: tuple[int, int, int, list[int]], seed: int
) -> None:
    steps, classes, blank, labels = drawn
    total, _ = node(steps, classes, blank, labels)
    held = values(steps, classes, labels, seed)
    with precise():
        found, shares = evaluate_all((total, ops.occupancy(total)), held, ARITHMETICS[name])
        middles = [np.vectorize(float)(getattr(v, "mid", v) if name == "intervals" else v) for v in (found, shares)]
    for n, said in enumerate((labels, [])):
        weights = {
            path: np.exp(sum(held[0][n, t, c] for t, c in enumerate(path)))
            for path in every(steps, classes, blank, said)
        }
        whole = sum(weights.values())
        expected = np.log(whole) if weights else -np.inf
        assert middles[0][n] == pytest.approx(expected, rel=1e-9)
        for t, c in itertools.product(range(steps), range(classes)) if weights else ():
            share = sum(w for path, w in weights.items() if path[t] == c) / whole
            assert middles[1][n, t, c] == pytest.approx(share, rel=1e-9, abs=1e-12)
        assert (middles[1][n, steps:] == 0).all()


@settings(deadline=None, max_examples=60)
@given(targets(), st.integers(0, 10**6))
def test_both_steps_compute_themselves_again_and_a_false_one_does_not(
    drawn: tuple[int, int, int, list[int]], seed: int
) -> None:
    steps, classes, blank, labels = drawn
    total, at = node(steps, classes, blank, labels)
    held = values(steps, classes, labels, seed)
    with precise():
        for step in aligned(total, held, at):
            assert agrees(step)
            assert agrees(replace(step, total=step.total * 2 + 1)) is False
            match step:
                case Alignments() if step.count:
                    assert agrees(replace(step, listed=step.listed[1:])) is False
                case Forward():
                    cells = [list(row) for row in step.table.cells]
                    cells[0][0] = cells[0][0] + arb("1e-9")
                    wrong = replace(step.table, cells=tuple(map(tuple, cells)))
                    assert agrees(replace(step, table=wrong)) is False
                case _:
                    pass


def test_of_many_alignments_the_likeliest_and_the_others_add_up() -> None:
    total, at = node(5, 4, 0, [1, 2])
    held = values(5, 4, [1, 2], 3)
    with precise():
        table = Tables(total, held).at(at)
        assert table is not None
        paths = list(alignments(table.states, 5))
        best = likeliest(table.states, table.factors)
        others = sum((table.product(path) for path in paths if path != best), arb(0))
        assert len(paths) > 16 and others.overlaps(table.others(best))
        (listed, _) = aligned(total, held, at)
        assert isinstance(listed, Alignments) and listed.listed == (best,) and agrees(listed)


@pytest.mark.parametrize("mode", ["native", "exact"])
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), onward=st.booleans())
def test_a_table_filled_at_once_holds_what_the_steps_hold(
    mode: Literal["native", "exact"], seed: int, onward: bool
) -> None:
    draw, (batch, steps, width) = np.random.default_rng(seed), (3, 12, 7)
    held = draw.normal(size=(batch, steps * width)) * 10.0 ** draw.integers(-3, 4)
    held[draw.random(held.shape) < 0.2] = -np.inf
    scores = Interval(held, np.where(np.isfinite(held), draw.integers(0, 2) * 1e-3, 0.0))
    skips, begins = draw.random((batch, width)) < 0.5, np.zeros((batch, steps, width), dtype=bool)
    skips[:, :2], begins[:, draw.integers(0, steps), :2] = False, True
    if not onward:
        skips, begins = skips[:, ::-1], begins[:, ::-1, ::-1]
    do = IntervalArithmetic(Rounding(mode))
    at_once, one_by_one = (
        fill(scores, skips, begins, "float32", onward=onward)
        for fill in (do.alignment_table, partial(step_by_step, do))
    )
    (low, high), (least, most) = bounds(at_once), bounds(one_by_one)
    assert ((low <= most) & (least <= high)).all() and np.isfinite(at_once.mid).any()
    assert (np.isneginf(at_once.mid) == np.isneginf(one_by_one.mid)).all()
    assert (at_once.rad <= 8 * one_by_one.rad).all() and (one_by_one.rad <= 2 * at_once.rad).all()


MISTAKES = (
    ("repeats without a blank", "states[:, 2:] != states[:, :-2]", "states[:, 2:] != -1"),
    ("the last blank forgotten", "2 * self.length], axis=1)", "2 * self.length - 1], axis=1)"),
    ("nothing is skipped", "found[:, 2:] = states[:, 2:] != states[:, :-2]", "found[:, 2:] = False"),
    ("one time step too many", "== self.steps[:, np.newaxis] - 1", "== self.steps[:, np.newaxis]"),
    ("the first scores for all", "np.arange(steps)[:, np.newaxis] * classes", "0 * np.arange(steps)[:, np.newaxis]"),
    ("a repeated label counted once", "found[times[n, label]][n, label] = 2 * k + 1", "found[0][n, label] = 2 * k + 1"),
    ("the score counted twice in a share", "self._difference(found, self.x)", "found"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), MISTAKES, ids=[m[0].replace(" ", "-") for m in MISTAKES])
def test_a_mistake_in_the_tables_is_refused(name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(lattices)
    assert old in source, "the tables read otherwise by now"
    wrong = dict(vars(lattices))
    exec(compile(source.replace(old, new), lattices.__name__, "exec"), wrong)  # our own source, edited
    generator = torch.Generator().manual_seed(7)
    z = torch.randn(6, 2, 4, generator=generator).log_softmax(2)
    call = z, torch.tensor([[1, 1, 2], [3, 1, 3]]), torch.tensor([6, 5]), torch.tensor([3, 3])
    assert explain("ctc_loss", *call).proof.certified
    monkeypatch.setattr(evaluation, "Lattice", wrong["Lattice"])
    assert explain("ctc_loss", *call).proof.verdict == "refused"
