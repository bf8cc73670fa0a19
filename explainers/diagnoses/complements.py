"""A loss that is 1 minus a probability, where its likelihood is minus a logarithm."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import VIEWS, Floats, Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "positive, negative = torch.tensor([1.2, 0.1, -2.0]), torch.tensor([0.3, 0.4, 2.5])\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="one-minus-sigmoid",
            family="negated-scores",
            title=said("1 − sigmoid in place of −log sigmoid"),
            explanation=said(
                "The likelihood of a pair (BPR, logistic loss) is −log σ(d) of the difference d, softplus(−d): "
                "ln 2 for equal scores (d = 0), unbounded where d is far below 0. 1 − σ(d) falls with d as well, so it "
                "is least in the same place, but lies between 0 and 1: 0.5 for equal scores. Its gradient σ(1 − σ) is "
                "at most 1/4 and vanishes (saturates) for pairs that are ordered quite wrong, where that of −log σ is "
                "1. It is a smooth count of wrong pairs (AUC), robust to outliers, and slow to start."
            ),
            words=(
                "BPR loss without log",
                "1 - sigmoid(pos - neg) instead of log sigmoid",
                "bpr loss starts at 0.5 and not 0.69",
                "loss is one minus the probability",
            ),
            losses=frozenset(),
            trigger=_complement,
            positive=_HEAD + "(1 - torch.sigmoid(positive - negative)).mean()",
            control=_HEAD + "-F.logsigmoid(positive - negative).mean()",
            harmless=True,
        ),
    )


def _complement(scene: Scene) -> Suspicion | None:
    found = _one_minus(scene)
    scores = None if found is None else _scores(scene, found)
    if found is None or scores is None or not scores.size:
        return None
    made = scene.recording.tensors[found.outputs[0]]
    p = 1 / (1 + np.exp(-scores))
    source = Source(scene.recording.source)
    node = source.at(found.span)
    sigmoid = scene.maker(found.ref("other"))
    inner = None if sigmoid is None else source.call_at(sigmoid.span)
    changed = None
    if node is not None and inner is not None and inner.args:
        changed = source.replaced(
            source.piece(node), f"-torch.nn.functional.logsigmoid({source.written(inner.args[0])})"
        )
    return Suspicion(
        at=found.index,
        verdict=said("{value} is of 1 − σ(d), between 0 and 1: the likelihood is −log σ(d).", value=stated(scene)),
        evidence=(
            said("d lies between {least} and {most}: 1 − σ(d) between {low} and {high}, its slope between {flat} and "
                 "{steep}. Of equal scores it is σ(0) = 0.5, and −log σ(0) is ln 2 = {ln2}.",
                 least=number(float(scores.min())), most=number(float(scores.max())), low=number(float((1 - p).min())),
                 high=number(float((1 - p).max())), flat=number(float((p * (1 - p)).min())),
                 steep=number(float((p * (1 - p)).max())), ln2=number(math.log(2))),
        ),
        trials=(Trial(said("with −log σ(d)"), graph_rerun(replaced(made, np.logaddexp(0.0, -scores)))),),
        fix=fixes.fix(scene, changed, "choose", said("Take −logsigmoid for the likelihood.")),
    )  # fmt: skip


def _one_minus(scene: Scene) -> Call | None:
    """What takes a sigmoid from 1 on a bare way to the value."""
    id = scene.recording.subject
    while id is not None and (call := scene.makers.get(id)) is not None:
        if short(call) in ("sub", "rsub") and call.argument("input") == 1 and len(call.inputs()) == 1:
            return call
        if short(call) not in VIEWS | {"mean", "sum"}:
            return None
        id = next(iter(call.inputs()), None)
    return None


def _scores(scene: Scene, call: Call) -> Floats | None:
    maker = scene.maker(next(iter(call.inputs()), None))
    return scene.held(maker.ref("input")) if maker is not None and short(maker) == "sigmoid" else None
