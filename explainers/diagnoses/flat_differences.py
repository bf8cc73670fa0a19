"""Gradients that are 0 by construction: a tensor taken from itself, and distances of points that are equal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.backward_steps import gradient_trial
from explainers.diagnoses.cuts import requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, wrapped
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.operands import replaced as written_otherwise
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_POLICY = (
    "z = torch.tensor([[0.3, -0.2], [0.1, 0.4]], requires_grad=True)\nlogp = z.log_softmax(1)[:, 0]\nold = logp{}\n"
    "loss = (torch.exp(logp - old) * torch.tensor([-1.0, 0.5])).mean()\nloss.backward()\nprint(z.grad)\nloss"
)
_POINTS = "z = torch.tensor([[1.0, 1.0], [1.0, {}]], requires_grad=True)\n"
_APART = "loss = torch.relu(2.0 - torch.cdist(z, z)[0, 1])\nloss.backward()\nprint(z.grad)\nloss"
_DISTANCES = frozenset({"cdist", "pdist", "norm", "vector_norm", "dist"})
_STEP = 1e-3


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="tensor-minus-itself",
            family="silent-gradients",
            title=said("A tensor is taken from itself, with its history"),
            explanation=said(
                "A difference of a tensor and itself is 0 whatever the weights are, so its gradient is 0. In the first "
                "step of PPO the ratio is 1, but its gradient is that of the new log-probability: the old one has to "
                "be a constant, detached, as numbers stored while playing are."
            ),
            words=(
                "PPO gradient zero first update",
                "ratio is 1 and the policy does not learn",
                "logp - old_logp gradient zero",
            ),
            losses=frozenset(),
            trigger=_itself,
            positive=_HEAD + _POLICY.format(""),
            control=_HEAD + _POLICY.format(".detach()"),
            concern="gradient",
        ),
        Rule(
            slug="distance-of-equal-points",
            unedited="How the points are to start apart is the asker's choice.",
            family="silent-gradients",
            title=said("The distance of equal points has no direction"),
            explanation=said(
                "The gradient of a distance points from one point to the other. At equal points there is no such "
                "direction, and torch takes 0: points that are equal are never pushed apart. They must not start "
                "alike; a little noise, or another initialisation, is enough."
            ),
            words=("cdist gradient zero", "norm gradient 0 at 0", "identical points are not pushed apart"),
            losses=frozenset(),
            trigger=_equal_points,
            positive=_HEAD + _POINTS.format("1.0") + _APART,
            control=_HEAD + _POINTS.format("1.5") + _APART,
            concern="gradient",
        ),
        Rule(
            slug="margin-at-collapse",
            family="collapse",
            title=said("The margin alone: both distances are 0"),
            explanation=said(
                "Where all embeddings are equal, d(a,p) and d(a,n) are 0 and the loss is the margin. The gradient of "
                "a squared distance of 0 is 0 as well, so nothing ever moves: a collapse. Start apart, use harder "
                "negatives only later, and look at the norms of the embeddings."
            ),
            words=("triplet loss stuck at margin", "triplet loss equals the margin", "embeddings collapse"),
            losses=frozenset(),
            about=frozenset({"triplet_margin_loss"}),
            trigger=_collapsed,
            positive=_HEAD + "e = torch.ones(3, 2, requires_grad=True)\n"
            "F.relu((e[0] - e[1]).pow(2).sum() - (e[0] - e[2]).pow(2).sum() + 0.2)",
            control=_HEAD + "e = torch.eye(3, requires_grad=True)\n"
            "F.relu((e[0] - e[1]).pow(2).sum() - 0.5 * (e[0] - e[2]).pow(2).sum() + 0.2)",
            harmless=True,
        ),
    )


def _itself(scene: Scene) -> Suspicion | None:
    same = [c for c in scene.needed() if short(c) == "sub" and c.ref("input") == c.ref("other") is not None]
    call = next((c for c in same if requires_grad(scene, c.inputs()[0])), None)
    if call is None or not _is_flat(scene, call.inputs()[0]):
        return None
    own = replace(scene, call=call)
    return Suspicion(
        at=call.index,
        verdict=said("{value}: line {line} takes {name} from itself, so what is computed from it gets the gradient 0.",
                     value=stated(scene), line=line_of(call), name=known_as(own, "input")),
        evidence=(said("Both operands are the same tensor, with its history."),),
        trials=gradient_trial(scene, call, said("with the second one detached"),
                              wrapped(call, "other", "torch.detach")),
        fix=fixes.fix(scene, written_otherwise(own, other="{}.detach()"), "likely",
                      said("Detach the old one: it is a constant of the step.")),
    )  # fmt: skip


def _is_flat(scene: Scene, id: int) -> bool:
    """Whether the gradient of a tensor is 0 throughout, as far as it is known."""
    held = (scene.gradients or {}).get(id)
    return held is None or held.data is None or not held.array().astype(np.float64).any()


def _equal_points(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        made = scene.held(call.outputs[0]) if call.outputs and short(call) in _DISTANCES else None
        leaf = next((id for id in _leaves(scene, call) if _is_flat(scene, id)), None)
        held = scene.held(leaf)
        if made is None or leaf is None or held is None or (made != 0).sum() > made.size - 2 > 0:
            continue
        if (made != 0).any() or not requires_grad(scene, leaf) or scene.gradients == {}:
            continue
        moved = held + _STEP * np.cos(np.arange(held.size)).reshape(held.shape)
        return Suspicion(
            at=call.index,
            verdict=said("{value}: {function} in line {line} is of equal points, where its gradient is 0.",
                         value=stated(scene), function=short(call), line=line_of(call)),
            evidence=(said("All distances that it gives are 0."),),
            trials=gradient_trial(scene, call, said("with the points moved by {step}", step=number(_STEP)),
                                  replaced(scene.recording.tensors[leaf], moved)),
            fix=fixes.fix(scene, None, "choose", said("Let the points start apart, by a little noise for example.")),
        )  # fmt: skip
    return None


def _leaves(scene: Scene, call: Call) -> list[int]:
    """The tensors behind a call that are computed from nothing."""
    behind = ancestors(scene.recording.calls, call.inputs())[0]
    return sorted(id for id in behind if scene.is_given(id))


def _collapsed(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        margin = call.argument("other") if short(call) == "add" else None
        apart = scene.maker(call.ref("input"))
        if not isinstance(margin, float) or apart is None or short(apart) != "sub" or len(apart.inputs()) != 2:
            continue
        distances = [scene.held(id) for id in apart.inputs()]
        if any(d is None or d.any() for d in distances) or scene.value is None or abs(scene.value - margin) > 1e-6:
            continue
        names = [known_as(replace(scene, call=apart), name) for name in ("input", "other")]
        return Suspicion(
            at=apart.index,
            verdict=said("{value} is the margin: both distances in line {line} are 0, and so is the gradient.",
                         value=stated(scene), line=line_of(apart)),
            evidence=(said("{one} and {other} are 0: all embeddings are equal.", one=names[0], other=names[1]),),
            trials=(
                Trial(said("with the margin halved"),
                      graph_rerun(wrapped(call, "input", "torch.sub", other=margin / 2)), "illustration"),
            ),
        )  # fmt: skip
    return None
