"""The table of rewrites: what brings gradients and hand-written graphs to the form people know.

Each rule is one identity; its example is run on both sides over balls by the generic test.
"""

from __future__ import annotations

from fractions import Fraction

from explainers.graph import ops
from explainers.graph.linear import collected
from explainers.graph.nodes import (
    Axis,
    Binary,
    Cast,
    Compare,
    Constant,
    Coordinate,
    Input,
    LogSumExp,
    Node,
    OneHot,
    Softmax,
    Sum,
    Take,
    Unary,
    Where,
    is_floating,
)
from explainers.graph.rewriting import Rule
from explainers.graph.shape_rewrites import shape_rules
from explainers.graph.share_rewrites import share_rules
from explainers.graph.sigmoid_rewrites import sigmoid_rules


def rules() -> tuple[Rule, ...]:
    """Every rewrite, in the order they are tried."""
    return (
        Rule("square of a product with itself", "u · u → u²", _square, lambda x, y, c: ops.mul(x, x)),
        Rule("power two", "u^2 → u²", _power_two, lambda x, y, c: ops.binary("pow", x, 2)),
        Rule("square loses its sign", "(b − a)² → (a − b)²", _oriented, lambda x, y, c: ops.square(ops.neg(x))),
        Rule("square of a reciprocal", "(1/u)² → 1/u²", _squared_share, _squared_share_example),
        Rule("a number cancels", "k / (k · u) → 1 / u", _cancelled, lambda x, y, c: ops.div(3, ops.mul(3, ops.exp(x)))),
        Rule("a number in any dtype", "k as float32 → k", _uncast, lambda x, y, c: ops.cast(ops.constant(3), x.dtype)),
        Rule("log undoes exp", "log e^u → u", _log_exp, lambda x, y, c: ops.log(ops.exp(x))),
        Rule("exp undoes log", "e^log u → u", _exp_log, lambda x, y, c: ops.exp(ops.log(ops.add(ops.square(x), 1)))),
        Rule("log-sum-exp", "log Σ e^u → lse u", _lse, lambda x, y, c: ops.log(ops.sum(ops.exp(x), (c,)))),
        Rule("log of a quotient", "log(e^u / Σ e^v) → u − lse v", _log_quotient, _log_quotient_example),
        Rule("log of softmax", "log softmax(u) → u − lse u", _log_softmax, lambda x, y, c: ops.log(ops.softmax(x, c))),
        Rule("softmax from log-softmax", "e^(u − lse u) → softmax(u)", _softmax_lse, _softmax_lse_example),
        Rule("softmax from exponentials", "e^u / Σ e^u → softmax(u)", _softmax_ratio, _softmax_ratio_example),
        Rule("softmax ignores a shift", "lse(u − m) → lse(u) − m", _shifted_lse, _shifted_example),
        Rule(
            "softmax ignores a shift inside", "softmax(u − m) → softmax(u)", _shifted_softmax, _shifted_softmax_example
        ),
        Rule(
            "a one-hot sums to one",
            "Σ one-hot → 1",
            _one_hot_sum,
            lambda x, y, c: ops.sum(ops.one_hot(y, c, x.dtype), (c,)),
        ),
        Rule("a softmax sums to one", "Σ softmax(u) → 1", _softmax_sum, _softmax_sum_example),
        *share_rules(),
        Rule("a one-hot picks", "Σ one-hot(y) · u → u[y]", _one_hot_picks, _one_hot_picks_example),
        Rule("a constant factor leaves the sum", "Σ a · u → a · Σ u", _factor_out, _factor_out_example),
        Rule("indexing reaches inside", "(f(u) − v)[y] → f(u[y]) − v", _take_inside, _take_inside_example),
        Rule("indexing a one-hot", "one-hot as a cast comparison", _one_hot_compare, _one_hot_compare_example),
        Rule("a scattered value", "u where c = y, else 0 → u · one-hot(y)", _scattered, _scattered_example),
        *sigmoid_rules(),
        *shape_rules(),
        Rule("like terms", "collect, cancel, factor", collected, lambda x, y, c: ops.neg(ops.sub(ops.exp(x), x))),
    )


