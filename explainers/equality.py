"""Which library loss a hand-written formula is: the same numbers, here and elsewhere, and the same node in normal form.

A candidate is first computed on the recorded numbers and on others near by. Where it agrees everywhere, normal forms
are compared: that is a proof. Where it is so many times the formula everywhere, the two differ by that factor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from inspect import Parameter, signature
from typing import Any

import numpy as np

from explainers.forms import Forms, Split, splitted
from explainers.graph import ops
from explainers.graph.arrays import Array
from explainers.graph.deciding import decided
from explainers.graph.evaluation import Values, evaluate
from explainers.graph.floats import FloatArithmetic
from explainers.graph.nodes import Constant, Input, Node, topological
from explainers.graph.plain_backward import without_plain_backward
from explainers.graph.renaming import renaming_rules
from explainers.graph.rewrites import rules
from explainers.graph.rewriting import Rewriter
from explainers.likelihoods import likelihood
from explainers.losses.registry import Loss, Registry
from explainers.quantities import size
from explainers.torch_indexing import Unsupported

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
_COMPUTED: Mapping[str, tuple[str, Mapping[str, Callable[[Node], Node]]]] = {
    "gaussian_nll_loss": (
        "var",
        {
            "exp({})": ops.exp,
            "exp(2 * {})": lambda x: ops.exp(ops.mul(2, x)),
            "{} ** 2": ops.square,
        },
    ),
    "kl_div": ("input", {"log({})": ops.log}),
    "nll_loss": ("input", {"log({})": ops.log}),
}


@dataclass(frozen=True)
class Equal:
    """A library loss with the tensors (by id), the reduction and the options under which it is the same formula; `made`
    is the code of arguments that are no tensor of the program.

    `proven` says that the normal forms are the same, else only the numbers are at all points that were tried; the
    formula is `factor` times the loss.
    """

    loss: Loss
    tensors: Mapping[str, int]
    reduction: str
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    proven: bool = True
    factor: float = 1.0
    made: Mapping[str, str] = field(default_factory=dict[str, str])


def library_loss(found: Forms, values: Values, registry: Registry) -> Equal | None:
    """The library loss over some of the inputs that is the formula: one that is proven to be, else one that agrees in
    all numbers, else one that is a constant multiple of it; None where there is none."""
    if sum(np.asarray(v).size for v in values.values()) > MOST_ELEMENTS or size(found.root) > MOST_OPERATIONS:
        return None
    points = _points(found, values)
    ours = [_number(found.composition.root, point) for point in points]
    compared = (_compared(found, candidate, points, ours) for candidate in _candidates(found, registry))
    agreeing = [_added_up(found, candidate, points, ours) for candidate in compared if candidate is not None]
    exact = [e for e in agreeing if e.factor == 1.0]
    canonical = Rewriter((*rules(), *renaming_rules()))
    root = canonical.rewrite(found.root)
    proven = next((e for e in exact if _proven(found, root, values, e, canonical)), None)
    proven = proven or _by_form(root, values, registry, canonical, exact)
    if proven is not None or not _differ(points):
        return proven
    return next((_unproven(e) for e in (*exact, *agreeing)), None)


def _by_form(
    root: Node, values: Values, registry: Registry, rewriter: Rewriter, exact: Sequence[Equal]
) -> Equal | None:
    """The cross entropy of scores or of targets that are computed, with its tensors where it agrees with theirs."""
    found = likelihood(root, values, rewriter)
    if found is None:
        return None
    options = {"label_smoothing": found.smoothing} if found.smoothing else {}
    made = {} if found.target is None else {"target": found.target}
    loss = registry.losses["cross_entropy"]
    alike = (e for e in exact if (e.loss, e.reduction, e.options) == (loss, found.reduction, options))
    if found.factor == 1 and (given := next(alike, None)) is not None:
        return replace(given, proven=True)
    return Equal(loss, {}, found.reduction, options, factor=found.factor, made=made)


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
                yield from _made(found, Equal(loss, tensors, reduction))
                for number in numbers if loss.name in _OPTIONS else ():
                    yield Equal(loss, tensors, reduction, {_OPTIONS[loss.name]: number})


def _made(found: Forms, equal: Equal) -> Iterator[Equal]:
    """The candidate with an argument computed from its tensor, as formulas write it: a variance of a logarithm."""
    name, ways = _COMPUTED.get(equal.loss.name, ("", ()))
    node = found.composition.inputs[equal.tensors[name]].node if ways else None
    symbol = node.symbol if isinstance(node, Input) else name
    yield from (replace(equal, made={name: way.replace("{}", symbol)}) for way in ways)


def _argument(found: Forms, equal: Equal, name: str) -> Array:
    """The tensor that is passed for an argument, or what is made of it."""
    given = found.composition.inputs[equal.tensors[name]]
    code = equal.made.get(name, "")
    symbol = given.node.symbol if isinstance(given.node, Input) else name
    way = _COMPUTED.get(equal.loss.name, ("", {}))[1].get(code.replace(symbol, "{}"))
    return given if way is None else Array(way(given.node), given.layout)


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
    if _is_ambiguous(found):
        return equal
    others = ("sum", "batchmean") if equal.loss.name == "kl_div" else ("sum",)
    added = (_compared(found, replace(equal, reduction=each), points, ours) for each in others)
    return next((each for each in added if each is not None and each.factor == 1), equal)


def _is_ambiguous(found: Forms) -> bool:
    """Whether a mean divides by a number that more than one axis has as its length: which of them is not told."""
    divisor = splitted(found.root).divisor
    axes = {axis for a in found.composition.inputs.values() for axis in a.axes}
    return isinstance(divisor, Constant) and len([axis for axis in axes if axis.size == divisor.value]) > 1


def _program(found: Forms, equal: Equal) -> Node | None:
    given = {name: _argument(found, equal, name) for name in equal.tensors}
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
            theirs = _ordered(program, found.composition.root, point)
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
    """The recorded numbers, others near by, others anywhere, so that differences change their signs, and others beyond
    all of them, so that distances pass a margin: probabilities stay such, what is positive stays so, labels −1, 0 and 1
    stay as they are, and very large numbers become usual ones."""
    floats = {id for id, a in found.composition.inputs.items() if id >= 0 and a.floating}
    sizes = [np.abs(np.asarray(values[id], dtype=np.float64)).max(initial=0.0) for id in floats]
    largest = max((float(s) for s in sizes if s <= LARGE), default=1.0) or 1.0
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

    def anywhere(held: Any) -> Any:
        held = np.asarray(held, dtype=np.float64)
        if np.isin(held, (-1.0, 0.0, 1.0)).all():
            return held
        if held.size and held.min() >= 0:
            return generator.uniform(0.05, 0.95 if held.max() <= 1 else 2 * largest, held.shape)
        return generator.normal(0.0, largest, held.shape)

    def beyond(held: Any) -> Any:
        held = np.asarray(held, dtype=np.float64)
        if np.isin(held, (-1.0, 0.0, 1.0)).all() or not held.size or held.min() < 0 or held.max() <= 1:
            return anywhere(held)
        return generator.uniform(largest, 3 * largest, held.shape)

    ways = (moved, anywhere, beyond)
    return [values, *({id: way(v) if id in floats else v for id, v in values.items()} for way in ways)]


def _proven(found: Forms, root: Node, values: Values, equal: Equal, rewriter: Rewriter) -> bool:
    """Whether the loss has the formula's normal form, or its form with axes renamed at the leaves."""
    program = _program(found, equal)
    assert program is not None
    normal = without_plain_backward(found.rewriter.rewrite(decided(program, values)), found.rewriter)
    return normal is found.root or rewriter.rewrite(normal) is root
