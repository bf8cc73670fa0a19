"""Which library loss a hand-written formula is: the same numbers, here and elsewhere, and the same node in normal form.

A candidate is first computed on the recorded numbers and on others near by. Where it agrees everywhere, normal forms
are compared: that is a proof. Where it is so many times the formula everywhere, the two differ by that factor.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from inspect import Parameter, signature
from typing import Any

import numpy as np

from explainers.forms import Forms, Split, splitted
from explainers.graph.arrays import Array
from explainers.graph.deciding import decided
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Constant, Input, Node, topological
from explainers.graph.plain_backward import without_plain_backward
from explainers.losses.registry import Loss, Registry
from explainers.quantities import size
from explainers.torch_indexing import Unsupported

POINTS = 3
CLOSE = 1e-9
LARGE = 1e6
MOST_INPUTS = 4
MOST_NUMBERS = 3
MOST_OPERATIONS = 60
MOST_ELEMENTS = 20_000
_OPTIONS = {
    "cross_entropy": "label_smoothing",
    "smooth_l1_loss": "beta",
    "huber_loss": "delta",
    "margin_ranking_loss": "margin",
    "hinge_embedding_loss": "margin",
    "triplet_margin_loss": "margin",
}


@dataclass(frozen=True)
class Equal:
    """A library loss with the tensors (by id), the reduction and the options under which it is the same formula.

    `proven` says that the normal forms are the same, else only the numbers are at all points that were tried; the
    formula is `factor` times the loss.
    """

    loss: Loss
    tensors: Mapping[str, int]
    reduction: str
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    proven: bool = True
    factor: float = 1.0


def library_loss(found: Forms, values: Values, registry: Registry) -> Equal | None:
    """The library loss over some of the inputs that is the formula: one that is proven to be, else one that agrees in
    all numbers, else one that is a constant multiple of it; None where there is none."""
    if sum(np.asarray(v).size for v in values.values()) > MOST_ELEMENTS or size(found.root) > MOST_OPERATIONS:
        return None
    points = _points(found, values)
    ours = [_number(found.root, point) for point in points]
    compared = (_compared(found, candidate, points, ours) for candidate in _candidates(found, registry))
    agreeing = [_added_up(found, candidate, points, ours) for candidate in compared if candidate is not None]
    exact = [e for e in agreeing if e.factor == 1.0]
    proven = next((e for e in exact if _proven(found, values, e)), None)
    if proven is not None or not _differ(points):
        return proven
    return next((_unproven(e) for e in (*exact, *agreeing)), None)


def _differ(points: list[Values]) -> bool:
    """Whether the points are more than the recorded numbers again, as where all of those are labels."""
    first, *others = points
    return any(not np.array_equal(first[id], other[id], equal_nan=True) for other in others for id in first)


def _unproven(equal: Equal) -> Equal:
    return replace(equal, proven=False)


def required(loss: Loss) -> tuple[str, ...]:
    """The arguments that torch's function does not do without."""
    parameters = signature(loss.program).parameters.values()
    return tuple(p.name for p in parameters if p.default is Parameter.empty)


def _candidates(found: Forms, registry: Registry) -> Iterator[Equal]:
    """Every loss over the formula's inputs as far as they fit, with the numbers of the program as its options."""
    used = {node.tensor for node in topological(found.root) if isinstance(node, Input)}
    inputs = {id: a for id, a in found.composition.inputs.items() if a.shape and id in used and id >= 0}
    numbers = _numbers(found.composition.root)
    for loss in registry.losses.values():
        names = required(loss)
        fitting = loss.is_loss and len(names) == len(inputs) <= MOST_INPUTS
        for chosen in itertools.permutations(inputs, len(names)) if fitting else ():
            first, *others = (inputs[id] for id in chosen)
            if first.floating and all(_fit(first, other) for other in others):
                tensors, reduction = dict(zip(names, chosen, strict=True)), _reduction(splitted(found.root))
                yield Equal(loss, tensors, reduction)
                for number in numbers if loss.name in _OPTIONS else ():
                    yield Equal(loss, tensors, reduction, {_OPTIONS[loss.name]: number})


