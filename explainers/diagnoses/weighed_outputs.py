"""backward(v) of several numbers: each entry's derivative is multiplied by v's, so that the gradient is another one."""

from __future__ import annotations

import ast

import numpy as np

from explainers.claims import Claim, expected
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import gradient_rerun
from explainers.diagnoses.expectations import flat
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import row
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\n\nx = torch.tensor([2.0, 4.0], requires_grad=True)\nout = x * x\n"
_READS = "torch.Tensor.grad"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="backward-weighs-outputs",
            family="expected-gradients",
            title=said("What backward() is given multiplies the gradient"),
            explanation=said(
                "backward() starts from one number. Of a tensor it wants a weight for each entry: out.backward(v) "
                "gives the gradient of the sum Σ v · out, a vector-Jacobian product, so each derivative is "
                "multiplied by its weight. With ones it is that of out.sum()."
            ),
            words=("backward gradient argument", "backward with a tensor as argument", "vector-Jacobian product"),
            losses=frozenset(),
            trigger=_weighed,
            positive=_HEAD + "out.backward(x)\nprint(x.grad)",
            positive_claims=(Claim("expected", (4.0, 8.0), 0.05, "[4, 8]"),),
            control=_HEAD + "out.backward(torch.ones(2))\nprint(x.grad)",
            control_claims=(Claim("expected", (4.0, 8.0), 0.05, "[4, 8]"),),
            concern="gradient",
        ),
    )


def _weighed(scene: Scene) -> Suspicion | None:
    backward = next((c for c in reversed(scene.recording.calls) if short(c) == "backward" and c.inputs()), None)
    weights = None if backward is None else scene.recording.known(backward.ref("gradient"))
    if backward is None or weights is None or weights.data is None or (weights.array() == 1).all():
        return None
    for call in scene.recording.calls:
        held = scene.recording.known(call.outputs[0]) if call.function == _READS and call.outputs else None
        wanted = None if held is None or held.data is None else _wanted(scene, held)
        if held is not None and wanted is not None:
            return _suspicion(scene, backward, weights, call.inputs()[0], held, wanted)
    return None


def _wanted(scene: Scene, held: Tensor) -> Claim | None:
    """What is expected in the place of a gradient of as many numbers."""
    found = (c for c in expected(scene.claims) if isinstance(c.value, tuple) and len(flat(c.value)) == held.elements)
    return next(found, None)


def _suspicion(scene: Scene, backward: Call, weights: Tensor, leaf: int, held: Tensor, wanted: Claim) -> Suspicion:
    name = scene.recording.tensors[leaf].name or "the input"
    plain = gradient_rerun(leaf, start=backward.inputs()[0])
    return Suspicion(
        backward.index,
        said("{name}.grad is {held}, not {wanted}: what backward() is given in line {line} multiplies each derivative.",
             name=name, held=row(held.array().astype(np.float64).reshape(-1)), wanted=wanted.text,
             line=line_of(backward)),
        (said("The weights are {weights}.", weights=row(weights.array().astype(np.float64).reshape(-1))),),
        (Trial(said("the gradient of {name} {what}", name=name, what=said("with weights of 1")), plain, "gradient",
               wanted=wanted),),
        fixes.fix(scene, _with_ones(scene, backward), "likely",
                  said("Give backward() ones, or call it on the sum.")),
        only_proven=True,
    )  # fmt: skip


def _with_ones(scene: Scene, backward: Call) -> str | None:
    source = Source(scene.recording.source)
    node = source.call_at(backward.span)
    if node is None or not isinstance(node.func, ast.Attribute) or not node.args:
        return None
    return source.replaced(source.piece(node.args[0]), f"torch.ones_like({source.written(node.func.value)})")
