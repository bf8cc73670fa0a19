"""Numbers written in a program that are larger, or smaller, than the dtype of the tensor that is made of them holds."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator

import numpy as np

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
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
        Rule(
            slug="literal-below-float32",
            family="overflows",
            title=said("A number is written that float32 rounds to 0"),
            explanation=said(
                "A Python float is a float64, whose smallest numbers are near 5e-324. torch.tensor makes float32 of "
                "it, whose smallest is {smallest}: what is closer to 0 becomes 0 (underflow), and its logarithm -inf. "
                "Give log_softmax the raw scores, or keep what is under a logarithm above 1e-12.",
                smallest=f"{_SMALLEST:.2g}",
            ),
            words=("log of 1e-100 is -inf", "tiny number becomes 0 in torch.tensor", "1e-50 underflow float32"),
            losses=frozenset(),
            trigger=_below,
            positive=_HEAD + "torch.log(torch.tensor([1e-100, 2.0])).sum()",
            control=_HEAD + "torch.log(torch.tensor([1e-30, 2.0])).sum()",
            concern="non-finite",
            dominates=frozenset({"log-of-nonpositive", "zero-times-log-zero", "infinity-times-zero"}),
        ),
    )


def _beyond(scene: Scene) -> Suspicion | None:
    """The subject holds nan or inf, and so does a tensor that was made of a finite number."""
    made = _made(scene, _is_too_large, lambda held: not bool(np.isfinite(held).all()))
    if made is None:
        return None
    calls, first = made
    return _suspicion(
        scene,
        calls,
        said(
            "{value}: {number} is more than float32 holds, so it is {made} in the tensor that is made of it.",
            value=stated(scene),
            number=f"{first:g}",
            made=number(math.copysign(math.inf, first)),
        ),
        said("float32 ends at {largest}.", largest=f"{_LARGEST:.2g}"),
        said("Make the tensor in float64, or scale the numbers down."),
    )


def _below(scene: Scene) -> Suspicion | None:
    """The subject holds nan or inf, and a tensor that was made of a number other than 0 holds a 0."""
    made = _made(scene, _is_too_small, lambda held: bool((held == 0).any()))
    if made is None:
        return None
    calls, first = made
    return _suspicion(
        scene,
        calls,
        said(
            "{value}: {number} is less than float32 holds, so it is 0 in the tensor that is made of it.",
            value=stated(scene),
            number=f"{first:g}",
        ),
        said("The smallest number of float32 above 0 is {smallest}.", smallest=f"{_SMALLEST:.2g}"),
        said("Make the tensor in float64, or keep the numbers away from 0."),
    )


def _made(
    scene: Scene, lost: Callable[[float], bool], shows: Callable[[Floats], bool]
) -> tuple[list[ast.Call], float] | None:
    """The calls that make a float32 tensor of a number that it does not hold, and the first such number."""
    recording, subject = scene.recording, scene.recording.subject
    if subject is None or not is_spoiled(recording.known(subject)):
        return None
    behind = [id for id in ancestors(recording.calls, [subject])[0] if scene.is_given(id)]
    held = [x for id in behind if recording.tensors[id].dtype == "float32" and (x := scene.held(id)) is not None]
    if not any(shows(x) for x in held):
        return None
    calls = [(call, found) for call in Source(recording.source).calls() if (found := list(_literals(call, lost)))]
    return ([call for call, _ in calls], calls[0][1][0]) if calls else None


def _suspicion(scene: Scene, calls: list[ast.Call], verdict: Message, limit: Message, note: Message) -> Suspicion:
    wider = _in_float64(Source(scene.recording.source), calls)
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(limit,),
        trials=() if wider is None else (Trial(said("with these numbers in float64"), source_rerun(wider)),),
        fix=fixes.fix(scene, wider, "likely", note),
    )


def _is_too_large(x: float) -> bool:
    return _LARGEST < abs(x) < math.inf


def _is_too_small(x: float) -> bool:
    return 0 < abs(x) <= _SMALLEST / 2


def _literals(call: ast.Call, lost: Callable[[float], bool]) -> Iterator[float]:
    """Such numbers among those of which a call makes a tensor, unless it says another dtype."""
    if last_name(call.func) not in _MAKERS or any(keyword.arg == "dtype" for keyword in call.keywords):
        return
    for node in ast.walk(call):
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=float() as x)) if lost(x):
                yield -x
            case ast.Constant(value=float() as x) if lost(x):
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
