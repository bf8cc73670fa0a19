"""The asker's own computation beside the library's: the line where the two part, found by changing it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

import msgspec

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Finding, Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.own_comparing import compared_with_library, compared_with_own
from explainers.diagnoses.own_edits import Edit, edits
from explainers.diagnoses.own_values import Rivals, Twice, rivals, twice
from explainers.diagnoses.scene import Scene, is_library_loss
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number
from explainers.messages import Message, said

MOST_TRIED = 6
_OWN = """\
import torch
import torch.nn.functional as F

z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])
y = torch.tensor([0, 1])
print(F.cross_entropy(z, y))

e = torch.exp(z)
s = e.sum(dim={axis}, keepdim=True)
print(-torch.log((e / s)[torch.arange(2), y]).mean())
"""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="own-computation-differs",
            family="own-computations",
            title=said("A line of your own computation does something else than the library"),
            explanation=said(
                "Both computations run on the same numbers, and what they give is compared value by value: up to one "
                "line they are the same, from it on they are not."
            ),
            words=(
                "my own implementation gives a different value",
                "numpy implementation differs from pytorch",
                "manual computation does not match cross_entropy",
                "hand-written loss different result",
            ),
            losses=frozenset(),
            trigger=_parting,
            positive=_OWN.format(axis=0),
            control=_OWN.format(axis=1),
            positive_claims=(Claim("expected", 0.2738, 5e-5, "0.2738"),),
            dominates=frozenset({"along-another-axis", "ce-label-smoothing-floor"}),
        ),
    )


def _parting(scene: Scene) -> Suspicion | None:
    found = twice(scene)
    if found is None:
        pair = rivals(scene)
        return None if pair is None else _between_own(scene, pair)
    tried = islice(_edits(scene, found), MOST_TRIED) if found.own else ()
    trials = (*compared_with_library(scene, found), *(_trial(scene, found, edit) for edit in tried))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{mine} is your own computation, {theirs} is {function}: they part.",
                     mine=number(found.own), theirs=number(found.library), function=found.function),
        evidence=(_both(found),),
        trials=trials,
        only_proven=True,
    ) if trials else None  # fmt: skip


def _edits(scene: Scene, found: Twice) -> Iterator[Edit]:
    """The changes of one place outside the library's call that could make both agree."""
    source = Source(scene.recording.source)
    library = next((c for c in scene.recording.calls if is_library_loss(c, scene.registry)), None)
    written = source.call_at(library.span) if library is not None else None
    avoided = source.piece(written) if written is not None else None
    return edits(source, found.library / found.own, avoided)


def _between_own(scene: Scene, pair: Rivals) -> Suspicion:
    """Two numbers that the program computes by itself: only what their values show is said."""
    told = said(
        "Line {line} shows {value}, line {other} shows {theirs}.",
        line=pair.own.line,
        value=number(pair.own.number),
        other=pair.first.line,
        theirs=number(pair.first.number),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=told,
        evidence=(told,),
        trials=compared_with_own(scene, pair),
        only_proven=True,
    )


def _both(found: Twice) -> Message:
    return said(
        "Line {line} shows {mine}; {function} of the same numbers is {theirs}.",
        line=found.line,
        mine=number(found.own),
        function=found.function,
        theirs=number(found.library),
    )


def _trial(scene: Scene, found: Twice, edit: Edit) -> Trial:
    rerun = msgspec.structs.replace(source_rerun(edit.source), shown=found.shown)
    rerun = msgspec.structs.replace(rerun, label=f"{rerun.label}-{found.shown}")
    verdict = said(
        "Your own {mine} and {function}'s {theirs} part in line {line}: {what} both are the same.",
        mine=number(found.own),
        function=found.function,
        theirs=number(found.library),
        line=edit.line,
        what=edit.what,
    )
    fix = fixes.fix(scene, edit.source, "likely", said("Change this line of your own computation."))
    what = said("your own computation {what}", what=edit.what)
    then = Finding(verdict, fix, line=edit.line)
    return Trial(what, rerun, proves=lambda v: not math.isnan(v) and not found.parted(v), then=then)
