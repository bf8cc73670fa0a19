"""Numbers that the backward pass needs and that are gone: changed in place, freed, or handed to numpy."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.cuts import requires_grad
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import atom, known_as
from explainers.diagnoses.scene import VIEWS, Scene, line_of, short
from explainers.diagnoses.source_edits import Source, argument
from explainers.messages import said
from explainers.recording import Call, Span

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nimport numpy as np\n\n"
_WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\n"
_RIGHT = _HEAD + _WEIGHT + "h = w.exp()\nh = h + 1\nloss = h.sum()\nloss.backward()"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="modified-in-place",
            family="in-place",
            title=said("A number that backward() needs was overwritten"),
            explanation=said(
                "The derivative of a step is computed from its operands or its result, as they were. An in-place "
                "change (+=, x[i] = …, add_, inplace=True) overwrites them; write the result to a new tensor instead."
            ),
            words=("modified by an inplace operation", "in-place operation backward", "is at version"),
            losses=frozenset({"backward"}),
            trigger=_modified,
            positive=_HEAD + _WEIGHT + "h = w.exp()\nh += 1\nloss = h.sum()\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="leaf-changed-in-place",
            family="in-place",
            title=said("A tensor whose gradient is wanted is changed in place"),
            explanation=said(
                "The gradient of a leaf is that with respect to the numbers it started with. To update a weight by "
                "hand, do it under torch.no_grad(); in a formula write the result to a new tensor."
            ),
            words=("a leaf Variable that requires grad is being used in an in-place operation", "leaf in-place"),
            losses=frozenset(),
            trigger=_leaf,
            positive=_HEAD + _WEIGHT + "w += 1\nloss = w.pow(2).sum()\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="grad-is-none",
            family="in-place",
            title=said("A gradient is read that there is not"),
            explanation=said(
                "The gradient of a tensor is None until backward() has filled it, and stays so where the tensor does "
                "not require one, or was itself computed (no leaf; retain_grad() keeps its gradient)."
            ),
            words=("'NoneType' object has no attribute", "x.grad is None", "grad is None before backward"),
            losses=frozenset(),
            trigger=_no_grad_yet,
            positive=_HEAD + _WEIGHT + "loss = w.pow(2).sum()\nprint(w.grad.abs().max(), loss)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="numpy-of-grad",
            family="in-place",
            title=said("numpy is given a tensor with history"),
            explanation=said(
                "numpy does not know about gradients, so torch wants the cut to be written out: detach() first. Do "
                "that for printing and plotting only, never on the way to a loss."
            ),
            words=("Can't call numpy() on Tensor that requires grad", "detach().numpy()"),
            losses=frozenset({"numpy", "array"}),
            trigger=_numpy,
            positive=_HEAD + _WEIGHT + "loss = w.pow(2).sum()\nprint(loss.numpy())",
            control=_RIGHT,
            concern="exception",
        ),
    )


def _modified(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or "inplace" not in raised.message:
        return None
    culprit = _overwriting(scene)
    if culprit is None:
        return None
    old = culprit.mutated[0][0]
    name = scene.recording.tensors[old].name or "a tensor"
    line = line_of(culprit)
    user = next((c for c in scene.recording.calls if _used(c, old, culprit.index)), scene.makers.get(old))
    evidence = (
        (said("{function} in line {line} needs it as it was for its derivative.",
              function=short(user), line=user.span.line),) if user is not None and user.span is not None else ()
    )  # fmt: skip
    return Suspicion(
        at=culprit.index,
        verdict=said("line {line} overwrites {name}, which backward() still needs.", line=line, name=name),
        evidence=(*evidence, said("The change is made in place by {function}.", function=short(culprit))),
        trials=(),
        fix=fixes.fix(scene, out_of_place(scene, culprit), "safe", said("Write the result to a new tensor.")),
    )


def _overwriting(scene: Scene) -> Call | None:
    """The first in-place change of a tensor with history that was made by, or went into, a step with a derivative."""
    for call in scene.recording.calls:
        for old, _ in call.mutated:
            maker = scene.makers.get(old)
            made = maker is not None and short(maker) not in VIEWS and requires_grad(scene, old)
            used = any(_used(c, old, call.index) for c in scene.recording.calls)
            if call.index < scene.call.index and call.grad_enabled and (made or used):
                return call
    return None


def _used(call: Call, id: int, before: int) -> bool:
    return call.index < before and id in call.inputs() and short(call) not in VIEWS and bool(call.outputs)


def out_of_place(scene: Scene, call: Call) -> str | None:
    """The program with an in-place change written as a new tensor."""
    source = Source(scene.recording.source)
    node = source.at(call.span)
    match node:
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
            sign = ast.unparse(ast.BinOp(ast.Name("a"), op, ast.Name("b")))[2:-2]
            text = f"{target.id} = {target.id} {sign} {atom(source, value)}"
            return source.replaced(source.piece(node), text)
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]):
            start, _ = source.piece(node)
            indent = source.text[source.text.rfind("\n", 0, start) + 1 : start]
            return source.replaced((start, start), f"{name} = {name}.clone()\n{indent}")
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr.endswith("_"):
            changed = source.replaced(source.function_name(node), attr[:-1])
            start, _ = source.piece(node)
            alone = source.text[source.text.rfind("\n", 0, start) + 1 : start].strip() == ""
            return f"{changed[:start]}{name} = {changed[start:]}" if alone else changed
        case _:
            return _not_in_place(source)


def _not_in_place(source: Source) -> str | None:
    """`inplace=True` turned off, where the program has one."""
    flags = [k for c in source.calls() for k in c.keywords if k.arg == "inplace"]
    return source.replaced(source.piece(flags[0].value), "False") if len(flags) == 1 else None


def _leaf(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    tensor = scene.tensor("input")
    if raised is None or tensor is None or not tensor.requires_grad or "in-place" not in raised.message:
        return None
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} requires a gradient, and {function} changes it in place.",
                     name=name, function=short(scene.call)),
        evidence=(said("{name} is a leaf: it was not computed from anything.", name=name),),
        trials=(),
        fix=fixes.fix(scene, _updated(scene), "choose",
                      said("Write the result to a new tensor, or update the weight under torch.no_grad().")),
    )  # fmt: skip


def _updated(scene: Scene) -> str | None:
    """Under no_grad where it is a step along the gradient, else written to a new tensor."""
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if node is None or ".grad" not in ast.unparse(node):
        return out_of_place(scene, scene.call)
    start, _ = source.piece(node)
    indent = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    return source.replaced((start, start), f"with torch.no_grad():\n{indent}    ") if not indent.strip() else None


def _rebound(source: Source, name: str, line: int) -> ast.Assign | None:
    """The statement that gives a name the result of a step along its gradient, before a line."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name and node.lineno <= line:
                if f"{name}.grad" in ast.unparse(value):
                    return node
            case _:
                pass
    return None


