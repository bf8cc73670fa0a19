"""A loss written by hand whose elements are added up where their mean was expected, or averaged where their sum was."""

from __future__ import annotations

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.scene import VIEWS, Scene, is_library_loss, short
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Argument, Call
from explainers.reruns import SwapFunction

_HEAD = "import torch\n\np, y = torch.tensor([0.8, 0.6]), torch.tensor([1.0, 1.0])\n"
_OTHER = {"sum": "mean", "mean": "sum"}
_LINEAR = VIEWS | {"neg"}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="own-sum-or-mean",
            family="reductions",
            title=said("The sum of the elements where their mean was expected"),
            explanation=said(
                "The sum of n elements is n times their mean, and so is its gradient. torch's losses average unless "
                "reduction says otherwise."
            ),
            words=("hand-written loss is a sum and not the mean", "my loss is twice what I calculated sum mean"),
            losses=frozenset(),
            trigger=_other,
            positive=_HEAD + "-(y * torch.log(p)).sum()",
            positive_claims=(Claim("expected", 0.3670, 5e-5, "0.3670"),),
            control=_HEAD + "-(y * torch.log(p)).mean()",
        ),
    )


def _other(scene: Scene) -> Suspicion | None:
    call = _reduction(scene)
    given = scene.held(call.ref("input")) if call is not None else None
    if call is None or given is None or given.size < 2 or scene.value is None:
        return None
    wanted = _OTHER[short(call)]
    if not sought(scene, scene.value / given.size if wanted == "mean" else scene.value * given.size):
        return None
    kept = tuple(a for a in call.arguments if a.name == "input")
    return Suspicion(
        at=call.index,
        verdict=said("{value} is the {given}, not the {wanted}.", value=stated(scene), given=short(call),
                     wanted=wanted),
        evidence=(said("{count} terms: the sum is {count} times the mean.", count=given.size),),
        trials=(Trial(said("with {wanted}()", wanted=wanted), graph_rerun(_swapped(call, wanted, kept))),),
        fix=fixes.fix(scene, fixes.called(scene, call, wanted), "likely", said("Say which of both is wanted.")),
    )  # fmt: skip


def _swapped(call: Call, wanted: str, kept: tuple[Argument, ...]) -> SwapFunction:
    return SwapFunction(call.index, f"torch.{wanted}", kept)


def _reduction(scene: Scene) -> Call | None:
    """The call that adds up or averages all elements, nothing but signs after it; none of a library's loss."""
    id = scene.recording.subject
    while id is not None and (call := scene.makers.get(id)) is not None and not is_library_loss(call, scene.registry):
        if short(call) in _OTHER:
            return call if call.argument("dim") is None else None
        if short(call) not in _LINEAR:
            return None
        id = next(iter(call.inputs()), None)
    return None
