"""Exceptions of plain Python: a function that calls itself for ever, and a mean over nothing."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_NET = "class Net(nn.Module):\n    def forward(self, x):\n        return {}(x)\n\nprint(Net()(torch.ones(2)).sum())"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="endless-recursion",
            unedited="What the function was to call instead is known to its author alone.",
            family="plain-errors",
            title=said("A function calls itself without an end"),
            explanation=said(
                "Every call waits for the one inside it. Where none returns without a further call, Python stops at "
                "about a thousand of them. Mostly another function of the same name was meant: a name holds one thing "
                "at a time, so a def hides what it held before, and self.forward calls the very method it stands in."
            ),
            words=("maximum recursion depth exceeded", "RecursionError", "function calls itself"),
            losses=frozenset(),
            trigger=_recursion,
            positive=_HEAD + _NET.format("self.forward"),
            control=_HEAD + _NET.format("torch.relu"),
            concern="exception",
        ),
        Rule(
            slug="mean-of-no-items",
            family="plain-errors",
            title=said("A mean over nothing"),
            explanation=said(
                "Where no item passed the condition, or the loop had no rounds, the count is 0, and Python does not "
                "divide by it. (torch does, and gives nan.)"
            ),
            words=("ZeroDivisionError", "division by zero sum(losses) / len(losses)", "average of an empty list"),
            losses=frozenset(),
            trigger=_empty,
            positive=_HEAD + "losses = [x for x in (0.1, 0.2) if x > 1]\nprint(sum(losses) / len(losses))",
            control=_HEAD + "losses = [x for x in (0.1, 2.0) if x > 1]\nprint(sum(losses) / len(losses))",
            concern="exception",
        ),
    )


def _recursion(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type != "RecursionError" or raised.span is None:
        return None
    source = Source(scene.recording.source)
    around = [f for f in ast.walk(source.tree) if isinstance(f, Function) and _holds(f, raised.span.line)]
    function = max(around, key=lambda f: f.lineno, default=None)
    calls = [] if function is None else [c for c in ast.walk(function) if isinstance(c, ast.Call)]
    itself = next((c for c in calls if function is not None and _calls(c, function.name)), None)
    if function is None or itself is None:
        return None
    always = _always(function, itself)
    evidence = (
        said("Every way through it, from line {line} on, makes the call.", line=function.lineno)
        if always
        else said("A condition ends it, but was not met in about a thousand calls.")
    )
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} calls itself: {code}.", name=function.name, code=source.written(itself)),
        evidence=(evidence,),
        trials=(),
        fix=fixes.fix(scene, None, "choose",
                      said("Call what was meant by another name, or return without a further call at some point.")),
    )  # fmt: skip


def _holds(function: Function, line: int) -> bool:
    return function.lineno <= line <= (function.end_lineno or function.lineno)


def _calls(call: ast.Call, name: str) -> bool:
    """Whether a call is one of the function of this name: by itself, or as a method of the same object."""
    match call.func:
        case ast.Name(id=called):
            return called == name
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=called):
            return called == name
        case _:
            return False


def _always(function: Function, itself: ast.Call) -> bool:
    """Whether nothing before the call, or around it, could leave it out."""
    for statement in function.body:
        if any(node is itself for node in ast.walk(statement)):
            return not isinstance(statement, ast.If | ast.For | ast.While | ast.Try)
        if any(isinstance(node, ast.Return | ast.Raise) for node in ast.walk(statement)):
            return False
    return False


def _empty(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type != "ZeroDivisionError":
        return None
    source = Source(scene.recording.source)
    node = source.at(raised.span)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
        return None
    count = source.written(node.right)
    match node.right:
        case ast.Call(func=ast.Name("len"), args=[ast.expr() as items]):
            why = said("{items} is empty.", items=source.written(items))
        case _:
            why = said("{count} is 0 there.", count=count)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{count} is 0, and Python divides by no 0.", count=count),
        evidence=(why,),
        trials=(),
        fix=fixes.fix(scene, source.replaced(source.piece(node.right), f"max({count}, 1)"), "choose",
                      said("Divide by at least 1, or leave such a round out; if items were expected, look why none "
                           "came.")),
    )  # fmt: skip
