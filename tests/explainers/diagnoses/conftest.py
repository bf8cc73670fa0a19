"""The road of a diagnosis, run in this process: record, investigate, plan, rerun, conclude."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from explainers.claims import Claim
from explainers.counterfactuals import backward_rerun, trials
from explainers.diagnoses.diagnosis import Diagnosis, Rules
from explainers.diagnoses.engine import Investigation, conclude, investigate
from explainers.diagnoses.registry import rules as all_rules
from explainers.losses.registry import registry
from explainers.recording import Recording
from explainers.replay import replay, rerun_source
from explainers.reruns import BACKWARD, GraphRerun, Rerun, RerunResult
from explainers.tracing import record


@dataclass(frozen=True)
class Road:
    """Everything that came of one program."""

    recording: Recording
    investigation: Investigation
    results: dict[str, RerunResult]
    diagnoses: tuple[Diagnosis, ...]

    @property
    def slugs(self) -> list[str]:
        return [diagnosis.slug for diagnosis in self.diagnoses]

    @property
    def value(self) -> float:
        """The subject's number; nan where it is no scalar or the program stopped."""
        if self.recording.subject is None or self.recording.raised is not None:
            return math.nan
        held = self.recording.tensor(self.recording.subject)
        return float(held.array().reshape(()).item()) if held.elements == 1 else math.nan


def run(rerun: Rerun, recording: Recording) -> RerunResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch repeats its broadcast warning when the asker's call is replayed
        return replay(recording, rerun) if isinstance(rerun, GraphRerun) else rerun_source(rerun)


@pytest.fixture
def diagnose() -> Callable[..., Road]:
    """Diagnose a program, with the asker's claims and with these rules."""

    def walk(source: str, claims: tuple[Claim, ...] = (), rules: Rules | None = None) -> Road:
        recording = record(source)
        found = investigate(recording, claims, registry(), rules or all_rules())
        assert found.broken == ()
        results = {rerun.label: run(rerun, recording) for rerun in (*backward_rerun(recording), *trials(found))}
        backward = results.pop(BACKWARD, None)
        gradients = backward.gradients if backward is not None and backward.value is not None else {}
        found = investigate(recording, claims, registry(), rules or all_rules(), gradients)
        return Road(recording, found, results, conclude(found, results.values()))

    return walk
