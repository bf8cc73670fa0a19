"""Means of means: batches, steps and factors that are averaged in the wrong order."""

from __future__ import annotations

import ast
import math

from explainers.claims import expected
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, gradient_of_source, graph_rerun, set_to
from explainers.diagnoses.loops import training_loop, uncleared
from explainers.diagnoses.scene import Scene, is_library_loss, short, upstream
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call, scalar

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_BATCHES = (
    "a = F.mse_loss(torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.zeros(4))\n"
    "b = F.mse_loss(torch.tensor([{}]), torch.zeros({}))\n"
)
_PADDED = (
    "logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 3.0]])\n"
    "a = F.cross_entropy(logits, torch.tensor([0, 1, 0, 1]), ignore_index=-100)\n"
    "b = F.cross_entropy(logits, torch.tensor([1, -100, -100, -100]), ignore_index=-100)\n"
    "(a + b) / 2"
)
_STEPS = (
    "w = torch.tensor([1.0], requires_grad=True)\nx = torch.arange(1.0, 7.0)\ny = torch.zeros(6)\n"
    "for part in (slice(0, 2), slice(2, 4), slice(4, 6)):\n    loss = F.mse_loss(w * x[part], y[part])\n"
    "    {}.backward()\n"
    "print(loss)\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="mean-of-batch-means",
            unedited="A running sum and a count have to be carried through the asker's loop: several lines change.",
            family="reductions",
            title=said("A mean of means over batches of unequal size"),
            explanation=said(
                "Every batch counts alike in the mean of the batch means, so the items of a short batch count "
                "more than the others. So it is with tokens where padding makes their number unequal (also in gradient "
                "accumulation): add up the sums (reduction='sum') and divide by the total number of items or tokens "
                "that count."
            ),
            words=(
                "gradient accumulation loss differs padded sequences number of tokens",
                "loss averaged over tokens or over batches with padding",
                "same effective batch size gradient accumulation different loss",
                "average of batch losses",
                "last batch smaller",
                "epoch loss differs from full batch",
                "mean of means",
                "why multiply loss.item() by the batch size in running_loss",
                "running_loss += loss.item() * inputs.size(0)",
            ),
            losses=frozenset(),
            dominates=frozenset({"ce-ignored-left-out"}),
            trigger=_mean_of_means,
            positive=_HEAD + _BATCHES.format("3.0", "1") + "(a + b) / 2",
            control=_HEAD + _BATCHES.format("3.0, 3.0, 3.0, 3.0", "4") + "(a + b) / 2",
            variants=(_HEAD + _PADDED,),
        ),
        Rule(
            slug="grad-accumulation-not-divided",
            unedited=(
                "Whether the gradients are to be accumulated or were forgotten to be cleared is the asker's choice."
            ),
            family="reductions",
            title=said("Gradients of several means add up"),
            explanation=said(
                "backward() adds to the gradients that are there already. The gradients of k means, "
                "accumulated, are k times the gradient of the mean over all items: divide each loss by k, or "
                "call zero_grad() between."
            ),
            words=(
                "gradient accumulation divide loss",
                "accumulated gradients too large",
                "loss / accumulation_steps",
                "forgot zero_grad",
            ),
            losses=frozenset(),
            trigger=_accumulated,
            positive=_HEAD + _STEPS.format("loss"),
            control=_HEAD + _STEPS.format("(loss / 3)"),
        ),
        Rule(
            slug="focal-on-reduced-loss",
            family="reductions",
            title=said("A focal factor of a loss that is averaged already"),
            explanation=said(
                "The focal factor (1 − p)^γ belongs to each sample's own loss. Of a scalar that is the mean of "
                "the batch it weighs no sample against another, and a mean of one number changes nothing."
            ),
            words=(
                "focal loss cross_entropy mean",
                "focal loss reduction",
                "focal loss scalar",
                "focal loss without mean does not change",
                "focal loss pt = exp(-ce)",
                "focal loss mean changes nothing",
            ),
            losses=frozenset(),
            about=frozenset({"focal_loss", "cross_entropy"}),
            dominates=frozenset({"focal-factor-lowers", "ce-weighted-mean-denominator"}),
            trigger=_focal_of_mean,
            positive=_HEAD
            + _LOGITS
            + "ce = F.cross_entropy(logits, target)\np = torch.exp(-ce)\n((1 - p) ** 2 * ce).mean()",
            control=_HEAD
            + _LOGITS
            + "ce = F.cross_entropy(logits, target, reduction='none')\np = torch.exp(-ce)\n((1 - p) ** 2 * ce).mean()",
        ),
    )


