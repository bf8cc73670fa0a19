"""History that is cut on the way without an error: a tensor that gets no gradient, or only part of it."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_errors import with_history
from explainers.diagnoses.cuts import DETACHING, READS, fills, makes_anew, read_into, requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import gradient_of_source, gradient_rerun
from explainers.diagnoses.rejoining import goes_on_with, rejoined, rejoined_source
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.wording import stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call
from explainers.reruns import Edit, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\ny = torch.tensor([0.5, 1.0])\n"
_CODE = 40
_UNINTENDED = frozenset({"data"})
"""What cuts the history beside its purpose, as reading numbers does: detach says what it is for."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="gradient-cut-silently",
            family="silent-gradients",
            symptoms=(Symptom("stuck", 5),),
            title=said("A tensor that asks for a gradient gets none"),
            explanation=said(
                "backward() runs, because something else has history. But every way from the loss to this tensor "
                "passes a call that gives numbers without history (detach, .data, .item(), numpy, torch.tensor), so "
                "its .grad stays None."
            ),
            uncertainty=said("Where the cut is meant (a target, a teacher, a stop-gradient), nothing is wrong."),
            words=(
                "grad is None",
                "parameter gets no gradient",
                "detach by mistake",
                "item() in loss",
                ".grad stays None",
                "torch.tensor(losses, requires_grad=True)",
            ),
            losses=frozenset(),
            trigger=_cut,
            positive=_HEAD + _WEIGHT + "b = torch.tensor(0.5, requires_grad=True)\n"
            "loss = F.mse_loss((w * 2).detach() + b, y)\nloss.backward()",
            control=_HEAD + _WEIGHT + "b = torch.tensor(0.5, requires_grad=True)\n"
            "loss = F.mse_loss((w * 2) + b, y)\nloss.backward()",
            concern="gradient",
        ),
        Rule(
            slug="gradient-cut-in-part",
            family="silent-gradients",
            title=said("Part of the gradient is cut off"),
            explanation=said(
                "item(), tolist(), numpy() and .data give plain numbers: backward() takes them for constants. Where a "
                "tensor enters the loss by several ways, its gradient is then that of the others alone. The value is "
                "the same either way."
            ),
            uncertainty=said("Where this factor or term is meant as a constant, nothing is wrong."),
            words=(
                "gradient is not what I computed by hand",
                "gradient differs item() in loss",
                "gradient missing a term",
                ".data gradient wrong",
            ),
            losses=frozenset(),
            trigger=_cut_in_part,
            positive=_HEAD + _WEIGHT + "loss = (w * w).sum().item() * F.mse_loss(w, y)\nloss.backward()",
            control=_HEAD + _WEIGHT + "loss = (w * w).sum() * F.mse_loss(w, y)\nloss.backward()",
            concern="gradient",
        ),
    )


def _cut(scene: Scene) -> Suspicion | None:
    """A tensor that asks for its gradient, to which every way is cut."""
    subject = scene.recording.subject
    if subject is None or not requires_grad(scene, subject):
        return None
    reached = _with_history(scene, subject)
    for call in scene.needed():
        cut = short(call) in DETACHING or short(call) in READS or makes_anew(call)
        lost = next((id for id in call.inputs() if requires_grad(scene, id) and id not in reached), None)
        if not cut or lost is None or _keeps_history(scene, call) or _is_written_through(scene, call, lost):
            continue
        leaf = _leaf(scene, lost)
        if leaf is None or not reached.isdisjoint(_versions(scene, leaf)) or _has_own_pass(scene, leaf):
            continue
        return _lost(scene, call, leaf)
    return _read_anew(scene, reached)


def _has_own_pass(scene: Scene, leaf: int) -> bool:
    """Whether another backward pass of the program reaches a tensor: then the cut separates two losses."""
    passes = (call.inputs()[0] for call in scene.recording.calls if short(call) == "backward" and call.inputs())
    return any(leaf in _with_history(scene, start) for start in passes if start != scene.recording.subject)


def _keeps_history(scene: Scene, call: Call) -> bool:
    return not makes_anew(call) and any(requires_grad(scene, id) for id in call.outputs)


def _is_written_through(scene: Scene, call: Call, id: int) -> bool:
    """Whether what a call gives is changed in place, and the tensor with it, as by `w.data.clamp_(0, 1)`."""
    writes = (each for each in scene.recording.calls if each.inputs() and each.inputs()[0] in call.outputs)
    return any(id in (old for old, _ in each.mutated) for each in writes)


def _versions(scene: Scene, id: int) -> set[int]:
    """A tensor with what it became in place: the same parameter, which a later backward pass may reach."""
    found = {id}
    for call in scene.recording.calls:
        found |= {new for old, new in call.mutated if old in found}
    return found


def _read_anew(scene: Scene, reached: set[int]) -> Suspicion | None:
    """Numbers that were read out of a tensor with history, and a new tensor made of them that asks for a gradient."""
    call = read_into(scene, reached)
    if call is not None and _went_backward(scene, call.inputs()[0]):  # a loss is read to be shown
        return None
    leaf = None if call is None or not requires_grad(scene, call.inputs()[0]) else _leaf(scene, call.inputs()[0])
    return None if call is None or leaf is None or leaf in reached else _lost(scene, call, leaf)


