"""A binary loss written by hand of which the half for label 0 is missing: t · log p without (1 − t) · log(1 − p)."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, renewed, replaced
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import VIEWS, Floats, Scene, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import Edit

_HEAD = "import torch\n\np, t = torch.tensor([0.9, 0.3, 0.2]), torch.tensor([1.0, 0.0, 0.0])\n"
_HALF = "t * torch.log(p)"
_OF_THE_REST = frozenset({"log1p", "softplus", "logsigmoid"})
_LIBRARY = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
_CASTS = frozenset({"to", "float", "double", "type"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="binary-loss-without-negatives",
            family="binary-targets",
            title=said("The half of the binary loss for label 0 is missing"),
            explanation=said(
                "t · log p is 0 wherever the label t is 0, whatever the probability p is: such an item costs nothing "
                "and has no gradient, and p = 1 everywhere would be best. A binary loss also holds "
                "(1 − t) · log(1 − p), its mirror image for label 0. With a softmax over several classes and one-hot "
                "labels there is no such half: there every row has a 1."
            ),
            words=(
                "own binary cross entropy is 0 for label 0",
                "binary focal loss gives 0 for negative samples",
                "my BCE without the (1 - t) log(1 - p) term",
                "negatives cost nothing in my binary loss",
            ),
            losses=frozenset(),
            trigger=_without_negatives,
            positive=_HEAD + f"-({_HALF}).mean()",
            control=_HEAD + f"-({_HALF} + (1 - t) * torch.log(1 - p)).mean()",
            about=frozenset({"binary_cross_entropy", "focal_loss"}),
            dominates=frozenset({"focal-factor-lowers"}),
        ),
    )


def _without_negatives(scene: Scene) -> Suspicion | None:
    found = next((pair for call in scene.needed() if (pair := _half(scene, call)) is not None), None)
    if found is None or scene.value is None:
        return None
    call, log, labels = found
    p, y = scene.held(log.ref("input")), scene.held(labels)
    if p is None or y is None or _counts_the_rest(scene, p):
        return None
    negative = int((y == 0).sum())
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} leaves out label 0: t · log p is 0 for {count} of {all} items, whatever p is there.",
            value=stated(scene),
            count=negative,
            all=y.size,
        ),
        evidence=(said("Nothing in it is a logarithm of 1 − p."),),
        trials=_mirrored(scene, log, labels, p, y),
        fix=fixes.fix(
            scene,
            _with_both_halves(scene, call, log),
            "likely",
            said("Add the other half, (1 - t) * torch.log(1 - p), or use binary_cross_entropy."),
        ),
    )


def _half(scene: Scene, call: Call) -> tuple[Call, Call, int] | None:
    """A product of binary labels with a logarithm of probabilities of their shape, with that logarithm."""
    factors = _factors(scene, call.outputs[0]) if short(call) == "mul" else ()
    logs = [m for id in factors if (m := scene.maker(id)) is not None and short(m) == "log"]
    for log in logs:
        p = scene.held(log.ref("input"))
        labels = next((id for id in factors if _is_binary(scene, id, p)), None)
        if labels is not None:
            return call, log, labels
    return None


def _factors(scene: Scene, id: int) -> tuple[int, ...]:
    """What is multiplied in a product, through signs and products of products."""
    made = scene.maker(id)
    if made is None or short(made) not in {"mul", "neg", *VIEWS}:
        return (id,)
    return tuple(each for of in made.inputs() for each in _factors(scene, of))


def _is_binary(scene: Scene, id: int, p: Floats | None) -> bool:
    """Labels 0 and 1 that nothing computed, some of them 0, for probabilities that are no softmax over classes."""
    made = scene.maker(id)
    given = scene.is_given(id) or (made is not None and short(made) in _CASTS)
    y = scene.held(id) if given else None
    if y is None or p is None or y.shape != p.shape or not y.size or not set(np.unique(y)) <= {0.0, 1.0}:
        return False
    one_hot = y.ndim > 1 and y.shape[-1] > 1 and bool((y.sum(axis=-1) == 1).all())
    inside = bool(((p > 0) & (p < 1)).all())
    return inside and not one_hot and bool((y == 0).any()) and not _sums_to_one(p)


def _sums_to_one(p: Floats) -> bool:
    return p.ndim > 0 and p.shape[-1] > 1 and bool(np.allclose(p.sum(axis=-1), 1, atol=1e-4))


def _counts_the_rest(scene: Scene, p: Floats) -> bool:
    """Whether 1 − p is under a logarithm too, or inside a library's loss."""
    for call in scene.needed():
        if short(call) in _OF_THE_REST | _LIBRARY:
            return True
        x = scene.held(call.ref("input")) if short(call) == "log" else None
        if x is not None and x.shape == p.shape and np.allclose(x, 1 - p, atol=1e-6) and not np.allclose(x, p):
            return True
    return False


def _mirrored(scene: Scene, log: Call, labels: int, p: Floats, y: Floats) -> tuple[Trial, ...]:
    """Each item of label 0 counted as one of label 1 with the probability 1 − p, as a whole binary loss counts it."""
    turned = _turned(scene, log, p, y)
    cast = None if scene.is_given(labels) else scene.maker(labels)
    origin = labels if cast is None else cast.inputs()[0]
    if turned is None:
        return ()
    ones = renewed(scene.recording.tensor(origin), np.ones_like(y))
    return (Trial(said("with every label 0 as a label 1 of 1 − p"), graph_rerun(turned, ones)),)


def _turned(scene: Scene, log: Call, p: Floats, y: Floats) -> Edit | None:
    """1 − p in place of p where the label is 0: in the tensor handed in, or in the scores of its sigmoid."""
    id = log.ref("input")
    made = scene.maker(id)
    if id is not None and scene.is_given(id):
        return replaced(scene.recording.tensor(id), np.where(y == 0, 1 - p, p))
    scores = None if made is None or short(made) != "sigmoid" else next(iter(made.inputs()), None)
    x = scene.held(scores)
    if scores is None or x is None or not scene.is_given(scores) or x.shape != y.shape:
        return None
    return replaced(scene.recording.tensor(scores), np.where(y == 0, -x, x))


def _with_both_halves(scene: Scene, call: Call, log: Call) -> str | None:
    """The program with the other half added where `t * torch.log(p)` stands by itself."""
    source = Source(scene.recording.source)
    product = source.operation_at(call.span)
    written = source.call_at(log.span)
    match product, written:
        case ast.BinOp(op=ast.Mult(), left=t, right=ast.Call() as right), ast.Call(args=[p]) if right is written:
            pass
        case _:
            return None
    if last_name(written.func) != "log":
        return None
    rest = f"(1 - {source.written(t)}) * torch.log(1 - {atom(source, p)})"
    return source.replaced(source.piece(product), f"({source.written(product)} + {rest})")
