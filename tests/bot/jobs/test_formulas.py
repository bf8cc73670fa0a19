"""A fault of ours on the way to a derivation costs the derivation, not the answer."""

import pytest

from bot.evaluator.frames import encode
from bot.jobs import formulas, rehearsal
from explainers import explanation, reading
from explainers.frontier import DontKnow
from explainers.reading import Reading

CLAIMS = encode(rehearsal.CLAIMS)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    formulas.formula.cache_clear()
    formulas.following.cache_clear()


def broken(*_arguments: object) -> None:
    raise ArithmeticError("of 0.5514")


def test_what_is_whole_is_kept_from_planning_to_concluding() -> None:
    recording = encode(rehearsal.recording())
    follows = formulas.following(recording, CLAIMS)
    assert isinstance(follows.formula.reading, Reading)
    assert follows.derived is not None
    assert follows.formula is formulas.formula(recording, CLAIMS)
    assert follows.formula.fault == ""


@pytest.mark.parametrize("step", ["read", "derive"])
def test_a_fault_withholds_the_derivation_and_is_logged_without_its_words(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, step, broken)
    follows = formulas.following(encode(rehearsal.recording()), CLAIMS)
    assert isinstance(follows.formula.reading, DontKnow)
    assert follows.derived is None
    assert follows.formula.fault.startswith("ArithmeticError at test_formulas.py:")
    assert "0.5514" not in follows.formula.fault
    told = explanation.conclude(rehearsal.recording(), (), (), follows.formula.reading, follows.derived)
    assert told.value == pytest.approx(0.5514, abs=5e-5)
    assert told.proof.verdict == "not-applicable"


def test_what_memory_does_not_hold_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reading, "read", exhausted)
    with pytest.raises(MemoryError):
        formulas.formula(encode(rehearsal.recording()), CLAIMS)
