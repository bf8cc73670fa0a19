"""Words for each way that a program can be stopped, in both languages: told apart, with their numbers and names."""

import pytest

from bot.endings import of_outcome
from bot.evaluator.limits import KIB, MIB
from bot.evaluator.outcomes import Crashed, Forbidden, Outcome, OutOfMemory, TimedOut, TooLarge
from bot.languages import translators
from bot.stopped import Asker, answer, place

ENDS: dict[str, tuple[Outcome, str, str]] = {
    "real time": (TimedOut(seconds=3, which="wall"), "timed-out", "3"),
    "processor time": (TimedOut(seconds=4, which="cpu"), "timed-out", "4"),
    "memory": (OutOfMemory(limit_mb=256), "out-of-memory", "256 MB"),
    "a call": (Forbidden(call="ptrace"), "forbidden", "ptrace"),
    "a call without a name": (Forbidden(), "forbidden", ""),
    "output": (TooLarge(what="stdout", limit=16 * KIB), "too-large", "16 KB"),
    "errors": (TooLarge(what="stderr", limit=16 * KIB), "too-large", "16 KB"),
    "results": (TooLarge(what="result", limit=8 * MIB), "too-large", "8 MB"),
    "a signal": (Crashed(signal=11), "crashed", "SIGSEGV"),
    "a status": (Crashed(status=0), "crashed", ""),
}


def verdict(outcome: Outcome, language: str) -> tuple[str, str]:
    told = answer(of_outcome(outcome, place(None)), Asker("1", language), translators()[language])
    return told.outcome, told.verdict


@pytest.mark.parametrize("name", ENDS)
def test_each_is_told_with_its_number_or_name(name: str) -> None:
    outcome, kind, detail = ENDS[name]
    (of_english, english), (of_japanese, japanese) = verdict(outcome, "en"), verdict(outcome, "ja")
    assert of_english == of_japanese == kind
    assert detail in english
    assert detail in japanese
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_two_are_told_in_the_same_words(language: str) -> None:
    assert len({verdict(outcome, language) for outcome, _kind, _detail in ENDS.values()}) == len(ENDS)


def test_what_was_printed_before_is_shown() -> None:
    told = answer(of_outcome(Forbidden(stdout="so far\n"), place(None)), Asker("1", "en"), translators()["en"])
    assert told.text.endswith("so far\n")
    assert told.paragraphs[-1].kind == "printed"
