"""A symptom with nothing to compute is answered with runs of examples of what causes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bot.exchange import Answer
from bot.reading import Question, read
from bot.symptoms import symptom
from explainers.diagnoses.registry import rules


def test_no_two_causes_of_a_symptom_have_the_same_rank() -> None:
    ranks = Counter(each for rule in rules() for each in rule.symptoms)
    assert {each.complaint for each in ranks} == {"nan", "inf", "negative", "stuck"}
    assert max(ranks.values()) == 1


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("my loss is nan, why?", "nan"),
        ("la pérdida es negativa, ¿es normal?", "negative"),
        ("Mein Loss sinkt nicht, woran kann das liegen?", "stuck"),
        ("損失が nan になります。なぜですか？", "nan"),
        ("why is my training loss so noisy?", None),
    ],
)
def test_the_symptom_is_what_the_words_say(message: str, wanted: str | None) -> None:
    reading = read(message)
    assert symptom(reading.claims if isinstance(reading, Question) else ()) == wanted


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("my loss is nan, why?", lambda value: value == "nan"),
        ("my loss is inf, why?", lambda value: value in ("inf", "-inf")),
        ("my loss is negative, why?", lambda value: value < 0),
    ],
)
async def test_a_bare_symptom_is_answered_with_runs_that_show_it(
    message: str, value: Callable[[Any], bool], answer: Any
) -> None:
    found: Answer = await answer(message)
    assert found.outcome == "explained"
    assert value(found.value)
    assert "example of ours" in found.text
    assert found.diagnoses[0].confidence != "shown"
    titles = {rule.title.text: rule for rule in rules() if rule.slug != found.diagnoses[0].slug}
    told = [line for line in found.text.splitlines() if line.startswith("- ") and ": " in line]
    others = [titles[title] for line in told if (title := line[2:].partition(": ")[0]) in titles]
    assert len(others) >= 2  # each was run: its verdict stands behind its title
    assert all(rule.symptoms for rule in others)


async def test_a_symptom_of_a_named_loss_is_shown_with_what_that_loss_can_have(answer: Any) -> None:
    found: Answer = await answer("my cross entropy loss is nan, why?")
    assert found.value == "nan"
