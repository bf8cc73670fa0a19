"""backward() twice through the same graph: two losses on one graph, or one loss in every round of a loop."""

from __future__ import annotations

import ast

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.cuts import requires_grad
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\n"
_WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\n"
_Loop = ast.For | ast.While


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="second-backward",
            family="in-place",
            title=said("backward() went through the same graph twice"),
            explanation=said(
                "The first backward() frees what it used. Add the losses and call backward() once, or keep the graph "
                "with retain_graph=True; a state that is carried on from step to step has to be detached."
            ),
            words=(
                "Trying to backward through the graph a second time",
                "retain_graph",
                "second backward",
                "loss += not reset second backward",
            ),
            losses=frozenset({"backward"}),
            trigger=_twice,
            positive=_HEAD + _WEIGHT + "h = w.exp()\na = h.sum()\nb = (h * h).sum()\na.backward()\nb.backward()",
            control=_HEAD + _WEIGHT + "h = w.exp()\nloss = h.sum() + (h * h).sum()\nloss.backward()",
            concern="exception",
        ),
    )


def _twice(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or "second time" not in raised.message:
        return None
    before = [c for c in scene.recording.calls if short(c) == "backward" and c.index < scene.call.index]
    if not before or before[-1].span is None:
        return None
    once = _in_every_round(scene, before[-1]) if before[-1].span == scene.call.span else None
    if once is not None:
        return Suspicion(
            at=before[-1].index,
            verdict=said("the loss is computed once, before the loop, and every round calls backward() on it again."),
            evidence=(said("Each step needs a loss of its own: recompute it inside the loop."),),
            trials=(),
            fix=once,
        )
    if (again := _still_holds(scene, before[-1])) is not None:
        return again
    return Suspicion(
        at=before[-1].index,
        verdict=said("the backward() in line {line} has freed the graph already.", line=before[-1].span.line),
        evidence=(said("Both go through the same tensors with history."),),
        trials=(),
        fix=_kept(scene, before[-1]),
    )


def _still_holds(scene: Scene, first: Call) -> Suspicion | None:
    """The second loss was added to the first one, whose graph is freed: the running sum was not reset."""
    calls = scene.recording.calls
    if not first.inputs() or not scene.call.inputs() or first.inputs()[0] == scene.call.inputs()[0]:
        return None
    if first.inputs()[0] not in ancestors(calls, [scene.call.inputs()[0]])[0]:
        return None
    source = Source(scene.recording.source)
    name, changed = _reset(source, line_of(first), line_of(scene.call))
    if name is None:
        return None
    return Suspicion(
        at=first.index,
        verdict=said(
            "{name} still holds the loss of line {line}, whose graph backward() has freed: it was added to, not reset.",
            name=name,
            line=line_of(first),
        ),
        evidence=(said("The second sum starts from the first one, and so goes through both graphs."),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Start the next sum from 0.")),
    )


def _reset(source: Source, first: int, second: int) -> tuple[str | None, str | None]:
    """The running sum that goes on between two lines, and the program with it set to 0 before it does."""
    for body in (body for node in ast.walk(source.tree) if isinstance(body := getattr(node, "body", None), list)):
        between = [each for each in body if isinstance(each, ast.stmt) and first < each.lineno < second]
        for statement in between:
            names = [
                node.target.id
                for node in ast.walk(statement)
                if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
            ]
            if names:
                start = source.piece(statement)[0]
                line = f"{names[0]} = 0\n{' ' * statement.col_offset}"
                return names[0], source.replaced((start, start), line)
    return None, None


def _kept(scene: Scene, first: Call) -> Fix:
    source = Source(scene.recording.source)
    node = source.call_at(first.span)
    changed = None
    if node is not None:
        _, end = source.piece(node)
        comma = ", " if node.args or node.keywords else ""
        changed = source.replaced((end - 1, end - 1), f"{comma}retain_graph=True")
    return fixes.fix(scene, changed, "choose", said("Keep the graph, or add the losses and call backward() once."))


def _in_every_round(scene: Scene, call: Call) -> Fix | None:
    """What is computed before the loop moved into it; None where that is not how the loss was made."""
    source = Source(scene.recording.source)
    found = _around(source.tree, line_of(call))
    if found is None:
        return None
    body, loop = found
    moved = [each for each in body[: body.index(loop)] if _has_history(scene, each)]
    if not moved:
        return None
    note = said("Compute the loss inside the loop, anew for every step.")
    return fixes.fix(scene, _moved(source.text, moved, loop), "likely", note)


def _around(tree: ast.Module, line: int) -> tuple[list[ast.stmt], _Loop] | None:
    """The innermost loop around a line, and the statements that it is one of."""
    bodies = [body for node in ast.walk(tree) if isinstance(body := getattr(node, "body", None), list)]
    found = [
        (body, each)
        for body in bodies
        for each in body
        if isinstance(each, _Loop) and each.lineno < line <= (each.end_lineno or 0)
    ]
    return max(found, key=lambda pair: pair[1].lineno, default=None)


def _has_history(scene: Scene, statement: ast.stmt) -> bool:
    """Whether a statement names a tensor that was computed from one with history."""
    if not isinstance(statement, ast.Assign):
        return False
    names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
    held = [scene.recording.names[name] for name in names if name in scene.recording.names]
    made = [call for call in scene.recording.calls if set(call.outputs).intersection(held) and not call.mutated]
    return any(requires_grad(scene, id) for call in made for id in call.inputs())


def _moved(text: str, moved: list[ast.stmt], loop: _Loop) -> str:
    """The program with statements at the top of the loop's body, in their order."""
    lines = text.splitlines(keepends=True)
    first = loop.body[0]
    taken = [range(each.lineno - 1, each.end_lineno or each.lineno) for each in moved]
    deeper = " " * (first.col_offset - loop.col_offset)
    inside = [deeper + lines[at] for span in taken for at in span]
    gone = {at for span in taken for at in span}
    return "".join(
        line
        for at in range(len(lines))
        for line in (*(inside if at == first.lineno - 1 else ()), *(() if at in gone else (lines[at],)))
    )
