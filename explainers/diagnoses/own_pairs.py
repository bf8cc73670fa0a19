"""Contrastive losses written by hand: labels that mean the other way round, items that are paired with themselves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from explainers.claims import Claim, expected
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.expectations import sought
from explainers.diagnoses.scene import VIEWS, Floats, Scene, line_of, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIRS = (
    "a = torch.tensor([[0.1, 0.2], [0.9, 0.8]], requires_grad=True)\nb = torch.tensor([[0.2, 0.2], [0.9, 0.7]])\n"
    "y = torch.tensor([1.0, 1.0])\nd = F.pairwise_distance(a, b)\n"
)
_ALIKE_PAIRS = (
    "a = torch.tensor([[0.1, 0.2], [0.9, 0.8], [0.1, 0.9]])\nb = a + 0.01\ny = torch.ones(3)\n"
    "d = F.pairwise_distance(a, b)\n"
)
_TURNED = "((1 - y) * d ** 2 + y * torch.clamp(1 - d, min=0) ** 2).mean()"
_RIGHT = "(y * d ** 2 + (1 - y) * torch.clamp(1 - d, min=0) ** 2).mean()"
_VIEWS = (
    "torch.manual_seed(0)\nz = F.normalize(torch.randn(6, 4), dim=1)\nsim = z @ z.T / 0.1\n{}F.cross_entropy(sim, {})"
)
_LOGARITHMS = frozenset({"log", "log1p", "log_softmax", "logsigmoid", "softplus"})
_LITTLE = 0.05
_ALIKE = 0.2
_HINGES = frozenset({"relu", "clamp", "clamp_min", "clip", "maximum", "max"})
_APART = frozenset({"pairwise_distance", "sub", "cosine_similarity"})
_PRODUCTS = frozenset({"matmul", "mm"})
_SCALED = frozenset({"div", "mul"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="pair-labels-turned",
            unedited="Whether 1 is to mean alike or apart is the asker's choice: the labels or the formula may change.",
            family="collapse",
            title=said("The labels of the pairs mean the other way round"),
            explanation=said(
                "A contrastive loss takes one label for pairs that are alike and the other for those that are not, and "
                "papers and code differ in which is 1. What is multiplied with the label falls on the pairs that have "
                "a 1, what is multiplied with 1 − label on the others. Turned round, the loss pushes apart what "
                "belongs together."
            ),
            words=(
                "contrastive loss high for identical pairs",
                "contrastive loss label 1 similar or dissimilar",
                "siamese network labels swapped",
                "which label means similar in contrastive loss",
            ),
            losses=frozenset(),
            about=frozenset({"hinge_embedding_loss"}),
            trigger=_turned,
            positive=_HEAD + _PAIRS + _TURNED,
            positive_claims=(Claim("expected", 0.0, text="0"),),
            control=_HEAD + _PAIRS + _RIGHT,
            control_claims=(Claim("expected", 0.0, text="0"),),
            variants=(_HEAD + _ALIKE_PAIRS + _TURNED,),
        ),
        Rule(
            slug="paired-with-itself",
            unedited="Which items belong together is known to the asker alone.",
            family="collapse",
            title=said("Each item is its own positive pair"),
            explanation=said(
                "In NT-Xent (SimCLR, InfoNCE among the views themselves) an item's own similarity is taken out, with "
                "−inf on the diagonal, and the target of a view is the other view of the same item, i + N and back. "
                "With the targets 0, 1, 2, … and the diagonal left in, each item has to find itself, which it does "
                "from the start: the loss is near 0 and teaches nothing."
            ),
            words=(
                "NT-Xent loss near 0 from the start",
                "SimCLR loss too low at the beginning",
                "InfoNCE mask diagonal self similarity",
                "contrastive loss arange labels of z @ z.T",
            ),
            losses=frozenset({"cross_entropy"}),
            about=frozenset({"info_nce"}),
            trigger=_itself,
            positive=_HEAD + _VIEWS.format("", "torch.arange(6)"),
            control=_HEAD + _VIEWS.format("sim.fill_diagonal_(float('-inf'))\n", "torch.arange(6).roll(3)"),
            dominates=frozenset({"ce-probabilities-as-logits"}),
        ),
    )


def _turned(scene: Scene) -> Suspicion | None:
    found = _labels(scene)
    if found is None:
        return None
    id, one, exchanged = found
    held, value = scene.held(id), scene.value
    assert held is not None
    proves = _is_next_to_nothing(scene)
    if value is None:
        return None
    if not (sought(scene, exchanged * value) or (proves is not None and proves(exchanged * value))):
        return _pushed(scene, id, one)
    name = scene.recording.tensors[id].name or "label"
    return Suspicion(
        at=one.index,
        verdict=said(
            "{value} reads {name} the other way round: with 0 and 1 exchanged the loss is what you expect.",
            value=stated(scene),
            name=name,
        ),
        evidence=(
            said(
                "{ones} of {all} entries of {name} are 1; line {line} multiplies one term with {name}, another with "
                "1 − {name}.",
                ones=int((held == 1).sum()),
                all=held.size,
                name=name,
                line=line_of(one),
            ),
        ),
        trials=(
            Trial(
                said("with 1 − {name} for {name}", name=name),
                graph_rerun(replaced(scene.recording.tensors[id], 1 - held)),
                proves=proves,
            ),
        ),
        fix=fixes.fix(scene, None, "choose", said("Exchange the two labels, or the two terms.")),
        only_proven=True,
    )


def _pushed(scene: Scene, id: int, one: Call) -> Suspicion | None:
    """The pairs that are most alike are those which the hinge pushes apart: their inputs are next to each other, beside
    the inputs of other pairs."""
    held, rest = scene.held(id), _hinged(scene, id, one)
    distance = None if rest is None else _distance(scene, rest)
    near = None if distance is None else _nearness(scene, distance)
    if held is None or rest is None or near is None or near.shape != held.reshape(-1).shape:
        return None
    apart = held.reshape(-1) == (1 if rest is one else 0)
    if (
        not apart.any()
        or near[apart].max() > _ALIKE
        or (not apart.all() and near[~apart].min() < 2 * near[apart].max())
    ):
        return None
    name, label = scene.recording.tensors[id].name or "label", 1 if rest is one else 0
    return Suspicion(
        at=one.index,
        verdict=said("{value} pushes apart the {count} pairs with {name} = {label}, though they are the ones alike.",
                     value=stated(scene), count=int(apart.sum()), name=name, label=label),
        evidence=(
            said("Line {line} gives them the hinge, which is 0 only from the margin on. Their inputs are {share} times "
                 "as far from each other as from those of other pairs, at most.",
                 line=line_of(rest), share=number(float(near[apart].max()))),
        ),
        trials=(
            Trial(said("with 1 − {name} for {name}", name=name),
                  graph_rerun(replaced(scene.recording.tensors[id], 1 - held)), "illustration"),
        ),
        fix=fixes.fix(scene, None, "choose", said("Exchange the two labels, or the two terms.")),
    )  # fmt: skip


def _hinged(scene: Scene, id: int, one: Call) -> Call | None:
    """Which of the two products has a hinge, and not both: that of the label, or that of 1 − the label."""
    others = [c for c in scene.needed() if short(c) == "mul" and len(c.inputs()) == 2 and c is not one]
    rests = {
        c.outputs[0] for c in scene.needed() if short(c) == "sub" and c.argument("input") == 1 and c.ref("other") == id
    }
    rest = next((c for c in others if any(_unscaled(scene, i)[0] in rests for i in c.inputs())), None)
    found = [c for c in (one, rest) if c is not None and _margin(scene, c) is not None]
    return found[0] if len(found) == 1 else None


def _margin(scene: Scene, product: Call) -> Call | None:
    """margin − distance under the hinge of a product."""
    cuts = [c for c in upstream(product.outputs[0], scene.makers) if short(c) in _HINGES]
    made = [scene.maker(c.inputs()[0]) for c in cuts if c.inputs()]
    return next((c for c in made if c is not None and short(c) in ("sub", "rsub") and len(c.inputs()) == 1), None)


def _distance(scene: Scene, product: Call) -> Call | None:
    """What the distance of each pair is made of: a distance of torch's, or a difference."""
    margin = _margin(scene, product)
    made = upstream(margin.inputs()[0], scene.makers) if margin is not None else []
    return next((c for c in reversed(made) if short(c) in _APART and len(c.inputs()) == 2), None)


