"""Dropout and batch norm, which compute otherwise in training than in evaluation."""

from __future__ import annotations

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to
from explainers.diagnoses.expectations import behaves
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_NORMED = "net = nn.BatchNorm1d(2)\nx = torch.tensor([[1.0, 2.0], [3.0, 5.0], [4.0, 0.5]])\n"
_NET = "torch.manual_seed(0)\nnet = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)){}\nx = torch.ones(2, 4)\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="train-mode-noise",
            unedited="Which of the asker's lines evaluate and which train is not known.",
            family="precision",
            title=said("Dropout draws anew at every call"),
            explanation=said(
                "In training mode dropout sets other elements to 0 at every call, and batch norm uses the statistics "
                "of the batch. So the same input gives another loss each time; evaluate with model.eval(). A training "
                "loss is also an average over the epoch, while the model still learns: with dropout it is often above "
                "the validation loss, which is taken afterwards and without dropout."
            ),
            words=(
                "loss changes every time",
                "different loss same input",
                "dropout random loss",
                "model.eval() loss differs",
                "train and eval loss differ",
                "training loss is higher than validation loss",
                "validation loss lower than training loss",
                "dropout training loss higher",
            ),
            losses=frozenset(),
            trigger=_noisy,
            positive=_HEAD + _NET.format("") + "F.cross_entropy(net(x), torch.tensor([0, 1]))",
            positive_claims=(Claim("behaviour", "random", text="another number each time"),),
            control=_HEAD + _NET.format(".eval()") + "F.cross_entropy(net(x), torch.tensor([0, 1]))",
            control_claims=(Claim("behaviour", "random", text="another number each time"),),
        ),
        Rule(
            slug="batch-norm-in-two-modes",
            unedited="Which of the two numbers the asker wants is not known.",
            family="precision",
            title=said("Batch norm computes otherwise in training than in evaluation"),
            explanation=said(
                "In training mode batch norm subtracts the mean of the batch and divides by its standard deviation; in "
                "evaluation mode it takes the running statistics instead, which after few steps are still near the 0 "
                "and 1 that they start from. The same input and weights then give two losses, and neither is wrong."
            ),
            words=("BatchNorm train and eval mode differ", "batch norm running statistics loss differs"),
            losses=frozenset(),
            trigger=_in_two_modes,
            positive=_HEAD + _NORMED + "print(F.mse_loss(net(x), x))\nnet.eval()\nprint(F.mse_loss(net(x), x))",
            control=_HEAD + _NORMED + "print(F.mse_loss(net(x), x))\nprint(F.mse_loss(2 * net(x), x))",
        ),
    )


def _in_two_modes(scene: Scene) -> Suspicion | None:
    own = [c for c in scene.needed() if short(c) == "batch_norm"]
    modes = {c.argument("training") for c in own}
    others = {c.argument("training") for c in scene.recording.calls if short(c) == "batch_norm"} - modes
    if not scene.recording.others or len(modes) != 1 or not others:
        return None
    trains = modes == {True}
    what = said("with the running statistics, as by eval()") if trains else said("with the statistics of the batch")
    return Suspicion(
        at=own[0].index,
        verdict=said(
            "{value} comes of the statistics of the batch: batch norm is in training mode.", value=stated(scene)
        )
        if trains
        else said("{value} comes of running statistics: batch norm is in evaluation mode.", value=stated(scene)),
        evidence=(said("Other calls of batch norm in this program run with training={mode}.", mode=str(not trains)),),
        trials=(Trial(what, graph_rerun(*(set_to(c, "training", not trains) for c in own)), "illustration"),),
        fix=fixes.fix(
            scene, None, "safe", said("Call model.eval() before you evaluate, model.train() before you train.")
        ),
    )


def _noisy(scene: Scene) -> Suspicion | None:
    drawn = [
        c for c in scene.needed() if short(c).endswith("dropout") and c.argument("training") is True and c.argument("p")
    ]
    batch = [c for c in scene.needed() if short(c) == "batch_norm" and c.argument("training") is True]
    if not drawn or not (behaves(scene, "random") or len(scene.recording.others) > 0):
        return None
    still = (set_to(c, "training", False) for c in drawn)
    return Suspicion(
        at=drawn[0].index,
        verdict=said(
            "{value} is one draw: dropout is in training mode and chooses anew at every call.", value=stated(scene)
        ),
        evidence=(
            said(
                "{dropout} calls of dropout and {norms} of batch norm run with training=True.",
                dropout=len(drawn),
                norms=len(batch),
            ),
        ),
        trials=(Trial(said("with dropout switched off, as by eval()"), graph_rerun(*still)),),
        fix=fixes.fix(
            scene, None, "safe", said("Call model.eval() before you evaluate, model.train() before you train.")
        ),
    )
