"""Questions in words alone choose the example of the diagnosis that they are about; the share is printed."""

import runpy
from pathlib import Path

import pytest

from bot.examples import examples
from bot.jobs import explaining
from bot.jobs.work import Example
from bot.reading import Question, read

ABOUT = runpy.run_path(str(Path(__file__).with_name("word_questions.py")))["ABOUT"]
FLOOR = 0.9


def chosen(message: str, known: tuple[Example, ...]) -> str | None:
    reading = read(message)
    best = examples(known).best(reading) if isinstance(reading, Question) else None
    return best.slug if best else None


def test_most_questions_in_words_choose_the_example_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    known = explaining.listed().examples
    asked = [(message, slug) for message, slug in ABOUT if slug in {each.slug for each in known}]
    missed = [(message, slug) for message, slug in asked if chosen(message, known) != slug]
    share = 1 - len(missed) / len(asked)
    with capsys.disabled():
        print(f"\nthe example meant is chosen for {share:.3f} of {len(asked)} questions in words")
    assert len(asked) > len(ABOUT) / 2
    assert share >= FLOOR, missed