def _fit(input: Array, target: Array) -> bool:
    """Whether the two have one shape, or one has class indices for the rows of the other."""
    a, b = input.shape, target.shape
    return a == b or (not target.floating and (b == a[:1] + a[2:] or (len(a) == 1 and b in ((), (1,)))))


def _numbers(root: Node) -> list[float]:
    """Python numbers above 0 that the program holds, the first few."""
    held = (n.value for n in topological(root) if isinstance(n, Constant) and isinstance(n.value, Fraction))
    return list(dict.fromkeys(float(v) for v in held if 0 < v < 100 and v != 1))[:MOST_NUMBERS]


def _reduction(split: Split) -> str:
    """The reduction that a root of this kind comes from; a sum is found as so many times the mean."""
    return "none" if split.item.axes and not split.over else "mean"


def _added_up(found: Forms, equal: Equal, points: list[Values], ours: list[Any]) -> Equal:
    """The candidate with its elements added up, where that is the formula itself."""
    if equal.factor == 1 or equal.reduction != "mean":
        return equal
    added = _compared(found, replace(equal, reduction="sum"), points, ours)
    return added if added is not None and added.factor == 1 else equal


def _program(found: Forms, equal: Equal) -> Node | None:
    given = {name: found.composition.inputs[id] for name, id in equal.tensors.items()}
    try:
        program = equal.loss.program(**given, reduction=equal.reduction, **equal.options)
    except (ValueError, IndexError, TypeError, KeyError, Unsupported):
        return None
    return program.node if isinstance(program, Array) and set(program.node.axes) == set(found.root.axes) else None


def _compared(found: Forms, equal: Equal, points: list[Values], ours: list[Any]) -> Equal | None:
    """The candidate with the factor that it has at every point, None where it has not the same one at all."""
    program = _program(found, equal)
    if program is None:
        return None
    factor: float | None = None
    for point, mine in zip(points, ours, strict=True):
        try:
            theirs = _ordered(program, found.root, point)
        except (ValueError, IndexError, TypeError):  # tensors that torch would refuse
            return None
        scale = float(np.abs(theirs).max(initial=0.0))
        if not np.isfinite(theirs).all() or not np.isfinite(mine).all() or not scale:
            return None
        at = np.unravel_index(int(np.abs(theirs).argmax()), theirs.shape)
        ratio = float(mine[at] / theirs[at])
        factor = ratio if factor is None else factor
        if abs(ratio - factor) > CLOSE * abs(factor) or not np.allclose(mine, factor * theirs, CLOSE, CLOSE * scale):
            return None
    if factor is None or not factor:
        return None
    factor = 1.0 if abs(factor - 1) <= CLOSE else factor
    return replace(equal, factor=factor)


def _number(root: Node, values: Values) -> Any:
    return np.asarray(evaluate(root, values, FloatArithmetic()))


def _ordered(program: Node, root: Node, values: Values) -> Any:
    """The candidate's numbers with dimensions in the order of the root's axes."""
    return _number(program, values).transpose([program.axes.index(axis) for axis in root.axes])


def _points(found: Forms, values: Values) -> list[Values]:
    """The recorded numbers, and others near by: probabilities stay such, labels −1, 0 and 1 stay as they are, and
    very large numbers become usual ones."""
    generator = np.random.default_rng(0)

    def moved(held: Any) -> Any:
        held = np.asarray(held, dtype=np.float64)
        if np.isin(held, (-1.0, 0.0, 1.0)).all():
            return held
        if held.size and held.min() >= 0 and held.max() <= 1:
            return 0.7 * held + 0.3 * generator.uniform(0.05, 0.95, held.shape)
        if held.size and np.abs(held).max() > LARGE:  # beside these nothing near by tells two formulas apart
            return generator.normal(0.0, 1.0, held.shape)
        return held + generator.normal(0.0, 0.5, held.shape)

    floats = {id for id, a in found.composition.inputs.items() if id >= 0 and a.floating}
    others = [{id: moved(v) if id in floats else v for id, v in values.items()} for _ in range(POINTS - 1)]
    return [values, *others]


def _proven(found: Forms, values: Values, equal: Equal) -> bool:
    program = _program(found, equal)
    assert program is not None
    normal = found.rewriter.rewrite(decided(program, values))
    return without_plain_backward(normal, found.rewriter) is found.root
