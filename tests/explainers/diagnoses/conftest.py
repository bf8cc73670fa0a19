"""The road of a diagnosis, run in this process: record, investigate, plan, rerun, conclude."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

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


@pytest.fixture(scope="session")
def diagnose() -> Callable[..., Road]:
    """Diagnose a program, with the asker's claims and with the registry's rules or these.

    A dozen tests ask about each rule's positive: it is walked once, since what comes of a walk is frozen.
    """

    def walk(source: str, claims: tuple[Claim, ...] = (), rules: Rules | None = None) -> Road:
        found = walked(source, claims, rules)
        assert found.investigation.broken == ()
        return Road(found.recording, found.investigation, found.diagnoses)

    @cache
    def walk_once(source: str, claims: tuple[Claim, ...]) -> Road:
        return walk(source, claims)

    def diagnosed(source: str, claims: tuple[Claim, ...] = (), rules: Rules | None = None) -> Road:
        return walk_once(source, claims) if rules is None else walk(source, claims, rules)

    return diagnosed
