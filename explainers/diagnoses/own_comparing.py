"""The comparison that a program with two computations of one number asks for: run as it is, for what its lines give."""

from __future__ import annotations

from collections.abc import Callable

from explainers.diagnoses.diagnosis import Finding, Trial
from explainers.diagnoses.own_values import Rivals, Twice, is_again, is_otherwise, radius
from explainers.diagnoses.scene import Scene
from explainers.messages import said
from explainers.notes import Notes
from explainers.parting.fused import with_insides
from explainers.parting.library import unfolded
from explainers.parting.parting import Parting, either_parting, parting
from explainers.parting.sentences import common, verdict
from explainers.parting.terms import Computation
from explainers.parting.written import computation
from explainers.recording import Shown
from explainers.reruns import SourceRerun

LABEL = "notes"
Reads = Callable[[Notes], Finding | None]
_DECIDING = frozenset(("argmax", "argmin", "argsort", "topk"))
_TELLING = frozenset(("divisor", "axis", "everything", "logarithm", "pairs", "inside-log", "bound", "square"))
_TELLING_OF_RESULTS = frozenset(("sign", "factor", "root"))


def compared_with_library(scene: Scene, found: Twice) -> tuple[Trial, ...]:
    """The trial that looks for the line where the own computation parts from the library's formula."""
    shown = scene.recording.shown[found.shown]
    if is_otherwise(scene.recording, shown):
        return ()

    def reads(notes: Notes) -> Finding | None:
        own = _written(notes, shown)
        other = unfolded(scene.recording, found.id, scene.registry) if own is not None else None
        if own is None or other is None:
            return None
        again = is_again(scene.recording, shown)
        return _finding(parting(own, other), own, (found.own, found.library), found.function, again=again)

    return (_trial(scene, reads),)


def compared_with_own(scene: Scene, pair: Rivals) -> tuple[Trial, ...]:
    """The trial that looks for the line where two computations of the program part."""

    def reads(notes: Notes) -> Finding | None:
        own, other = _written(notes, pair.own), _written(notes, pair.first)
        if own is None or other is None or pair.own.number is None or pair.first.number is None:
            return None
        mine, theirs = pair.own.number, pair.first.number
        found, exchanged = either_parting(with_insides(own), with_insides(other))
        return _finding(found, own, (theirs, mine) if exchanged else (mine, theirs), None, again=True)

    return (_trial(scene, reads),)


def _trial(scene: Scene, reads: Reads) -> Trial:
    rerun = SourceRerun(LABEL, scene.recording.source, noted=True)
    return Trial(said("what each line gives"), rerun, "comparison", reads=reads)


def _written(notes: Notes, shown: Shown) -> Computation | None:
    """What leads to a shown number, where all of it was written down and no choice of a place is in it."""
    if not notes.complete or shown.number is None:
        return None
    found = computation(notes, shown.number, radius(shown), shown.line)
    decides = found is not None and any(term.function in _DECIDING for term in found.terms)
    return None if decides else found


def _finding(
    found: Parting | None, own: Computation, numbers: tuple[float, float], function: str | None, *, again: bool
) -> Finding | None:
    """What is said of two computations; of numbers that nobody calls the same only what shows that they are meant so.

    That is a value on the way that both computed, and a simple relation of the next one.
    """
    if found is None or found.mine.line is None or (found.last is None and found.relation is None):
        return None
    shared = found.last is not None and not found.last.mine.is_given
    if not again and not _is_telling(found, own):
        return None
    if function is None and not (shared or found.relation is not None):
        return None
    before = common(found)
    told = verdict(found, *numbers, function)
    return Finding(told, evidence=() if before is None else (before,), line=found.mine.line)


def _is_telling(found: Parting, own: Computation) -> bool:
    """Whether the relation alone shows that the two are meant to be one number."""
    if found.relation is None:
        return False
    return found.relation.kind in _TELLING or (found.mine is own.result and found.relation.kind in _TELLING_OF_RESULTS)
