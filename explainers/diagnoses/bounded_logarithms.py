"""A small number inside a logarithm: it moves the end that was right as well as the one that was meant."""

from __future__ import annotations

import ast
import math

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, set_to, wrapped
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\np = torch.tensor([1.0, 0.9999], requires_grad=True)\n"
_LARGEST = 0.1
_NEARLY = 0.999
_CUTS = frozenset({"clamp", "clip", "clamp_min"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="eps-in-logarithm",
            family="logarithms",
            title=said("An epsilon inside the logarithm makes the loss negative"),
            explanation=said(
                "log(p + ε) is above 0 where p is above 1 − ε, so that −log(p + ε) ends at −log(1 + ε), below 0, and "
                "not at 0; at the other end it never exceeds −log ε. p.clamp(min=ε) bounds the logarithm where it is "
                "needed alone, and leaves a sure right answer its 0."
            ),
            words=(
                "negative loss with eps in log",
                "-log(p + eps) below zero",
                "epsilon in logarithm negative cross entropy",
            ),
            losses=frozenset(),
            trigger=_above_one,
            positive=_HEAD + "-torch.log(p + 1e-3).mean()",
            control=_HEAD + "-torch.log(p.clamp(min=1e-3)).mean()",
            dominates=frozenset({"negated-score"}),
        ),
        Rule(
            slug="logarithm-at-its-bound",
            unedited="What makes a probability 0 are the scores, before what such a program is given.",
            family="logarithms",
            title=said("A probability of 0 costs what the least value under the logarithm lets it"),
            explanation=said(
                "A least value ε under the logarithm (clamp, clip, max) bounds each term at −log ε. A loss that stands "
                "at exactly this number says that the probability of the right class is 0 after rounding (underflow): "
                "the scores have diverged or saturated, and where ε was taken no gradient flows. Frameworks differ in "
                "ε: Caffe takes the smallest normal float32, 1.1755e-38, Keras 1e-7."
            ),
            words=(
                "loss stuck at 87.3365",
                "loss is always 87.3365 caffe softmax",
                "largest loss because of clamp eps in log",
            ),
            losses=frozenset(),
            about=frozenset({"cross_entropy"}),
            trigger=_at_bound,
            positive=_HEAD.replace("1.0, 0.9999", "0.0, 0.5") + "-torch.log(p.clamp(min=1e-8)).mean()",
            control=_HEAD + "-torch.log(p.clamp(min=1e-8)).mean()",
            handwritten=True,
        ),
    )


def _at_bound(scene: Scene) -> Suspicion | None:
    """A logarithm of what was cut off at a least value, where there is a 0."""
    if not scene.whole or scene.value is None:
        return None
    for log in (call for call in scene.needed() if short(call) == "log"):
        cut = scene.maker(log.ref("input"))
        least = cut.argument("min") if cut is not None and short(cut) in _CUTS else None
        under = scene.held(cut.ref("input")) if cut is not None else None
        if cut is None or under is None or not isinstance(least, int | float) or not 0 < least <= _LARGEST:
            continue
        most = -math.log(least)
        if not (under == 0).any() or (under < 0).any() or abs(scene.value) * under.size < _NEARLY * most:
            continue  # what stands at the bound is not part of the loss, as the classes beside the target are not
        return Suspicion(
            at=log.index,
            verdict=said(
                "{value}: {count} of {all} probabilities are 0 and cost −log {eps} = {most} each, the bound.",
                value=stated(scene),
                count=int((under == 0).sum()),
                all=under.size,
                eps=f"{least:.5g}",
                most=number(most),
            ),
            evidence=(said("Line {line} lets nothing under the logarithm fall below {eps}.",
                           line=line_of(cut), eps=f"{least:.5g}"),),
            trials=(Trial(said("without that bound"), graph_rerun(dropped(cut)), "illustration"),),
            fix=fixes.fix(scene, None, "choose",
                          said("Take log_softmax of the raw scores, which has no bound and keeps its gradient; look "
                               "for what makes the scores so large: the learning rate, or inputs that are not "
                               "normalised.")),
        )  # fmt: skip
    return None


def _above_one(scene: Scene) -> Suspicion | None:
    if not scene.whole or scene.value is None or not scene.value < 0:
        return None
    for log in (call for call in scene.needed() if short(call) == "log"):
        added, under = scene.maker(log.ref("input")), scene.held(log.ref("input"))
        eps = _epsilon(added) if added is not None else None
        if added is None or under is None or eps is None or not (1 < under.max(initial=0) <= 1 + eps * (1 + 1e-3)):
            continue
        return Suspicion(
            at=log.index,
            verdict=said(
                "{value} is below 0 because of the {eps} inside the logarithm of line {line}: it is of more than 1.",
                value=stated(scene),
                eps=number(eps),
                line=line_of(log),
            ),
            evidence=(
                said(
                    "{count} of {all} arguments of the logarithm are above 1, the largest is {largest}.",
                    count=int((under > 1).sum()),
                    all=under.size,
                    largest=number(float(under.max())),
                ),
            ),
            trials=(
                Trial(
                    said("with at least {eps} in its place", eps=number(eps)),
                    graph_rerun(set_to(added, "other", 0.0), wrapped(log, "input", "torch.clamp", min=eps)),
                ),
            ),
            fix=fixes.fix(scene, _bounded(scene, added, eps), "safe", said("Bound it with clamp(min=ε) instead.")),
        )
    return None


def _epsilon(call: Call) -> float | None:
    """The small number that a call adds."""
    value = call.argument("other")
    small = isinstance(value, int | float) and 0 < value <= _LARGEST
    return float(value) if short(call) == "add" and small and isinstance(value, int | float) else None


def _bounded(scene: Scene, added: Call, eps: float) -> str | None:
    """The program with the sum written as a least value."""
    source = Source(scene.recording.source)
    node = source.at(added.span)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    return source.replaced(source.piece(node), f"{atom(source, node.left)}.clamp(min={eps:g})")
