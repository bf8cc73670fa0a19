"""kl_div: what its two arguments must be, and what its reductions divide by."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, reduced_by, set_to, wrapped
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.wording import entry, number, of_call, row
from explainers.graph.floats import log_sum_exp
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIR = "p = torch.tensor([[0.1, 0.2, 0.7]])\nq = torch.tensor([[0.2, 0.3, 0.5]])\n"
_RIGHT = _HEAD + _PAIR + "F.kl_div(p.log(), q, reduction='batchmean')"
_KL = frozenset({"kl_div"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="kl-input-not-log",
            family="divergences",
            symptoms=(Symptom("negative", 3),),
            title=said("Probabilities where kl_div expects log-probabilities"),
            explanation=said(
                "The first argument of kl_div must be log-probabilities: it computes target · (log target − input). "
                "Without the logarithm this is no divergence, and can be negative; a true one cannot."
            ),
            uncertainty=said("I assume that the input was meant as probabilities."),
            words=(
                "kl loss is negative",
                "kl_div negative sum",
                "kl_div of probabilities",
                "kl_div negative during training",
                "kl_div of softmax outputs",
                "KL divergence is negative",
                "negative kl_div",
                "KLDivLoss negative",
                "kl of equal is not 0",
                "lowest kl_div of the same distribution in both is not zero",
            ),
            losses=_KL,
            trigger=_input_not_log,
            positive=_HEAD + _PAIR + "F.kl_div(p, q, reduction='batchmean')",
            control=_RIGHT,
            dominates=frozenset({"kl-reduction-mean", "kl-terms-may-be-negative", "reduction-expected-sum"}),
        ),
        Rule(
            slug="kl-log-target-flag",
            family="divergences",
            title=said("Log-probabilities as the target without log_target=True"),
            explanation=said(
                "kl_div takes the logarithm of its target unless log_target=True says that it is one already. The "
                "logarithm of a negative number is nan."
            ),
            words=("kl_div log_target", "kl_div nan with log_softmax target", "both arguments log_softmax"),
            losses=_KL,
            trigger=_log_target,
            positive=_HEAD + _PAIR + "F.kl_div(p.log(), q.log(), reduction='batchmean')",
            control=_HEAD + _PAIR + "F.kl_div(p.log(), q.log(), reduction='batchmean', log_target=True)",
            concern="non-finite",
            dominates=frozenset({"kl-target-negative", "kl-reduction-mean"}),
        ),
        Rule(
            slug="kl-target-negative",
            unedited="Where the negative numbers come from lies before the loss.",
            family="divergences",
            title=said("A negative target has no logarithm"),
            explanation=said(
                "kl_div needs probabilities as its target. It computes target · log target, and the log of a negative "
                "number is undefined: nan today, while older versions of torch returned 0 for it."
            ),
            words=("kl_div negative target", "kl_div with target -1"),
            losses=_KL,
            trigger=_negative_target,
            positive=_HEAD
            + "x = torch.tensor([0.4, 0.6]).log()\ny = torch.tensor([-1.0, 1.0])\nF.kl_div(x, y, reduction='sum')",
            control=_RIGHT,
            concern="non-finite",
            dominates=frozenset({"kl-reduction-mean"}),
        ),
        Rule(
            slug="kl-reduction-mean",
            family="divergences",
            title=said("The mean of kl_div is over all elements"),
            explanation=said(
                "A divergence is the sum over the classes. reduction='mean' divides by the number of elements, classes "
                "included; 'batchmean' divides by the number of rows alone."
            ),
            words=("kl_div mean vs batchmean", "batchmean", "kl_div smaller than the definition", "kl_div too small"),
            losses=_KL,
            trigger=_mean_over_classes,
            positive=_HEAD + _PAIR + "F.kl_div(p.log(), q, reduction='mean')",
            dominates=frozenset({"reduction-expected-sum"}),
            control=_RIGHT,
        ),
    )


def _no_divergence(scene: Scene, x: Floats) -> Message:
    if (x > 1).any():
        return said(
            "{value} is no divergence: kl_div expects log-probabilities as its input, and they are never above 0.",
            value=of_call(scene),
        )
    return said(
        "{value} is no divergence: kl_div expects log-probabilities as its input, and these are probabilities.",
        value=of_call(scene),
    )


def _input_not_log(scene: Scene) -> Suspicion | None:
    x = scene.array("input")
    if not x.size or (x < 0).any() or not (x > 0).any() or scene.call.argument("log_target"):
        return None
    log = wrapped(scene.call, "input", "torch.log")
    over_rows = set_to(scene.call, "reduction", _definition(x))
    by_definition = Trial(
        said("with the logarithm put in and reduction='{reduction}'", reduction=_definition(x)),
        graph_rerun(log, over_rows),
    )
    return Suspicion(
        at=scene.call.index,
        verdict=_no_divergence(scene, x),
        evidence=(*_positive_row(x), *_not_distributions(scene)),
        trials=(
            Trial(said("with the logarithm put in"), graph_rerun(log)),
            *((by_definition,) if scene.reduction == "mean" else ()),
        ),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "input", "log()"),
            "likely",
            said("Give kl_div log-probabilities: log_softmax of the scores, or the logarithm of the probabilities."),
        ),
    )


def _positive_row(x: Floats) -> tuple[Message, ...]:
    first = np.atleast_2d(x)[0].reshape(-1)
    text = "Row 0 of the input is {row}, with the sum {sum}; log-probabilities are never positive."
    return (said(text, row=row(first), sum=number(float(first.sum()))),)


def _not_distributions(scene: Scene) -> tuple[Message, ...]:
    """Says which argument does not sum to 1 along its last dimension."""
    told: list[Message] = []
    for name in ("input", "target"):
        x = scene.recorded(name)
        sums = None if x is None or not x.ndim else x.sum(axis=-1).reshape(-1)
        if sums is not None and sums.size and float(np.abs(sums - 1).max()) > 1e-3:
            total = number(float(sums[np.abs(sums - 1).argmax()]))
            told.append(
                said("The {name} does not sum to 1 but to {sum}: it is not a distribution.", name=name, sum=total)
            )
    return tuple(told)


def _definition(x: Floats) -> str:
    """The reduction that sums over the classes: of a single row, 'batchmean' would divide by them."""
    return "sum" if x.ndim < 2 else "batchmean"


def _log_target(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    if scene.call.argument("log_target") or not y.size or not y.ndim or (y > 0).any():
        return None
    if float(np.abs(log_sum_exp(y, -1)).max()) > 1e-3:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: the target of kl_div is log-probabilities, but log_target is False.", value=of_call(scene)
        ),
        evidence=(
            said("The target's first row is {row}; log Σ exp of it is 0.", row=row(np.atleast_2d(y)[0].reshape(-1))),
        ),
        trials=(Trial(said("with log_target=True"), graph_rerun(set_to(scene.call, "log_target", True))),),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "log_target", "True"),
            "safe",
            said("Say that the target is logarithms: log_target=True."),
        ),
    )


def _negative_target(scene: Scene) -> Suspicion | None:
    y = scene.array("target")
    if scene.call.argument("log_target") or not (y < 0).any():
        return None
    at = tuple(int(k) for k in np.argwhere(y < 0)[0])
    cut = wrapped(scene.call, "target", "torch.clamp", min=0.0)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} comes from a negative target: the log of a negative number is undefined.", value=of_call(scene)
        ),
        evidence=(
            said("target{at} = {entry}; probabilities lie between 0 and 1.", at=entry(at), entry=number(float(y[at]))),
        ),
        trials=(Trial(said("with negative entries of the target cut to 0"), graph_rerun(cut)),),
        fix=fixes.fix(
            scene, None, "choose", said("Give kl_div a target of probabilities: none negative, with the sum 1.")
        ),
    )


def _mean_over_classes(scene: Scene) -> Suspicion | None:
    x = scene.array("input")
    rows = x.shape[0] if x.ndim > 1 else 1
    if scene.reduction != "mean" or not rows or x.size <= rows or (x > 0).any():
        return None
    reduction = _definition(x)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is the divergence divided by all {elements} elements, not by the {rows} rows.",
            value=of_call(scene),
            elements=x.size,
            rows=rows,
        ),
        evidence=(
            said(
                "The mean divides by the number of elements, {elements}: {factor} times too much.",
                elements=x.size,
                factor=number(x.size / rows),
            ),
        ),
        trials=(
            Trial(
                said("with reduction='{reduction}'", reduction=reduction),
                graph_rerun(*reduced_by(scene.call, reduction)),
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, scene.call, "reduction", f"'{reduction}'"),
            "safe",
            said("reduction='batchmean' is the divergence per row; of a single distribution use 'sum'."),
        ),
    )
