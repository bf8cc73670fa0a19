"""How a number or an array follows from another one, where it does so simply: a factor, an axis, a bound, a divisor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Literal

import numpy as np

from explainers.parting.matching import bare, close
from explainers.parting.terms import Floats, Term

Kind = Literal[
    "sign",
    "divisor",
    "axis",
    "everything",
    "logarithm",
    "factor",
    "scale",
    "pairs",
    "bound",
    "abs",
    "inside-log",
    "offset",
    "square",
    "root",
    "log",
    "exp",
    "times",
    "over",
    "lacks",
    "no-log",
    "no-square",
    "picked",
]
SMALL = 0.1
NEAR = 1e-5
LEAST_ARRAY = 2
_BOUNDING = frozenset(("clip", "clamp", "clamp_", "clamp_min", "clamp_max", "maximum", "minimum", "max", "min", "relu"))
_SPREADING = frozenset(("std", "var", "std_mean", "var_mean"))
_FUNCTIONS = {
    "square": frozenset(("square", "pow", "**", "*")),
    "root": frozenset(("sqrt", "norm", "**", "pow", "abs")),
    "log": frozenset(("log", "log2", "log10", "log1p")),
    "exp": frozenset(("exp", "expm1")),
}
_PICKING = frozenset(("", "gather", "take", "take_along_axis", "take_along_dim", "index_select", "nll_loss"))
_BASES = {2: math.log(2), 10: math.log(10)}
_REDUCTIONS: tuple[Callable[..., Floats], ...] = (np.sum, np.mean)


@dataclass(frozen=True)
class Relation:
    """One value is another one's image: `kind` with its amounts (`mine` of the own value, `theirs` of the other), or
    by the term that it is multiplied with."""

    kind: Kind
    mine: float = 1.0
    theirs: float = 1.0
    by: Term | None = None


@dataclass(frozen=True)
class Known:
    """What relations may name: sizes and divisors, and arrays that may be a factor."""

    sizes: frozenset[float]
    scalars: tuple[float, ...]
    arrays: tuple[Term, ...]

    @cached_property
    def factors(self) -> tuple[tuple[Term, Floats], ...]:
        """The arrays with their numbers, those without axes along which nothing changes."""
        return tuple((term, bare(term.value)) for term in self.arrays)


def relation(mine: Term, theirs: Term, inside: Iterable[Term], known: Known) -> Relation | None:
    """The simplest relation of two terms; `inside` is what the own one is computed from."""
    tried = (
        _bounded(mine, theirs),
        _reduced(mine, theirs, tuple(inside), known),
        _elementwise(mine, theirs, known),
        _spanned(mine.value, theirs.value),
        _with_term(mine, theirs, known),
    )
    return next((found for found in tried if found is not None), None)


def _reduced(mine: Term, theirs: Term, inside: tuple[Term, ...], known: Known) -> Relation | None:
    """Another axis, or another divisor, of what both reduce."""
    for term in inside:
        for reduce in _REDUCTIONS if term.value.size > 1 else ():
            if (found := _along(reduce, term.value, mine.value, theirs.value)) is not None:
                return found
        if (found := _divided(term, mine, theirs, known)) is not None:
            return found
    return None


def _along(reduce: Callable[..., Floats], x: Floats, mine: Floats, theirs: Floats) -> Relation | None:
    """Whether both are this reduction of x, along different axes."""
    if mine.size == theirs.size == 1 or x.ndim < LEAST_ARRAY:
        return None
    ours = [k for k in range(x.ndim) if _is(reduce(x, axis=k), mine)]
    other = [k for k in range(x.ndim) if _is(reduce(x, axis=k), theirs)]
    if other and mine.size == 1 and _is(np.asarray(reduce(x)), mine):
        return Relation("everything", theirs=other[0])
    return Relation("axis", ours[0], other[0]) if ours and other and ours[0] not in other else None


def _divided(term: Term, mine: Term, theirs: Term, known: Known) -> Relation | None:
    """Whether both are the sum of the same elements, divided by different numbers."""
    total = float(np.sum(term.value))
    if mine.value.size != 1 or theirs.value.size != 1 or term.value.size < LEAST_ARRAY or not total:
        return None
    with np.errstate(all="ignore"):
        ours, other = (total / float(t.value.reshape(())) for t in (mine, theirs))
    names = (1.0, *known.sizes, *known.scalars)
    whole = all(any(math.isclose(abs(d), abs(n), rel_tol=NEAR) for n in names) for d in (ours, other))
    if not whole or math.isclose(abs(ours), abs(other), rel_tol=NEAR):
        return None
    return Relation("divisor", abs(ours), abs(other))


def _is(a: Floats, b: Floats) -> bool:
    a, b = bare(a), bare(b)
    return a.shape == b.shape and close(a, b)


def _elementwise(mine: Term, theirs: Term, known: Known) -> Relation | None:
    """What is done to each element; a single number may be another one's square by chance."""
    a, b = bare(mine.value), bare(theirs.value)
    if a.shape != b.shape or not np.isfinite(b).all():
        return None
    with np.errstate(all="ignore"):
        found = (r for r in _of_elements(a, b, mine.function, known) if _is_done(mine, r.kind))
        return next(found, None)


