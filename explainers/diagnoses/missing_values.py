"""Values that are not there: a key that a dictionary lacks, a function of one's own that returns nothing."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_BATCH = "batch = {'x': torch.tensor([[2.0, 0.5]]), 'label': torch.tensor([0])}\n"
_LOSS = "def squares(p, t):\n    loss = ((p - t) ** 2).mean()\n"
_TOTAL = "p, t = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])\n2 * squares(p, t)"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="unknown-key",
            family="missing-values",
            title=said("A dictionary has no such key"),
            explanation=said("A dictionary gives only what it holds under the very key, letter for letter."),
            words=("KeyError", "dictionary key not found batch"),
            losses=frozenset(),
            trigger=_key,
            positive=_HEAD + _BATCH + "F.cross_entropy(batch['x'], batch['labels'])",
            control=_HEAD + _BATCH + "F.cross_entropy(batch['x'], batch['label'])",
            concern="exception",
        ),
        Rule(
            slug="returns-nothing",
            family="missing-values",
            title=said("A function returns nothing"),
            explanation=said("A function without a return statement gives None, whatever it has computed."),
            words=("unsupported operand NoneType", "forward returns None", "NoneType object has no attribute backward"),
            losses=frozenset(),
            trigger=_nothing,
            positive=_HEAD + _LOSS + _TOTAL,
            control=_HEAD + _LOSS + "    return loss\n" + _TOTAL,
            concern="exception",
        ),
    )


def _key(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type != "KeyError" or not raised.lacked or raised.similar is None:
        return None
    source = Source(scene.recording.source)
    found = source.at(raised.span)
    node = found.slice if isinstance(found, ast.Subscript) else None
    piece = [(source.piece(node), repr(raised.similar))] if isinstance(node, ast.Constant) else []
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "there is no key {name}; {similar} is the nearest one.", name=raised.lacked, similar=raised.similar
        ),
        evidence=(said("{similar} is a key of it.", similar=raised.similar),),
        trials=(),
        fix=fixes.fix(
            scene,
            rewritten(source, piece) if piece else None,
            "likely",
            said("Write {similar}.", similar=repr(raised.similar)),
        ),
    )


def _nothing(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type not in ("TypeError", "AttributeError") or "NoneType" not in raised.message:
        return None
    source = Source(scene.recording.source)
    found = source.at(raised.span)
    called = _called(source, found) if found else []
    silent = next((f for name in called if (f := _silent(source, name)) is not None), None)
    if silent is None:
        return None
    name, last = silent.name, _last_name(silent)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has no return, so it gives None.", name=name),
        evidence=(said("{name} ends in line {line} without a return.", name=name, line=silent.end_lineno or 0),),
        trials=(),
        fix=fixes.fix(scene, _returning(source, silent, last), "likely", said("Return what the function computes.")),
    )


def _called(source: Source, found: ast.AST) -> list[str]:
    """What is called where the program stops, and where the variables there were computed."""
    names = {node.id for node in ast.walk(found) if isinstance(node, ast.Name)}
    made = [n.value for n in ast.walk(source.tree) if isinstance(n, ast.Assign) and names & _targets(n)]
    calls = [node for part in (found, *made) for node in ast.walk(part) if isinstance(node, ast.Call)]
    return [last_name(call.func) for call in calls]


def _targets(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _silent(source: Source, name: str) -> ast.FunctionDef | None:
    """The function of the program that a call runs, or the forward of the module that it calls, where it returns
    nothing."""
    built = {
        target.id: last_name(value.func)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and isinstance(value := node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    modules = [n for n in source.tree.body if isinstance(n, ast.ClassDef) and n.name in (name, built.get(name))]
    inside = [n for module in modules for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    plain = [n for n in source.tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return next((f for f in (*inside, *plain) if not _returns(f)), None)


def _returns(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in ast.walk(function))


def _last_name(function: ast.FunctionDef) -> str | None:
    """The variable that the function assigned last."""
    assigned = [n for n in function.body if isinstance(n, ast.Assign | ast.AugAssign)]
    targets = [t for n in assigned for t in (n.targets if isinstance(n, ast.Assign) else [n.target])]
    return next((t.id for t in reversed(targets) if isinstance(t, ast.Name)), None)


def _returning(source: Source, function: ast.FunctionDef, name: str | None) -> str | None:
    """The program with the variable returned at the end of the function."""
    last = function.body[-1]
    if name is None or source.shares_line(last):
        return None
    _, end = source.piece(last)
    return source.replaced((end, end), f"\n{' ' * last.col_offset}return {name}")
