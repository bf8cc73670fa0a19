"""A cross-entropy with soft targets, written by hand, whose mean is taken over the classes as well."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.scene import VIEWS, Floats, Scene, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\n\nlog_p = torch.log_softmax(torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]]), 1)\n"
    "target = torch.softmax(torch.tensor([[1.5, 0.2, -0.5], [0.1, 2.0, 0.0]]), 1)\n"
)
_NEAR = 1e-3


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="cross-entropy-averaged-over-classes",
            family="reductions",
            title=said("The mean of a cross-entropy is taken over the classes, too"),
            explanation=said(
                "A cross-entropy with soft targets is −Σ target · log p over the classes, one number for each row, and "
                "the loss is the mean over the rows. mean() without an axis averages over all elements, rows and "
                "classes as well: it divides by N·C in place of N, so value and gradient are smaller by the number of "
                "classes C, 10 times for 10 classes, beside the definition and beside other terms of the loss. Sum "
                "over the class axis first: sum(dim=1), then mean()."
            ),
            words=(
                "soft target cross entropy .mean() averages over the classes",
                "knowledge distillation loss mean over batch or sum over classes",
                "-(targets * log_scores).mean() should be sum(dim=1).mean()",
                "my cross entropy is smaller by the number of classes",
            ),
            losses=frozenset(),
            about=frozenset({"cross_entropy", "kl_div"}),
            trigger=_over_classes,
            positive=_HEAD + "-(target * log_p).mean()",
            control=_HEAD + "-(target * log_p).sum(1).mean()",
        ),
    )


def _over_classes(scene: Scene) -> Suspicion | None:
    found = next(((c, classes) for c in scene.needed() if (classes := _classes(scene, c)) is not None), None)
    if found is None:
        return None
    call, classes = found
    sizes = scene.recording.tensors[call.ref("input") or 0].shape
    rows = int(np.prod(sizes)) // classes
    return Suspicion(
        at=call.index,
        verdict=said("{value} is averaged over the {count} classes as well: {count} times smaller than the "
                     "cross-entropy, their sum.", value=stated(scene), count=classes),
        evidence=(
            said("The terms have shape {shape}: mean() divides by {all} elements, not by {rows} rows.",
                 shape=shape(sizes), all=number(rows * classes), rows=rows),
        ),
        trials=(Trial(said("with the sum over the classes, and the mean over the rows"),
                      graph_rerun(followed_by(call, "torch.mul", other=float(classes)))),),
        fix=fixes.fix(scene, _summed(scene, call, sizes), "likely",
                      said("Sum over the classes first: sum(dim=1), then mean().")),
    )  # fmt: skip


def _classes(scene: Scene, call: Call) -> int | None:
    """The number of classes that a mean over everything is taken over, of shares times logarithms of shares."""
    product = _behind(scene, call.ref("input")) if short(call) == "mean" and call.argument("dim") is None else None
    if product is None or short(product) != "mul" or len(product.inputs()) != 2:
        return None
    pair = [_signless(scene, id) for id in product.inputs()]
    for shares, logs in (pair, pair[::-1]):
        if shares is None or logs is None or shares.shape != logs.shape or shares.ndim < 2:
            continue
        for axis in (1, shares.ndim - 1):
            if shares.shape[axis] > 1 and _sums_to_one(shares, axis) and _sums_to_one(np.exp(logs), axis):
                return shares.shape[axis]
    return None


def _behind(scene: Scene, id: int | None) -> Call | None:
    call = scene.maker(id)
    while call is not None and short(call) in VIEWS | {"neg"}:
        call = scene.maker(next(iter(call.inputs()), None))
    return call


def _signless(scene: Scene, id: int) -> Floats | None:
    """What a tensor holds, without a minus sign in front of it."""
    call = scene.maker(id)
    return scene.held(next(iter(call.inputs()), None) if call is not None and short(call) == "neg" else id)


def _sums_to_one(x: Floats, axis: int) -> bool:
    return bool(x.size and (x >= 0).all() and np.abs(x.sum(axis=axis) - 1).max() <= _NEAR)


def _summed(scene: Scene, call: Call, sizes: tuple[int, ...]) -> str | None:
    """The program with the sum over axis 1 before the mean."""
    source = Source(scene.recording.source)
    node = source.call_at(call.span)
    if node is None or last_name(node.func) != "mean" or node.args or node.keywords or len(sizes) != 2:
        return None
    start, end = source.function_name(node)
    return source.replaced((start, end), "sum(1).mean")
