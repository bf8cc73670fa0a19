"""What a finite value hides: nan that a comparison leaves out, and vectors too short for their angle to count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, scaled
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Floats, Scene
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import entry, number, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_LARGE = 100.0
_ADDED = 1e-12
_SHARE = 1e-3
_LEAST = {"cosine_similarity": 1e-8, "normalize": 1e-12}
_VECTORS = {"cosine_embedding_loss": ("input1", "input2"), "cosine_similarity": ("x1", "x2"), "normalize": ("input",)}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="nan-left-out",
            unedited="What is nan is handed in: the program that made it is not there.",
            family="swallowed-values",
            title=said("A finite loss of scores that hold nan"),
            explanation=said(
                "Every comparison with nan is false. A loss that asks whether a score comes within the margin takes "
                "nan for one that does not: it counts 0, and the loss stays finite where it ought to warn."
            ),
            words=("nan in the scores but the loss is finite", "multi margin loss ignores nan", "nan swallowed"),
            losses=frozenset({"multi_margin_loss", "multilabel_margin_loss"}),
            trigger=_left_out,
            positive=_HEAD + "F.multi_margin_loss(torch.tensor([[1.0, float('nan'), 1.0]]), torch.tensor([0]))",
            control=_HEAD + "F.multi_margin_loss(torch.tensor([[1.0, -3.0, 1.0]]), torch.tensor([0]))",
        ),
        Rule(
            slug="vector-too-short",
            unedited="What makes vectors short lies before the loss.",
            family="swallowed-values",
            title=said("A vector too short for its direction to count"),
            explanation=said(
                "What divides by a length keeps it from 0 with a small number: normalize and cosine_similarity divide "
                "by eps at least, cosine_embedding_loss adds 1e-12 to the squares. For vectors shorter than that the "
                "result is no cosine or unit vector, and the gradient may be as large as 1/eps."
            ),
            words=(
                "cosine similarity of zero vectors",
                "normalize of a zero vector gradient",
                "cosine embedding loss of very small vectors",
                "cosine similarity eps",
            ),
            losses=frozenset(_VECTORS),
            trigger=_short,
            positive=_HEAD + "F.cosine_embedding_loss(torch.tensor([[1e-8, 0.0]]), torch.tensor([[1.0, 1.0]]), "
            "torch.tensor([1]))",
            control=_HEAD + "F.cosine_embedding_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]), "
            "torch.tensor([1]))",
            variants=(_HEAD + "F.cosine_similarity(torch.zeros(1, 2), torch.ones(1, 2))",),
        ),
    )


def _left_out(scene: Scene) -> Suspicion | None:
    value = scene.value
    if value is None or not np.isfinite(value):
        return None
    for argument in scene.call.arguments:
        id = scene.call.ref(argument.name)
        held = None if id is None else numbers(scene.recording.tensors.get(id))
        if id is None or held is None or not np.isnan(held).any():
            continue
        name, bad = known_as(scene, argument.name), np.isnan(held)
        return Suspicion(
            at=scene.call.index,
            verdict=said("{value} leaves out that {name}{entry} is nan.",
                         value=stated(scene), name=name, entry=entry([int(k) for k in np.argwhere(bad)[0]])),
            evidence=(said("{count} of {all} numbers in {name} are nan.",
                           count=int(bad.sum()), all=held.size, name=name),),
            trials=(Trial(said("with ±{number} in place of nan, where it counts", number=number(_LARGE)),
                          graph_rerun(replaced(scene.recording.tensors[id], _counting(scene, held)))),),
            fix=fixes.fix(scene, None, "choose",
                          said("Look at where {name} comes from, or leave the item out.", name=name)),
        )  # fmt: skip
    return None


def _counting(scene: Scene, held: Floats) -> Floats:
    """The scores with a low one for nan of a target's class, a high one for nan of another."""
    rows = np.atleast_2d(held).copy()
    labels = scene.array("target").astype(int).reshape(len(rows), -1)
    for row, own in zip(rows, labels, strict=True):
        wanted = np.isin(np.arange(row.size), own)
        row[np.isnan(row)] = np.where(wanted, -_LARGE, _LARGE)[np.isnan(row)]
    return rows.reshape(held.shape)


def _short(scene: Scene) -> Suspicion | None:
    found = next(_lengths(scene), None)
    if found is None:
        return None
    argument, lengths, least = found
    name, shortest = known_as(scene, argument), float(lengths.min())
    facts = {"value": stated(scene), "name": name, "length": number(shortest)}
    verdict = (
        said("{value} is not of the angle alone: 1e-12 is added to the square of {length}, a length in {name}.",
             **facts)
        if scene.name not in _LEAST
        else said("{value} is of a vector of {name} with length {length}, which is divided by {least}.",
                  least=number(least), **facts)
    )  # fmt: skip
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(
            said("{count} of {all} vectors of {name} are as short.",
                 count=int((lengths < least).sum()), all=lengths.size, name=name),
            *_steepest(scene, argument),
        ),
        trials=(Trial(said("with {name} longer by a factor of {factor}", name=name, factor=number(_longer(shortest))),
                      graph_rerun(scaled(scene.call, argument, _longer(shortest))), "illustration"),),
        fix=fixes.fix(scene, None, "choose", said("Look for what makes the vectors so short, or leave them out.")),
    )  # fmt: skip


def _longer(length: float) -> float:
    """A power of ten that brings a length near to 1."""
    return float(f"1e{-round(np.log10(length))}") if length > 0 else 10.0


def _lengths(scene: Scene) -> Iterator[tuple[str, Floats, float]]:
    """The arguments of which a vector is too short, with the lengths of all, and the length from which on it is not."""
    for argument in _VECTORS[scene.name]:
        held = scene.array(argument)
        dim = scene.call.argument("dim") if scene.name in _LEAST else -1
        if not held.size or not held.ndim or not isinstance(dim, int) or not -held.ndim <= dim < held.ndim:
            continue
        order = scene.option("p", 2.0) if scene.name == "normalize" else 2.0
        lengths = np.asarray(np.linalg.norm(held, order, axis=dim))
        usual = _LEAST.get(scene.name)
        least = (_ADDED / _SHARE) ** 0.5 if usual is None else scene.option("eps", usual)
        if (lengths < least).any():
            yield argument, lengths, least


def _steepest(scene: Scene, argument: str) -> tuple[Message, ...]:
    """The largest number in torch's gradient of the vectors, where it is known."""
    id = scene.call.ref(argument)
    slope = None if scene.slopes is None or id is None else numbers(scene.slopes.get(id))
    if slope is None or not slope.size:
        return ()
    name = known_as(scene, argument)
    return (said("The largest number in torch's gradient of {name} is {steepest}.",
                 name=name, steepest=number(float(np.abs(slope).max()))),)  # fmt: skip
