"""The mean of ctc_loss, which divides each loss by the length of its target before it averages."""

from __future__ import annotations

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, reduced_by
from explainers.diagnoses.expectations import seeks
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import stated
from explainers.divisors import divisor
from explainers.messages import said

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "log_p = torch.tensor([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.3, 0.6], [0.5, 0.2, 0.3]]).log()\n"
    "log_p = torch.stack([log_p, log_p.flip(0)], dim=1)\ntargets = torch.tensor([[1, 2], [1, 0]])\n"
)
_PLAIN_MEAN = Claim("expected", 1.6994, 5e-5, "1.6994")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ctc-mean-divides-by-lengths",
            family="reductions",
            title=said("The mean of ctc_loss divides by the targets' lengths first"),
            explanation=said(
                "reduction='mean' of ctc_loss divides the loss of each item by the length of its target, and then "
                "takes the mean over the batch: a loss per label. 'none' and 'sum' leave the losses undivided, so that "
                "their plain mean over the batch is another number, the larger the longer the targets are. Divided by "
                "the batch size once more, as is done after the sum of warp-ctc, it is divided twice."
            ),
            words=(
                "ctc reduction none and mean by hand do not agree",
                "CTCLoss mean is not the average of the unreduced losses",
                "ctc loss sum divided by the batch size",
                "ctc loss divided by target lengths",
                "warp_ctc cost divided by batch_size, does CTCLoss reduction mean do so already",
                "CTCLoss mean divided by batch_size again is very small",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_divided_by_lengths,
            positive=_HEAD + "F.ctc_loss(log_p, targets, (4, 4), (2, 1))",
            positive_claims=(_PLAIN_MEAN,),
            control=_HEAD + "F.ctc_loss(log_p, targets, (4, 4), (2, 1), reduction='none').mean()",
            control_claims=(_PLAIN_MEAN,),
            dominates=frozenset({"reduction-expected-sum"}),
        ),
    )


def _divided_by_lengths(scene: Scene) -> Suspicion | None:
    if scene.reduction != "mean" or not seeks(scene) or scene.recording.subject not in scene.call.outputs:
        return None
    lengths = tuple(divisor(scene.recording, scene.call, scene.name))
    if not lengths:
        return None
    sizes = scene.given("log_probs").shape
    items = sizes[1] if len(sizes) == 3 else 1
    note = said("Where the mean over items is wanted, sum and divide: reduction='sum', then / {items}.", items=items)
    unreduced = graph_rerun(*reduced_by(scene.call, "sum"), followed_by(scene.call, "torch.div", other=items))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} divides each loss by the length of its target, then by the batch.", value=stated(scene)),
        evidence=lengths,
        trials=(Trial(said("with reduction='sum', divided by the {items} items", items=items), unreduced),),
        fix=fixes.fix(scene, fixes.summed_over(scene, items), "choose", note),
        only_proven=True,
    )
