"""Perplexities that are averaged, where the losses should be."""

from __future__ import annotations

import math

from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import dropped, followed_by, graph_rerun
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_NAMES = ("loss", "nll", "ce", "ppl", "perplex")
_AVERAGING = frozenset({"mean", "sum", "div", "add", "radd", "mul", "rmul", "stack", "cat", "getitem"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="mean-of-perplexities",
            unedited="Where the batches are added up lies mostly in a loop before.",
            family="transformed",
            title=said("A mean of perplexities is no perplexity of the mean"),
            explanation=said(
                "The perplexity of a text is exp of the mean loss over all its tokens. exp is convex, so the mean of "
                "the perplexities of batches is larger, the more so the further the batches lie apart. Average the "
                "losses first, each batch weighted by its tokens, and take exp once."
            ),
            words=(
                "mean of perplexities of batches",
                "average perplexity over batches",
                "perplexity mean of exp or exp of mean",
                "is the loss averaged over all tokens of the sentences",
            ),
            losses=frozenset(),
            trigger=_mean_of_exps,
            positive=_HEAD + "losses = torch.tensor([2.0, 3.0, 7.0])\ntorch.exp(losses).mean()",
            control=_HEAD + "losses = torch.tensor([2.0, 3.0, 7.0])\ntorch.exp(losses.mean())",
            about=frozenset({"perplexity"}),
            handwritten=True,
        ),
    )


def _mean_of_exps(scene: Scene) -> Suspicion | None:
    if not scene.whole or scene.value is None or scene.value <= 0:
        return None
    needed = scene.needed()
    exps = [call for call in needed if short(call) == "exp" and _is_of_losses(scene, call)]
    after = [call for call in needed if exps and call.index > min(c.index for c in exps) and call not in exps]
    if not exps or not after or any(short(call) not in _AVERAGING for call in after) or not _spread(scene, exps):
        return None
    undone = graph_rerun(*(dropped(call) for call in exps), followed_by(after[-1], "torch.exp"))
    return Suspicion(
        at=exps[0].index,
        verdict=said("{value} is a mean of perplexities, not the perplexity of all tokens: that takes exp last.",
                     value=stated(scene)),
        evidence=(said("As a loss it would be {loss}, its logarithm.", loss=number(math.log(scene.value))),),
        trials=(Trial(said("exp of the mean loss"), undone),),
        fix=Fix((), "likely", said("Average the losses over all tokens, then take exp once.")),
    )  # fmt: skip


def _is_of_losses(scene: Scene, call: Call) -> bool:
    """Whether exp is taken of what a loss function made, or of what is named like a loss."""
    taken = scene.recording.tensors[call.inputs()[0]]
    maker = scene.makers.get(taken.id)
    if maker is not None and maker.inputs():
        return short(maker) in ("cross_entropy", "nll_loss")
    return any(name in (taken.name or "").lower() for name in _NAMES)


def _spread(scene: Scene, exps: list[Call]) -> bool:
    """Whether more than one loss went in, so that their order of mean and exp matters."""
    held = [numbers(scene.recording.tensors.get(call.inputs()[0])) for call in exps]
    return len({float(x) for each in held if each is not None for x in each.reshape(-1)}) > 1