def _mean_of_means(scene: Scene) -> Suspicion | None:
    calls = [c for c in scene.needed() if is_library_loss(c, scene.registry) and _is_mean(c)]
    values = [scalar(scene.recording.tensor(c.outputs[0])) for c in calls]
    sizes = [_counted(scene, c) for c in calls]
    known = [v for v in values if v is not None]
    if len(known) < 2 or len(known) != len(calls) or len(set(sizes)) < 2 or scene.value is None:
        return None
    if not math.isclose(scene.value, sum(known) / len(known), rel_tol=1e-5):
        return None
    total = sum(sizes)
    weights = (followed_by(c, "torch.mul", other=n * len(calls) / total) for c, n in zip(calls, sizes, strict=True))
    return Suspicion(
        at=calls[sizes.index(min(sizes))].index,
        verdict=said(
            "{value} averages {count} means over batches of unequal size as if they were equal.",
            value=stated(scene),
            count=len(calls),
        ),
        evidence=(
            said(
                "The batches have {sizes} elements, and means of {means}.",
                sizes=", ".join(map(str, sizes)),
                means=", ".join(map(number, known)),
            ),
        ),
        trials=(Trial(said("weighted by the sizes of the batches"), graph_rerun(*weights)),),
        fix=fixes.fix(
            scene,
            None,
            "likely",
            said("Add up sums and divide once by the number of all items, or weigh each mean by its size."),
        ),
    )


def _counted(scene: Scene, call: Call) -> int:
    """How many numbers a mean is over: of class indices those that are not ignored."""
    target, ignored = scene.held(call.ref("target")), call.argument("ignore_index")
    if short(call) in ("cross_entropy", "nll_loss") and target is not None and isinstance(ignored, int):
        return int((target != ignored).sum())
    return max(scene.recording.tensors[id].elements for id in call.inputs())


def _is_mean(call: Call) -> bool:
    legacy = call.argument("size_average") is None and call.argument("reduce") is None
    return legacy and call.argument("reduction") == "mean"


def _accumulated(scene: Scene) -> Suspicion | None:
    backward = [c for c in scene.recording.calls if short(c) == "backward" and c.inputs()]
    source = scene.recording.source
    if len(backward) < 2 or Source(source).clears_gradients:
        return None
    if (loop := training_loop(source)) is not None and any(step in loop.body.body for step in loop.steps):
        return None
    if loop is None and uncleared(source) is not None:
        return None
    makers = [scene.makers.get(c.inputs()[0]) for c in backward]
    means = [c for c in makers if c is not None and (_is_mean(c) or short(c) == "mean")]
    if not means and _expects_mean(scene, len(backward)):
        means = [c for c in makers if c is not None]
    if len(means) != len(backward) or len({c.index for c in means}) < 2 or not _shared_leaves(scene, means):
        return None
    times = len(means)
    return Suspicion(
        at=backward[1].index,
        verdict=said(
            "{value} is one of {count} means whose gradients add up: together {count} times that of all items.",
            value=stated(scene),
            count=times,
        ),
        evidence=(
            said(
                "backward() runs {count} times, and nothing sets the gradients to zero or divides the losses.",
                count=times,
            ),
            *_gradients_seen(scene, times),
        ),
        trials=_divided(scene, means),
        fix=fixes.fix(
            scene,
            None,
            "likely",
            said("Divide each loss by {count} before backward(), or call zero_grad() between.", count=times),
        ),
    )


def _expects_mean(scene: Scene, times: int) -> bool:
    """Whether the asker expects of the gradients that added up what they are on average."""
    held = _read_gradient(scene)
    return held is not None and any(c.agrees(held / times) for c in expected(scene.claims))


