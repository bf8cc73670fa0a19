"""What float32 leaves of sums and differences."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_STEPS = 4
"""Neighbouring float32 that two results of the same formula may be apart."""
_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_MANY = 10_000


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="float32-residue",
            family="precision",
            title=said("What is left is float32's rounding"),
            explanation=said(
                "A float32 has about 7 digits, so each number is rounded to its nearest neighbour. Where two that are "
                "equal on paper are subtracted, the difference of their roundings is left instead of 0."
            ),
            words=(
                "loss is 1e-7 instead of 0",
                "5.96e-08 instead of 0",
                "1.19e-07 not zero",
                "tiny number not exactly 0",
            ),
            losses=frozenset(),
            trigger=_residue,
            positive=_HEAD + "a, b = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 4.0, 6.0]])\n"
            "1 - F.cosine_similarity(a, b).sum()",
            control=_HEAD + "a, b = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 4.0, 5.0]])\n"
            "1 - F.cosine_similarity(a, b).sum()",
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="float32-sum-rounding",
            family="precision",
            title=said("Many numbers added up in float32"),
            explanation=said(
                "Every addition rounds to the 24 bits of float32 (single precision). A running sum of many terms "
                "accumulates that rounding; pairwise summation, which torch's sum and mean use, keeps it small, "
                "a norm or a loop does not. Neither of two such results is wrong; add in float64 to compare."
            ),
            words=(
                "sum of large tensor wrong",
                "float32 mean of large tensor",
                "L1Loss differs from mean for large tensors",
                "float32 accumulation error",
                "CPU and GPU differ",
            ),
            losses=frozenset(),
            about=frozenset({"l1_loss", "mse_loss"}),
            trigger=_rounded_sum,
            positive=_HEAD + "torch.full((100_000,), 0.1).norm(1)",
            control=_HEAD + "torch.full((100_000,), 0.1).sum()",
        ),
    )


def _residue(scene: Scene) -> Suspicion | None:
    subject = scene.recording.subject
    call = scene.makers.get(subject) if subject is not None else None
    if call is None or short(call) not in ("sub", "rsub") or scene.recording.tensors[call.outputs[0]].elements != 1:
        return None
    pair = [_operand_number(scene, call, name) for name in ("input", "other")]
    tensor = scene.recording.tensors[call.outputs[0]]
    if tensor.dtype != "float32" or pair[0] is None or pair[1] is None or tensor.data is None:
        return None
    left, step = abs(pair[0] - pair[1]), float(np.spacing(np.float32(max(abs(pair[0]), abs(pair[1])))))
    if not 0 < left <= _STEPS * step:
        return None
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is rounding: {a} − {b} in float32, whose neighbours are {step} apart there.",
            value=number(float(tensor.array().reshape(-1)[0])),
            a=f"{pair[0]:.9g}",
            b=f"{pair[1]:.9g}",
            step=number(step),
        ),
        evidence=(said("Both were rounded to float32 before one was subtracted from the other."),),
        trials=(Trial(said("in float64"), graph_rerun(float64=True), "illustration"),),
    )


def _operand_number(scene: Scene, call: Call, name: str) -> float | None:
    """The one number of an operand, a tensor's or a plain one."""
    given, id = call.argument(name), call.ref(name)
    held = scene.recording.tensors.get(id) if id is not None else None
    if held is not None:
        return float(held.array().reshape(-1)[0]) if held.data is not None and held.elements == 1 else None
    return float(given) if isinstance(given, int | float) else None


def _rounded_sum(scene: Scene) -> Suspicion | None:
    call = next((c for c in scene.needed() if short(c) in ("sum", "mean", "norm") and c.inputs()), None)
    given = None if call is None else scene.recording.tensors[call.inputs()[0]]
    held, subject = scene.value, scene.recording.subject
    if call is None or given is None or held is None or given.elements < _MANY or given.data is None:
        return None
    exact = float(_added(call, given.array().astype(np.float64)))
    if (
        subject not in call.outputs
        or (short(call) == "norm" and call.argument("p") != 1)
        or given.dtype != "float32"
        or not exact
        or abs(held - exact) <= 1e-6 * abs(exact)
    ):
        return None
    return _sum_suspected(scene, call, given.elements, exact, held)


def _added(call: Call, x: Floats) -> Floats:
    return np.asarray(np.abs(x).sum() if short(call) == "norm" else x.mean() if short(call) == "mean" else x.sum())


def _sum_suspected(scene: Scene, call: Call, elements: int, exact: float, held: float) -> Suspicion:
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is rounded at each of {count} additions in float32; exactly it is {exact}.",
            value=stated(scene),
            count=elements,
            exact=number(exact),
        ),
        evidence=(
            said(
                "{function} of {count} elements gives {held}, where float64 gives {exact}.",
                function=short(call),
                count=elements,
                held=f"{held:.7g}",
                exact=f"{exact:.9g}",
            ),
        ),
        trials=(Trial(said("in float64"), graph_rerun(float64=True)),),
        fix=fixes.fix(
            scene, fixes.in_float64(scene, call), "choose", said("Add in float64: .double() before the sum.")
        ),
    )
