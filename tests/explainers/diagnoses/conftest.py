"""The road of a diagnosis, run in this process: record, investigate, plan, rerun, conclude."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Rules
from explainers.diagnoses.matrix import Walked, walked


@dataclass(frozen=True)
class Road(Walked):
    """Everything that came of one program, as tests ask for it."""

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


@pytest.fixture
def diagnose() -> Callable[..., Road]:
    """Diagnose a program, with the asker's claims and with these rules."""

    def walk(source: str, claims: tuple[Claim, ...] = (), rules: Rules | None = None) -> Road:
        found = walked(source, claims, rules)
        assert found.investigation.broken == ()
        return Road(found.recording, found.investigation, found.diagnoses)

    return walk
