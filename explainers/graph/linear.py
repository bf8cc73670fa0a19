"""The normal form of sums and products: like terms collected, opposite ones cancelled, common factors in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from explainers.graph import ops
from explainers.graph.nodes import Binary, Constant, Node, Sum, Unary, is_floating

LARGEST_COEFFICIENT = 10**6


@dataclass(frozen=True)
class Monomial:
    """A product of nodes over a product of nodes, without its coefficient; nodes are interned, so equal means same."""

    above: tuple[Node, ...] = ()
    below: tuple[Node, ...] = ()


Terms = dict[Monomial, Fraction]


def collected(node: Node) -> Node | None:
    """The linear combination or product that the node is, in normal form; None where it is neither."""
    match node:
        case Binary("add" | "sub" | "mul" | "div") | Unary("neg") if is_floating(node):
            terms: Terms = {}
            _gather(node, Fraction(1), terms)
            return _rebuilt({core: k for core, k in terms.items() if k})
        case _:
            return None


def _gather(node: Node, scale: Fraction, terms: Terms) -> None:
    """Add scale · node to the terms; sums and differences are opened, also under a constant factor."""
    match node:
        case Binary("add", a, b) if is_floating(node):
            _gather(a, scale, terms)
            _gather(b, scale, terms)
        case Binary("sub", a, b) if is_floating(node):
            _gather(a, scale, terms)
            _gather(b, -scale, terms)
        case Unary("neg", x) if is_floating(node):
            _gather(x, -scale, terms)
        case _:
            k, core = _monomial(node)
            match core:
                case Monomial((Binary("add" | "sub") as inner,), ()) if is_floating(inner):
                    _gather(inner, scale * k, terms)
                case _:
                    terms[core] = terms.get(core, Fraction(0)) + scale * k


def _monomial(node: Node) -> tuple[Fraction, Monomial]:
    """The coefficient and the factors of a product or quotient."""
    match node:
        case Constant(Fraction() as k) if _is_short(k):
            return k, Monomial()
        case Unary("neg", x) if is_floating(node):
            k, core = _monomial(x)
            return -k, core
        case Binary("mul", a, b) if is_floating(node):
            (j, left), (k, right) = _monomial(a), _monomial(b)
            return j * k, Monomial(left.above + right.above, left.below + right.below)
        case Binary("div", a, b) if is_floating(node):
            (j, left), (k, right) = _monomial(a), _monomial(b)
            if not k:
                return Fraction(1), Monomial((node,))
            return j / k, Monomial(left.above + right.below, left.below + right.above)
        case _:
            return Fraction(1), Monomial((node,))


def _is_short(k: Fraction) -> bool:
    """Whether a number may be multiplied out; one with many digits stays the factor it is, or nobody knows it again."""
    return min(abs(k.numerator), k.denominator) <= LARGEST_COEFFICIENT


def _rebuilt(terms: Terms) -> Node:
    if not terms:
        return ops.constant(0)
    if len(terms) == 1:
        ((core, k),) = terms.items()
        return _signed(core, k)
    size = {abs(k) for k in terms.values()}
    scale = size.pop() if len(size) == 1 else Fraction(1)
    above = _common([core.above for core in terms])
    below = _common([core.below for core in terms])
    total: Node | None = None
    for core, k in sorted(terms.items(), key=lambda item: item[1] < 0):
        rest = Monomial(_left(core.above, above), _left(core.below, below))
        total = _plus(total, rest, k / scale)
    return _scaled(_quotient([*above, *([total] if total else [])], below), scale)


def _plus(total: Node | None, core: Monomial, k: Fraction) -> Node:
    if total is None:
        return _signed(core, k)
    term = _scaled(_quotient(core.above, core.below), abs(k))
    return ops.add(total, term) if k > 0 else ops.sub(total, term)


def _signed(core: Monomial, k: Fraction) -> Node:
    """k times a product; a minus sign goes inside a lone sum, where it reads better."""
    if k < 0 and len(core.above) == 1 and isinstance(inner := core.above[0], Sum) and _turns(inner.x):
        negated = collected(ops.neg(inner.x)) or ops.neg(inner.x)
        return _scaled(_quotient((ops.sum(negated, inner.over),), core.below), -k)
    if k < 0 and (
        place := next((i for i, f in enumerate(core.above) if isinstance(f, Binary) and f.op == "sub"), None)
    ):
        core, k = Monomial(_flipped(core.above, place), core.below), -k
    term = _scaled(_quotient(core.above, core.below), abs(k))
    return ops.neg(term) if k < 0 else term


def _flipped(factors: tuple[Node, ...], place: int) -> tuple[Node, ...]:
    """The product with one difference turned round: −w · (a − b) is w · (b − a)."""
    difference = factors[place]
    assert isinstance(difference, Binary)
    return (*factors[:place], ops.sub(difference.b, difference.a), *factors[place + 1 :])


def _turns(x: Node) -> bool:
    """Whether a minus sign disappears inside: −(a − b) is b − a, −(−a) is a."""
    match x:
        case Binary("sub") | Unary("neg"):
            return True
        case Binary("mul", a, b):
            return _turns(a) or _turns(b)
        case _:
            return False


def _scaled(x: Node, k: Fraction) -> Node:
    """k · x written as p · x / q."""
    return ops.div(ops.mul(k.numerator, x), k.denominator)


def _quotient(above: Sequence[Node], below: Sequence[Node]) -> Node:
    return ops.div(_product(above), _product(below))


def _product(factors: Sequence[Node]) -> Node:
    result: Node = ops.constant(1)
    for factor in factors:
        result = ops.mul(result, factor)
    return result


def _common(groups: Sequence[tuple[Node, ...]]) -> tuple[Node, ...]:
    """Factors that every group has, in the first one's order, with their multiplicity."""
    shared: list[Node] = []
    for factor in groups[0]:
        if all(group.count(factor) > shared.count(factor) for group in groups):
            shared.append(factor)
    return tuple(shared)


def _left(factors: tuple[Node, ...], gone: tuple[Node, ...]) -> tuple[Node, ...]:
    left = list(factors)
    for factor in gone:
        left.remove(factor)
    return tuple(left)
