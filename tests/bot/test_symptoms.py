"""A symptom with nothing to compute is answered with the run of an example of what causes it, and what else may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.exchange import Answer, Catalogue
from bot.jobs import explaining
from bot.reading import Question, read
from bot.symptoms import CAUSES, causes, symptom
from explainers.diagnoses.registry import rules
from explainers.locale import Translator


@pytest.mark.parametrize("slugs", CAUSES.values(), ids=CAUSES.keys())
def test_every_cause_is_a_diagnosis(slugs: tuple[str, ...]) -> None:
    assert set(slugs) <= {rule.slug for rule in rules()}


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


def test_the_causes_are_said_in_the_askers_language() -> None:
    listed = explaining.listed()
    catalogue = Catalogue(1, "2.13", listed.losses, listed.diagnoses)
    english, japanese = (next(causes("nan", (), catalogue, locale)).say(Translator()) for locale in ("en", "ja"))
    assert english != japanese
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese)


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("my loss is nan, why?", lambda value: value == "nan"),
        ("my loss is inf, why?", lambda value: value in ("inf", "-inf")),
        ("my loss is negative, why?", lambda value: value < 0),
    ],
)
async def test_a_bare_symptom_is_answered_with_a_run_that_shows_it(
    message: str, value: Callable[[Any], bool], answer: Any
) -> None:
    found: Answer = await answer(message)
    assert found.outcome == "explained"
    assert value(found.value)
    assert "example of ours" in found.text
    assert found.diagnoses[0].confidence != "shown"
    assert "as well be" in found.text


async def test_a_symptom_of_a_named_loss_is_shown_with_what_that_loss_can_have(answer: Any) -> None:
    found: Answer = await answer("my cross entropy loss is nan, why?")
    assert found.value == "nan"


async def test_what_was_shown_is_not_told_again_as_what_else_it_may_be() -> None:
    listed = explaining.listed()
    catalogue = Catalogue(1, "2.13", listed.losses, listed.diagnoses)
    first, second = CAUSES["nan"][:2]
    titles = {kind.slug: kind.titles["en"] for kind in listed.diagnoses}
    said = next(causes("nan", (first,), catalogue, "en")).say(Translator())
    assert titles[first] not in said
    assert titles[second] in said