def _nearness(scene: Scene, distance: Call) -> Floats | None:
    """How far the inputs of each pair are from each other, as a share of how far they are from those of other pairs;
    inputs of the layers that both went through."""
    left, right = distance.inputs()
    while (a := scene.maker(left)) is not None and (b := scene.maker(right)) is not None and _same_layer(a, b):
        left, right = a.inputs()[0], b.inputs()[0]
    one, other = scene.held(left), scene.held(right)
    if one is None or other is None or one.shape != other.shape or one.ndim < 2 or len(one) < 3:
        return None
    x, y = one.reshape(len(one), -1), other.reshape(len(other), -1)
    apart = np.linalg.norm(x[:, None] - y[None], axis=-1)
    elsewhere = (apart.sum(axis=1) - np.diagonal(apart)) / (len(x) - 1)
    return np.diagonal(apart) / elsewhere if elsewhere.all() else None


def _same_layer(a: Call, b: Call) -> bool:
    return (
        a is not b and short(a) == short(b) and bool(a.inputs()) and a.inputs()[1:] == b.inputs()[1:] and bool(a.scope)
    )


def _is_next_to_nothing(scene: Scene) -> Callable[[float], bool] | None:
    """Whether a value is 0 beside the one that was run, for who expects 0."""
    value = scene.value
    wants = any(not isinstance(c.value, tuple) and c.agrees(0.0) for c in expected(scene.claims))
    return (lambda found: 0 <= found < _LITTLE * value) if wants and value is not None else None


