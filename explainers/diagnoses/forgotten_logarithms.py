"""A likelihood that is negated as it is: the probability of the right class, whose logarithm was not taken."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.negated_scores import minus_of
from explainers.diagnoses.scene import VIEWS, Scene, short, upstream
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\n\nx = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 1])\n"
    "p = torch.softmax(x, 1)\n"
)
_PICKING = frozenset(("getitem", "gather", "take_along_dim"))
_SUM = 1e-4
_AXES = 2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="likelihood-without-log",
            family="negated-scores",
            title=said("The logarithm of the probabilities is missing"),
            explanation=said(
                "The negative log-likelihood is −log p of the right class: 0 where p is 1, and without bound where p "
                "goes to 0. Without the logarithm it is −p, between −1 and 0, whose gradient is smallest just where "
                "the model is wrong."
            ),
            words=(
                "my own cross entropy is negative",
                "hand-written cross entropy between -1 and 0",
                "negative log likelihood without log",
                "forgot the log in cross entropy",
            ),
            losses=frozenset(),
            about=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_without_log,
            positive=_HEAD + "-p[torch.arange(2), y].mean()",
            control=_HEAD + "-p[torch.arange(2), y].log().mean()",
            dominates=frozenset({"negated-score"}),
            handwritten=True,
        ),
    )


def _without_log(scene: Scene) -> Suspicion | None:
    minus = minus_of(scene)
    picking = None if minus is None else _picking(scene, minus)
    if minus is None or picking is None or scene.value is None:
        return None
    picked = scene.held(picking.outputs[0])
    if picked is None or not (picked > 0).all():
        return None
    source = Source(scene.recording.source)
    node = source.at(picking.span)
    changed = (
        None
        if node is None
        else source.replaced(source.piece(node), f"{source.text[slice(*source.piece(node))]}.log()")
    )
    return Suspicion(
        at=picking.index,
        verdict=said("{value} is minus the probability of the right class: its logarithm was not taken.",
                     value=stated(scene)),
        evidence=(
            said("The probabilities of the right classes are {least} to {largest}.",
                 least=number(float(picked.min())), largest=number(float(picked.max()))),
        ),
        trials=(Trial(said("with their logarithm"), graph_rerun(followed_by(picking, "torch.log"))),),
        fix=fixes.fix(scene, changed, "safe", said("Take the logarithm of the probabilities.")),
    )  # fmt: skip


def _picking(scene: Scene, minus: Call) -> Call | None:
    """The call that picks elements of a softmax, where nothing but reductions is between it and the minus sign."""
    id = next(iter(minus.inputs()), None)
    while id is not None and (call := scene.makers.get(id)) is not None:
        if short(call) in _PICKING:
            return call if _is_of_classes(scene, call) else None
        if short(call) not in VIEWS | {"mean", "sum"}:
            return None
        id = next(iter(call.inputs()), None)
    return None


def _is_of_classes(scene: Scene, picking: Call) -> bool:
    """Whether it takes one element of each row of computed numbers that add up to 1 in each row."""
    id = next(iter(picking.inputs()), None)
    held, picked = scene.held(id), scene.held(picking.outputs[0])
    if held is None or picked is None or held.ndim != _AXES or held.shape[1] < _AXES or picked.size != len(held):
        return False
    computed = id is not None and any(short(call) in ("softmax", "exp") for call in upstream(id, scene.makers))
    return computed and bool((held >= 0).all() and np.allclose(held.sum(1), 1.0, atol=_SUM))
