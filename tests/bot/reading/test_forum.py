"""How well a forum's messages are told apart: precision and recall of NotAQuestion, whose figures are printed."""

import runpy
from pathlib import Path

import pytest

from bot.reading import NotAQuestion, read

_TABLE = runpy.run_path(str(Path(__file__).with_name("forum_messages.py")))
FOR_US, NOT_FOR_US = _TABLE["FOR_US"], _TABLE["NOT_FOR_US"]

FLOOR = 0.97


def test_precision_and_recall_over_all_languages(capsys: pytest.CaptureFixture[str]) -> None:
    kept = {text for texts in FOR_US.values() for text in texts if not _is_silent(text)}
    lost = {text for texts in FOR_US.values() for text in texts} - kept
    silent = {text for texts in NOT_FOR_US.values() for text in texts if _is_silent(text)}
    wrong = {text for texts in NOT_FOR_US.values() for text in texts} - silent
    precision, recall = len(silent) / (len(silent) + len(lost)), len(silent) / (len(silent) + len(wrong))
    with capsys.disabled():
        count = len(kept) + len(lost) + len(silent) + len(wrong)
        print(f"\nNotAQuestion on {count} messages: precision {precision:.3f}, recall {recall:.3f}")
    assert count >= 200
    assert precision >= FLOOR, lost
    assert recall >= FLOOR, wrong


@pytest.mark.parametrize("language", FOR_US)
def test_every_language_is_told_apart_alike(language: str) -> None:
    ours = [text for text in FOR_US[language] if _is_silent(text)]
    others = [text for text in NOT_FOR_US[language] if not _is_silent(text)]
    assert len(ours) + len(others) <= 2, (ours, others)


def _is_silent(text: str) -> bool:
    return isinstance(read(text, direct=False), NotAQuestion)
