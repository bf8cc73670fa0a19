"""0⁰, which is 1: a factor to the power of 0 that was to take a term away."""

from __future__ import annotations

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.wording import entry, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\n"
_TERMS = (
    "p, y = torch.tensor([0.8, 0.3]), torch.tensor([1.0, 0.0])\npos, neg = y * (1 - p), (1 - y) * p\n"
    "(-pos**{0} * torch.log(p) - neg**{0} * torch.log(1 - p)).sum()"
)
_NEARLY_0 = 1e-30


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="zero-to-the-power-zero",
            family="focal-terms",
            title=said("0 to the power of 0 is 1, so the term stays"),
            explanation=said(
                "A factor of 0 takes its term away, whatever its power, as long as that is above 0. 0**0 is 1 for "
                "torch and for Python, so with a power of 0 (γ = 0 in a focal loss) the terms that a mask had set to 0 "
                "come back: the negative term of a positive item and the other way round. Multiply by the mask outside "
                "of the power, or choose the term with torch.where."
            ),
            words=(
                "focal loss gamma=0 is not cross entropy",
                "0**0 is 1 in torch.pow",
                "focal loss with gamma 0 larger than BCE both terms count",
                "zero to the power zero in loss",
            ),
            losses=frozenset(),
            trigger=_of_zero,
            positive=_HEAD + _TERMS.format("0"),
            control=_HEAD + _TERMS.format("2"),
            about=frozenset({"focal_loss"}),
            unedited="Where the mask belongs depends on how the terms are written.",
        ),
    )


def _of_zero(scene: Scene) -> Suspicion | None:
    """Powers of 0 with a base that is 0 somewhere and a number elsewhere, on the way to the subject."""
    powers = [call for call in scene.needed() if _is_power_of_0(scene, call)]
    zeros = [call for call in powers if bool((_base(scene, call) == 0).any())]
    if not zeros:
        return None
    call = zeros[0]
    base = _base(scene, call)
    at = tuple(int(k) for k in np.argwhere(base == 0)[0])
    edits = tuple(set_to(each, "exponent", _NEARLY_0) for each in zeros)
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} counts terms that were to be 0: in line {line} 0 ** 0 is 1.",
            value=stated(scene),
            line=line_of(call),
        ),
        evidence=(
            said(
                "The base is 0 in {count} of {all} entries, at {place} for example, and the power 0.",
                count=int((base == 0).sum()),
                all=base.size,
                place=entry(at),
            ),
        ),
        trials=(Trial(said("with 0 for these entries, as any power above 0 gives"), graph_rerun(*edits)),),
        fix=fixes.fix(scene, None, "choose", said("Multiply by the mask after the power, not before.")),
    )


def _is_power_of_0(scene: Scene, call: Call) -> bool:
    exponent = call.argument("exponent")
    return (
        short(call) == "pow"
        and isinstance(exponent, int | float)
        and exponent == 0
        and scene.held(call.ref("input")) is not None
    )


def _base(scene: Scene, call: Call) -> np.ndarray:
    held = scene.held(call.ref("input"))
    assert held is not None
    return held
