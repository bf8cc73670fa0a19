"""Fixes that were run and did what no fix may: they raise, give nan, or another number than what they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from explainers.diagnoses.diagnosis import Fix
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.judging import Case
from explainers.diagnoses.turning import is_spoiled
from explainers.recording import Tensor
from explainers.reruns import RerunResult, SourceRerun

_CLOSE, _CLOSE_IN_HALF, _SMALL = 1e-3, 2e-2, 1e-6
_HALVES = frozenset({"float16", "bfloat16"})
Results = Mapping[str, RerunResult]


def without_failed_fixes(case: Case, results: Results, exact: float | None) -> Case:
    """The case with those of its fixes alone that did not fail where they were run; with their note where all did.

    `exact` is what the formula gives without any rounding where torch's number is lost to it.
    """
    fixes = [fix for fix in (case.suspicion.fix, *case.suspicion.alternatives) if fix is not None]
    failed = [fix for fix in fixes if fix.source and _has_failed(case, fix, results, exact)]
    if not failed:
        return case
    kept = [fix for fix in fixes if fix not in failed] or [Fix((), fixes[0].applicability, fixes[0].note)]
    gone = {source_rerun(fix.source).label for fix in failed}
    if fixes[0] in failed:
        gone |= {t.rerun.label for t in case.trials if t.role == "fix" and isinstance(t.rerun, SourceRerun)} - {
            source_rerun(fix.source).label for fix in kept
        }
    return replace(
        case,
        suspicion=replace(case.suspicion, fix=kept[0], alternatives=tuple(kept[1:])),
        trials=tuple(t for t in case.trials if t.role not in ("fix", "check") or t.rerun.label not in gone),
    )


def _has_failed(case: Case, fix: Fix, results: Results, exact: float | None) -> bool:
    role, result = _run(case, fix, results)
    if result is None:
        return False
    if result.raised is not None:
        return not _goes_further(case, fix, result)
    if result.value is None or result.value.data is None:
        return False
    recording = case.scene.recording
    lost = case.rule.concern == "non-finite" or is_spoiled(recording.known(recording.subject))
    if lost and is_spoiled(result.value):
        return True
    if role == "check":
        return False
    known = [np.asarray(exact)] if lost and exact is not None else list(_corrected(case, results))
    return bool(known) and not any(_is_near(result.value, each) for each in known)


def _run(case: Case, fix: Fix, results: Results) -> tuple[str, RerunResult | None]:
    """The run of the program with a fix, and whether it was for its value or for whether it runs."""
    label = source_rerun(fix.source).label
    role = next((t.role for t in case.trials if t.rerun.label == label and t.role in ("fix", "check")), "check")
    return role, results.get(label)


def _goes_further(case: Case, fix: Fix, result: RerunResult) -> bool:
    """Whether a program that stopped stops later with the fix, or for another reason: it has another mistake."""
    before, after = case.scene.recording.raised, result.raised
    if before is None or after is None or before.span is None or after.span is None:
        return False
    added = len(fix.source.splitlines()) - len(case.scene.recording.source.splitlines())
    line = after.span.line - added
    other = re.sub(r"\d+", "", after.message) != re.sub(r"\d+", "", before.message)
    return line > before.span.line or (line == before.span.line and other)


def _corrected(case: Case, results: Results) -> Iterator[np.ndarray]:
    """The finite numbers that the corrections of a suspicion gave: the fix is one of them, written."""
    for trial in case.suspicion.trials:
        result = results.get(trial.rerun.label)
        value = None if result is None or trial.role != "correction" else result.value
        if value is not None and value.data is not None and not is_spoiled(value):
            yield value.array().astype(np.float64)


def _is_near(value: Tensor, known: np.ndarray) -> bool:
    held, close = value.array().astype(np.float64), _CLOSE_IN_HALF if value.dtype in _HALVES else _CLOSE
    return held.size == known.size and np.allclose(held.reshape(-1), known.reshape(-1), close, _SMALL, equal_nan=True)
