"""A number of the asker's that is the loss of one item, where the program takes the mean or the sum of all."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from explainers.claims import Claim
from explainers.composition import Composition, compose
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, swapped, wrapped
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.scene import Floats, Scene, is_library_loss, short
from explainers.diagnoses.wording import row, stated
from explainers.graph.evaluation import evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.messages import said
from explainers.recording import Argument, Call, Items
from explainers.reruns import Edit, SetArgument

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOSS = "logits = torch.tensor([[1.0, 2.0], [0.5, 0.2]])\nF.cross_entropy(logits, torch.tensor([1, {}]))"
_MOST = 512
_FLAT = Items("tuple", (-1,))


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="value-of-one-item",
            family="reductions",
            title=said("The number is the loss of one item, not of all"),
            explanation=said(
                "The loss of a batch is the mean (or the sum) of the losses of its items. What is worked out for one "
                "item alone is one of these terms."
            ),
            words=("my manual value matches only the first sample", "loss of the first row only"),
            losses=frozenset(),
            trigger=_one,
            positive=_HEAD + _LOSS.format(1),
            positive_claims=(Claim("expected", 0.3133, 5e-5, "0.3133"),),
            control=_HEAD + _LOSS.format(0),
            control_claims=(Claim("expected", 0.3744, 5e-5, "0.3744"),),
            harmless=True,
        ),
    )


def _one(scene: Scene) -> Suspicion | None:
    claims = [c for c in goals(scene) if isinstance(c.value, float) and c.radius > 0 and c.value % 1 != 0]
    call = _reducing(scene) if claims else None
    terms = None if call is None else _terms(scene, call)
    if call is None or terms is None or not 2 <= terms.size <= _MOST:
        return None
    for claim in claims:
        places = [k for k, x in enumerate(terms.reshape(-1)) if claim.agrees(float(x))]
        if len(places) == 1:
            at = places[0]
            trial = Trial(said("with item {index} alone", index=at), graph_rerun(*_alone(call, at)))
            names = {"claimed": claim.text or str(claim.value), "index": at, "count": terms.size}
            verdict = (
                said("{value} is the sum over {count} items; your {claimed} is item {index} alone.",
                     value=stated(scene), **names)
                if _is_sum(call)
                else said("{value} is the mean of {count} items; your {claimed} is item {index} alone.",
                          value=stated(scene), **names)
            )  # fmt: skip
            each = said("The losses of the items are {losses}.", losses=row(terms.reshape(-1)))
            return Suspicion(call.index, verdict, (each,), (trial,), only_proven=True)
    return None


def _reducing(scene: Scene) -> Call | None:
    """The mean, the sum or the library's loss that the subject is."""
    made = scene.makers.get(scene.recording.subject if scene.recording.subject is not None else -1)
    while made is not None and short(made) == "neg" and made.inputs():
        made = scene.makers.get(made.inputs()[0])
    if made is None or scene.value is None:
        return None
    reduces = short(made) in ("mean", "sum") and made.argument("dim") is None
    averaged = is_library_loss(made, scene.registry) and made.argument("reduction") in ("mean", "sum")
    return made if reduces or averaged else None


def _is_sum(call: Call) -> bool:
    return short(call) == "sum" or call.argument("reduction") == "sum"


def _terms(scene: Scene, call: Call) -> Floats | None:
    """What is averaged or added up, with the sign that it has in the subject."""
    if short(call) in ("mean", "sum"):
        held = scene.held(call.inputs()[0])
        sign = -1.0 if scene.recording.subject not in call.outputs else 1.0
        return None if held is None else sign * held
    each = msgspec.structs.replace(call, arguments=tuple(_unreduced(call)))
    found = compose(msgspec.structs.replace(scene.recording, calls=(each,)), call.outputs[0], scene.registry)
    if not isinstance(found, Composition):
        return None
    return np.asarray(evaluate(found.root, found.values(scene.recording), FloatArithmetic()), dtype=np.float64)


def _unreduced(call: Call) -> Iterator[Argument]:
    yield from (Argument(a.name, "none") if a.name == "reduction" else a for a in call.arguments)


def _alone(call: Call, at: int) -> tuple[Edit, ...]:
    """The one term in the place of all."""
    if short(call) in ("mean", "sum"):
        select = swapped(call, "torch.select", "input")
        given = (*select.arguments, Argument("dim", 0), Argument("index", at))
        return msgspec.structs.replace(select, arguments=given), wrapped(call, "input", "torch.reshape", shape=_FLAT)
    return (
        SetArgument(call.index, "reduction", "none"),
        followed_by(call, "torch.reshape", shape=_FLAT),
        followed_by(call, "torch.select", dim=0, index=at),
    )
