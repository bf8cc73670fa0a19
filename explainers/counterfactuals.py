"""The reruns that an explanation of a recording wants: two for the proof, at most eight for its diagnoses."""

from __future__ import annotations

from collections.abc import Iterable

from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Role, Rules
from explainers.diagnoses.engine import Investigation, investigate
from explainers.diagnoses.registry import rules as all_rules
from explainers.losses.registry import Registry
from explainers.recording import Recording
from explainers.reruns import FLOAT64, VALUE, GraphRerun, Plan, Rerun

MOST = 8
_ROLES: tuple[Role, ...] = ("correction", "equivalent", "illustration", "second-input", "fix")


def plan(
    recording: Recording,
    claims: tuple[Claim, ...],
    registry: Registry,
    inputs: Iterable[int] = (),
    rules: Rules | None = None,
) -> Plan:
    """What to run for a recording: the proof's two reruns, then the trials of all suspicions.

    `inputs` are the ids whose gradients the proof wants.
    """
    investigation = investigate(recording, claims, registry, rules or all_rules())
    return Plan((*proof_reruns(inputs), *trials(investigation)))


def proof_reruns(inputs: Iterable[int]) -> tuple[GraphRerun, GraphRerun]:
    """The recording replayed as it is, and in float64, each with the gradients of these tensors."""
    wanted = tuple(inputs)
    return GraphRerun(VALUE, gradients=wanted), GraphRerun(FLOAT64, float64=True, gradients=wanted)


def trials(investigation: Investigation) -> tuple[Rerun, ...]:
    """The trials of all cases, each once: corrections first, then what illustrates, tells rivals apart, or tries a fix.

    Within a role, cases that another one dominates come last.
    """
    dominated = {slug for case in investigation.cases for slug in case.rule.dominates}
    cases = sorted(investigation.cases, key=lambda case: case.rule.slug in dominated)
    wanted = [t.rerun for role in _ROLES for case in cases for t in case.trials if t.role == role]
    return tuple({rerun.label: rerun for rerun in wanted}.values())[:MOST]
