"""Labels of a loss over classes: padding, the class axis, soft labels and smoothing."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, of_call, shape
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_SQUARE = "logits = torch.tensor([[[4.0, 0.0], [2.0, 4.5]]])\ntarget = torch.tensor([[0, 1]])\n"
_PADDED = "PAD = 0\nlogits = torch.tensor([[0.0, 3.0, 0.0], [1.0, 0.0, 3.0], [0.0, 2.0, 2.0]])\n"
_PAD_NAMES = ("pad", "pad_id", "pad_idx", "pad_index", "pad_token", "pad_token_id", "padding_idx", "padding_index")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-class-dim-ambiguous",
            family="class-labels",
            title=said("Which dimension holds the classes cannot be told from the shapes"),
            explanation=said(
                "cross_entropy takes dimension 1 for the classes. As dimensions 1 and 2 are equally long, no error can "
                "be raised where the classes stand last."
            ),
            uncertainty=said("Which dimension of your input holds the classes? Only you can tell."),
            words=(
                "class dimension last",
                "sequence length equals number of classes",
                "transpose logits cross entropy",
            ),
            losses=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_ambiguous_classes,
            positive=_HEAD + _SQUARE + "F.cross_entropy(logits, target)",
            positive_claims=(),
            control=_HEAD + "logits = torch.tensor([[[4.0, 0.0, 1.0], [0.0, 4.5, 1.0]]])\n"
            "F.cross_entropy(logits, torch.tensor([[0, 1, 0]]))",
            undecidable=True,
        ),
        Rule(
            slug="ce-padding-counted",
            family="class-labels",
            title=said("Padding is counted as a class"),
            explanation=said(
                "ignore_index is −100 unless it is set, so the id of the padding is an ordinary class: the loss asks "
                "the model to predict it and averages over it."
            ),
            words=("ignore padding", "ignore_index padding", "pad token loss", "padding in the loss"),
            losses=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_padding_counted,
            positive=_HEAD + _PADDED + "target = torch.tensor([1, 2, PAD])\nF.cross_entropy(logits, target)",
            control=_HEAD
            + _PADDED
            + "target = torch.tensor([1, 2, PAD])\nF.cross_entropy(logits, target, ignore_index=PAD)",
        ),
        Rule(
            slug="ce-ignored-left-out",
            family="class-labels",
            title=said("Ignored items do not count in the mean"),
            explanation=said(
                "An item whose label is ignore_index (−100 unless it is set) costs 0, and the mean divides by the "
                "items that are left (with class weights by the sum of theirs), not by all of them."
            ),
            words=(
                "mean with ignore_index",
                "ignored labels mean denominator",
                "does ignore_index count in the mean",
                "-100 labels average",
            ),
            losses=frozenset({"cross_entropy", "nll_loss"}),
            trigger=_some_ignored,
            positive=_HEAD + _PADDED + "F.cross_entropy(logits, torch.tensor([1, 2, -100]))",
            control=_HEAD
            + "logits = torch.tensor([[0.0, 3.0, 0.0], [1.0, 0.0, 3.0]])\n"
            + "F.cross_entropy(logits, torch.tensor([1, 2]))",
            harmless=True,
        ),
    )


def _some_ignored(scene: Scene) -> Suspicion | None:
    ignored, target = scene.call.argument("ignore_index"), scene.given("target")
    if target.floating or scene.call.argument("reduction") != "mean" or scene.call.argument("weight") is not None:
        return None
    y = scene.array("target").reshape(-1)
    left = int((y != ignored).sum())
    if not 0 < left < y.size:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the mean over the {left} items that are not ignored, not over all {all}.",
            value=of_call(scene),
            left=left,
            all=y.size,
        ),
        evidence=(
            said(
                "{count} labels are {index}, the ignore_index: they cost 0 and are left out of the denominator.",
                count=y.size - left,
                index=number(float(ignored)) if isinstance(ignored, int) else "?",
            ),
        ),
        trials=(
            Trial(
                said("divided by all {all} items", all=y.size),
                graph_rerun(
                    set_to(scene.call, "reduction", "sum"), followed_by(scene.call, "torch.div", other=float(y.size))
                ),
            ),
        ),
    )


def _ambiguous_classes(scene: Scene) -> Suspicion | None:
    input, target = scene.given("input").shape, scene.given("target").shape
    if len(input) != 3 or input[1] != input[2] or input[1] < 2 or len(target) != 2:
        return None
    turned = wrapped(scene.call, "input", "torch.transpose", dim0=1, dim1=2)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} takes dimension 1 of {shape} for the classes; dimension 2 is as long.",
            value=of_call(scene),
            shape=shape(input),
        ),
        evidence=(said("The input has shape {input}, the target {target}.", input=shape(input), target=shape(target)),),
        trials=(Trial(said("with the classes in the last dimension"), graph_rerun(turned)),),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "input", "transpose(1, 2)"),
            "choose",
            said("Bring the classes into dimension 1, if they stand last."),
        ),
    )


def _padding_counted(scene: Scene) -> Suspicion | None:
    if scene.given("target").floating:
        return None
    y, ignored = scene.array("target"), scene.option("ignore_index", -100)
    name, pad = next(((n, v) for n, v in _pads(scene) if v != ignored and (y == v).any()), ("", None))
    if pad is None or (y == pad).all():
        return None
    count = int((y == pad).sum())
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} counts {count} of {all} positions that are padding ({name} = {pad}).",
            value=of_call(scene),
            count=count,
            all=y.size,
            name=name,
            pad=pad,
        ),
        evidence=(
            said(
                "ignore_index is {ignored}; the target holds {pad}, which the program calls {name}.",
                ignored=number(float(ignored)),
                pad=pad,
                name=name,
            ),
        ),
        trials=(Trial(said("with ignore_index={pad}", pad=pad), graph_rerun(set_to(scene.call, "ignore_index", pad))),),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "ignore_index", name if name.isupper() else str(pad)),
            "safe",
            said("Tell the loss which label is padding."),
        ),
    )


def _pads(scene: Scene) -> list[tuple[str, int]]:
    """Whole numbers that the program gives a name for padding."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(Source(scene.recording.source).tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() as value)):
                found.append((name, value))
            case ast.keyword(arg=str() as name, value=ast.Constant(value=int() as value)):
                found.append((name, value))
            case _:
                pass
    return [(name, value) for name, value in found if _is_of_padding(name) and not isinstance(value, bool)]


def _is_of_padding(name: str) -> bool:
    """Whether a name is one for padding, also behind another word, as in TRG_PAD_IDX."""
    plain = name.lower()
    return any(plain == known or plain.endswith(f"_{known}") for known in _PAD_NAMES)
