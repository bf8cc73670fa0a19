"""Two definitions of one name: factors, roots, bases and clips that torch has or has not."""

from __future__ import annotations

import math

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import class_dim, class_rows, softmax
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, swapped, wrapped
from explainers.diagnoses.expectations import is_subject, seeks, sought
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, of_call
from explainers.messages import said
from explainers.recording import Argument
from explainers.reruns import Edit, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LOGS = frozenset({"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"})
_LOGITS = "logits = torch.tensor([[30.0, 10.0, 10.0], [-10.0, 20.0, 50.0]])\ntarget = torch.tensor([0, 1])\n"
_ERROR = "input = torch.tensor([4.0, 0.1])\ntarget = torch.zeros(2)\n"
_KERAS = 1e-7


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="mse-no-half",
            family="definitions",
            title=said("torch has no ½ in the squared error"),
            explanation=said(
                "Textbooks often write ½·(x − y)², so that the derivative is x − y. torch leaves the ½ out: "
                "its derivative is 2·(x − y)."
            ),
            words=("mse factor 1/2", "mse half", "why no 0.5 in MSELoss", "mse twice as large"),
            losses=frozenset({"mse_loss"}),
            trigger=_no_half,
            positive=_HEAD + "F.mse_loss(torch.tensor([3.0]), torch.tensor([0.0]))",
            positive_claims=(Claim("expected", 4.5, text="4.5"),),
            control=_HEAD + "0.5 * F.mse_loss(torch.tensor([3.0]), torch.tensor([0.0]))",
            control_claims=(Claim("expected", 4.5, text="4.5"),),
        ),
        Rule(
            slug="rmse-vs-mse",
            family="definitions",
            title=said("The root of the mean squared error was expected"),
            explanation=said(
                "mse_loss is in squared units; its square root, RMSE, is in the units of the data. At 0 the "
                "root has no finite gradient."
            ),
            words=("rmse vs mse", "root mean squared error", "mse square root"),
            losses=frozenset({"mse_loss"}),
            trigger=_no_root,
            positive=_HEAD + "F.mse_loss(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 0.0]))",
            positive_claims=(Claim("expected", 2.1213, 5e-5, "2.1213"),),
            control=_HEAD + "F.mse_loss(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 0.0])).sqrt()",
            control_claims=(Claim("expected", 2.1213, 5e-5, "2.1213"),),
        ),
        Rule(
            slug="log-base-nats-vs-bits",
            unedited="Nothing is wrong with the loss: the unit of a report is the asker's.",
            family="definitions",
            title=said("Another base of the logarithm was expected"),
            explanation=said(
                "torch takes natural logarithms (nats). In bits the value is divided by ln 2 ≈ {bit}, to base "
                "10 by ln 10 ≈ {dit}.",
                bit=number(math.log(2)),
                dit=number(math.log(10)),
            ),
            words=(
                "bits per character",
                "bits per char and cross entropy in nats",
                "log base 2",
                "nats or bits",
                "cross entropy log10",
                "natural log or log2",
            ),
            losses=_LOGS,
            trigger=_other_base,
            positive=_HEAD + "F.cross_entropy(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))",
            positive_claims=(Claim("expected", 0.1831, 5e-5, "0.1831"),),
            control=_HEAD + "F.cross_entropy(torch.tensor([[2.0, 0.0]]), torch.tensor([0])) / torch.tensor(2.0).log()",
            control_claims=(Claim("expected", 0.1831, 5e-5, "0.1831"),),
        ),
        Rule(
            slug="huber-vs-smoothl1-scale",
            family="definitions",
            title=said("huber_loss and smooth_l1_loss differ by a factor of delta"),
            explanation=said(
                "huber_loss with delta is delta times smooth_l1_loss with beta = delta: smooth_l1 is divided "
                "by beta. They are equal for 1 alone (delta=1, beta=1). The smooth L1 of object detectors is often "
                "written with σ: ½(σx)² below 1/σ², |x| − ½/σ² beyond. That is smooth_l1_loss with beta = 1/σ², the "
                "Huber loss of delta = 1/σ² times the factor σ²."
            ),
            words=(
                "huber vs smooth l1",
                "huber_loss and smooth_l1_loss",
                "SmoothL1Loss beta HuberLoss delta",
                "smooth L1 with sigma is not the textbook Huber loss",
            ),
            losses=frozenset({"huber_loss", "smooth_l1_loss"}),
            trigger=_scaled,
            dominates=frozenset({"reduction-expected-sum"}),
            positive=_HEAD + _ERROR + "F.huber_loss(input, target, delta=0.25)",
            positive_claims=(Claim("expected", 1.9475, 5e-5, "1.9475"),),
            control=_HEAD + _ERROR + "F.huber_loss(input, target)",
            control_claims=(Claim("expected", 1.9475, 5e-5, "1.9475"),),
        ),
        Rule(
            slug="keras-clipped-probabilities",
            unedited="The change belongs in the other framework's program.",
            family="definitions",
            title=said("Keras clips probabilities at 1e-7"),
            explanation=said(
                "From probabilities Keras clips them to [1e-7, 1 − 1e-7] (its epsilon) before the logarithm, "
                "so no term is larger than −log(1e-7) ≈ {most}. torch works from logits with log-sum-exp, "
                "where a tiny probability loses nothing.",
                most=f"{-math.log(1e-7):.3f}",
            ),
            words=(
                "keras cross entropy differs from torch",
                "tensorflow clip epsilon 1e-7",
                "categorical_crossentropy 16.118",
                "from_logits differs",
            ),
            losses=frozenset({"cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits"}),
            trigger=_clipped,
            positive=_HEAD + _LOGITS + "F.cross_entropy(logits, target)",
            positive_claims=(Claim("expected", 8.059, 5e-4, "8.059"),),
            control=_HEAD + _LOGITS + "F.cross_entropy(logits / 10, target)",
            control_claims=(Claim("expected", 8.059, 5e-4, "8.059"),),
        ),
    )


