"""Finite numbers written in a program that are larger than the dtype of the tensor that is made of them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import numpy as np

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LARGEST = float(np.finfo(np.float32).max)
_MAKERS = frozenset({"tensor", "as_tensor", "Tensor", "FloatTensor", "full"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="literal-beyond-float32",
            family="overflows",
            title=said("A number is written that float32 does not hold"),
            explanation=said(
                "A Python float is a float64 and reaches 1.8e308. torch.tensor makes float32 of it, which ends at "
                "{largest}: what is larger becomes inf or -inf (overflow) without a word.",
                largest=f"{_LARGEST:.2g}",
            ),
            words=("large numbers become inf in torch.tensor", "1e39 is inf in float32", "float literal overflow nan"),
            losses=frozenset(),
            trigger=_beyond,
            positive=_HEAD + "F.mse_loss(torch.tensor([1e39, 2.0]), torch.tensor([0.0, 1.0]))",
            control=_HEAD + "F.mse_loss(torch.tensor([1e19, 2.0]), torch.tensor([0.0, 1.0]))",
            concern="non-finite",
            dominates=frozenset({"not-finite-before-torch", "nonfinite-input", "inf-minus-inf"}),
        ),
    )


def _beyond(scene: Scene) -> Suspicion | None:
    """The subject holds nan or inf, and so does a tensor that was made of a finite number."""
    recording, subject = scene.recording, scene.recording.subject
    if subject is None or not is_spoiled(recording.known(subject)):
        return None
    behind = [id for id in ancestors(recording.calls, [subject])[0] if is_spoiled(recording.tensors.get(id))]
    if not any(scene.is_given(id) and recording.tensors[id].dtype == "float32" for id in behind):
        return None
    source = Source(recording.source)
    made = [(call, found) for call in source.calls() if (found := list(_too_large(call)))]
    if not made:
        return None
    wider = _in_float64(source, [call for call, _ in made])
    trials = () if wider is None else (Trial(said("with these numbers in float64"), source_rerun(wider)),)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: {number} is more than float32 holds, so it is {made} in the tensor that is made of it.",
            value=stated(scene),
            number=f"{made[0][1][0]:g}",
            made=number(math.copysign(math.inf, made[0][1][0])),
        ),
        evidence=(said("float32 ends at {largest}.", largest=f"{_LARGEST:.2g}"),),
        trials=trials,
        fix=fixes.fix(scene, wider, "likely", said("Make the tensor in float64, or scale the numbers down.")),
    )


def _too_large(call: ast.Call) -> Iterator[float]:
    """The finite numbers beyond float32 of which a call makes a tensor, unless it says another dtype."""
    if last_name(call.func) not in _MAKERS or any(keyword.arg == "dtype" for keyword in call.keywords):
        return
    for node in ast.walk(call):
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=float() as x)) if _LARGEST < x < math.inf:
                yield -x
            case ast.Constant(value=float() as x) if _LARGEST < x < math.inf:
                yield x
            case _:
                pass


def _in_float64(source: Source, made: list[ast.Call]) -> str | None:
    """The program with these tensors in float64; None where a constructor takes no dtype."""
    if any(last_name(call.func) in ("Tensor", "FloatTensor") for call in made):
        return None
    ends = sorted((source.piece(call)[1] - 1 for call in made), reverse=True)
    text = source.text
    for end in ends:
        text = text[:end].rstrip().removesuffix(",") + ", dtype=torch.float64" + text[end:]
    return text
