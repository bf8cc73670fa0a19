"""cross_entropy that is given something else than raw scores."""

from __future__ import annotations

import math

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import (
    class_dim,
    class_rows,
    could_be_probabilities,
    entry_range,
    impossible_targets,
    probabilities_seen,
    softmax,
)
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, scaled, swapped, wrapped
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Box, Everywhere, Region, Simplex
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, of_call, path, row
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import Edit

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_SMALLEST = 1e-12
"""What stands for a probability of 0 whose logarithm no target takes."""

_SEED = "scores = torch.tensor([[1.0, 0.0, 0.0]])\nlabel = torch.tensor([0])\n"
_LOGITS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_SOFTMAX = "probs = torch.softmax(logits, dim=1)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ce-probabilities-as-logits",
            family="cross-entropy-inputs",
            title=said("Probabilities are read as raw scores"),
            explanation=said(
                "cross_entropy applies softmax by itself. Among scores between 0 and 1 the right class becomes at most "
                "e ≈ {e} times as likely as any other, so even a perfect one-hot row keeps a loss. What counts "
                "is the gap between the right score and the others: with a larger one the loss approaches 0.",
                e=number(math.e),
            ),
            uncertainty=said(
                "I assume that the input was meant as probabilities. If it is raw scores, nothing is wrong."
            ),
            words=(
                "one-hot scores",
                "perfect prediction is not 0",
                "probabilities passed to cross entropy",
                "cross entropy of a one-hot is not zero",
                "minimum of cross entropy",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_probabilities_as_logits,
            positive=_HEAD + _SEED + "nn.CrossEntropyLoss()(scores, label)",
            positive_claims=(Claim("expected", 0.0, text="0"),),
            dominates=frozenset({"accuracy-is-not-loss"}),
            control=_HEAD + _LOGITS + "nn.CrossEntropyLoss()(logits, target)",
        ),
        Rule(
            slug="ce-double-softmax",
            family="cross-entropy-inputs",
            symptoms=(Symptom("stuck", 1),),
            title=said("Softmax is applied twice"),
            explanation=said(
                "cross_entropy applies softmax by itself. The second softmax only sees numbers between 0 and 1 and "
                "flattens them: the loss stays high and the gradient small, however sure the model is."
            ),
            words=(
                "softmax before CrossEntropyLoss loss does not decrease",
                "softmax twice",
                "double softmax",
                "softmax before cross entropy",
                "last layer is softmax",
                "softmax output layer",
                "same softmax output another loss in keras and pytorch",
                "keras categorical_crossentropy and CrossEntropyLoss of softmax probabilities differ",
            ),
            losses=frozenset({"cross_entropy"}),
            trigger=_double_softmax,
            positive=_HEAD + _LOGITS + _SOFTMAX + "F.cross_entropy(probs, target)",
            control=_HEAD + _LOGITS + _SOFTMAX + "F.cross_entropy(logits, target)",
            dominates=frozenset({"accuracy-is-not-loss", "ce-probabilities-as-logits", "chance-level-ln-c"}),
        ),
    )


def _probabilities_as_logits(scene: Scene) -> Suspicion | None:
    maker, rows = scene.nearest("input"), class_rows(scene)
    if not could_be_probabilities(scene, rows) or (maker is not None and short(maker) == "softmax"):
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is correct: cross_entropy reads {row} as raw scores, not as probabilities.",
            value=of_call(scene),
            row=row(rows[0]),
        ),
        evidence=(
            *probabilities_seen(rows),
            said("Inside the loss, softmax turns row 0 into {row}.", row=row(softmax(rows)[0])),
            *impossible_targets(scene, rows),
        ),
        trials=_readings(scene, rows),
        fix=_probabilities_fixed(scene),
        floors=(
            FloorQuestion("input", Box(0.0, 1.0), said("for inputs within [0, 1]")),
            FloorQuestion("input", Everywhere(), said("for any finite scores")),
        ),
    )


def _double_softmax(scene: Scene) -> Suspicion | None:
    maker = scene.nearest("input")
    if maker is None or short(maker) != "softmax":
        return None
    note = said("Give the loss the raw scores; keep softmax for reporting only.")
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value} comes from softmax applied twice: once before cross_entropy and once inside it.",
            value=of_call(scene),
        ),
        evidence=(path(maker, scene.call), *entry_range(scene)),
        trials=(Trial(said("without the extra softmax"), graph_rerun(dropped(maker))),),
        fix=fixes.fix(scene, fixes.without(scene, maker, "input"), "safe", note),
        floors=(FloorQuestion("input", _softmax_range(scene, maker), said("for what softmax can return")),),
    )


def _readings(scene: Scene, rows: Floats) -> tuple[Trial, ...]:
    tenfold = said("with ten times the scores, {row}", row=row(10 * rows[0]))
    return (
        Trial(said("read as probabilities: −log p of the target"), graph_rerun(*_read_as_probabilities(scene))),
        Trial(tenfold, graph_rerun(scaled(scene.call, "input", 10.0)), "illustration"),
    )


def _read_as_probabilities(scene: Scene) -> tuple[Edit, ...]:
    """log put before the loss; log_softmax leaves log-probabilities as they are, so only plain calls need the swap."""
    log = wrapped(scene.call, "input", "torch.log")
    if _only_untold_are_zero(scene):
        return (wrapped(scene.call, "input", "torch.clamp_min", min=_SMALLEST), log)
    kept = ("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
    return (log, swapped(scene.call, "torch.nn.functional.nll_loss", *kept)) if _is_plain(scene) else (log,)


def _only_untold_are_zero(scene: Scene) -> bool:
    """Whether some input of a soft target is 0, and each where the target is 0 too: 0 · log 0 counts as 0 there."""
    target, given = scene.given("target"), scene.array("input")
    if not target.floating or target.shape != scene.given("input").shape or (given != 0).all():
        return False
    return bool((scene.array("target")[given == 0] == 0).all())


def _probabilities_fixed(scene: Scene) -> Fix:
    note = said("Pass raw scores to cross_entropy; or, if there are only probabilities, give nll_loss their logarithm.")
    return fixes.fix(scene, _nll_instead(scene), "choose", note)


def _nll_instead(scene: Scene) -> str | None:
    """The call written as nll_loss of the logarithm, where its options carry over as text."""
    if not _is_plain(scene) or scene.call.ref("weight") is not None:
        return None
    defaults = {"ignore_index": -100, "reduction": "mean"}
    given = {name: scene.call.argument(name) for name in defaults}
    options = [f"{n}={v!r}" for n, v in given.items() if v is not None and v != defaults[n]]
    return fixes.called_instead(scene, "nll_loss", "clamp_min(1e-12).log()", *options)


def _is_plain(scene: Scene) -> bool:
    """Whether the call is nll_loss after log_softmax: class indices, no smoothing."""
    return not scene.given("target").floating and not scene.call.argument("label_smoothing")


def _softmax_range(scene: Scene, maker: Call) -> Region:
    """Rows that sum to 1 where softmax ran over the classes, else numbers between 0 and 1."""
    shape = scene.given("input").shape
    if maker.argument("dim") in (class_dim(scene), class_dim(scene) - len(shape)) and _keeps_shape(scene, maker):
        return Simplex(class_dim(scene))
    return Box(0.0, 1.0, open=True)


def _keeps_shape(scene: Scene, maker: Call) -> bool:
    return any(scene.recording.tensor(id).shape == scene.given("input").shape for id in maker.outputs)