def _no_half(scene: Scene) -> Suspicion | None:
    if scene.value is None or not is_subject(scene) or scene.value == 0 or not sought(scene, scene.value / 2):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is the squared error without a factor ½.", value=of_call(scene)),
        evidence=(said("The value is 2 times the one with the factor."),),
        trials=(Trial(said("with the factor ½"), graph_rerun(followed_by(scene.call, "torch.mul", other=0.5))),),
        fix=fixes.fix(
            scene, fixes.result_followed(scene, "0.5 * {}"), "choose", said("Multiply by 0.5, if you want the ½.")
        ),
    )


def _no_root(scene: Scene) -> Suspicion | None:
    if scene.value is None or not is_subject(scene) or scene.value <= 0 or not sought(scene, math.sqrt(scene.value)):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is the mean squared error, not its square root.", value=of_call(scene)),
        evidence=(said("√{value} = {root}.", value=of_call(scene), root=number(math.sqrt(scene.value))),),
        trials=(Trial(said("with the square root"), graph_rerun(followed_by(scene.call, "torch.sqrt"))),),
        fix=fixes.fix(scene, fixes.result_followed(scene, "{}.sqrt()"), "choose", said("Take the square root.")),
    )


_COARSEST = 0.05
"""Of an expected number that is to be another by a factor: 0.1 could be any of a third around it."""


def _other_base(scene: Scene) -> Suspicion | None:
    if scene.value is None or not is_subject(scene) or scene.value == 0:
        return None
    base = next((b for b in (2, 10) if sought(scene, scene.value / math.log(b), _COARSEST)), None)
    if base is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is in natural logarithms, not in those to base {base}.", value=of_call(scene), base=base),
        evidence=(said("The ratio of the two is ln {base} = {log}.", base=base, log=number(math.log(base))),),
        trials=(
            Trial(
                said("divided by ln {base}", base=base),
                graph_rerun(followed_by(scene.call, "torch.div", other=math.log(base))),
            ),
        ),
        fix=fixes.fix(
            scene,
            None,
            "choose",
            said("Divide by ln {base} for reports; for training it makes no difference.", base=base),
        ),
    )


