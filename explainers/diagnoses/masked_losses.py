"""Entries that are left out after a loss was computed of them: the value is fine, the gradient is not."""

from __future__ import annotations

import ast

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.backward_steps import gradient_trial, turned_backward
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.edits import replaced
from explainers.diagnoses.operands import atom, rewritten
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Piece, Source
from explainers.diagnoses.turning import is_spoiled, numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_PICKING = frozenset({"getitem", "masked_select", "index_select", "where", "masked_fill", "take", "gather"})
_POSITIVE = (
    "x = torch.zeros(3, requires_grad=True)\ny = torch.tensor([0.5, float('nan'), 1.0])\nkeep = ~torch.isnan(y)\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="masked-after-the-loss",
            family="spoiled-gradients",
            title=said("Missing targets are masked after the loss, not before"),
            explanation=said(
                "A mask behind the loss takes the nan out of the value alone. Backward still goes through every "
                "entry: one that was left out gets the gradient 0, multiplied with the derivative of its term, which "
                "is nan, and 0 · nan is nan. A mask before the loss leaves the entries out of both."
            ),
            words=(
                "nan gradient although the nan targets are masked",
                "mask out nan targets",
                "missing labels nan masked loss",
                "gradient nan after masking nan",
            ),
            losses=frozenset(),
            trigger=_masked_late,
            positive=f"{_HEAD}{_POSITIVE}loss = F.mse_loss(x, y, reduction='none')[keep].sum()\nloss.backward()",
            control=f"{_HEAD}{_POSITIVE}loss = F.mse_loss(x[keep], y[keep], reduction='none').sum()\nloss.backward()",
            concern="non-finite",
            dominates=frozenset({"gradient-not-finite", "where-gradient-trap"}),
        ),
    )


def _masked_late(scene: Scene) -> Suspicion | None:
    if is_spoiled(scene.recording.known(scene.recording.subject)):
        return None
    for call in scene.needed():
        given = _spoiled_data(scene, call)
        picked = _picked(scene, call) if given is not None else None
        if given is not None and picked is not None and _is_guilty(scene, call):
            return _suspicion(scene, call, given, picked)
    return None


def _spoiled_data(scene: Scene, call: Call) -> Tensor | None:
    """A tensor with nan or inf that was handed to a call through which a gradient flows."""
    tensors = [scene.recording.tensors[id] for id in call.inputs()]
    if not any(each.requires_grad for each in tensors):
        return None
    return next((t for t in tensors if is_spoiled(t) and not t.requires_grad and scene.is_given(t.id)), None)


def _picked(scene: Scene, call: Call) -> Call | None:
    """The call behind it that leaves out all entries that are not finite."""
    reached = set(call.outputs)
    for later in scene.needed():
        if later.index > call.index and not reached.isdisjoint(later.inputs()):
            clean = not any(is_spoiled(scene.recording.tensors.get(id)) for id in later.outputs)
            if clean:
                return later if short(later) in _PICKING else None
            reached |= set(later.outputs)
    return None


def _is_guilty(scene: Scene, call: Call) -> bool:
    if scene.gradients is None:
        return True
    turned = turned_backward(scene)
    return turned is not None and call.index <= turned[0].index


def _suspicion(scene: Scene, call: Call, given: Tensor, picked: Call) -> Suspicion:
    held = numbers(given)
    assert held is not None
    bad = ~np.isfinite(held)
    name = given.name or "the target"
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} is fine, but its gradient is nan: {bad} in {name} is masked after {function}, not before.",
            value=stated(scene),
            bad=number(float(held[bad][0])),
            name=name,
            function=short(call),
        ),
        evidence=(
            said("Line {line} computes with {name}, line {later} leaves the entry out.",
                 line=line_of(call), name=name, later=line_of(picked)),
            said("{count} of {all} entries of {name} are not finite.", count=int(bad.sum()), all=held.size, name=name),
        ),
        trials=gradient_trial(scene, call, said("with 0 in their place"), replaced(given, np.where(bad, 0.0, held))),
        fix=fixes.fix(scene, _masked_before(scene, call, picked), "safe", said("Mask prediction and target first.")),
    )  # fmt: skip


def _masked_before(scene: Scene, call: Call, picked: Call) -> str | None:
    """`loss(x, y)[keep]` as `loss(x[keep], y[keep])`, also where the loss is in a variable between."""
    source = Source(scene.recording.source)
    written, chosen = source.at(call.span), source.at(picked.span)
    if not isinstance(chosen, ast.Subscript) or written is None:
        return None
    operands = _operands(written)
    if not operands or (source.piece(chosen.value) != source.piece(written) and not isinstance(chosen.value, ast.Name)):
        return None
    mask = source.written(chosen.slice)
    tail: tuple[Piece, str] = ((source.piece(chosen.value)[1], source.piece(chosen)[1]), "")
    return rewritten(source, [tail, *((source.piece(one), f"{atom(source, one)}[{mask}]") for one in operands)])


def _operands(written: ast.expr | ast.stmt | None) -> list[ast.expr]:
    """The two tensors that are compared, by a call or by an operator."""
    match written:
        case ast.Call(args=[one, other, *_]) if not isinstance(one, ast.Starred) and not isinstance(other, ast.Starred):
            return [one, other]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case _:
            return []
