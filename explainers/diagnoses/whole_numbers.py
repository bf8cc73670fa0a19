"""Whole numbers that pass what their dtype holds."""

from __future__ import annotations

from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import replaced
from explainers.diagnoses.scene import Scene, line_of
from explainers.diagnoses.wording import code_of, entry, stated
from explainers.messages import Message, said
from explainers.recording import Call
from explainers.wrapping import Wrapped
from explainers.wrapping import wrapped as wrapped_result

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_IMAGES = "image = torch.tensor([[10, 200]]{0})\nother = torch.tensor([[20, 180]]{0})\n"
_LOSS = "((image - other) ** 2).float().mean()"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="integer-wraps-around",
            family="precision",
            title=said("Whole numbers overflow their dtype and wrap around"),
            explanation=said(
                "An integer dtype holds only so many numbers: uint8 those from 0 to 255. What goes beyond overflows "
                "and starts again at the other end, modulo 256, without a warning. Convert to float before adding, "
                "subtracting or multiplying."
            ),
            words=(
                "uint8 overflow",
                "uint8 wraps around modulo 256",
                "byte tensor overflow metric",
                "iou of uint8 masks wrong",
                "uint8 images difference mse wrong",
                "integer overflow in loss",
            ),
            losses=frozenset(),
            about=frozenset({"mse_loss", "l1_loss"}),
            trigger=_wraps,
            positive=_HEAD + _IMAGES.format(", dtype=torch.uint8") + _LOSS,
            control=_HEAD + _IMAGES.format("") + _LOSS,
            handwritten=True,
        ),
    )


def _wraps(scene: Scene) -> Suspicion | None:
    found = next((w for call in scene.needed() if (w := wrapped_result(call, scene.recording)) is not None), None)
    if found is None:
        return None
    call = found.call
    operands = _integers(scene, call)
    texts = dict.fromkeys(operands, "{}.float()")
    changed = None if call.mutated else replaced(replace(scene, call=call), **texts)
    edits = (wrapped(call, name, "torch.Tensor.float") for name in operands)
    trial = Trial(said("with operands of float32"), graph_rerun(*edits))
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is computed from whole numbers that overflow: {exact} becomes {held} in {dtype}, in line {line}.",
            value=stated(scene),
            exact=found.exact,
            held=found.held,
            dtype=found.dtype,
            line=line_of(call),
        ),
        evidence=_told(scene, found),
        trials=() if call.mutated else (trial,),
        fix=fixes.fix(scene, changed, "safe", said("Convert to float before whole numbers are computed with.")),
    )


def _integers(scene: Scene, call: Call) -> tuple[str, ...]:
    """The arguments that are tensors of whole numbers."""
    tensors = scene.recording.tensors
    named = ((a.name, call.ref(a.name)) for a in call.arguments)
    return tuple(name for name, id in named if id is not None and not tensors[id].floating)


def _told(scene: Scene, found: Wrapped) -> tuple[Message, ...]:
    made = next(iter((*found.call.outputs, *(new for _, new in found.call.mutated))))
    tensor = scene.recording.tensors[made]
    return (
        said(
            "{name}{entry} should be {exact}. {dtype} holds {least} to {most}, so that {held} is left of it, as {held} "
            "= {exact} modulo {range}.",
            name=tensor.name or code_of(found.call),
            entry=entry(found.index),
            exact=found.exact,
            dtype=found.dtype,
            least=found.least,
            most=found.most,
            held=found.held,
            range=found.most - found.least + 1,
        ),
        said("{count} of {all} numbers are wrong for that reason.", count=found.count, all=tensor.elements),
    )