def _scaled(scene: Scene) -> Suspicion | None:
    name, other, mine, theirs = ("huber_loss", "smooth_l1_loss", "delta", "beta")
    if scene.name == "smooth_l1_loss":
        name, other, mine, theirs = other, name, theirs, mine
    size = scene.option(mine, 1.0)
    if scene.value is None or not is_subject(scene) or size in (0.0, 1.0):
        return None
    counterpart = scene.value / size if name == "huber_loss" else scene.value * size
    beside = any(short(c) == other for c in scene.recording.calls)
    if not beside and not sought(scene, counterpart):
        return None
    kept = tuple(a for a in scene.call.arguments if a.name in ("input", "target"))
    given = (*kept, Argument("reduction", scene.reduction), Argument(theirs, size))
    swap = SwapFunction(scene.call.index, f"torch.nn.functional.{other}", given)
    renaming = fixes.renamed(
        scene,
        scene.call,
        (name, other),
        ("HuberLoss", "SmoothL1Loss") if name == "huber_loss" else ("SmoothL1Loss", "HuberLoss"),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} and the other loss differ by a factor of {mine}: {name} is {formula}.",
            value=of_call(scene),
            mine=mine,
            name=name,
            formula=f"{mine} · {other}" if name == "huber_loss" else f"{other} / {mine}",
        ),
        evidence=(said("{mine} is {size}; with 1 the two are equal.", mine=mine, size=number(size)),),
        trials=(
            Trial(
                said("{other} with {theirs}={size}", other=other, theirs=theirs, size=number(size)), graph_rerun(swap)
            ),
        ),
        fix=fixes.fix(
            scene,
            renaming and renaming.replace(f"{mine}=", f"{theirs}="),
            "choose",
            said("Choose one of the two and scale the learning rate with it."),
        ),
    )


def _clipped(scene: Scene) -> Suspicion | None:
    if (
        scene.value is None
        or not is_subject(scene)
        or scene.call.ref("weight") is not None
        or scene.reduction == "none"
        or scene.option("label_smoothing", 0.0)
        or not seeks(scene)
    ):
        return None
    items = _classes_clipped(scene) if scene.name == "cross_entropy" else _labels_clipped(scene)
    if items is None or float(items.max(initial=0.0)) < -math.log(_KERAS) - 1e-6:
        return None
    if not sought(scene, float(items.mean() if scene.reduction == "mean" else items.sum())):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is exact; Keras clips the probabilities at 1e-7 and gives another number.",
            value=of_call(scene),
        ),
        evidence=(
            said(
                "The largest term is {largest} when clipped: −log(1e-7) = {most}.",
                largest=number(float(items.max())),
                most=f"{-math.log(_KERAS):.3f}",
            ),
        ),
        trials=(Trial(said("with probabilities clipped to [1e-7, 1 − 1e-7]"), graph_rerun(*_clipping(scene))),),
        fix=fixes.fix(scene, None, "choose", said("Nothing to mend in torch; in Keras use from_logits=True.")),
    )


def _classes_clipped(scene: Scene) -> Floats | None:
    rows = class_rows(scene)
    if not np.isfinite(rows).all():
        return None
    p = np.clip(softmax(rows), _KERAS, 1 - _KERAS)
    if scene.given("target").floating:
        t = np.moveaxis(scene.array("target"), class_dim(scene), -1).reshape(p.shape)
        return -(t * np.log(p)).sum(axis=1)
    y = scene.array("target").astype(np.int64).reshape(-1)
    return -np.log(p[np.arange(len(y)), y]) if len(y) == len(p) and (y >= 0).all() and (y < p.shape[1]).all() else None


def _labels_clipped(scene: Scene) -> Floats | None:
    x, t = scene.array("input"), scene.array("target")
    p = x if scene.name == "binary_cross_entropy" else np.exp(-np.logaddexp(0, -x))
    p = np.clip(p, _KERAS, 1 - _KERAS)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)) if x.shape == t.shape else None


def _clipping(scene: Scene) -> tuple[Edit, ...]:
    clip = wrapped(scene.call, "input", "torch.clamp", min=_KERAS, max=1 - _KERAS)
    if scene.name == "binary_cross_entropy":
        return (clip,)
    if scene.name == "binary_cross_entropy_with_logits":
        kept = ("input", "target", "size_average", "reduce", "reduction")
        swap = swapped(scene.call, "torch.nn.functional.binary_cross_entropy", *kept)
        return (swap, wrapped(scene.call, "input", "torch.sigmoid"), clip)
    return (
        wrapped(scene.call, "input", "torch.softmax", dim=class_dim(scene)),
        clip,
        wrapped(scene.call, "input", "torch.log"),
    )
