"""Inside a loss that torch computes in one call: its first step that is not finite, on the recorded numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from explainers.composition import compose
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number
from explainers.frontier import DontKnow
from explainers.graph.evaluation import evaluate_all
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Binary, LogSumExp, Node, Softmax, Unary, is_floating, operands, topological
from explainers.messages import Message, said

MOST_ELEMENTS: Final = 10_000
_SIGNS: Final = {"add": "+", "sub": "−", "mul": "*", "div": "/"}
"""As code has them: what stands in a sentence is searched for and copied."""


def inside(scene: Scene) -> tuple[Message, ...]:
    """The first step of the scene's loss that is not finite where its operands are, or that makes nan of inf."""
    output = next(iter(scene.call.outputs), None)
    if output is None or scene.registry.of(scene.call.function) is None or _size(scene) > MOST_ELEMENTS:
        return ()
    found = compose(scene.recording, output, scene.registry)
    if isinstance(found, DontKnow):
        return ()
    nodes = tuple(node for node in topological(found.root) if is_floating(node))
    with np.errstate(all="ignore"):
        held = evaluate_all(nodes, found.values(scene.recording), FloatArithmetic())
    values = dict(zip(nodes, map(np.asarray, held), strict=True))
    born = next((node for node in nodes if _is_born(node, values)), None)
    told = None if born is None else _step(born, values)
    return () if told is None else (told,)


def _size(scene: Scene) -> int:
    return sum(scene.recording.tensors[id].elements for id in scene.call.inputs())


def _is_born(node: Node, values: dict[Node, Any]) -> bool:
    """Whether nan or inf arises at a node: its operands have none, or it makes nan of inf."""
    made, of = values[node], [values[x] for x in operands(node) if x in values]
    if not of or np.isfinite(made).all():
        return False
    return all(np.isfinite(x).all() for x in of) or (
        bool(np.isnan(made).any()) and not any(np.isnan(x).any() for x in of)
    )


def _step(node: Node, values: dict[Node, Any]) -> Message | None:
    made = values[node]
    bad = np.isnan(made) if np.isnan(made).any() else ~np.isfinite(made)
    at = dict(zip(node.axes, np.argwhere(bad)[0], strict=True)) if made.ndim else {}
    result = number(float(made[tuple(at.values())]) if at else float(made))
    step = step_written(node, at, values)
    if step is None:
        return None
    return said("Inside it, the first step that is not finite is {step} = {made}.", step=step, made=result)


def step_written(node: Node, at: dict[Any, Any], values: dict[Node, Any]) -> str | None:
    """One entry of a node as a computation with numbers, by the axes' places; None for what is no such step."""
    match node:
        case Binary(op, a, b) if op in _SIGNS:
            parts = [_number(x, at, values) for x in (a, b)]
            if None in parts:
                return None
            return f"{parts[0]} {_SIGNS[op]} {parts[1]}" if op in ("add", "sub") else _product(parts, _SIGNS[op])
        case Unary(op, x) if (part := _number(x, at, values)) is not None:
            return f"{op}({part.strip('()')})"
        case LogSumExp(x) | Softmax(x):
            row = [slice(None) if axis in node.over else at.get(axis, 0) for axis in x.axes]
            terms = [number(float(v)) for v in np.ravel(values[x][tuple(row)])[:3]] if x in values else []
            more = ", …" if node.over and node.over[0].size > len(terms) else ""
            name = "log Σ exp" if isinstance(node, LogSumExp) else "softmax"
            return f"{name} [{', '.join(terms)}{more}]"
        case _:
            return None


def _product(parts: Sequence[str | None], sign: str) -> str:
    return f" {sign} ".join(str(part).strip("()") for part in parts)


def _number(x: Node, at: dict[Any, Any], values: dict[Node, Any]) -> str | None:
    if x not in values:
        return None
    held = np.broadcast_to(values[x], tuple(axis.size for axis in x.axes))
    if any(axis not in at for axis in x.axes):
        return None
    found = float(held[tuple(at[axis] for axis in x.axes)])
    return f"({number(found)})" if found < 0 else number(found)
