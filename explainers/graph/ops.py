"""The op table that reference programs are written in: torch's names over named-axis nodes.

Constructors only fold what is exact and free (x + 0, x · 1, −(−x)); everything that changes how a formula reads is
a rewrite with a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from explainers.graph.nodes import (
    AlignmentSum,
    Axes,
    Axis,
    Binary,
    BinaryOp,
    Cast,
    Compare,
    CompareOp,
    Concat,
    Constant,
    Coordinate,
    Extremum,
    LogSumExp,
    Named,
    Node,
    Occupancy,
    OneHot,
    Rename,
    Reshape,
    Softmax,
    StopGradient,
    Sum,
    Take,
    Unary,
    UnaryOp,
    Where,
    WithGradient,
    is_floating,
)
from explainers.graph.scalars import Number, as_node, constant, folded, is_number, promoted, summed

HALVES = ("float16", "bfloat16")


def union(*axes: Axes) -> Axes:
    """All axes in order of first appearance."""
    return tuple(dict.fromkeys(axis for group in axes for axis in group))


def unary(op: UnaryOp, x: Node | Number) -> Node:
    """An elementwise function by name."""
    x = as_node(x)
    if op == "neg":
        match x:
            case Unary("neg", inner):
                return inner
            case Constant(Fraction() as value):
                return Constant(-value, dtype=x.dtype)
            case _ if x.dtype == "bool":
                return unary("neg", cast(x, "int64"))
            case _:
                pass
    return Unary(op, x, x.axes, x.dtype)


def binary(op: BinaryOp, a: Node | Number, b: Node | Number) -> Node:
    """An elementwise function of two arrays by name."""
    a, b = as_node(a), as_node(b)
    if isinstance(a, Constant) and isinstance(b, Constant) and (exact := folded(op, a, b)) is not None:
        return exact
    match op:
        case "add" if is_number(a, 0):
            return b
        case "add" | "sub" if is_number(b, 0):
            return a
        case "sub" if is_number(a, 0):
            return unary("neg", b)
        case "mul" if is_number(a, 1):
            return b
        case "mul" | "div" if is_number(b, 1):
            return a
        case _:
            dtype = promoted(a, b)
            if op == "div" and dtype in ("bool", "uint8", "int8", "int16", "int32", "int64"):
                dtype = "float32"
            return Binary(op, a, b, union(a.axes, b.axes), dtype)


def add(a: Node | Number, b: Node | Number) -> Node:
    """a + b."""
    return binary("add", a, b)


def sub(a: Node | Number, b: Node | Number) -> Node:
    """a − b."""
    return binary("sub", a, b)


def mul(a: Node | Number, b: Node | Number) -> Node:
    """a · b."""
    return binary("mul", a, b)


def div(a: Node | Number, b: Node | Number) -> Node:
    """a / b."""
    return binary("div", a, b)


def neg(x: Node) -> Node:
    """−x."""
    return unary("neg", x)


def exp(x: Node) -> Node:
    """e^x."""
    return unary("exp", x)


def log(x: Node) -> Node:
    """The natural logarithm."""
    return unary("log", x)


def log1p(x: Node) -> Node:
    """log(1 + x)."""
    return unary("log1p", x)


def square(x: Node) -> Node:
    """x²."""
    return unary("square", x)


def sigmoid(x: Node) -> Node:
    """σ(x) = 1 / (1 + e^−x)."""
    return unary("sigmoid", x)


def logsigmoid(x: Node) -> Node:
    """log σ(x)."""
    return unary("logsigmoid", x)


def clamp_min(x: Node, least: Number) -> Node:
    """max(x, least); at the bound the gradient passes."""
    return binary("clamp_min", x, least)


def maximum(a: Node | Number, b: Node | Number) -> Node:
    """max(a, b); a tie halves the gradient."""
    return binary("maximum", a, b)


def compare(op: CompareOp, a: Node | Number, b: Node | Number) -> Node:
    """An elementwise comparison."""
    a, b = as_node(a), as_node(b)
    return Compare(op, a, b, union(a.axes, b.axes))


def where(condition: Node, a: Node | Number, b: Node | Number) -> Node:
    """a where the condition holds, else b."""
    a, b = as_node(a), as_node(b)
    return Where(condition, a, b, union(condition.axes, a.axes, b.axes), promoted(a, b))


def sum(x: Node, over: Iterable[Axis]) -> Node:
    """The sum over the axes; one that the array does not vary along multiplies by its length."""
    over = tuple(over)
    inside = tuple(axis for axis in over if axis in x.axes)
    for axis in over:
        if axis not in x.axes:
            x = mul(x, axis.size) if axis.size else where(compare("ne", 0, 0), x, 0)  # 0, though x be infinite
    return Sum(x, inside, without(x.axes, inside), summed(x.dtype)) if inside else x


def mean(x: Node, over: Iterable[Axis]) -> Node:
    """The sum over the axes divided by the number of elements summed (nan over none).

    Half precision is added up and divided in float32 and rounded once (ATen's mean_cpu).
    """
    over = tuple(over)
    wide = cast(x, "float32") if x.dtype in HALVES else x
    return cast(div(sum(wide, over), count(over)), x.dtype) if wide is not x else div(sum(x, over), count(over))


def count(over: Iterable[Axis]) -> int:
    """How many elements the axes span."""
    result = 1
    for axis in over:
        result *= axis.size
    return result


def logsumexp(x: Node, over: Axis | Axes | None) -> Node:
    """log Σ exp(x) over axes; over no axis (a single element) it is x itself."""
    wanted = (over,) if isinstance(over, Axis) else over or ()
    inside = tuple(axis for axis in wanted if axis in x.axes)
    if len(inside) < len(wanted):
        x = add(x, log(constant(count(axis for axis in wanted if axis not in inside))))
    return LogSumExp(x, inside, without(x.axes, inside), x.dtype) if inside else x


def softmax(x: Node, over: Axis | None) -> Node:
    """exp(x) / Σ exp(x) along an axis; along no axis (a single element) it is 1."""
    if over is None or over not in x.axes:
        return div(exp(sub(x, x)), 1 if over is None else over.size)
    return Softmax(x, (over,), x.axes, x.dtype)


def log_softmax(x: Node, over: Axis | None) -> Node:
    """x − log Σ exp(x), in one program; of a single element 0, or nan where that is not finite."""
    if over is None:
        return _log_softmax_of_one(x)
    total = logsumexp(x, over)
    return sub(x, replace(total, fused=True) if isinstance(total, LogSumExp) else total)


def _log_softmax_of_one(x: Node) -> Node:
    """x − x; torch's backward takes from the adjoint e^(x − x) times it, which is nan where x is not finite."""
    alone = sub(x, x)
    return with_gradient(alone, ((x, sub(1, exp(alone))),))


def extremum(op: str, x: Node, over: Iterable[Axis]) -> Node:
    """The largest ("max") or smallest ("min") element over the axes."""
    over = tuple(axis for axis in over if axis in x.axes)
    return Extremum("max" if op == "max" else "min", x, over, without(x.axes, over), x.dtype) if over else x


def alignment_sum(
    x: Node,
    labels: Node,
    spans: tuple[Node, Node],
    along: tuple[Axis | None, Axis | None, Axis | None],
    blank: int,
) -> AlignmentSum:
    """log Σ over alignments of e^Σ x: `spans` are the numbers of time steps and of labels, `along` the axes of time
    and classes in x and of places in the labels."""
    (steps, length), (time, classes, places) = spans, along
    inner = without(x.axes, tuple(axis for axis in (time, classes) if axis))
    outer = without(labels.axes, (places,) if places else ())
    batch = union(inner, outer, steps.axes, length.axes)
    return AlignmentSum(x, labels, steps, length, time, classes, places, blank, batch, x.dtype)


def occupancy(total: AlignmentSum) -> Occupancy:
    """How large a share of the alignments has each class at each time step."""
    own = tuple(axis for axis in (total.time, total.classes) if axis)
    return Occupancy(
        total.x, total.labels, total.steps, total.length, total.time, total.classes, total.places, total.blank,
        union(total.axes, own), total.dtype,
    )  # fmt: skip


def take(x: Node, index: Node, along: Axis | None) -> Node:
    """x at the index along an axis; along no axis there is one element, taken where the index is 0."""
    if along is None:
        return where(compare("eq", index, 0), x, 0)
    if along not in x.axes:
        return where(in_range(index, along), x, 0)
    if isinstance(x, Concat) and x.along is along and isinstance(index, Constant) and index.value in x.starts:
        at = x.starts.index(int(index.value))
        if x.spans[at] is None:
            return cast(x.parts[at], x.dtype)
    if isinstance(x, Rename) and x.new is along and x.old not in index.axes:
        return take(x.x, index, x.old)
    if along in index.axes:  # an array indexed along the axis that the index itself has, as in x[order]
        fresh = Axis(along.name, along.size)
        x, along = rename(x, along, fresh), fresh
    return Take(x, index, along, union(without(x.axes, (along,)), index.axes), x.dtype)


def in_range(index: Node, along: Axis) -> Node:
    """Where 0 ≤ index < length, as 0/1 integers multiplied to one truth value."""
    return both(compare("ge", index, 0), compare("lt", index, along.size))


def both(a: Node, b: Node) -> Node:
    """Where two conditions hold."""
    return where(a, b, compare("ne", 0, 0))


def one_hot(index: Node, along: Axis | None, dtype: str) -> Node:
    """1 at the index along the axis, else 0."""
    if along is None:
        return cast(compare("eq", index, 0), dtype)
    return OneHot(index, along, union(index.axes, (along,)), dtype)


def rename(x: Node, old: Axis, new: Axis) -> Node:
    """The array with one axis renamed to another of the same length. ValueError where the lengths differ."""
    if old.size != new.size:
        raise ValueError(f"axis {old.name} of length {old.size} cannot become {new.name} of length {new.size}")
    if old is new or old not in x.axes:
        return x
    match x:
        case OneHot(index, along) if along is old:
            return one_hot(index, new, x.dtype)
        case Coordinate():
            return coordinate(new)
        case Cast(inner):
            return cast(rename(inner, old, new), x.dtype)
        case Reshape(new=after) if old in after:
            return replace(x, new=tuple(new if axis is old else axis for axis in after), axes=renamed(x.axes, old, new))
        case Concat(along=along) if old is along:
            return replace(x, along=new, axes=renamed(x.axes, old, new))
        case _:
            pass
    return Rename(x, old, new, renamed(x.axes, old, new), x.dtype)


def renamed(axes: Axes, old: Axis, new: Axis) -> Axes:
    """The axes with one exchanged for another."""
    return tuple(new if axis is old else axis for axis in axes)


def reshape(x: Node, old: Axes, new: Axes) -> Node:
    """The elements along some axes laid row by row along others, by way of one axis for all of them.

    ValueError where their numbers differ.
    """
    if count(old) != count(new):
        raise ValueError(f"{count(old)} elements cannot be {count(new)}")
    if old == new or not set(old) & set(x.axes):
        return x
    if len(old) == len(new) == 1:
        return rename(x, old[0], new[0])
    if len(old) > 1 and len(new) > 1:
        flat = Axis(new[0].name, count(old))
        return reshape(reshape(x, old, (flat,)), (flat,), new)
    if isinstance(x, Reshape) and x.new == old and [a.size for a in x.old] == [a.size for a in new]:
        return _moved(x.x, x.old, new)
    return Reshape(x, old, new, (*without(union(x.axes, old), old), *new), x.dtype)


def _moved(x: Node, old: Axes, new: Axes) -> Node:
    """Axes renamed one by one; what would clash steps aside first."""
    aside = tuple(Axis(axis.name, axis.size) for axis in old)
    for axis, free in zip(old, aside, strict=True):
        x = rename(x, axis, free) if set(old) & set(new) else x
    for axis, wanted in zip(aside if set(old) & set(new) else old, new, strict=True):
        x = rename(x, axis, wanted)
    return x


def concat(parts: Sequence[Node], spans: Sequence[Axis | None], along: Axis) -> Node:
    """Arrays one behind the other along an axis; a span that another part has as well is renamed."""
    kept = union(*(without(x.axes, (span,) if span else ()) for x, span in zip(parts, spans, strict=True)))
    fresh = tuple(Axis(span.name, span.size) if span in kept else span for span in spans if span)
    own = iter(fresh)
    new = tuple(next(own) if span else None for span in spans)
    moved = tuple(rename(x, a, b) if a and b else x for x, a, b in zip(parts, spans, new, strict=True))
    return Concat(moved, new, along, (*kept, along), promoted(*parts))


def coordinate(along: Axis | None) -> Node:
    """0, 1, 2, … along the axis; 0 along no axis."""
    return Coordinate(along, (along,)) if along else constant(0)


def real(x: Node) -> Node:
    """Integers and truth values as float32, which a function of real numbers makes of them."""
    return x if is_floating(x) else cast(x, "float32")


def cast(x: Node, dtype: str) -> Node:
    """The same numbers in another dtype."""
    return x if x.dtype == dtype else Cast(x, x.axes, dtype)


def alone(op: BinaryOp, a: Node | Number, b: Node | Number) -> Node:
    """a op b as a call of its own, rounded once: in half precision computed in float32, a Python number first rounded
    to the array's dtype. Kernels that do several steps at once may round less often; what is not `alone` allows for
    both."""
    a, b = as_node(a), as_node(b)
    dtype = promoted(a, b)
    if dtype not in HALVES:
        return binary(op, a, b)
    wide = (cast(cast(x, dtype), "float32") for x in (a, b))
    return cast(binary(op, *wide), dtype)


def stop_gradient(x: Node) -> Node:
    """The same numbers without a gradient."""
    return StopGradient(x, x.axes, x.dtype)


def with_gradient(value: Node, partials: Sequence[tuple[Node, Node]]) -> Node:
    """A value with torch's own local derivatives."""
    return WithGradient(value, tuple(partials), value.axes, value.dtype)


def named(name: str, x: Node) -> Node:
    """An intermediate quantity under the user's name."""
    return Named(name, x, x.axes, x.dtype)


def without(axes: Axes, gone: Iterable[Axis]) -> Axes:
    """The axes that are left."""
    dropped = set(gone)
    return tuple(axis for axis in axes if axis not in dropped)
