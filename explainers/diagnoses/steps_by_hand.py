"""Training steps without an optimizer: gradients that nobody sets to 0 between them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.training import suspected
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\n\nw = torch.tensor([2.0], requires_grad=True)\nx = torch.tensor([1.0, 2.0, 3.0])\n"
_LOOP = (
    "for k in range(5):\n    loss = ((w * x - 3 * x) ** 2).mean()\n    loss.backward()\n    with torch.no_grad():\n"
    "        w -= 0.05 * w.grad\n{}print(loss)"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="gradients-never-cleared-by-hand",
            family="training",
            title=said("Steps by hand follow the sum of all gradients so far"),
            explanation=said(
                "backward() adds to .grad. Where parameters are stepped by hand, nothing sets it to 0 unless the "
                "program does: w.grad.zero_() or w.grad = None after the step, else each step follows the sum of the "
                "gradients of all rounds, and overshoots."
            ),
            words=(
                "w -= lr * w.grad loss goes up",
                "gradient descent without optimizer loss increases",
                "manual weight update w.grad zero",
            ),
            losses=frozenset(),
            trigger=_never_cleared,
            positive=_HEAD + _LOOP.format(""),
            control=_HEAD + _LOOP.format("        w.grad.zero_()\n"),
            dominates=frozenset({"grad-accumulation-not-divided"}),
        ),
    )


@dataclass(frozen=True)
class _Step:
    """The last statement of a loop that steps a tensor by its gradient, and the tensors that the loop steps."""

    statement: ast.stmt
    stepped: tuple[str, ...]


def _never_cleared(scene: Scene) -> Suspicion | None:
    text = scene.recording.source
    ran = sum(short(call) == "backward" for call in scene.recording.calls)
    if ran < 2 or "zero_" in text or ".grad = None" in text or "fill_(" in text:
        return None
    source = Source(text)
    found = _step(source.tree)
    if found is None:
        return None
    at, pad = source.piece(found.statement)[1], " " * found.statement.col_offset
    cleared = "".join(f"\n{pad}{name}.grad = None" for name in found.stepped)
    return suspected(
        scene,
        said("{value}: nothing sets {name}.grad to 0, so each step follows the sum over all rounds.",
             value=stated(scene), name=found.stepped[0]),
        source.replaced((at, at), cleared),
        said("with {name}.grad = None after each step", name=found.stepped[0]),
        said("Clear the gradient after each step."),
        sure=True,
    )  # fmt: skip


def _step(tree: ast.Module) -> _Step | None:
    """The steps by hand of the only loop that goes backward; None where there is no such."""
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While) and _goes_backward(node)]
    if not loops:
        return None
    steps = [(node, name) for node in ast.walk(loops[-1]) if (name := _stepped(node)) is not None]
    statements = [node for node, _ in steps if isinstance(node, ast.stmt)]
    return _Step(statements[-1], tuple(dict.fromkeys(name for _, name in steps))) if statements else None


def _goes_backward(loop: ast.For | ast.While) -> bool:
    calls = (node.func for node in ast.walk(loop) if isinstance(node, ast.Call))
    return sum(isinstance(function, ast.Attribute) and function.attr == "backward" for function in calls) == 1


def _stepped(node: ast.AST) -> str | None:
    """The tensor that a statement steps by its own gradient: `w -= lr * w.grad`, `w.data = w.data - lr * w.grad`."""
    match node:
        case ast.AugAssign(op=ast.Sub(), target=target, value=value) | ast.Assign(targets=[target], value=value):
            pass
        case _:
            return None
    owner = target.value if isinstance(target, ast.Attribute) and target.attr == "data" else target
    name = ast.unparse(owner)
    reads = (each for each in ast.walk(value) if isinstance(each, ast.Attribute) and each.attr == "grad")
    return name if any(ast.unparse(each.value) == name for each in reads) else None