def _bounded(mine: Term, theirs: Term) -> Relation | None:
    """Whether elements beyond a bound are put at it, by a function that does so."""
    a, b = bare(mine.value), bare(theirs.value)
    whole = any(t.value.size == mine.value.size for t in mine.operands if t.real)
    if mine.function not in _BOUNDING or a.shape != b.shape or not whole:
        return None
    moved = ~np.isclose(a, b, 1e-5, 0.0)
    for bound, beyond in ((a.min(initial=np.inf), b < a), (a.max(initial=-np.inf), b > a)):
        if (moved & (a == bound) & beyond).any() and not (moved & ~((a == a.min()) | (a == a.max()))).any():
            return Relation("bound", float(bound))
    return None


def _is_done(mine: Term, kind: Kind) -> bool:
    """Whether a term applies a function that gives this kind of value, where one is needed for it."""
    return kind not in _FUNCTIONS or mine.function in _FUNCTIONS[kind]


def _of_elements(a: Floats, b: Floats, function: str, known: Known) -> Iterator[Relation]:
    if close(a, -b):
        yield Relation("sign")
    factor = multiple(a, b)
    yield from () if factor is None else _by_size(factor, function, known)
    if close(a, b**2):
        yield Relation("square")
    if (b >= 0).all() and close(a, np.sqrt(b)):
        yield Relation("root")
    yield from () if factor is None else _by_scalar(factor, known)
    if a.size >= LEAST_ARRAY:
        yield from _of_arrays(a, b)
    if (b > 0).all() and any(close(a, sign * np.log(b)) for sign in (1, -1)):
        yield Relation("log")
    if any(close(a, sign * np.exp(way * b)) for sign in (1, -1) for way in (1, -1)):
        yield Relation("exp")
    if factor is not None and np.count_nonzero(b) > LEAST_ARRAY:
        yield Relation("scale", factor)


def _of_arrays(a: Floats, b: Floats) -> Iterator[Relation]:
    if (b < 0).any() and close(a, np.abs(b)):
        yield Relation("abs")
    if np.ptp(a - b) <= NEAR * max(np.abs(b).max(), 1e-3) and abs(float((a - b).flat[0])) > 0:
        yield Relation("offset", float(np.mean(a - b)))
    for sign in (1, -1):
        added = np.exp(sign * a) - np.exp(sign * b)
        if np.ptp(added) <= 1e-3 * np.abs(added).max() and 0 < np.abs(added).max() < SMALL:
            yield Relation("inside-log", float(np.mean(added)))


def function_of(a: Floats, b: Floats) -> Kind | None:
    """What `a` is of `b` where b is a function of it alone: b's square, or what is not squared or put under a
    logarithm yet."""
    a, b = bare(a), bare(b)
    if a.shape != b.shape or not np.isfinite(a).all() or close(a, b):
        return None
    if (b >= 0).all() and close(a, b**2):
        return "square"
    if (a > 0).all() and np.isfinite(b).all() and close(np.log(a), b):
        return "no-log"
    return "no-square" if close(b, a**2) else None


