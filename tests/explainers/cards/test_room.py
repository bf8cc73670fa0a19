"""The guess which plan a card will fit: right for plain cards, harmless where it is not."""

from __future__ import annotations

import json

import pytest
import sympy

from explainers.cards import room
from explainers.cards.card import Card, Chain, Step, Value
from explainers.cards.document import document
from explainers.cards.render import Renderer


def _card(steps: int, takeaway: str = "Short.") -> Card:
    formula = Chain(sympy.Symbol("ell"), (("=", sympy.Integer(2)),))
    shown = tuple(Step((f"Step {k}",), formula) for k in range(steps))
    return Card(("Why?",), Value("loss", "2"), shown, (takeaway,))


def _likely(card: Card, renderer: Renderer) -> int:
    found = document(card, renderer.coverage, renderer.words("en"), full=False)["start"]
    assert isinstance(found, int)
    return found


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def test_more_content_is_never_given_a_roomier_plan(renderer: Renderer) -> None:
    by_steps = [_likely(_card(steps), renderer) for steps in range(1, 9)]
    assert by_steps == sorted(by_steps) and by_steps[0] == 0 and by_steps[-1] > 0
    assert _likely(_card(4, "word " * 60), renderer) >= _likely(_card(4), renderer)


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
def test_a_plain_card_fits_the_plan_that_was_guessed(steps: int, renderer: Renderer) -> None:
    data = document(_card(steps), renderer.coverage, renderer.words("en"), full=False)
    compiled = renderer.compiler().compile(
        renderer.templates["card"], format="png", sys_inputs={"card": json.dumps(data)}
    )
    assert isinstance(compiled, bytes)  # one page


def test_the_last_plan_takes_anything() -> None:
    plans = room.plans(6)
    assert (plans[-1].steps, plans[-1].panels) == (0, 0)
    assert [plan.steps for plan in plans[8:-2]] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
