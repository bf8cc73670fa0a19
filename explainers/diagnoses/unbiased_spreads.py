"""A standard deviation that divides by n − 1, where the number that is wanted divides by n."""

from __future__ import annotations

import math

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, modules_around
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import SetArgument

_HEAD = "import numpy as np\nimport torch\n\na = np.array([1.0, 2.0, 4.0, 7.0])\nt = torch.tensor(a)\n"
_OWN = "print((((a - a.mean()) / a.std()) ** 2).mean())\n"
_SPREADS = frozenset({"std", "var"})
_NEAR = 1e-4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="spread-divides-by-n-minus-1",
            family="own-computations",
            title=said("torch's std divides by n − 1, numpy's by n"),
            explanation=said(
                "torch.std and torch.var estimate the spread of a population from a sample and divide by n − 1 "
                "(Bessel's correction); numpy's std, batch norm and formulas in papers divide by n. What is "
                "standardised with n − 1 has the mean square (n − 1)/n, not 1, so that a column correlates with itself "
                "by less than 1 (Barlow Twins). correction=0 divides by n."
            ),
            words=(
                "torch std differs from numpy std",
                "ddof 0 or 1 standardisation",
                "barlow twins loss not zero for identical views",
                "barlow twins diagonal not 1",
                "unbiased std torch",
            ),
            losses=frozenset(),
            trigger=_unbiased,
            positive=_HEAD + _OWN + "print((((t - t.mean()) / t.std()) ** 2).mean())",
            positive_claims=(Claim("expected", 1.0, 5e-5, "1.0000"),),
            control=_HEAD + _OWN + "print((((t - t.mean()) / t.std(correction=0)) ** 2).mean())",
        ),
    )


def _unbiased(scene: Scene) -> Suspicion | None:
    found = [c for c in scene.needed() if short(c) in _SPREADS and _over(scene, c) > 1 and _corrected(c) is not None]
    shown = [s.number for s in scene.recording.shown if s.tensor is None and s.number is not None]
    others = [x for x in shown if scene.value is not None and not math.isclose(x, scene.value, rel_tol=_NEAR)]
    if not found:
        return None
    call, count = found[0], _over(scene, found[0])
    share = (count - 1) / count
    own = scene.value is not None and math.isclose(scene.value, share, rel_tol=_NEAR)
    if not (others or goals(scene) or own):
        return None
    edits = [edit for c in found if (edit := _corrected(c)) is not None]
    return Suspicion(
        at=call.index,
        verdict=said("{value}: {function} in line {line} divides by n − 1 = {less}, not by n = {count}: that is "
                     "the whole difference.",
                     value=stated(scene), function=short(call), line=line_of(call), less=count - 1,
                     count=count),
        evidence=(said("(n − 1)/n is {share} here.", share=number(share)),),
        trials=(
            Trial(said("with correction=0, divided by n"), graph_rerun(*edits),
                  proves=lambda v: any(math.isclose(v, x, rel_tol=_NEAR) for x in (*others, *([1.0] if own else [])))
                  or _meets(scene, v)),
        ),
        fix=fixes.fix(scene, _by_n(scene, found), "choose",
                      said("Divide by n with correction=0 where the other side does.")),
        only_proven=True,
    )  # fmt: skip


def _meets(scene: Scene, value: float) -> bool:
    return any(claim.agrees(value) for claim in goals(scene))


def _over(scene: Scene, call: Call) -> int:
    """The number of elements that one deviation is of."""
    before, after = (scene.recording.tensors[id].elements for id in (call.inputs()[0], call.outputs[0]))
    return before // after if after else 0


def _corrected(call: Call) -> SetArgument | None:
    """Divided by n, in the way that this call says it; None where it is already."""
    named = {a.name: a.value for a in call.arguments}
    if "unbiased" in named:
        return set_to(call, "unbiased", False) if named["unbiased"] is not False else None
    return set_to(call, "correction", 0) if named.get("correction") != 0 else None


def _by_n(scene: Scene, calls: list[Call]) -> str | None:
    """The program with correction=0 in each of these calls, where they are written out without an option."""
    source = Source(scene.recording.source)
    nodes = {source.piece(n): n for c in calls if not modules_around(c) and (n := source.call_at(c.span)) is not None}
    if not nodes or any(k.arg in ("unbiased", "correction") for n in nodes.values() for k in n.keywords):
        return None
    texts = [
        (p, f"{source.written(n)[:-1]}{', ' if n.args or n.keywords else ''}correction=0)") for p, n in nodes.items()
    ]
    return rewritten(source, texts)
