"""A contrastive loss whose positive pair was left out: the logarithm of the denominator alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import VIEWS, Floats, Scene, short, upstream
from explainers.diagnoses.wording import stated
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "z = F.normalize(torch.tensor([[2.0, 0.5], [1.5, 0.5], [-0.5, 2.0], [-1.0, 1.5]]), dim=1)\n"
    "sim = (z @ z.T / 0.5).masked_fill(torch.eye(4, dtype=torch.bool), float('-inf'))\n"
)
_PRODUCTS = frozenset({"matmul", "mm", "bmm", "einsum", "linear", "cosine_similarity", "inner"})
_KEPT = VIEWS | {"mean", "sum", "div", "mul", "neg"}
_SQUARE = 2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="contrastive-without-positive",
            unedited="Which rows are partners is known to the asker alone.",
            family="self-similarity",
            title=said("A contrastive loss without its positive pair"),
            explanation=said(
                "NT-Xent (InfoNCE) is −log of a share: e to the similarity of the positive pair, the numerator, over "
                "the sum over all candidates, the denominator. As a difference that is logsumexp(sim) minus the "
                "similarity of the positive, which is cross_entropy(sim, partner). Without the positive nothing pulls "
                "the pair together, and the value does not fall to 0: it only pushes everything apart."
            ),
            words=(
                "contrastive loss only the denominator",
                "NT-Xent missing the positive pair numerator",
                "InfoNCE logsumexp without subtracting the positive similarity",
                "SimCLR loss too large by the similarity of the pair",
            ),
            losses=frozenset(),
            about=frozenset({"info_nce"}),
            trigger=_without_positive,
            positive=_HEAD + "torch.logsumexp(sim, dim=1).mean()",
            control=_HEAD + "F.cross_entropy(sim, torch.tensor([1, 0, 3, 2]))",
        ),
    )


def _without_positive(scene: Scene) -> Suspicion | None:
    found = next(_denominators(scene), None)
    if found is None or scene.value is None:
        return None
    call, scores = found
    logs = scene.held(call.outputs[0])
    trials = [] if logs is None else list(_paired(scene, call, scores, logs))
    if not trials:
        return None
    return Suspicion(
        at=call.index,
        verdict=said("{value} is the logarithm of the denominator alone: the similarity of the positive pair is not "
                     "subtracted.", value=stated(scene)),
        evidence=(
            said("{count} rows of similarities go into a sum over all candidates; nothing is taken off afterwards.",
                 count=len(scores)),
        ),
        trials=tuple(trials),
        fix=fixes.fix(scene, None, "likely",
                      said("Subtract the similarity of each row's partner, or call cross_entropy with the partner's "
                           "place as the target.")),
    )  # fmt: skip


def _denominators(scene: Scene) -> Iterator[tuple[Call, Floats]]:
    """Logarithms of sums of exponentials over the rows of a square of similarities, on a bare way to the value."""
    for call in _way(scene):
        id = _summed(scene, call)
        scores = scene.held(id)
        if id is None or scores is None or scores.ndim != _SQUARE or len(set(scores.shape)) != 1 or len(scores) < 3:
            continue
        if any(short(each) in _PRODUCTS for each in upstream(id, scene.makers)):
            yield call, scores


def _way(scene: Scene) -> Iterator[Call]:
    """The calls from the value back, as long as they only average, scale or rearrange it; with the one behind them."""
    id = scene.recording.subject
    while id is not None and (call := scene.makers.get(id)) is not None:
        yield call
        if short(call) not in _KEPT or len(call.inputs()) != 1:
            return
        id = call.inputs()[0]


def _summed(scene: Scene, call: Call) -> int | None:
    """The exponents of a logarithm of a sum, in one call or written out."""
    if short(call) == "logsumexp":
        return call.ref("input")
    total = scene.maker(call.ref("input")) if short(call) == "log" else None
    powers = scene.maker(total.ref("input")) if total is not None and short(total) == "sum" else None
    return powers.ref("input") if powers is not None and short(powers) == "exp" else None


def _paired(scene: Scene, call: Call, scores: Floats, logs: Floats) -> Iterator[Trial]:
    """The positives taken off, where batches are laid out in the way in which pairs are the most alike."""
    count, rows = len(scores), np.arange(len(scores), dtype=np.int64)
    made = scene.recording.tensors[call.outputs[0]]
    diagonal = said("with the diagonal as the positive pairs, taken off")
    layouts: list[tuple[Message, npt.NDArray[np.int64]]] = [(diagonal, rows)]
    if count % 2 == 0:
        layouts = [
            (said("with each row and its neighbour as a pair, its similarity taken off"), rows ^ 1),
            (said("with the two halves of the batch as pairs, their similarities taken off"),
             (rows + count // 2) % count),
            *layouts,
        ]  # fmt: skip
    held = [(what, scores[rows, partner]) for what, partner in layouts]
    finite = [(float(positive.mean()), what, positive) for what, positive in held if np.isfinite(positive).all()]
    if finite and logs.size == count:
        _, what, positive = max(finite, key=lambda each: each[0])
        yield Trial(what, graph_rerun(replaced(made, logs - positive.reshape(logs.shape))))