def _went_backward(scene: Scene, id: int) -> bool:
    return any(short(call) == "backward" and id in call.inputs() for call in scene.recording.calls)


def _lost(scene: Scene, call: Call, leaf: int) -> Suspicion:
    name = _called(scene, leaf)
    return Suspicion(
        at=call.index,
        verdict=said("{value}: {name} gets no gradient, {function} in line {line} cuts it off.",
                     value=stated(scene), name=name, function=_code(call), line=line_of(call)),
        evidence=(said("{name} requires a gradient, but no way with history leads to it.", name=name),),
        trials=_trial(scene, leaf, call),
        fix=fixes.fix(scene, rejoined_source(scene, call) or with_history(scene, call), "choose",
                      said("Keep the history: compute the loss from the tensor itself.")),
    )  # fmt: skip


def _cut_in_part(scene: Scene) -> Suspicion | None:
    """Numbers without history that the loss is computed from, of a tensor that it reaches by another way too."""
    subject = scene.recording.subject
    if subject is None or not requires_grad(scene, subject):
        return None
    reached = _with_history(scene, subject)
    for call in scene.recording.calls:
        before = next(iter(call.inputs()), None)
        read = short(call) in READS and not call.outputs
        if not (read or short(call) in _UNINTENDED) or before is None or not requires_grad(scene, before):
            continue
        leaf = _leaf(scene, before)
        if leaf is None or leaf not in reached or _went_backward(scene, before) or not _trial(scene, leaf, call):
            continue
        return _in_part(scene, call, leaf)
    return None


def _in_part(scene: Scene, call: Call, leaf: int) -> Suspicion:
    name = _called(scene, leaf)
    return Suspicion(
        at=call.index,
        verdict=said("{value} is right, but {function} in line {line} is a constant to backward: part of {name}'s "
                     "gradient is lost.", value=stated(scene), function=_code(call), line=line_of(call), name=name),
        evidence=(said("Another way leads from the loss to {name}, so it gets a gradient, that of this way alone.",
                       name=name),),
        trials=_trial(scene, leaf, call),
        fix=fixes.fix(scene, rejoined_source(scene, call) or with_history(scene, call), "choose",
                      said("Keep the history: compute the loss from the tensor itself.")),
        only_proven=True,
    )  # fmt: skip


def _trial(scene: Scene, leaf: int, call: Call) -> tuple[Trial, ...]:
    """The gradient of the tensor with the cut undone: on the recorded calls, or where the program computed on with the
    number that it read, on the program run anew."""
    edits = _edits(scene, call)
    what = said("the gradient of {name} {what}", name=_called(scene, leaf), what=said("without the cut"))
    if edits:
        return (Trial(what, gradient_rerun(leaf, *edits), "gradient"),)
    name = scene.recording.tensors[leaf].name
    changed = rejoined_source(scene, call) if goes_on_with(scene, call) and not scene.recording.random else None
    if changed is None or name is None:
        return ()
    return (Trial(what, gradient_of_source(changed, name), "gradient", of=leaf),)


def _edits(scene: Scene, call: Call) -> tuple[Edit, ...]:
    """The program with the history kept: the detaching call as a copy, or the tensor in the place of its numbers."""
    if short(call) in DETACHING:
        kept = any(call is one for one in scene.needed())
        return (SwapFunction(call.index, "torch.clone", _first(call)),) if kept else ()
    return rejoined(scene, call)


def _first(call: Call) -> tuple[Argument, ...]:
    return tuple(a for a in call.arguments if a.name == "input")


def _called(scene: Scene, leaf: int) -> str | Message:
    read = (c.span.text for c in scene.recording.calls if short(c) == "grad" and c.span and leaf in c.inputs())
    written = next((text.removesuffix(".grad") for text in read if text.endswith(".grad")), None)
    return scene.recording.tensors[leaf].name or written or said("what it was computed from")


def _code(call: Call) -> str:
    """The cutting call as it is written, where that is short."""
    text = " ".join(call.span.text.split()) if call.span is not None else ""
    return text if 0 < len(text) <= _CODE else short(call)


def _with_history(scene: Scene, subject: int) -> set[int]:
    """The tensors that the backward pass from the subject reaches."""
    waiting, found = [subject], set[int]()
    while waiting:
        id = waiting.pop()
        if id in found or not requires_grad(scene, id):
            continue
        found.add(id)
        call = scene.makers.get(id)
        if call is not None and call.grad_enabled and not makes_anew(call):
            waiting.extend(call.inputs())
            waiting.extend(old for old, new in call.mutated if new == id)
    return found


def _leaf(scene: Scene, id: int) -> int | None:
    """The first tensor before another one, along tensors with history, that no call computed from another."""
    waiting, seen = [id], set[int]()
    while waiting:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        call = scene.makers.get(at)
        computed = call is not None and call.grad_enabled and not makes_anew(call) and not fills(call)
        before = [i for i in call.inputs() if requires_grad(scene, i)] if call is not None and computed else []
        if not before:
            return at
        waiting.extend(before)
    return None
