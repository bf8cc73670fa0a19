"""The whole road of a program in one process: record, plan, rerun, conclude."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from explainers.explanation import Explanation, conclude, plan
from explainers.reading import Reading
from explainers.recording import Recording
from explainers.replay import replay, rerun_source
from explainers.reruns import GraphRerun, Rerun, RerunResult
from explainers.tracing import record


@dataclass(frozen=True)
class Walk:
    """Everything that came of one program."""

    recording: Recording
    results: tuple[RerunResult, ...]
    explanation: Explanation

    @property
    def reading(self) -> Reading:
        """The subject's formula; fails where there is none."""
        found = self.explanation.reading
        assert isinstance(found, Reading), found
        return found


def run(rerun: Rerun, recording: Recording) -> RerunResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch repeats its broadcast warning when a call is replayed
        return replay(recording, rerun) if isinstance(rerun, GraphRerun) else rerun_source(rerun)


def walk(source: str) -> Walk:
    recording = record(source)
    assert recording.raised is None, recording.raised
    results = tuple(run(rerun, recording) for rerun in plan(recording, ()).reruns)
    return Walk(recording, results, conclude(recording, (), results))


@pytest.fixture(scope="session")
def explained() -> Callable[[str], Walk]:
    return walk
