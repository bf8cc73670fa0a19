"""What max, min, sort, topk or median return along an axis, values and indices, used as if it were one tensor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.messages import said
from explainers.recording import Raised

_HEAD = "import torch\n\nz, y = torch.tensor([[0.5, 2.0], [1.5, 0.0]]), torch.tensor([1, 1])\n"
_PAIRS = frozenset({"max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin", "aminmax"})
_KIND = "torch.return_types."
_NAMED = re.compile(r"torch\.return_types\.(\w+)")
_OF_TRUTH = re.compile(r"'bool' object has no attribute '\w+'|must be Tensor, not bool")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="values-and-indices",
            family="plain-errors",
            title=said("A pair of values and indices is used as a tensor"),
            explanation=said(
                "Along an axis, max, min, sort, topk, median, mode and kthvalue return two tensors in one tuple: the "
                "values, and the indices where they stand. Take the one that is meant; Python compares the tuple "
                "itself with a tensor and says False, once for all."
            ),
            words=(
                "unsupported operand type(s) for -: 'int' and 'torch.return_types.max'",
                "'bool' object has no attribute 'float' torch.max",
                "'torch.return_types.max' object has no attribute",
            ),
            losses=frozenset(),
            trigger=_pair,
            positive=_HEAD + "pred = torch.max(z, 1)\nprint((pred == y).float().mean())",
            control=_HEAD + "pred = torch.max(z, 1).indices\nprint((pred == y).float().mean())",
            concern="exception",
            dominates=frozenset({"not-a-tensor"}),
        ),
    )


def _pair(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = None if raised is None else next(_pairs(source, raised), None)
    if raised is None or found is None:
        return None
    attributes = ("indices", "values") if _compares_labels(raised) else ("values", "indices")
    changes = tuple(_taken(scene, source, found, attribute) for attribute in attributes)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{code} is a pair, values and indices, not a tensor.", code=source.written(found)),
        evidence=(said("It has two parts, {code}.values and {code}.indices.", code=source.written(found)),),
        trials=(),
        fix=changes[0],
        alternatives=changes[1:],
    )


def _pairs(source: Source, raised: Raised) -> Iterator[ast.expr]:
    """The expressions in what raised that hold such a pair."""
    named, around = _NAMED.search(raised.message), source.at(raised.span)
    if around is None or not (named or _OF_TRUTH.search(raised.message)):
        return
    held = {o.text for o in raised.operands if o.kind.startswith(_KIND)}
    for node in ast.walk(around):
        called = last_name(node.func) if isinstance(node, ast.Call) else ""
        makes_one = called in _PAIRS and named is not None and named[1] == called
        if isinstance(node, ast.expr) and (makes_one or (isinstance(node, ast.Name) and node.id in held)):
            yield node


def _compares_labels(raised: Raised) -> bool:
    """Whether whole numbers stand beside the pair, as labels do: then the places are meant."""
    return any(o.kind == "Tensor" and o.dtype in ("int64", "int32", "uint8") for o in raised.operands)


def _taken(scene: Scene, source: Source, node: ast.expr, attribute: str) -> Fix:
    changed = source.replaced(source.piece(node), f"{source.written(node)}.{attribute}")
    return fixes.fix(scene, changed, "likely", said("Take .{attribute} of it.", attribute=attribute))
