"""Softmax along the wrong axis, or along one that holds a single number."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, swapped, wrapped
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, row, shape, stated
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_ONE = "logits = torch.tensor([[3.0], [-3.0]])\ntarget = torch.tensor([[1.0], [0.0]])\n"
_SOFTMAX = ("softmax", "log_softmax")
_TURNED = ("T", "mT", "t", "transpose", "permute", "movedim", "swapaxes", "swapdims")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="softmax-wrong-dim",
            family="softmax-axes",
            title=said("Softmax over the batch instead of the classes"),
            explanation=said(
                "Along dimension 0 the items of the batch compete for each class, instead of the classes for each "
                "item. In a batch of one item every probability would be 1."
            ),
            words=("softmax dim=0", "softmax wrong dimension", "softmax implicit dim", "softmax over batch"),
            losses=frozenset(),
            about=frozenset({"nll_loss", "cross_entropy"}),
            trigger=_over_the_batch,
            positive=_HEAD + _LOGITS + "F.nll_loss(F.log_softmax(logits, dim=0), target)",
            control=_HEAD + _LOGITS + "F.nll_loss(F.log_softmax(logits, dim=1), target)",
            dominates=frozenset(
                {"nll-on-raw-logits", "ce-double-softmax", "ce-on-log-probabilities", "bcewl-double-sigmoid"}
            ),
        ),
        Rule(
            slug="softmax-over-single-logit",
            family="softmax-axes",
            symptoms=(Symptom("stuck", 10),),
            title=said("Softmax of a single number"),
            explanation=said(
                "Softmax of one number is 1 whatever it is, so the loss does not depend on the score and its gradient "
                "is 0. With one class alone there is nothing to tell apart: cross_entropy over a single output is "
                "always 0. One score per item wants sigmoid."
            ),
            words=(
                "softmax one output",
                "softmax single logit",
                "cross entropy one class loss 0",
                "only one class loss always 0",
                "single class dataset loss 0",
                "binary classification softmax one unit",
                "predictions are all exactly 1 softmax",
                "softmax of one output constant loss",
            ),
            losses=frozenset(),
            about=frozenset({"cross_entropy", "binary_cross_entropy"}),
            trigger=_of_one_number,
            positive=_HEAD + _ONE + "F.binary_cross_entropy(torch.softmax(logits, dim=1), target)",
            control=_HEAD + _ONE + "F.binary_cross_entropy(torch.sigmoid(logits), target)",
            variants=(_HEAD + "logits = torch.tensor([[3.0], [-3.0]])\nF.cross_entropy(logits, torch.tensor([0, 0]))",),
            dominates=frozenset(
                {"bce-after-softmax-multilabel", "bce-after-softmax-onehot", "bce-clamped-at-100", "softmax-wrong-dim"}
            ),
        ),
    )


def _over_the_batch(scene: Scene) -> Suspicion | None:
    needed = scene.needed()
    if any(short(call) in _TURNED for call in needed):
        return None
    call = next((c for c in needed if short(c) in _SOFTMAX and _is_over_rows(scene, c)), None)
    if call is None:
        return None
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} comes from {function} along dimension 0, the batch: the classes are dimension 1.",
            value=stated(scene),
            function=short(call),
        ),
        evidence=_sums(scene, call),
        trials=(Trial(said("with dim=1"), graph_rerun(set_to(call, "dim", 1))),),
        fix=fixes.fix(
            scene, fixes.with_option(scene, call, "dim", "1", 1), "safe", said("Take softmax over the classes: dim=1.")
        ),
    )


def _is_over_rows(scene: Scene, call: Call) -> bool:
    size = _given(scene, call)
    return len(size) == 2 and min(size) > 1 and call.argument("dim") in (0, -2)


def _given(scene: Scene, call: Call) -> tuple[int, ...]:
    return scene.recording.tensors[call.inputs()[0]].shape if call.inputs() else ()


def _sums(scene: Scene, call: Call) -> tuple[Message, ...]:
    """What the rows and the columns of the result sum to."""
    made = scene.recording.tensors[call.outputs[0]]
    if made.data is None:
        return (
            said("{function} runs along dimension 0 of shape {shape}.", function=short(call), shape=shape(made.shape)),
        )
    p = made.array().astype(np.float64)
    p = np.exp(p) if short(call) == "log_softmax" else p
    text = "The rows of the probabilities sum to {rows}, the columns to {columns}."
    return (said(text, rows=row(p.sum(axis=1)), columns=row(p.sum(axis=0))),)


def _of_one_number(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        name = short(call)
        if name in _SOFTMAX and _along_one(_given(scene, call), call.argument("dim")):
            swap = swapped(call, "torch.sigmoid" if name == "softmax" else "torch.nn.functional.logsigmoid", "input")
            return _single(scene, call, Trial(said("with sigmoid instead"), graph_rerun(swap)))
        if name == "cross_entropy" and _one_class(_given(scene, call)):
            return _single(scene, call, *_as_binary(scene, call))
    return None


def _along_one(size: tuple[int, ...], dim: object) -> bool:
    return isinstance(dim, int) and -len(size) <= dim < len(size) and size[dim] == 1


def _one_class(size: tuple[int, ...]) -> bool:
    return (len(size) == 1 and size[0] == 1) or (len(size) > 1 and size[1] == 1)


def _single(scene: Scene, call: Call, *trials: Trial) -> Suspicion:
    size = _given(scene, call)
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} comes from softmax of single numbers, which is 1 whatever they are.", value=stated(scene)
        ),
        evidence=(
            said(
                "The input of {function} has shape {shape}: one number along the classes{numbers}.",
                function=short(call),
                shape=shape(size),
                numbers=_listed(scene, call),
            ),
        ),
        trials=trials,
        fix=fixes.fix(
            scene,
            fixes.sigmoid_instead(scene, call) if short(call) == "softmax" else None,
            "safe",
            said("Use sigmoid, or the score itself in binary_cross_entropy_with_logits."),
        ),
    )


def _listed(scene: Scene, call: Call) -> str:
    tensor = scene.recording.tensors[call.inputs()[0]]
    if tensor.data is None or not tensor.elements:
        return ""
    values: Floats = tensor.array().astype(np.float64).reshape(-1)
    return f", {number(float(values[0]))}" if len(values) == 1 else f", {row(values)}"


def _as_binary(scene: Scene, call: Call) -> tuple[Trial, ...]:
    """cross_entropy over one class as the binary loss of its score."""
    kept = ("input", "target", "size_average", "reduce", "reduction")
    swap = swapped(call, "torch.nn.functional.binary_cross_entropy_with_logits", *kept)
    size = _given(scene, call)
    target = call.ref("target")
    if target is None:
        return ()
    whole = scene.recording.tensors[target]
    cast = () if whole.floating else (wrapped(call, "target", "torch.Tensor.float"),)
    reshaped = () if whole.shape == size else (wrapped(call, "target", "torch.unsqueeze", dim=1),)
    return (Trial(said("with binary_cross_entropy_with_logits"), graph_rerun(swap, *cast, *reshaped)),)
