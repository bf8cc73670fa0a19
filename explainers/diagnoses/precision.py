"""What float32 and printing leave of a number: harmless rounding, and where it is not."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_rows
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, swapped, wrapped
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_CE = frozenset({"cross_entropy"})
_LARGEST_EXPONENT = math.log(float(np.finfo(np.float32).max))


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


_COARSE = 0.02
"""Half a unit of a number's last digit, relative to it: 0.1 beside 0.1054 is another number that was reckoned."""


def _two_roundings(scene: Scene) -> Suspicion | None:
    value = scene.value
    stated_ = [c for c in scene.claims if isinstance(c.value, float | int) and c.kind != "behaviour"]
    if value is None or not any(c.kind == "expected" for c in stated_) or len({c.value for c in stated_}) < 2:
        return None
    if not all(c.agrees(value) for c in stated_) or value == 0 or any(c.radius > _COARSE * abs(value) for c in stated_):
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
