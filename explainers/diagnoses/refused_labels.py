"""Label lists and class targets that the margin losses refuse, and half precision."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import described, number, shape
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[0.6, 0.5, -1.0], [0.2, 0.7, -0.3]])\n"
_MARGINS = frozenset({"multi_margin_loss", "multilabel_margin_loss"})
_HALVES = ("float16", "bfloat16")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="margin-target-dtype",
            family="refused-labels",
            title=said("Class indices of another dtype than int64"),
            explanation=said("The margin losses over classes read class indices, which have to be int64 (Long)."),
            words=("expected scalar type Long but found Int", "multi_margin_loss target dtype"),
            losses=_MARGINS,
            trigger=_dtype,
            positive=_HEAD + "F.multi_margin_loss(x, torch.tensor([0.0, 1.0]))",
            control=_HEAD + "F.multi_margin_loss(x, torch.tensor([0, 1]))",
            concern="exception",
            dominates=frozenset({"operand-dtypes"}),
        ),
        Rule(
            slug="margin-target-out-of-range",
            family="refused-labels",
            title=said("A class index that there is no class for"),
            explanation=said("C classes are numbered from 0 to C − 1; multilabel_margin_loss ends its lists with −1."),
            words=("target out of range", "argument #2 'target' is out of range"),
            losses=_MARGINS,
            trigger=_range,
            positive=_HEAD + "F.multi_margin_loss(x, torch.tensor([1, 3]))",
            control=_HEAD + "F.multi_margin_loss(x, torch.tensor([0, 2]))",
            concern="exception",
        ),
        Rule(
            slug="label-lists-not-padded",
            family="refused-labels",
            title=said("Label lists shorter than the number of classes"),
            explanation=said(
                "multilabel_margin_loss wants a target of the input's shape: each list of class indices filled up "
                "with −1 to as many entries as there are classes."
            ),
            words=("inconsistent target size", "MultiLabelMarginLoss target shape"),
            losses=frozenset({"multilabel_margin_loss"}),
            trigger=_unpadded,
            positive=_HEAD + "F.multilabel_margin_loss(x, torch.tensor([[0], [1]]))",
            control=_HEAD + "F.multilabel_margin_loss(x, torch.tensor([[0, -1, -1], [1, -1, -1]]))",
            concern="exception",
            dominates=frozenset({"arguments-do-not-fit"}),
        ),
        Rule(
            slug="no-half-precision",
            family="refused-labels",
            title=said("This loss has no half precision on the CPU"),
            explanation=said(
                "Some losses are written for float32 and float64 alone, among them multi_margin_loss, "
                "multilabel_margin_loss and ctc_loss."
            ),
            words=("not implemented for 'Half'", "not implemented for 'BFloat16'"),
            losses=frozenset({*_MARGINS, "ctc_loss"}),
            trigger=_half,
            positive=_HEAD + "F.multi_margin_loss(x.half(), torch.tensor([0, 1]))",
            control=_HEAD + "F.multi_margin_loss(x, torch.tensor([0, 1]))",
            concern="exception",
        ),
    )


def _dtype(scene: Scene) -> Suspicion | None:
    y = scene.given("target")
    if y.dtype == "int64":
        return None
    name = known_as(scene, "target")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}, but class indices have to be int64 (Long).", name=name, dtype=y.dtype),
        evidence=(described(name, y),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, target="{}.long()"), "likely", said("Make the indices whole numbers.")),
    )


def _range(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input"), scene.array("target")
    classes = x.shape[-1] if x.shape else 1
    least = -1 if scene.name == "multilabel_margin_loss" else 0
    wrong = y[(y < least) | (y >= classes)]
    if scene.given("target").floating or not wrong.size:
        return None
    from_one = least == 0 and y.min() >= 1 and y.max() == classes
    changed = (
        replaced(scene, target="{} - 1") if from_one else replaced(scene, target=f"{{}}.clamp({least}, {classes - 1})")
    )
    note = (
        said("If the classes are numbered from 1, take 1 away.") if from_one else said("Find out where it comes from.")
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} holds {value}, which is out of range: the {count} classes are numbered 0 to {last}.",
            name=known_as(scene, "target"),
            value=number(float(wrong[0])),
            count=classes,
            last=classes - 1,
        ),
        evidence=(
            said(
                "{name} has shape {shape}: its last axis has {count} classes.",
                name=known_as(scene, "input"),
                shape=shape(x.shape),
                count=classes,
            ),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "likely" if from_one else "choose", note),
    )  # fmt: skip


def _unpadded(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input"), scene.given("target")
    if x.shape == y.shape or len(x.shape) != len(y.shape) or x.shape[:-1] != y.shape[:-1] or y.shape[-1] > x.shape[-1]:
        return None
    missing = x.shape[-1] - y.shape[-1]
    padded = replaced(scene, target=f"torch.nn.functional.pad({{}}, (0, {missing}), value=-1)")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has shape {shape}, but has to be as wide as {input}, {other}: fill it up with −1.",
            name=known_as(scene, "target"),
            shape=shape(y.shape),
            input=known_as(scene, "input"),
            other=shape(x.shape),
        ),
        evidence=(said("On axis {axis} {count} entries are missing.", axis=len(y.shape) - 1, count=missing),),
        trials=(),
        fix=fixes.fix(scene, padded, "safe", said("Pad the lists with −1.")),
    )


def _half(scene: Scene) -> Suspicion | None:
    argument = "log_probs" if scene.name == "ctc_loss" else "input"
    x, raised = scene.given(argument), scene.recording.raised
    if x.dtype not in _HALVES or raised is None or raised.type != "NotImplementedError":
        return None
    name = known_as(scene, argument)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype}: {function} is not there in half precision.",
            name=name,
            dtype=x.dtype,
            function=scene.name,
        ),
        evidence=(described(name, x),),
        trials=(),
        fix=fixes.fix(
            scene, replaced(scene, **{argument: "{}.float()"}), "safe", said("Compute this loss in float32.")
        ),
    )
