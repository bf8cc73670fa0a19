"""What float32 and printing leave of a number: harmless rounding, and where it is not."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, set_to, swapped, wrapped
from explainers.diagnoses.expectations import behaves
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said
from explainers.recording import Call

_STEPS = 4
"""Neighbouring float32 that two results of the same formula may be apart."""

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_CE = frozenset({"cross_entropy"})
_LARGEST_EXPONENT = math.log(float(np.finfo(np.float32).max))
_MANY = 10_000
_NORMED = "net = nn.BatchNorm1d(2)\nx = torch.tensor([[1.0, 2.0], [3.0, 5.0], [4.0, 0.5]])\n"
_NET = "torch.manual_seed(0)\nnet = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)){}\nx = torch.ones(2, 4)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="float32-rounded-to-zero",
            family="precision",
            title=said("So small that float32 rounds it to 0"),
            explanation=said(
                "1 plus a number below 6e-8 is 1 in float32, and its logarithm 0. The exact loss is positive; from a "
                "gap of 24·ln 2 ≈ {gap} between the right score and the others on, float32 gives exactly 0.",
                gap=number(24 * math.log(2)),
            ),
            words=("cross entropy exactly 0", "loss exactly zero", "loss becomes 0 with large logits"),
            losses=_CE,
            trigger=_rounded_to_zero,
            positive=_HEAD + "F.cross_entropy(torch.tensor([[20.0, 0.0, 0.0]]), torch.tensor([0]))",
            control=_HEAD + "F.cross_entropy(torch.tensor([[10.0, 0.0, 0.0]]), torch.tensor([0]))",
            harmless=True,
        ),
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
            slug="display-rounding",
            family="precision",
            title=said("The two numbers differ by rounding alone"),
            explanation=said("print shows four digits of a tensor; .item() gives all that float32 holds, about seven."),
            words=("print shows rounded loss", "tensor prints 4 digits", "0.5514 or 0.551445"),
            losses=frozenset(),
            trigger=_two_roundings,
            positive=_HEAD + "F.mse_loss(torch.tensor([0.7425932]), torch.tensor([0.0]))",
            positive_claims=(Claim("printed", 0.5514, 5e-5, "0.5514"), Claim("expected", 0.551445, 5e-7, "0.551445")),
            control=_HEAD + "F.mse_loss(torch.tensor([0.7425932]), torch.tensor([0.0]))",
            control_claims=(Claim("printed", 0.5514, 5e-5, "0.5514"),),
            harmless=True,
        ),
        Rule(
            slug="shift-invariance",
            family="precision",
            title=said("A number added to all scores changes nothing"),
            explanation=said("Softmax sees differences of scores alone: a common offset of a row cancels out."),
            words=("softmax shift invariant", "adding a constant to logits", "large logits same loss"),
            losses=_CE,
            trigger=_far_from_zero,
            positive=_HEAD + "F.cross_entropy(torch.tensor([[101.0, 100.0, 100.0]]), torch.tensor([0]))",
            control=_HEAD + "F.cross_entropy(torch.tensor([[1.0, 0.5, -2.0]]), torch.tensor([0]))",
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
        Rule(
            slug="soft-margin-overflow",
            family="precision",
            title=said("The exponential inside soft_margin_loss overflows"),
            explanation=said(
                "soft_margin_loss computes log(1 + exp(-y * x)) as it is written. exp overflows float32 beyond {most}, "
                "and the loss is inf, where softplus or binary_cross_entropy_with_logits give −y·x.",
                most=f"{_LARGEST_EXPONENT:.2f}",
            ),
            words=("soft_margin_loss inf", "soft margin overflow", "SoftMarginLoss infinite"),
            losses=frozenset({"soft_margin_loss"}),
            trigger=_exponential_overflows,
            positive=_HEAD + "F.soft_margin_loss(torch.tensor([100.0]), torch.tensor([-1.0]))",
            control=_HEAD + "F.soft_margin_loss(torch.tensor([80.0]), torch.tensor([-1.0]))",
            concern="non-finite",
        ),
        Rule(
            slug="train-mode-noise",
            unedited="Which of the asker's lines evaluate and which train is not known.",
            family="precision",
            title=said("Dropout draws anew at every call"),
            explanation=said(
                "In training mode dropout sets other elements to 0 at every call, and batch norm uses the statistics "
                "of the batch. So the same input gives another loss each time; evaluate with model.eval(). A training "
                "loss is also an average over the epoch, while the model still learns: with dropout it is often above "
                "the validation loss, which is taken afterwards and without dropout."
            ),
            words=(
                "loss changes every time",
                "different loss same input",
                "dropout random loss",
                "model.eval() loss differs",
                "train and eval loss differ",
                "training loss is higher than validation loss",
                "validation loss lower than training loss",
                "dropout training loss higher",
            ),
            losses=frozenset(),
            trigger=_noisy,
            positive=_HEAD + _NET.format("") + "F.cross_entropy(net(x), torch.tensor([0, 1]))",
            positive_claims=(Claim("behaviour", "random", text="another number each time"),),
            control=_HEAD + _NET.format(".eval()") + "F.cross_entropy(net(x), torch.tensor([0, 1]))",
            control_claims=(Claim("behaviour", "random", text="another number each time"),),
        ),
        Rule(
            slug="batch-norm-in-two-modes",
            unedited="Which of the two numbers the asker wants is not known.",
            family="precision",
            title=said("Batch norm computes otherwise in training than in evaluation"),
            explanation=said(
                "In training mode batch norm subtracts the mean of the batch and divides by its standard deviation; in "
                "evaluation mode it takes the running statistics instead, which after few steps are still near the 0 "
                "and 1 that they start from. The same input and weights then give two losses, and neither is wrong."
            ),
            words=("BatchNorm train and eval mode differ", "batch norm running statistics loss differs"),
            losses=frozenset(),
            trigger=_in_two_modes,
            positive=_HEAD + _NORMED + "print(F.mse_loss(net(x), x))\nnet.eval()\nprint(F.mse_loss(net(x), x))",
            control=_HEAD + _NORMED + "print(F.mse_loss(net(x), x))\nprint(F.mse_loss(2 * net(x), x))",
        ),
    )


def _rounded_to_zero(scene: Scene) -> Suspicion | None:
    if scene.value != 0 or scene.given("input").dtype != "float32" or scene.given("target").floating:
        return None
    rows, y = class_rows(scene), scene.array("target").astype(np.int64).reshape(-1)
    kept = (y >= 0) & (y < rows.shape[1]) & (y != scene.option("ignore_index", -100))
    if len(y) != len(rows) or not kept.any() or rows.shape[1] < 2:
        return None
    exact = _log_sum_of_others(rows[kept], y[kept])
    return Suspicion(
        at=scene.call.index,
        verdict=_too_small(scene, float(exact.mean())),
        evidence=(said("Row 0 of the input is {row}.", row=row(rows[0])),),
        trials=(
            Trial(said("in float64"), graph_rerun(float64=True), "illustration"),
            Trial(said("with a tenth of the scores"), graph_rerun(scaled(scene.call, "input", 0.1)), "illustration"),
        ),
    )


def _too_small(scene: Scene, exact: float) -> Message:
    """With the exact loss, or where float64 has no number for it the least one of float64, which it is below."""
    if not exact:
        least = f"{float(np.finfo(np.float64).smallest_subnormal):.0e}"
        return said(
            "{value} is rounded: exactly it is above 0 but below {least}, too small for float32 beside 1.",
            value=stated(scene),
            least=least,
        )
    return said(
        "{value} is rounded: exactly it is {exact}, too small for float32 beside 1.",
        value=stated(scene),
        exact=number(exact),
    )


def _log_sum_of_others(rows: Floats, y: np.ndarray) -> Floats:
    """log(1 + Σ e^(z_j − z_t)) over the other classes, without rounding it away."""
    gaps = rows - rows[np.arange(len(y)), y][:, None]
    others = np.where(np.arange(rows.shape[1]) == y[:, None], -np.inf, gaps)
    return np.log1p(np.exp(others).sum(axis=1))


def _two_roundings(scene: Scene) -> Suspicion | None:
    value = scene.value
    stated_ = [c for c in scene.claims if isinstance(c.value, float | int) and c.kind != "behaviour"]
    if value is None or not any(c.kind == "expected" for c in stated_) or len({c.value for c in stated_}) < 2:
        return None
    if not all(c.agrees(value) for c in stated_) or value == 0:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is all of your numbers: they differ by rounding alone.", value=stated(scene)),
        evidence=(said("In full the value is {full}.", full=f"{value:.9g}"),),
        trials=(Trial(said("in float64"), graph_rerun(float64=True), "illustration"),),
    )


def _far_from_zero(scene: Scene) -> Suspicion | None:
    rows = class_rows(scene)
    offset = float(rows.mean())
    if rows.shape[1] < 2 or not abs(offset) > 10 or not np.isfinite(rows).all():
        return None
    if not abs(offset) > 20 * max(float((rows.max(axis=1) - rows.min(axis=1)).max()), 0.5):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} depends on differences alone: the common offset of {offset} cancels out.",
            value=stated(scene),
            offset=number(offset),
        ),
        evidence=(said("Row 0 of the input is {row}.", row=row(rows[0])),),
        trials=(
            Trial(
                said("with {offset} subtracted", offset=number(offset)),
                graph_rerun(wrapped(scene.call, "input", "torch.sub", other=offset)),
                "equivalent",
            ),
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


def _exponential_overflows(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    exponent = float((-y * x).max()) if x.size else 0.0
    if not exponent > _LARGEST_EXPONENT or scene.given("input").dtype != "float32":
        return None
    swap = swapped(scene.call, "torch.nn.functional.binary_cross_entropy_with_logits", "input", "target", "reduction")
    signs = (wrapped(scene.call, "target", "torch.add", other=1.0), scaled(scene.call, "target", 0.5))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: exp({exponent}) overflows float32, whose largest number is 3.4e38.",
            value=stated(scene),
            exponent=number(exponent),
        ),
        evidence=(
            said(
                "-y * x is {exponent}; exp overflows beyond {most}.",
                exponent=number(exponent),
                most=f"{_LARGEST_EXPONENT:.2f}",
            ),
        ),
        trials=(Trial(said("with binary_cross_entropy_with_logits of labels (y + 1) / 2"), graph_rerun(swap, *signs)),),
        fix=fixes.fix(
            scene,
            fixes.softplus_instead(scene),
            "safe",
            said("Use F.softplus(-y * x).mean(), or binary_cross_entropy_with_logits."),
        ),
    )


def _in_two_modes(scene: Scene) -> Suspicion | None:
    own = [c for c in scene.needed() if short(c) == "batch_norm"]
    modes = {c.argument("training") for c in own}
    others = {c.argument("training") for c in scene.recording.calls if short(c) == "batch_norm"} - modes
    if not scene.recording.others or len(modes) != 1 or not others:
        return None
    trains = modes == {True}
    what = said("with the running statistics, as by eval()") if trains else said("with the statistics of the batch")
    return Suspicion(
        at=own[0].index,
        verdict=said(
            "{value} comes of the statistics of the batch: batch norm is in training mode.", value=stated(scene)
        )
        if trains
        else said("{value} comes of running statistics: batch norm is in evaluation mode.", value=stated(scene)),
        evidence=(said("Other calls of batch norm in this program run with training={mode}.", mode=str(not trains)),),
        trials=(Trial(what, graph_rerun(*(set_to(c, "training", not trains) for c in own)), "illustration"),),
        fix=fixes.fix(
            scene, None, "safe", said("Call model.eval() before you evaluate, model.train() before you train.")
        ),
    )


def _noisy(scene: Scene) -> Suspicion | None:
    drawn = [
        c for c in scene.needed() if short(c).endswith("dropout") and c.argument("training") is True and c.argument("p")
    ]
    batch = [c for c in scene.needed() if short(c) == "batch_norm" and c.argument("training") is True]
    if not drawn or not (behaves(scene, "random") or len(scene.recording.others) > 0):
        return None
    still = (set_to(c, "training", False) for c in drawn)
    return Suspicion(
        at=drawn[0].index,
        verdict=said(
            "{value} is one draw: dropout is in training mode and chooses anew at every call.", value=stated(scene)
        ),
        evidence=(
            said(
                "{dropout} calls of dropout and {norms} of batch norm run with training=True.",
                dropout=len(drawn),
                norms=len(batch),
            ),
        ),
        trials=(Trial(said("with dropout switched off, as by eval()"), graph_rerun(*still)),),
        fix=fixes.fix(
            scene, None, "safe", said("Call model.eval() before you evaluate, model.train() before you train.")
        ),
    )
