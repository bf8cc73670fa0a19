"""Exceptions of plain Python: a function that calls itself for ever, and a mean over nothing."""

from __future__ import annotations

import ast
import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, functional
from explainers.losses.registry import registry
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_OWN = "def softplus(x):\n    return {}(x)\n\nprint(softplus(torch.ones(2)).sum())"
_KEPT = "kept = [x for x in (0.1, {}) if x > 1]\ntotal = torch.tensor(0.3)\nprint(total * (1 / len(kept)))"
_OUTPUT = (
    "class Output:\n    def __init__(self, logits):\n        self.logits = logits\n\n"
    "out = Output(torch.tensor([[2.0, 0.5]]))\n"
)
_OUT_OF_RANGE = re.compile(r"(list|tuple) index out of range")
_PLAIN = r"(?:tuple|list|dict|set|int|float|str|bool|NoneType|numpy)\b"
_NO_TENSOR = re.compile(rf"argument '(\w+)' \(position \d+\) must be Tensor, not (?!{_PLAIN})(\w+)")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="endless-recursion",
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
            positive=_HEAD + _OWN.format("softplus"),
            control=_HEAD + _OWN.format("F.softplus"),
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
            positive=_HEAD + _KEPT.format(0.2),
            control=_HEAD + _KEPT.format(2.0),
            concern="exception",
        ),
        Rule(
            slug="list-index-out-of-range",
            family="plain-errors",
            title=said("A list is shorter than its index"),
            explanation=said("Positions count from 0, so the last item of n is n - 1; an empty list has none at all."),
            words=("list index out of range", "tuple index out of range", "IndexError list"),
            losses=frozenset(),
            trigger=_beyond,
            positive=_HEAD + "losses = [torch.tensor(1.0), torch.tensor(2.0)]\nprint(losses[2])",
            control=_HEAD + "losses = [torch.tensor(1.0), torch.tensor(2.0)]\nprint(losses[1])",
            concern="exception",
        ),
        Rule(
            slug="attribute-of-an-output",
            family="plain-errors",
            title=said("An object stands where a tensor should"),
            explanation=said(
                "Some models return an object that holds several tensors (logits, loss, hidden states). A loss takes "
                "the tensor itself."
            ),
            words=("must be Tensor, not SequenceClassifierOutput", "must be Tensor, not ImageClassifierOutput"),
            losses=frozenset(),
            trigger=_held_inside,
            positive=_HEAD + _OUTPUT + "print(F.cross_entropy(out, torch.tensor([0])))",
            control=_HEAD + _OUTPUT + "print(F.cross_entropy(out.logits, torch.tensor([0])))",
            concern="exception",
            dominates=frozenset({"not-a-tensor"}),
        ),
    )


def _beyond(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    kind = None if raised is None else _OUT_OF_RANGE.match(raised.message)
    source = Source(scene.recording.source)
    node = source.at(raised.span) if raised is not None and kind is not None else None
    if raised is None or kind is None or not isinstance(node, ast.Subscript):
        return None
    name, index = source.written(node.value), source.written(node.slice)
    held = next((o for o in raised.operands if o.text == name and o.kind == kind[1] and o.shape), None)
    if held is None or held.shape is None:
        return None
    count = held.shape[0]
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has {count} items, so there is none at {index}.", name=name, count=count, index=index),
        evidence=(
            said("Its positions are 0 to {last}.", last=count - 1) if count else said("{items} is empty.", items=name),
        ),
        trials=(),
        fix=fixes.fix(scene, source.replaced(source.piece(node.slice), "-1") if count else None, "choose",
                      said("Count from 0 (the last one is [-1]), or look why it holds so few.")),
    )  # fmt: skip


def _held_inside(scene: Scene) -> Suspicion | None:
    """A tensor is wanted, and an object is passed: one that holds what the program sets on it, or logits, as outputs of
    models do."""
    raised = scene.recording.raised
    found = None if raised is None else _NO_TENSOR.search(raised.message)
    source = Source(scene.recording.source)
    node = source.at(raised.span) if raised is not None and found is not None else None
    if raised is None or found is None or not isinstance(node, ast.Call):
        return None
    names = {o.text for o in raised.operands if o.kind == found[2]}
    passed = next((a for a in node.args if isinstance(a, ast.Name) and a.id in names), None)
    if passed is None:
        return None
    set_here = _attributes(source, passed.id)
    held = next(iter(set_here), "logits")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is a {kind}, not a tensor.", name=passed.id, kind=found[2]),
        evidence=(said("The argument {name} wants a tensor.", name=found[1]),),
        trials=(),
        fix=fixes.fix(scene, source.replaced(source.piece(passed), f"{passed.id}.{held}"), "likely",
                      said("Pass the tensor that it holds: {name}.{held}.", name=passed.id, held=held)),
    )  # fmt: skip


def _attributes(source: Source, name: str) -> list[str]:
    """What the program sets on a variable."""
    stored = (n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return [n.attr for n in stored if isinstance(n.value, ast.Name) and n.value.id == name]


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
        fix=fixes.fix(scene, _of_torch(source, itself), "choose",
                      said("Call what was meant by another name, or return without a further call at some point.")),
    )  # fmt: skip


def _of_torch(source: Source, itself: ast.Call) -> str | None:
    """The program with torch's function of the same name called, where there is one."""
    if not isinstance(itself.func, ast.Name):
        return None
    name = itself.func.id
    known = name in registry().losses
    return source.replaced(source.piece(itself.func), f"{functional(source)}.{name}") if known else None


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
