"""The reruns that an explanation of a recording wants: two for the proof, at most eight for its diagnoses."""

from __future__ import annotations

from collections.abc import Iterable

from explainers.claims import Claim
from explainers.dependencies import ancestors
from explainers.diagnoses.diagnosis import Role, Rules
from explainers.diagnoses.engine import Investigation, investigate
from explainers.diagnoses.judging import is_general
from explainers.diagnoses.registry import rules as all_rules
from explainers.diagnoses.turning import is_spoiled
from explainers.losses.registry import Registry
from explainers.recording import Recording
from explainers.reruns import BACKWARD, FLOAT64, VALUE, GraphRerun, Plan, Rerun

MOST = 8
MOST_GRADIENTS = 100_000  # elements
_PROVING: tuple[Role, ...] = ("comparison", "correction", "gradient", "equivalent", "second-input")
_ROLES: tuple[Role, ...] = (
    "comparison",
    "correction",
    "gradient",
    "equivalent",
    "illustration",
    "second-input",
    "fix",
    "check",
)


def plan(
    recording: Recording,
    claims: tuple[Claim, ...],
    registry: Registry,
    inputs: Iterable[int] = (),
    rules: Rules | None = None,
) -> Plan:
    """What to run for a recording: the proof's two reruns, its backward pass, then the trials of all suspicions.

    `inputs` are the ids whose gradients the proof wants.
    """
    investigation = investigate(recording, claims, registry, rules or all_rules())
    return Plan((*proof_reruns(inputs), *backward_rerun(recording), *trials(investigation)))


def proof_reruns(inputs: Iterable[int]) -> tuple[GraphRerun, GraphRerun]:
    """The recording replayed as it is, and in float64, each with the gradients of these tensors."""
    wanted = tuple(inputs)
    return GraphRerun(VALUE, gradients=wanted), GraphRerun(FLOAT64, float64=True, gradients=wanted)


def backward_rerun(recording: Recording) -> tuple[GraphRerun, ...]:
    """The recording replayed with the gradient of every tensor between the subject and what it is made of.

    None where the program asks for no gradient, its subject is not finite anyway, or there would be too many numbers.
    """
    subject = None if recording.subject is None else recording.tensors.get(recording.subject)
    if recording.raised is not None or subject is None or not subject.requires_grad or is_spoiled(subject):
        return ()
    ids = sorted(id for id in ancestors(recording.calls, [subject.id])[0] if _differentiated(recording, id))
    if not ids or sum(recording.tensors[id].elements for id in ids) > MOST_GRADIENTS:
        return ()
    return (GraphRerun(BACKWARD, gradients=tuple(ids)),)


def _differentiated(recording: Recording, id: int) -> bool:
    tensor = recording.tensors.get(id)
    return tensor is not None and tensor.requires_grad and tensor.floating


def trials(investigation: Investigation) -> tuple[Rerun, ...]:
    """The trials of all cases, each once: corrections first, then what illustrates, tells rivals apart, or tries a fix.

    Within a role, cases that a more special one covers come last, and of those only what could prove them is run.
    """
    all = investigation.cases
    general = [case for case in all if is_general(case, all)]
    special = [case for case in all if not any(case is one for one in general)]
    wanted = [
        t.rerun
        for role in _ROLES
        for case in (*special, *(general if role in _PROVING else ()))
        for t in case.trials
        if t.role == role
    ]
    return tuple({rerun.label: rerun for rerun in wanted}.values())[:MOST]
