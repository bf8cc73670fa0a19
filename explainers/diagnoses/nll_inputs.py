"""nll_loss that is given something else than log-probabilities."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import (
    class_dim,
    class_rows,
    could_be_probabilities,
    impossible_targets,
    probabilities_seen,
    tolerance,
)
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, scaled, wrapped
from explainers.diagnoses.floors import FloorQuestion
from explainers.diagnoses.regions import Everywhere, Simplex
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.wording import number, of_call, row
from explainers.graph.floats import log_sum_exp
from explainers.messages import Message, said

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="nll-on-raw-logits",
            family="nll-inputs",
            symptoms=(Symptom("negative", 2),),
            title=said("Raw scores where log-probabilities belong"),
            explanation=said(
                "nll_loss picks the target's entry and turns its sign, nothing else. Without normalisation nothing "
                "bounds it below, and training drives it towards −∞."
            ),
            uncertainty=said("If the model already ends in log_softmax, these numbers were not its output."),
            words=(
                "nll loss negative during training",
                "nll loss is negative",
                "negative nll",
                "nll_loss without log_softmax",
            ),
            losses=frozenset({"nll_loss"}),
            trigger=_raw_logits,
            positive=_HEAD + "F.nll_loss(logits, target)",
            control=_HEAD + "F.nll_loss(F.log_softmax(logits, dim=1), target)",
        ),
        Rule(
            slug="nll-on-probabilities",
            family="nll-inputs",
            symptoms=(Symptom("negative", 1),),
            title=said("Probabilities where log-probabilities belong"),
            explanation=said(
                "nll_loss does not take the logarithm: it picks the target's entry and negates it, -x[target]. Of "
                "probabilities that is −p, between -1 and 0, instead of −log p."
            ),
            words=(
                "nll loss negative softmax",
                "nll of probabilities",
                "softmax and nll_loss",
                "nll between -1 and 0",
                "no log in nll_loss",
            ),
            losses=frozenset({"nll_loss"}),
            trigger=_probabilities,
            positive=_HEAD + "F.nll_loss(torch.softmax(logits, dim=1), target)",
            control=_HEAD + "F.nll_loss(torch.softmax(logits, dim=1).log(), target)",
        ),
    )


def _raw_logits(scene: Scene) -> Suspicion | None:
    rows = class_rows(scene)
    total = log_sum_exp(rows, 1)
    if np.isnan(rows).any() or np.abs(total).max() <= tolerance(scene, 1e-3) or could_be_probabilities(scene, rows):
        return None
    changed = fixes.renamed(scene, scene.call, ("nll_loss", "cross_entropy"), ("NLLLoss", "CrossEntropyLoss"))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from −input[target] alone: nll_loss expects log-probabilities, not raw scores.",
            value=of_call(scene),
        ),
        evidence=(_unnormalised(rows, total), *_positive_entry(rows)),
        trials=_normalised_and_scaled(scene),
        fix=fixes.fix(scene, changed, "safe", said("cross_entropy is log_softmax followed by nll_loss.")),
        floors=(FloorQuestion("input", Everywhere(), said("for any finite scores")),),
    )


def _probabilities(scene: Scene) -> Suspicion | None:
    rows = class_rows(scene)
    if not could_be_probabilities(scene, rows):
        return None
    maker = scene.nearest("input")
    softmaxed = maker is not None and short(maker) == "softmax"
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from −p of the target, without a logarithm: nll_loss expects log-probabilities.",
            value=of_call(scene),
        ),
        evidence=(*probabilities_seen(rows), *impossible_targets(scene, rows)),
        trials=(Trial(said("with the logarithm put in"), graph_rerun(wrapped(scene.call, "input", "torch.log"))),),
        fix=_logarithm_fixed(scene),
        floors=(FloorQuestion("input", Simplex(class_dim(scene), softmaxed), said("for probabilities")),),
    )


def _unnormalised(rows: Floats, total: Floats) -> Message:
    """The row that is farthest from normalised."""
    worst = int(np.abs(total).argmax())
    return said(
        "In row {index}, {row}, log Σ exp is {value}; for log-probabilities it would be 0.",
        index=worst,
        row=row(rows[worst]),
        value=number(float(total[worst])),
    )


def _positive_entry(rows: Floats) -> tuple[Message, ...]:
    largest = float(rows.max())
    text = "Log-probabilities are never positive; the largest entry here is {value}."
    return (said(text, value=number(largest)),) if largest > 0 else ()


def _normalised_and_scaled(scene: Scene) -> tuple[Trial, ...]:
    put_in = wrapped(scene.call, "input", "torch.log_softmax", dim=class_dim(scene))
    return (
        Trial(said("with log_softmax put in"), graph_rerun(put_in)),
        Trial(said("with ten times the scores"), graph_rerun(scaled(scene.call, "input", 10.0)), "illustration"),
    )


def _logarithm_fixed(scene: Scene) -> Fix:
    """log_softmax where softmax was written; else the logarithm of what was passed."""
    note = said("Give nll_loss log-probabilities: log_softmax of the raw scores.")
    maker = scene.nearest("input")
    if maker is None or short(maker) != "softmax":
        return fixes.fix(scene, fixes.followed(scene, "input", "log()"), "likely", note)
    changed = fixes.renamed(scene, maker, ("softmax", "log_softmax"), ("Softmax", "LogSoftmax"))
    return fixes.fix(scene, changed, "safe", note)
