"""Modules that stop: built without Module.__init__, BatchNorm of a single item, shapes unpacked into too many names."""

from __future__ import annotations

import ast
import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_HEAD_OF_ONE = "class Head(nn.Module):\n    def __init__(self):\n{}        self.fc = nn.Linear(2, 2)\n\n"
_RUN = "    def forward(self, x):\n        return self.fc(x)\n\nHead()(torch.ones(1, 2)).sum()"
_NORM = "norm = nn.BatchNorm1d(2)\nnorm(torch.ones({}, 2)).sum()"
_UNPACKED = "x = torch.ones(2, 3)\n{} = x.shape\nx.sum() / n"
_COUNTS = re.compile(r"(?:not enough|too many) values to unpack \(expected (\d+)(?:, got (?P<got>\d+))?")

_UNMADE = re.compile(
    r"before Module\.__init__\(\) call|object has no attribute '_(?:parameters|modules|buffers|\w*hooks\w*)'"
)
"""What torch says of a module whose tables were never made, when it assigns to it or when it is called."""


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="module-init-missing",
            family="modules",
            title=said("super().__init__() is missing"),
            explanation=said(
                "nn.Module.__init__ makes the tables that layers and parameters are entered in. Without it nothing can "
                "be assigned to self that a module keeps."
            ),
            words=("cannot assign module before Module.__init__() call", "cannot assign parameters before"),
            losses=frozenset(),
            trigger=_uninitialised,
            positive=_HEAD + _HEAD_OF_ONE.format("") + _RUN,
            control=_HEAD + _HEAD_OF_ONE.format("        super().__init__()\n") + _RUN,
            concern="exception",
            dominates=frozenset({"unknown-attribute"}),
        ),
        Rule(
            slug="batch-norm-of-one",
            family="modules",
            title=said("BatchNorm of a single item"),
            explanation=said(
                "While it trains, BatchNorm subtracts each channel's mean over the batch and divides by its standard "
                "deviation. Of a single value the deviation is 0, so torch refuses it."
            ),
            words=("Expected more than 1 value per channel when training", "batchnorm batch size 1"),
            losses=frozenset({"batch_norm"}),
            trigger=_of_one,
            positive=_HEAD + _NORM.format(1),
            control=_HEAD + _NORM.format(2),
            concern="exception",
        ),
        Rule(
            slug="unpacked-into-other-count",
            family="modules",
            title=said("A shape is unpacked into another number of names"),
            explanation=said("Unpacking wants one name for each size: a tensor of k dimensions has k of them."),
            words=("not enough values to unpack", "too many values to unpack", "b, c, h, w = x.shape"),
            losses=frozenset(),
            trigger=_unpacked,
            positive=_HEAD + _UNPACKED.format("n, c, h, w"),
            control=_HEAD + _UNPACKED.format("n, c"),
            concern="exception",
        ),
    )


def _uninitialised(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.span is None or not _UNMADE.search(raised.message):
        return None
    source, line = Source(scene.recording.source), raised.span.line
    around = (f for f in _constructors(source) if f.lineno <= line <= (f.end_lineno or 0))
    made = next(around, next((f for f in _constructors(source) if "super()" not in ast.unparse(f)), None))
    if made is None or not made.body:
        return None
    first = made.body[0]
    start = source.piece(first)[0]
    changed = source.replaced((start, start), f"super().__init__()\n{' ' * first.col_offset}")
    return Suspicion(
        at=scene.call.index,
        verdict=said("__init__ assigns to self before super().__init__() was called."),
        evidence=(said("__init__ in line {line} does not call it.", line=made.lineno),),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", said("Call super().__init__() first.")),
    )


def _constructors(source: Source) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef) and n.name == "__init__"]


def _of_one(scene: Scene) -> Suspicion | None:
    raised, input = scene.recording.raised, scene.tensor("input")
    if raised is None or input is None or "more than 1 value per channel" not in raised.message:
        return None
    source = Source(scene.recording.source)
    built = [call for k in "123" for call in source.constructors(f"BatchNorm{k}d")]
    end = source.piece(built[0])[1] if len(built) == 1 else None
    changed = None if end is None else source.replaced((end, end), ".eval()")
    return Suspicion(
        at=scene.call.index,
        verdict=said("BatchNorm gets a single value per channel, which has no standard deviation."),
        evidence=(said("Its input has shape {shape}: one item.", shape=str(input.shape)),),
        trials=(),
        fix=fixes.fix(scene, changed, "choose",
                      said("Train with at least two items in a batch (drop_last=True), or call model.eval().")),
    )  # fmt: skip


def _unpacked(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    found = _COUNTS.search(raised.message) if raised is not None and raised.type == "ValueError" else None
    if raised is None or raised.span is None or found is None:
        return None
    source = Source(scene.recording.source)
    line = raised.span.line
    node, value = next((f for f in _unpackings(source) if f[0].lineno <= line <= (f[0].end_lineno or 0)), (None, None))
    if node is None or value is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{code} is unpacked into {count} names, but has another number of sizes.",
                     code=source.written(value), count=int(found[1])),
        evidence=(said("The names are {names}.", names=source.written(node)),),
        trials=(),
        fix=fixes.fix(scene, _renamed(source, node, found["got"]), "choose",
                      said("Give the tensor the axes that the code counts on, or take as many names as it has.")),
    )  # fmt: skip


def _renamed(source: Source, names: ast.Tuple, got: str | None) -> str | None:
    """The program with as many names as there are sizes; None where it goes on to use one that would be missing."""
    if got is None:
        return source.replaced(source.piece(names), f"{', '.join(map(source.written, names.elts))}, *_")
    kept, lost = names.elts[: int(got)], {source.written(name) for name in names.elts[int(got) :]}
    used = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    if not kept or lost & used:
        return None
    return source.replaced(source.piece(names), ", ".join(map(source.written, kept)) + ("," if len(kept) == 1 else ""))


def _unpackings(source: Source) -> list[tuple[ast.Tuple, ast.expr]]:
    """The statements that unpack a shape into several names, with the shape."""
    found: list[tuple[ast.Tuple, ast.expr]] = []
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Tuple() as names], value=ast.Attribute(attr="shape") as value):
                found.append((names, value))
            case ast.Assign(
                targets=[ast.Tuple() as names], value=ast.Call(func=ast.Attribute(attr="size"), args=[]) as value
            ):
                found.append((names, value))
            case _:
                pass
    return found