def multiple(a: Floats, b: Floats) -> float | None:
    """The number that each element is multiplied with."""
    if not b.size or not (b != 0).any():
        return None
    at = int(np.abs(b).argmax())
    factor = float(a.flat[at] / b.flat[at])
    plain = not math.isfinite(factor) or not factor or math.isclose(factor, 1, rel_tol=NEAR)
    return None if plain or not close(a, factor * b) else factor


def _by_size(factor: float, function: str, known: Known) -> Iterator[Relation]:
    size = abs(factor)
    for base, natural in _BASES.items():
        if math.isclose(size, 1 / natural, rel_tol=NEAR):
            yield Relation("logarithm", float(base))
    for n in (2.0, *sorted(known.sizes)):
        if math.isclose(size, n, rel_tol=NEAR) or math.isclose(size, 1 / n, rel_tol=NEAR):
            yield Relation("factor", factor)
    for n in sorted(known.sizes) if function in _SPREADING else ():
        ratio = (n - 1) / n
        for r in (ratio, math.sqrt(ratio)):
            if math.isclose(size, r, rel_tol=NEAR):
                yield Relation("divisor", n, n - 1)
            if math.isclose(size, 1 / r, rel_tol=NEAR):
                yield Relation("divisor", n - 1, n)
    for m, n in permutations(sorted(known.sizes), 2) if function == "/" else ():
        if math.isclose(size, n / m, rel_tol=NEAR):
            yield Relation("divisor", m, n)


def _by_scalar(factor: float, known: Known) -> Iterator[Relation]:
    """A number of the program, or one over it."""
    size = abs(factor)
    for k in known.scalars:
        if k > 0 and any(math.isclose(size, r, rel_tol=NEAR) for r in (k, 1 / k)):
            yield Relation("factor", factor)


def _spanned(a: Floats, b: Floats) -> Relation | None:
    """Whether an array holds each element with each other one, or adds up to 1 along another axis."""
    turned = bare(b)
    if a.ndim == LEAST_ARRAY and a.shape[0] == a.shape[1] == turned.size and turned.ndim == 1:
        diagonal = np.diagonal(a)
        if close(diagonal, turned) or close(diagonal, -turned):
            return Relation("pairs", a.size, turned.size)
    if a.shape == b.shape and a.ndim >= LEAST_ARRAY and (a >= 0).all() and (b >= 0).all():
        ours, other = ([k for k in range(a.ndim) if close(x.sum(k), np.ones(())) and x.shape[k] > 1] for x in (a, b))
        if ours and other and ours[0] not in other:
            return Relation("axis", ours[0], other[0])
        if other and close(a.sum(), np.ones(())):
            return Relation("everything", theirs=other[0])
    return None


def _with_term(mine: Term, theirs: Term, known: Known) -> Relation | None:
    """Whether one is the other one's product or quotient with an array of the program."""
    a, b = bare(mine.value), bare(theirs.value)
    if a.shape != b.shape or a.size < LEAST_ARRAY:
        return None
    with np.errstate(all="ignore"):
        for term, w in known.factors:
            if w.shape != a.shape or term is mine or not np.isfinite(w).all():
                continue
            if any(close(a, sign * b * w) for sign in (1, -1)):
                return Relation("times", by=term)
            if (w != 0).any() and any(close(a * w, sign * b) for sign in (1, -1)):
                return Relation("over", by=term)
    return None


def picked(mine: Term, inside: Iterable[Term]) -> bool:
    """Whether a term only takes elements out of what it is computed from."""
    held = [x for x in inside if x.value.size > mine.value.size and mine.function in _PICKING]
    return any(are_among(mine.value, x.value) for x in held) and mine.value.size > 0


def are_among(some: Floats, all: Floats) -> bool:
    """Whether each of these numbers is one of those, up to rounding."""
    pool = np.sort(all.ravel())
    if not pool.size:
        return False
    at = np.clip(np.searchsorted(pool, some.ravel()), 1, max(1, pool.size - 1))
    nearest = np.minimum(
        np.abs(some.ravel() - pool[at - 1]), np.abs(some.ravel() - pool[np.minimum(at, pool.size - 1)])
    )
    return bool((nearest <= NEAR * np.abs(some.ravel())).all())