def _square(node: Node) -> Node | None:
    match node:
        case Binary("mul", a, b) if a is b:
            return ops.square(a)
        case _:
            return None


def _power_two(node: Node) -> Node | None:
    match node:
        case Binary("pow", a, Constant(Fraction() as k)) if k == 2:
            return ops.square(a)
        case _:
            return None


def _squared_share_example(x: Node, y: Node, c: Axis) -> Node:
    return ops.square(ops.div(1, ops.add(ops.square(x), 1)))


def _squared_share(node: Node) -> Node | None:
    match node:
        case Unary("square", Binary("div", Constant(1), x)):
            return ops.div(1, ops.square(x))
        case _:
            return None


def _cancelled(node: Node) -> Node | None:
    """For k that is neither 0 nor infinite."""
    match node:
        case Binary("div", Constant(k), Binary("mul", Constant(m), u) | Binary("mul", u, Constant(m))) if (
            k == m and isinstance(k, Fraction) and k
        ):
            return ops.div(1, u)
        case _:
            return None


def _oriented(node: Node) -> Node | None:
    match node:
        case Unary("square", Unary("neg", x)):
            return ops.square(x)
        case Unary("square", Binary("sub", Input(tensor=first) as a, Input(tensor=second) as b)) if second < first:
            return ops.square(ops.sub(b, a))
        case _:
            return None


def _uncast(node: Node) -> Node | None:
    match node:
        case Cast(Constant() as number) if is_floating(node):
            return number
        case _:
            return None


def _log_exp(node: Node) -> Node | None:
    match node:
        case Unary("log", Unary("exp", x)):
            return x
        case _:
            return None


def _exp_log(node: Node) -> Node | None:
    """For u above 0; of 0 both sides are 0."""
    match node:
        case Unary("exp", Unary("log", x)):
            return x
        case _:
            return None


def _lse(node: Node) -> Node | None:
    match node:
        case Unary("log", Sum(Unary("exp", x), (over,))) if over in x.axes:
            return ops.logsumexp(x, over)
        case _:
            return None


def _is_positive(node: Node) -> bool:
    match node:
        case Unary("exp") | Softmax():
            return True
        case Sum(x) | Take(x):
            return _is_positive(x)
        case _:
            return False


def _log_quotient(node: Node) -> Node | None:
    match node:
        case Unary("log", Binary("div", a, b)) if _is_positive(a) and _is_positive(b):
            return ops.sub(ops.log(a), ops.log(b))
        case _:
            return None


def _log_quotient_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.log(ops.div(ops.take(ops.exp(x), y, c), ops.sum(ops.exp(x), (c,))))


def _log_softmax(node: Node) -> Node | None:
    match node:
        case Unary("log", Softmax(x, (over,))):
            return ops.log_softmax(x, over)
        case Unary("log", Take(Softmax(x, (over,)), index, along)):
            return ops.take(ops.log_softmax(x, over), index, along)
        case _:
            return None


def _softmax_lse(node: Node) -> Node | None:
    match node:
        case Unary("exp", Binary("sub", x, LogSumExp(inner, (over,)))) if x is inner:
            return ops.softmax(x, over)
        case Unary("exp", Binary("sub", Take(x, index, along), LogSumExp(inner, (over,)))) if (
            x is inner and along is over
        ):
            return ops.take(ops.softmax(x, over), index, over)
        case _:
            return None


def _softmax_lse_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.exp(ops.log_softmax(x, c))


def _softmax_ratio(node: Node) -> Node | None:
    match node:
        case Binary("div", Unary("exp", x) as top, Sum(bottom, (over,))) if top is bottom:
            return ops.softmax(x, over)
        case _:
            return None


def _softmax_ratio_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.div(ops.exp(x), ops.sum(ops.exp(x), (c,)))


def _softmax_sum(node: Node) -> Node | None:
    """For finite scores."""
    match node:
        case Sum(Softmax(_, (along,)), over) if along in over:
            return ops.sum(ops.cast(ops.constant(1), node.dtype), ops.without(over, (along,)))
        case _:
            return None


