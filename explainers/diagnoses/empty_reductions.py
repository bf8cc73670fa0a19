"""Reductions of too few elements: a spread of one, a mean and a logsumexp of none."""

from __future__ import annotations

import math

from explainers.diagnoses import fixes
from explainers.diagnoses.births import birth, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, set_to, wrapped
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import shape, stated
from explainers.messages import said
from explainers.reruns import SetArgument

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_VARIANCE = 1e-5
_SPREADS = frozenset({"std", "var"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="std-of-one-sample",
            family="undefined-values",
            title=said("The standard deviation of one sample"),
            explanation=said(
                "std and var divide by n − 1 (Bessel's correction), which is 0 for a single sample: 0 / 0 is nan."
            ),
            words=("std of one element is nan", "var of batch size 1", "degrees of freedom <= 0"),
            losses=frozenset(),
            trigger=_one_sample,
            positive=_HEAD + "x = torch.tensor([3.0])\nx.std()",
            control=_HEAD + "x = torch.tensor([3.0, 4.0])\nx.std()",
            concern="non-finite",
        ),
        Rule(
            slug="mean-of-nothing",
            unedited="Whether such a batch is left out or counts as 0 is the asker's choice.",
            family="undefined-values",
            title=said("The mean of no elements"),
            explanation=said(
                "The mean is the sum divided by the count; of an empty tensor that is 0 / 0. Empty tensors come from "
                "masks that select nothing and from batches without an item of some kind."
            ),
            words=("mean of empty tensor", "empty batch nan", "mask selects nothing"),
            losses=frozenset(),
            trigger=_of_nothing,
            positive=_HEAD + "loss = torch.tensor([0.7, 0.2])\nmask = torch.tensor([False, False])\nloss[mask].mean()",
            control=_HEAD + "loss = torch.tensor([0.7, 0.2])\nmask = torch.tensor([False, True])\nloss[mask].mean()",
            concern="non-finite",
        ),
        Rule(
            slug="logsumexp-of-nothing",
            unedited="Whether such a batch is left out or counts as 0 is the asker's choice.",
            family="undefined-values",
            title=said("The logarithm of a sum of no terms"),
            explanation=said(
                "A sum over no terms is 0, and its logarithm is −inf. Empty tensors come from masks that "
                "select nothing."
            ),
            words=("logsumexp of empty tensor", "logsumexp -inf empty"),
            losses=frozenset(),
            trigger=_no_terms,
            positive=_HEAD + "x = torch.tensor([0.7, 0.2])\nmask = torch.tensor([False, False])\n"
            "torch.logsumexp(x[mask], dim=0)",
            control=_HEAD + "x = torch.tensor([0.7, 0.2])\nmask = torch.tensor([False, True])\n"
            "torch.logsumexp(x[mask], dim=0)",
            concern="non-finite",
        ),
    )


def _one_sample(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name not in _SPREADS:
        return None
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {function} of a single sample divides by n − 1 = 0.",
                     value=stated(scene), function=found.name),
        evidence=(told(found), said("{name} has shape {shape}.", name=name, shape=shape(scene.given("input").shape))),
        trials=(Trial(said("with correction=0, divided by n"), graph_rerun(_over_n(scene))),),
        fix=fixes.fix(scene, fixes.with_option(scene, scene.call, "correction", "0"), "choose",
                      said("Divide by n with correction=0, or take more samples.")),
        alternatives=(
            fixes.fix(scene, _over_n_not_0(scene), "choose",
                      said("Divide by n with correction=0 and add a small number, as batch norm does.")),
        ),
    )  # fmt: skip


def _over_n_not_0(scene: Scene) -> str | None:
    """`x.std(0)` written as `(x.std(0, correction=0) + 1e-5)`, which may be divided by."""
    source = Source(scene.recording.source)
    node = source.call_at(scene.call.span)
    if node is None:
        return None
    comma = ", " if node.args or node.keywords else ""
    text = f"({source.written(node)[:-1]}{comma}correction=0) + {_VARIANCE:g})"
    return source.replaced(source.piece(node), text)


def _over_n(scene: Scene) -> SetArgument:
    """Divided by n, in the way that this call says it."""
    by_flag = any(a.name == "unbiased" for a in scene.call.arguments)
    return set_to(scene.call, "unbiased", False) if by_flag else set_to(scene.call, "correction", 0)


def _of_nothing(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    tensor = scene.tensor("input")
    if found is None or tensor is None or tensor.elements or found.name in _SPREADS:
        return None
    if not math.isnan(found.made):
        return None
    swap = set_to(scene.call, "reduction", "sum") if scene.call.argument("reduction") is not None else None
    edit = swap or wrapped(scene.call, "input", "torch.sum")
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: the mean of {name}, which is empty, is 0/0.", value=stated(scene), name=name),
        evidence=(told(found), said("{name} has shape {shape}.", name=name, shape=shape(tensor.shape))),
        trials=(Trial(said("with the sum in place of the mean"), graph_rerun(edit)),),
        fix=fixes.fix(scene, None, "choose", said("Leave such a batch out, or take the sum and divide by at least 1.")),
    )


def _no_terms(scene: Scene) -> Suspicion | None:
    found, tensor = birth(scene), scene.tensor("input")
    if found is None or found.name != "logsumexp" or tensor is None or tensor.elements:
        return None
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {name} is empty, the sum over none of its terms is 0, and log 0 is −inf.",
                     value=stated(scene), name=name),
        evidence=(told(found), said("{name} has shape {shape}.", name=name, shape=shape(tensor.shape))),
        trials=(Trial(said("with one term of 0 instead"),
                      graph_rerun(wrapped(scene.call, "input", "torch.sum"), set_to(scene.call, "dim", 0))),),
        fix=fixes.fix(scene, None, "choose", said("Leave such a batch out.")),
    )  # fmt: skip
