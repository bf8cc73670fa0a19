"""A symptom with nothing to compute gets what most often causes it, by titles that the registry has."""

from __future__ import annotations

from typing import Any

import pytest

from bot.exchange import Answer, Catalogue
from bot.jobs import explaining
from bot.reading import Question, read
from bot.symptoms import _CAUSES, causes, symptom  # pyright: ignore[reportPrivateUsage] - every cause has to be one
from explainers.diagnoses.registry import rules
from explainers.locale import Translator


@pytest.mark.parametrize("slugs", _CAUSES.values(), ids=_CAUSES.keys())
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
    english, japanese = (next(causes("nan", catalogue, locale)).say(Translator()) for locale in ("en", "ja"))
    assert english != japanese
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese)


async def test_a_bare_nan_is_answered_with_causes_and_how_to_find_the_place(answer: Any) -> None:
    found: Answer = await answer("my loss is nan, why?")
    assert found.outcome == "needs-input"
    assert "set_detect_anomaly" in found.text
    assert "0 / 0" in found.text
