"""Losses over scores of which some are infinite or nan, and losses that leave every item out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import Birth, birth, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import graph_rerun, replaced, wrapped
from explainers.diagnoses.inside import inside
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.operands import replaced as rewritten
from explainers.diagnoses.scene import Floats, Scene, is_library_loss, short
from explainers.diagnoses.turning import is_spoiled, numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_INF = "float('-inf')"
CLASSES = frozenset({"cross_entropy", "nll_loss"})
_ROWS = frozenset({"cross_entropy", "softmax", "log_softmax"})
FLOOR = -1e4


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="fully-masked-row",
            family="infinite-scores",
            title=said("Every score of a row is −inf"),
            explanation=said(
                "softmax subtracts the largest score of the row. Where all are masked that is −inf − (−inf), which is "
                "nan: there is no probability to give to anything."
            ),
            words=(
                "fully masked row",
                "all -inf softmax nan",
                "attention mask nan",
                "masked_log_softmax mask.log() nan",
            ),
            losses=frozenset(),
            trigger=_masked_row,
            positive=_HEAD + f"scores = torch.tensor([[0.5, 1.0], [{_INF}, {_INF}]])\nscores.softmax(1).mean()",
            control=_HEAD + f"scores = torch.tensor([[0.5, 1.0], [0.2, {_INF}]])\nscores.softmax(1).mean()",
            concern="non-finite",
            dominates=frozenset({"log-of-nonpositive"}),
        ),
        Rule(
            slug="masked-target-minus-inf",
            family="infinite-scores",
            symptoms=(Symptom("inf", 7),),
            title=said("The score of the target itself is −inf"),
            explanation=said(
                "A score of −inf gives its class the probability 0, and −log 0 is inf: the mask took the right answer "
                "away."
            ),
            words=("target is masked", "-inf logit on the target", "cross entropy inf masked"),
            losses=CLASSES,
            trigger=_masked_target,
            positive=_HEAD + f"logits = torch.tensor([[{_INF}, 2.0, 1.0]])\nF.cross_entropy(logits, torch.tensor([0]))",
            control=_HEAD + f"logits = torch.tensor([[{_INF}, 2.0, 1.0]])\nF.cross_entropy(logits, torch.tensor([1]))",
            concern="non-finite",
            dominates=frozenset({"infinite-logit"}),
        ),
        Rule(
            slug="infinite-logit",
            family="infinite-scores",
            title=said("An infinite score meets a formula that wants finite ones"),
            explanation=said(
                "The limit may exist, but the formula that is computed does not: inside the loss an infinite score "
                "makes inf − inf or 0 · inf, which is nan. The stable form of binary cross entropy is "
                "(1-y)*x - logsigmoid(x), and of x = -inf that is -inf + inf. A large negative number, such as "
                "-1e4 or -1e9, masks as well and stays finite."
            ),
            words=("-inf logit", "infinite logit nan", "mask with -inf in BCEWithLogitsLoss"),
            losses=frozenset(),
            trigger=_infinite_logit,
            positive=_HEAD + f"z = torch.tensor([0.3, {_INF}])\nnn.BCEWithLogitsLoss()(z, torch.tensor([1.0, 0.0]))",
            control=_HEAD + "z = torch.tensor([0.3, -1e4])\nnn.BCEWithLogitsLoss()(z, torch.tensor([1.0, 0.0]))",
            concern="non-finite",
        ),
        Rule(
            slug="nonfinite-input",
            unedited="What is not finite is handed in: the program that made it is not there.",
            family="infinite-scores",
            symptoms=(Symptom("nan", 8),),
            title=said("nan was handed in"),
            explanation=said(
                "Whatever is computed from nan is nan: the loss only reports it, the cause lies before it."
            ),
            words=("nan in the input", "input contains nan", "nan in data"),
            losses=frozenset(),
            trigger=_nan_given,
            positive=_HEAD + "pred = torch.tensor([1.0, float('nan')])\nF.mse_loss(pred, torch.tensor([0.0, 1.0]))",
            control=_HEAD + "pred = torch.tensor([1.0, 2.0])\nF.mse_loss(pred, torch.tensor([0.0, 1.0]))",
            concern="non-finite",
        ),
    )


def _rows(scene: Scene) -> tuple[Floats, int] | None:
    """The scores of a softmax, and the axis that it sums over."""
    if short(scene.call) not in _ROWS:
        return None
    x, dim = scene.recorded("input"), scene.call.argument("dim")
    if x is None or not x.ndim:
        return None
    axis = dim if isinstance(dim, int) else min(1, x.ndim - 1)
    return x, axis


def _masked_row(scene: Scene) -> Suspicion | None:
    if short(scene.call) == "log":  # of a mask of 0 and 1: its -inf is wanted, unless it is that of a whole row
        after = (replace(scene, call=call) for call in scene.needed() if short(call) in _ROWS)
        return next((one for each in after if (one := _masked_whole(each, birth(scene))) is not None), None)
    return _masked_whole(scene, birth(scene))


def _masked_whole(scene: Scene, found: Birth | None) -> Suspicion | None:
    """A softmax with a row of −inf alone, and the first number that is not finite."""
    rows = _rows(scene)
    if found is None or rows is None:
        return None
    empty = (rows[0] == -np.inf).all(axis=rows[1])
    if not empty.any():
        return None
    first = ", ".join(map(str, np.argwhere(empty)[0])) if empty.ndim else "0"
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: all scores of row {row} are −inf, and −inf − (−inf) is nan.",
                     value=stated(scene), row=first),
        evidence=(
            told(found), *inside(scene), said("{count} rows are masked as a whole.", count=int(empty.sum()))
        ),
        trials=_floored(scene),
        fix=fixes.fix(scene, rewritten(scene, input=f"{{}}.clamp(min={FLOOR:g})"), "choose",
                      said("Leave such rows out, or mask with a large negative number.")),
    )  # fmt: skip


def _floored(scene: Scene, argument: str = "input") -> tuple[Trial, ...]:
    what = said("with {floor} in place of −inf", floor=f"{FLOOR:g}")
    high = {"max": -FLOOR} if _is_high(scene.array(argument)) else {}
    if high:
        what = said("with ±{limit} in place of ±inf", limit=f"{-FLOOR:g}")
    return (Trial(what, graph_rerun(wrapped(scene.call, argument, "torch.clamp", min=FLOOR, **high))),)


def _is_high(held: Floats) -> bool:
    return bool(np.isposinf(held).any())


def _masked_target(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    x, y = scene.array("input"), scene.array("target")
    if found is not None or scene.given("target").floating or not is_spoiled(result(scene)):
        return None
    rows = np.moveaxis(x, min(1, x.ndim - 1), -1).reshape(-1, x.shape[min(1, x.ndim - 1)])
    flat = y.reshape(-1).astype(int)
    hit = [k for k in range(len(flat)) if 0 <= flat[k] < rows.shape[1] and rows[k, flat[k]] == -np.inf]
    if not hit:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: the score of the target, class {target} of item {item}, is −inf.",
                     value=stated(scene), target=int(flat[hit[0]]), item=hit[0]),
        evidence=(said("So its probability is 0 in {count} of {all} items.", count=len(hit), all=len(flat)),),
        trials=_floored(scene),
        fix=fixes.fix(scene, rewritten(scene, input=f"{{}}.clamp(min={FLOOR:g})"), "choose",
                      said("Do not mask the class of the target; a large negative number keeps the loss finite.")),
    )  # fmt: skip


def result(scene: Scene) -> Tensor | None:
    return scene.recording.tensors.get(scene.call.outputs[0]) if scene.call.outputs else None


def _infinite_logit(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or not is_library_loss(scene.call, scene.registry):
        return None
    argument, held = next(_infinite(scene), (None, None))
    if argument is None or held is None:
        return None
    name = known_as(scene, argument)
    rows = _rows(scene)
    if rows is not None and (rows[0] == -np.inf).all(axis=rows[1]).any():
        return None
    bad = number(float(held[np.isinf(held)][0]))
    mask = said("Mask with a large negative number, which stays finite.")
    note = said("Find out where it comes from; cut at a large number it stays finite.") if _is_high(held) else mask
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {name} holds {bad}, of which {function} makes inf − inf or 0 · inf.",
                     value=stated(scene), name=name, bad=bad, function=scene.name),
        evidence=(told(found), *inside(scene),
                  said("{count} of {all} numbers in {name} are infinite.",
                       count=int(np.isinf(held).sum()), all=held.size, name=name)),
        trials=_floored(scene, argument),
        fix=fixes.fix(scene, rewritten(scene, **{argument: f"{{}}.clamp({FLOOR:g}, {-FLOOR:g})"}), "likely",
                      note),
    )  # fmt: skip


def _infinite(scene: Scene) -> Iterator[tuple[str, Floats]]:
    """The arguments of a loss that hold infinite numbers, with these."""
    for argument in scene.call.arguments:
        held = scene.recorded(argument.name)
        if held is not None and np.isinf(held).any():
            yield argument.name, held


def _nan_given(scene: Scene) -> Suspicion | None:
    """A tensor that no call made and that held nan already, and of which the value is nan."""
    if birth(scene) is not None or not is_spoiled(scene.recording.known(scene.recording.subject)):
        return None
    for call in scene.needed():
        for argument in call.arguments:
            id = call.ref(argument.name)
            held = None if id is None else numbers(scene.recording.tensors[id])
            if id is not None and held is not None and np.isnan(held).any() and scene.is_given(id):
                return _given_nan(scene, call.index, scene.recording.tensors[id], held, argument.name)
    return None


def _given_nan(scene: Scene, at: int, tensor: Tensor, held: Floats, argument: str) -> Suspicion:
    name, bad = tensor.name or argument, np.isnan(held)
    index = ", ".join(map(str, np.argwhere(bad)[0]))
    others = held[~bad]
    return Suspicion(
        at=at,
        verdict=said(
            "{value}: {name} holds nan already before anything is computed.", value=stated(scene), name=name
        ),
        evidence=(
            said("The first nan is {name}[{index}]; there are {count} of {all}.",
                 name=name, index=index, count=int(bad.sum()), all=held.size),
        ),
        trials=(_with_mean(tensor, held, float(others.mean())),) if others.size and np.isfinite(others).all() else (),
        fix=fixes.fix(scene, None, "choose",
                      said("Look at where {name} comes from, or leave the item out.", name=name)),
    )  # fmt: skip


def _with_mean(tensor: Tensor, held: Floats, mean: float) -> Trial:
    return Trial(
        said("with {mean}, the mean of the others, in place of nan", mean=number(mean)),
        graph_rerun(replaced(tensor, np.where(np.isnan(held), mean, held))),
    )
