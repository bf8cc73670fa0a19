"""The backward pass step by step: the first one that made a finite gradient infinite or nan, and what would not."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.dependencies import ancestors
from explainers.diagnoses.diagnosis import Trial
from explainers.diagnoses.edits import gradient_rerun
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import number
from explainers.messages import Message, said
from explainers.recording import Call
from explainers.reruns import Edit

TAME = frozenset(
    {
        "add",
        "sub",
        "mul",
        "neg",
        "sum",
        "mean",
        "matmul",
        "linear",
        "relu",
        "where",
        "exp",
        "sigmoid",
        "tanh",
        "getitem",
    }
    | {"softmax", "log_softmax", "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"}
    | {
        "abs",
        "square",
        "clamp",
        "squeeze",
        "unsqueeze",
        "view",
        "reshape",
        "transpose",
        "backward",
        "detach",
        "data",
        "getitem",
    }
)
"""Functions whose derivative is finite wherever their value is."""


def turned_backward(scene: Scene) -> tuple[Call, str] | None:
    """The first step of the backward pass that made a finite gradient infinite or nan, and the argument it was of.

    None before the backward pass was run again, and where all gradients are finite. A tensor's gradient is the sum
    of what all its uses give, so a use that can only give a finite part is passed over.
    """
    found = list(_turning(scene))
    wild = [(call, name) for call, name in found if short(call) not in TAME or _overflowed(scene, call)]
    return next(iter([*wild, *found]), None)


def _overflowed(scene: Scene, call: Call) -> bool:
    """Whether the value is not finite although all operands are, so that neither is its derivative."""
    tensors = scene.recording.tensors
    made = any(is_spoiled(tensors.get(id)) for id in call.outputs)
    return made and not any(is_spoiled(tensors.get(id)) for id in call.inputs())


def _turning(scene: Scene) -> Iterator[tuple[Call, str]]:
    """Steps whose result has a finite gradient and one of whose operands has none, in the order of the pass."""
    gradients = scene.gradients or {}
    for call in reversed(scene.needed()):
        made = [gradients[id] for id in (*call.outputs, *(new for _, new in call.mutated)) if id in gradients]
        if made and not any(is_spoiled(gradient) for gradient in made):
            for one in call.arguments:
                id = call.ref(one.name)
                if id is not None and is_spoiled(gradients.get(id)):
                    yield call, one.name


def suspects(scene: Scene, *names: str) -> Iterator[Call]:
    """Calls of these functions on tensors with history; once the backward pass is known, only the guilty one."""
    if is_spoiled(scene.recording.known(scene.recording.subject)):
        return
    turned = turned_backward(scene)
    for call in scene.needed():
        known = scene.gradients is None or (turned is not None and call.index == turned[0].index)
        history = any(scene.recording.tensors[id].requires_grad for id in call.inputs())
        if short(call) in names and known and history:
            yield call


def blamed(scene: Scene, call: Call, bad: float) -> tuple[Message, ...]:
    code = " ".join(call.span.text.split())[:50] if call.span is not None else short(call)
    return (
        said("The first step of the backward pass that is not finite is that of {code}.", code=code)
        if call.span is None
        else said("The first step of the backward pass that is not finite is that of {code} in line {line}.",
                  code=code, line=line_of(call)),
        said("Its operand is {x} there.", x=number(bad)),
    )  # fmt: skip


def gradient_trial(scene: Scene, call: Call, what: Message, *edits: Edit) -> tuple[Trial, ...]:
    """The gradient of the first tensor that asks for one, with the edits."""
    needed = ancestors(scene.recording.calls, call.inputs())[0]
    tensors = scene.recording.tensors
    leaves = sorted(id for id in needed if id in tensors and tensors[id].requires_grad and id not in scene.makers)
    made = [id for id in sorted(needed) if id in tensors and tensors[id].requires_grad]
    of = next(iter((*leaves, *made)), None)
    if of is None:
        return ()
    name = tensors[of].name or "the input"
    text = said("the gradient of {name} {what}", name=name, what=what)
    return (Trial(text, gradient_rerun(of, *edits), "gradient"),)