def _labels(scene: Scene) -> tuple[int, Call, float] | None:
    """Labels 0 and 1 with the product of them, where 1 − them is a factor too and neither is one of a logarithm; and
    how many times the sum of both products is with the labels exchanged."""
    products = [call for call in scene.needed() if short(call) == "mul" and len(call.inputs()) == 2]
    rests = {c.outputs[0]: c.ref("other") for c in scene.needed() if short(c) == "sub" and c.argument("input") == 1}
    for rest in products:
        of = next((rests[bare] for id in rest.inputs() if (bare := _unscaled(scene, id)[0]) in rests), None)
        one = next((c for c in products if c is not rest and _multiplies(scene, c, of)), None)
        held = scene.held(of)
        if of is None or one is None or held is None or not set(np.unique(held)) <= {0.0, 1.0} or not held.size:
            continue
        made = (*upstream(one.outputs[0], scene.makers), *upstream(rest.outputs[0], scene.makers))
        if not any(short(call) in _LOGARITHMS or "entropy" in short(call) for call in made):
            costs = [_cost(scene, call, {of, *rests}) for call in (one, rest)]
            if costs[0] is not None and costs[1] is not None:
                total, turned = (float((y * costs[0] + (1 - y) * costs[1]).sum()) for y in (held, 1 - held))
                return (of, one, turned / total) if total else None
    return None


def _multiplies(scene: Scene, call: Call, label: int | None) -> bool:
    return label is not None and any(_unscaled(scene, id)[0] == label for id in call.inputs())


def _cost(scene: Scene, product: Call, labels: set[int]) -> Floats | None:
    """What a product with labels gives where they are 1, numbers that stand beside them included."""
    factors = [_unscaled(scene, id) for id in product.inputs()]
    scale = math.prod(factor for bare, factor in factors if bare in labels)
    other = scene.held(next((id for id in product.inputs() if _unscaled(scene, id)[0] not in labels), None))
    return None if other is None else scale * other


def _unscaled(scene: Scene, id: int) -> tuple[int, float]:
    """A tensor without the plain numbers that it was multiplied by, and the product of those."""
    factor = 1.0
    while (call := scene.maker(id)) is not None and short(call) == "mul" and len(call.inputs()) == 1:
        number_ = call.argument("other")
        if not isinstance(number_, int | float):
            break
        id, factor = call.inputs()[0], factor * number_
    return id, factor


def _itself(scene: Scene) -> Suspicion | None:
    scores, target = scene.recorded("input"), scene.recorded("target")
    made = _similarity(scene)
    if scores is None or target is None or made is None or scores.ndim != 2 or scores.shape[0] < 2:
        return None
    count = scores.shape[0]
    own = np.diagonal(scores)
    if scores.shape != (count, count) or target.shape != (count,) or not np.isfinite(own).all():
        return None
    if (target != np.arange(count)).any() or (own < scores.max(axis=1)).any():
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} asks each item for itself: the target of row i is its own similarity, the largest.",
                     value=stated(scene)),
        evidence=(
            said("The scores are those of {count} items with themselves, of line {line}; the diagonal is {low} to "
                 "{high}, and the targets are 0, 1, 2, …",
                 count=count, line=line_of(made), low=number(float(own.min())), high=number(float(own.max()))),
        ),
        trials=_with_partners(scene, scores),
        fix=fixes.fix(scene, None, "likely",
                      said("Put −inf on the diagonal, and make the other view of the same item the target.")),
    )  # fmt: skip


def _with_partners(scene: Scene, scores: Floats) -> tuple[Trial, ...]:
    """For an even number of items the loss with the other half's item as the partner."""
    count = scores.shape[0]
    if count % 2:
        return ()
    own = np.roll(np.eye(count, dtype=bool), count // 2, axis=1)
    partners = np.where(own, -np.inf, np.roll(scores, -(count // 2), axis=1))  # the partner's score comes to the target
    return (
        Trial(
            said("without the diagonal, the partner of item i being i + {half} or i − {half}", half=count // 2),
            graph_rerun(replaced(scene.given("input"), partners)),
            "illustration",
        ),
    )


def _similarity(scene: Scene) -> Call | None:
    """The product of a matrix with its own transpose that the scores are, through views and factors."""
    id = scene.call.ref("input")
    while (call := scene.maker(id)) is not None and (short(call) in VIEWS or _is_scaled(call)):
        id = call.ref("input")
    if call is None or short(call) not in _PRODUCTS or len(call.inputs()) != 2:
        return None
    one, other = (_bare(scene, each) for each in call.inputs())
    return call if one == other else None


def _is_scaled(call: Call) -> bool:
    return short(call) in _SCALED and len(call.inputs()) == 1


def _bare(scene: Scene, id: int) -> int:
    """What a tensor is a view of."""
    while (call := scene.maker(id)) is not None and short(call) in VIEWS and call.inputs():
        id = call.inputs()[0]
    return id