def _divided(scene: Scene, means: list[Call]) -> tuple[Trial, ...]:
    """The gradient that is left where each loss is divided; the loss, where the program cannot be written so."""
    what, tensors = said("with the loss divided by {count}", count=len(means)), scene.recording.tensors
    shared = set.intersection(*(_leaves(scene, mean) for mean in means))
    leaf, name = next(((id, name) for id in sorted(shared) if (name := tensors[id].name)), (None, ""))
    source = _with_divided(scene, len(means))
    if leaf is None or not name.isidentifier() or source is None:
        return (Trial(what, graph_rerun(followed_by(means[-1], "torch.div", other=len(means)))),)
    text, wanted = said("the gradient of {name} {what}", name=name, what=what), next(iter(expected(scene.claims)), None)
    return (Trial(text, gradient_of_source(source, name), "gradient", of=leaf, wanted=wanted),)


def _with_divided(scene: Scene, times: int) -> str | None:
    """The program whose backward passes start from the losses divided by so many; None where one is not found."""
    text = scene.recording.source
    spans = {c.span for c in scene.recording.calls if short(c) == "backward" and c.span is not None}
    for span in sorted(spans, key=lambda s: (s.line, s.column), reverse=True):
        source = Source(text)
        node = source.call_at(span)
        if node is None or not isinstance(node.func, ast.Attribute):
            return None
        loss = node.func.value
        text = source.replaced(source.piece(loss), f"({source.written(loss)} / {times})")
    return text


def _shared_leaves(scene: Scene, means: list[Call]) -> bool:
    """Whether the same parameter is behind all of them."""
    return bool(set.intersection(*(_leaves(scene, mean) for mean in means)))


def _leaves(scene: Scene, mean: Call) -> set[int]:
    """The tensors behind a mean that gradients are collected in: asked for, and computed from nothing."""
    used = {id for call in upstream(mean.outputs[0], scene.makers) for id in call.inputs()}
    asked = {id for id in used if scene.recording.tensors[id].requires_grad}
    return {id for id in asked if scene.is_given(id)}


def _read_gradient(scene: Scene) -> float | None:
    """The number of the gradient that the program reads last, None where it reads none of one number."""
    grads = [c for c in scene.recording.calls if short(c) == "grad" and c.outputs]
    held = scene.recording.tensors.get(grads[-1].outputs[0]) if grads else None
    return None if held is None else scalar(held)


def _gradients_seen(scene: Scene, times: int) -> tuple[Message, ...]:
    value = _read_gradient(scene)
    if value is None:
        return ()
    return (
        said(
            "The accumulated gradient is {grad}; of the mean over all items it would be {mean}.",
            grad=number(value),
            mean=number(value / times),
        ),
    )


def _focal_of_mean(scene: Scene) -> Suspicion | None:
    needed = scene.needed()
    means = (c for c in needed if is_library_loss(c, scene.registry) and _is_mean(c) and _batch(scene, c) > 1)
    call = next((c for c in means if {"exp", "pow"} <= {short(b) for b in _below(scene, needed, c)}), None)
    if call is None:
        return None
    name = short(call)
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} has one focal factor for the whole batch: {loss} is averaged before it.",
            value=stated(scene),
            loss=name,
        ),
        evidence=(
            said(
                "{loss} returns a scalar, the mean of the batch: exp(−loss) of it is no sample's probability.",
                loss=name,
            ),
        ),
        trials=(
            Trial(
                said("with reduction='none', so each sample by itself"), graph_rerun(set_to(call, "reduction", "none"))
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, call, "reduction", "'none'"),
            "safe",
            said("Take the loss per sample, reduction='none', and average at the end."),
        ),
    )


def _batch(scene: Scene, call: Call) -> int:
    """How many items a call has, as far as its tensors' first dimension tells."""
    return max(shape[0] if (shape := scene.recording.tensors[id].shape) else 1 for id in call.inputs())


def _below(scene: Scene, needed: list[Call], call: Call) -> list[Call]:
    """The calls that need what a call returned."""
    later = (c for c in needed if c.index > call.index and c.outputs)
    return [c for c in later if call in upstream(c.outputs[0], scene.makers)]