def _softmax_sum_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(ops.softmax(x, c), (c,))


def _shift(x: Node, over: tuple[Axis, ...]) -> tuple[Node, Node] | None:
    match x:
        case Binary("sub", u, m) if not set(over) & set(m.axes) and set(over) <= set(u.axes):
            return u, m
        case _:
            return None


def _shifted_lse(node: Node) -> Node | None:
    match node:
        case LogSumExp(x, (over,)) if (parts := _shift(x, (over,))) is not None:
            return ops.sub(ops.logsumexp(parts[0], over), parts[1])
        case _:
            return None


def _shifted_softmax(node: Node) -> Node | None:
    match node:
        case Softmax(x, (over,)) if (parts := _shift(x, (over,))) is not None:
            return ops.softmax(parts[0], over)
        case _:
            return None


def _shifted_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.logsumexp(ops.sub(x, ops.extremum("max", x, (c,))), c)


def _shifted_softmax_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.softmax(ops.sub(x, ops.extremum("max", x, (c,))), c)


def _one_hot_sum(node: Node) -> Node | None:
    """For indices in range; an ignored index has a factor 0 beside its one-hot."""
    match node:
        case Sum(OneHot(_, along), over) if along in over:
            return ops.sum(ops.cast(ops.constant(1), node.dtype), ops.without(over, (along,)))
        case _:
            return None


def _one_hot_picks(node: Node) -> Node | None:
    match node:
        case Sum(Binary("mul", OneHot(index, along), u) | Binary("mul", u, OneHot(index, along)), over) if (
            along in over and along in u.axes
        ):
            return ops.sum(ops.take(u, index, along), ops.without(over, (along,)))
        case _:
            return None


def _one_hot_picks_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(ops.mul(ops.one_hot(y, c, x.dtype), x), (c,))


def _factor_out(node: Node) -> Node | None:
    match node:
        case Sum(Binary("mul", a, b), over) if not set(over) & set(a.axes):
            return ops.mul(a, ops.sum(b, over))
        case Sum(Binary("mul", a, b), over) if not set(over) & set(b.axes):
            return ops.mul(b, ops.sum(a, over))
        case Sum(Binary("div", a, b), over) if not set(over) & set(b.axes):
            return ops.div(ops.sum(a, over), b)
        case Sum(Unary("neg", a), over):
            return ops.neg(ops.sum(a, over))
        case _:
            return None


def _factor_out_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.sum(ops.mul(ops.logsumexp(x, c), x), (c,))


def _take_inside(node: Node) -> Node | None:
    match node:
        case Take(Unary(op, x), index, along):
            return ops.unary(op, ops.take(x, index, along))
        case Take(Binary(op, a, b), index, along):
            return ops.binary(op, _taken(a, index, along), _taken(b, index, along))
        case _:
            return None


def _taken(x: Node, index: Node, along: Axis) -> Node:
    return ops.take(x, index, along) if along in x.axes else x


def _take_inside_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.take(ops.log_softmax(x, c), y, c)


def _one_hot_compare(node: Node) -> Node | None:
    match node:
        case Cast(Compare("eq", Coordinate(along), index), _, dtype) | Cast(
            Compare("eq", index, Coordinate(along)), _, dtype
        ):
            return ops.one_hot(index, along, dtype)
        case Cast(OneHot(index, along), _, dtype):
            return ops.one_hot(index, along, dtype)
        case _:
            return None


def _one_hot_compare_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.cast(ops.compare("eq", y, ops.coordinate(c)), x.dtype)


def _scattered(node: Node) -> Node | None:
    """The backward of indexing, whose other entries are 0 even beside a nan."""
    match node:
        case Where(Compare("eq", index, Coordinate(along)), u, Constant(Fraction() as zero)) if (
            not zero and along not in index.axes and along not in u.axes
        ):
            return ops.mul(u, ops.one_hot(index, along, node.dtype))
        case _:
            return None


def _scattered_example(x: Input, y: Input, c: Axis) -> Node:
    return ops.where(ops.compare("eq", y, ops.coordinate(c)), ops.logsumexp(x, c), 0)