def _computed_anew(scene: Scene, source: Source, rebound: ast.Assign, name: str) -> Suspicion:
    """A weight that is no leaf any more once it is computed from itself."""
    changed = None
    match rebound.value:
        case ast.BinOp(left=ast.Name(id=left), op=ast.Sub() | ast.Add() as sign, right=right) if left == name:
            indent = " " * rebound.col_offset
            operator = "-=" if isinstance(sign, ast.Sub) else "+="
            text = f"with torch.no_grad():\n{indent}    {name} {operator} {source.written(right)}"
            changed = source.replaced(source.piece(rebound), text)
        case _:
            pass
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name}.grad is None: line {line} computes a new {name}, which is no leaf and collects no "
                     "gradient.", name=name, line=rebound.lineno),
        evidence=(said("torch writes .grad of leaves, tensors that nothing was computed for."),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely",
                      said("Change the weight in place under torch.no_grad(), so that it stays the same leaf.")),
    )  # fmt: skip


def _no_grad_yet(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    read = [n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr == "grad"]
    here = [n for n in read if raised is not None and raised.span is not None and n.lineno == raised.span.line]
    if raised is None or "NoneType" not in raised.message or not here:
        return None
    name = source.written(here[0].value)
    called = any(short(c) == "backward" for c in scene.recording.calls)
    if called and (rebound := _rebound(source, name, here[0].lineno)) is not None:
        return _computed_anew(scene, source, rebound, name)
    verdict = (
        said("{name}.grad is None: no backward() reached {name}.", name=name)
        if called
        else said("{name}.grad is None: backward() was not called before it is read.", name=name)
    )
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(said("torch writes {name}.grad when backward() runs, not before.", name=name),),
        trials=(),
        fix=fixes.fix(scene, None if called else _backward_first(scene, source, raised.span), "likely",
                      said("Call backward() on the loss first.")),
    )  # fmt: skip


def _backward_first(scene: Scene, source: Source, span: Span | None) -> str | None:
    """The program with backward() of the last single number with history, before the line that reads the gradient."""
    tensors = scene.recording.tensors
    losses = [n for n, id in scene.recording.names.items() if tensors[id].elements == 1 and requires_grad(scene, id)]
    if span is None or not losses:
        return None
    lines = source.text.splitlines(keepends=True)
    indent = lines[span.line - 1][: len(lines[span.line - 1]) - len(lines[span.line - 1].lstrip())]
    return "".join([*lines[: span.line - 1], f"{indent}{losses[-1]}.backward()\n", *lines[span.line - 1 :]])


def _numpy(scene: Scene) -> Suspicion | None:
    tensor = scene.tensor("input")
    if tensor is None or not tensor.requires_grad:
        return None
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    x = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if isinstance(node, ast.Call) and (x is None or source.is_torch(x) or short(scene.call) == "array"):
        x = argument(node, 0, "input")
    changed = source.replaced(source.piece(x), f"{atom(source, x)}.detach()") if x is not None else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} requires a gradient, which numpy cannot keep.", name=known_as(scene, "input")),
        evidence=(said("A numpy array has no history (no grad_fn)."),),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", said("Detach it first, for showing only.")),
    )
