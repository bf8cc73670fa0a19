"""log_softmax that is given probabilities: softmax is taken a second time, under a loss of log-probabilities."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.class_rows import softmax
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, swapped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Floats, Scene, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import of_call, row
from explainers.messages import said
from explainers.recording import Call

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "probs = torch.tensor([[0.98, 0.01, 0.01], [0.05, 0.9, 0.05]])\ntarget = torch.tensor([0, 1])\n"
)
_INPUTS = {"nll_loss": "input", "ctc_loss": "log_probs", "kl_div": "input"}
_TOLERANCE = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="log-softmax-of-probabilities",
            family="nll-inputs",
            title=said("log_softmax of probabilities takes softmax twice"),
            explanation=said(
                "log_softmax takes raw scores (logits). Of probabilities it takes the softmax once more, which sees "
                "numbers between 0 and 1 alone and flattens them: no class becomes more than e ≈ 2.718 times as likely "
                "as another. Of probabilities take the logarithm, of raw scores log_softmax, once."
            ),
            uncertainty=said(
                "I assume that the input was meant as probabilities. If it is raw scores, nothing is wrong."
            ),
            words=(
                "log_softmax of softmax outputs",
                "log_softmax after softmax nll_loss too high",
                "CTCLoss log_softmax of probabilities",
                "nll loss of log_softmax of one-hot is not 0",
            ),
            losses=frozenset(_INPUTS),
            trigger=_of_probabilities,
            positive=_HEAD + "F.nll_loss(F.log_softmax(probs, dim=1), target)",
            control=_HEAD + "F.nll_loss(probs.log(), target)",
            dominates=frozenset({"accuracy-is-not-loss", "chance-level-ln-c"}),
        ),
    )


def _of_probabilities(scene: Scene) -> Suspicion | None:
    call = scene.nearest(_INPUTS[scene.name])
    rows = None if call is None or short(call) != "log_softmax" else _rows(scene, call)
    if call is None or rows is None or (rows < 0).any() or (np.abs(rows.sum(axis=1) - 1) > _TOLERANCE).any():
        return None
    inner = scene.maker(next(iter(call.inputs()), None))
    first = inner if inner is not None and short(inner) == "softmax" else None
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is correct: log_softmax reads {row} as raw scores, not as probabilities.",
            value=of_call(scene),
            row=row(rows[0]),
        ),
        evidence=(said("Its softmax makes {row} of that.", row=row(softmax(rows[:1])[0])),),
        trials=(
            Trial(said("with log in place of log_softmax"), graph_rerun(swapped(call, "torch.log", "input"))),
            *_without(first),
        ),
        fix=fixes.fix(
            scene,
            _logarithm_instead(scene, call),
            "likely",
            said("Take the logarithm of probabilities; log_softmax is for raw scores."),
        ),
    )


def _without(first: Call | None) -> tuple[Trial, ...]:
    if first is None:
        return ()
    return (Trial(said("without the first softmax"), graph_rerun(dropped(first)), "equivalent"),)


def _rows(scene: Scene, call: Call) -> Floats | None:
    """What the classes are normalised over, (items, C); None of fewer than two classes."""
    x, dim = scene.held(call.ref("input")), call.argument("dim")
    if x is None or not x.size or not isinstance(dim, int) or not -x.ndim <= dim < x.ndim or x.shape[dim] < 2:
        return None
    return np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])


def _logarithm_instead(scene: Scene, call: Call) -> str | None:
    """The program with `.log()` of what was given to log_softmax."""
    source = Source(scene.recording.source)
    written, inner = source.call_at(call.span), operand(source, call)
    if written is None or inner is None:
        return None
    return source.replaced(source.piece(written), f"{atom(source, inner)}.log()")
