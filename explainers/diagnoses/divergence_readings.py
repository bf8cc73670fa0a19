"""Two readings of a divergence, and its single terms."""

from __future__ import annotations

import numpy as np

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reduced_by, set_to, swapped_arguments, wrapped
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, of_call, row
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIR = "p = torch.tensor([[0.1, 0.2, 0.7]])\nq = torch.tensor([[0.2, 0.3, 0.5]])\n"
_HALVES = _HEAD + "p = torch.tensor([[0.5, 0.5]])\nq = torch.tensor([[0.9, 0.1]])\n"
_RIGHT = _HEAD + _PAIR + "F.kl_div(p.log(), q, reduction='batchmean')"
_KL = frozenset({"kl_div"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="kl-argument-order",
            unedited=(
                "Exchanged, the other one needs the logarithm, and which distribution is the true one is known to the "
                "asker alone."
            ),
            family="divergences",
            title=said("The divergence the other way round was expected"),
            explanation=said(
                "F.kl_div(log q, p) is KL(p ‖ q): the second argument is the distribution that is averaged over. A "
                "divergence is not symmetric, so exchanging the two gives another number."
            ),
            words=("kl_div argument order", "KL(p||q) or KL(q||p)", "kl_div reversed", "kl divergence not symmetric"),
            losses=_KL,
            trigger=_other_way_round,
            positive=_HALVES + "F.kl_div(p.log(), q, reduction='batchmean')",
            positive_claims=(Claim("expected", 0.510826, 5e-7, "0.510826"),),
            control=_HALVES + "F.kl_div(q.log(), p, reduction='batchmean')",
            control_claims=(Claim("expected", 0.510826, 5e-7, "0.510826"),),
            dominates=frozenset({"kl-reduction-mean"}),
        ),
        Rule(
            slug="kl-terms-may-be-negative",
            family="divergences",
            title=said("Single terms of a divergence may be negative"),
            explanation=said(
                "Each term is target · (log target − input), negative wherever the input gives more probability than "
                "the target. Only the sum over the classes is never negative (Gibbs' inequality)."
            ),
            words=(
                "kl_div reduction none negative",
                "negative entries of kl_div",
                "kl_div elementwise negative",
            ),
            losses=_KL,
            trigger=_negative_terms,
            positive=_HEAD + _PAIR + "F.kl_div(p.log(), q, reduction='none')",
            control=_RIGHT,
            harmless=True,
        ),
    )


def _other_way_round(scene: Scene) -> Suspicion | None:
    x, y = scene.array("input"), scene.array("target")
    if scene.call.argument("log_target") or x.shape != y.shape or not x.ndim or (y <= 0).any() or (x > 0).any():
        return None
    total = float((np.exp(x) * (x - np.log(y))).sum())
    divisors = {"mean": x.size, "batchmean": x.shape[0], "sum": 1}
    reduction = next((name for name, by in divisors.items() if by and sought(scene, total / by)), None)
    if reduction is None or _is_as_run(scene, total / divisors[reduction]):
        return None
    turned = swapped_arguments(scene.call, "input", "target")
    logs = (wrapped(scene.call, "input", "torch.log"), wrapped(scene.call, "target", "torch.exp"))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is KL(target ‖ input), not KL(input ‖ target).", value=of_call(scene)),
        evidence=(said("The second argument of kl_div is the one that the logarithms are weighted by."),),
        trials=(
            Trial(
                said("with the two distributions exchanged, reduction='{reduction}'", reduction=reduction),
                graph_rerun(turned, *logs, *reduced_by(scene.call, reduction)),
            ),
        ),
        fix=fixes.fix(scene, None, "likely", said("Exchange the two: F.kl_div(log of the second, the first).")),
    )


def _is_as_run(scene: Scene, exchanged: float) -> bool:
    """Whether the other divergence is the same number, as that of two equal distributions is."""
    return scene.returned is not None and bool(np.isclose(scene.returned, exchanged, rtol=1e-5, atol=1e-7))


def _negative_terms(scene: Scene) -> Suspicion | None:
    subject = scene.recording.subject
    if scene.reduction != "none" or subject not in scene.call.outputs or scene.recording.tensor(subject).data is None:
        return None
    terms = scene.recording.tensor(subject).array().astype(np.float64)
    if not (terms < 0).any() or not terms.sum() >= 0:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{count} of {all} terms are negative, and that is right: only their sum, {sum}, cannot be.",
            count=int((terms < 0).sum()),
            all=terms.size,
            sum=number(float(terms.sum())),
        ),
        evidence=(said("The individual terms here are {row}.", row=row(terms.reshape(-1))),),
        trials=(
            Trial(said("the sum of all terms"), graph_rerun(set_to(scene.call, "reduction", "sum")), "illustration"),
        ),
    )
