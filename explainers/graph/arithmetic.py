"""What an arithmetic has to know so that a graph can be evaluated in it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from explainers.graph.nodes import BinaryOp, CompareOp, UnaryOp

Integers = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
A = TypeVar("A")


class Arithmetic(Protocol[A]):
    """Arrays of numbers of one kind. `dtype` says to which precision a floating program would round the result."""

    def leaf(self, values: npt.NDArray[Any]) -> A:
        """Exact floating-point numbers handed in."""
        ...

    def number(self, value: Fraction | float, dtype: str) -> A:
        """A 0-d constant, rounded once to the dtype."""
        ...

    def nearest(self, value: Fraction | float, dtype: str) -> A:
        """A 0-d constant, as the number of the dtype that lies nearest."""
        ...

    def rounded(self, x: A, dtype: str) -> A:
        """The numbers rounded once to a dtype."""
        ...

    def unary(self, op: UnaryOp, x: A, dtype: str) -> A:
        """An elementwise function."""
        ...

    def binary(self, op: BinaryOp, a: A, b: A, dtype: str) -> A:
        """An elementwise function of two arrays of broadcastable shapes."""
        ...

    def compare(self, op: CompareOp, a: A, b: A) -> Integers:
        """1 where the relation holds for certain, 0 where it certainly does not, −1 where it cannot be decided."""
        ...

    def where(self, condition: Integers, a: A, b: A) -> A:
        """a at 1, b at 0, and what encloses both at −1."""
        ...

    def sum(self, x: A, dims: tuple[int, ...], dtype: str) -> A:
        """The sum over dimensions, in any order of summation."""
        ...

    def dot(self, a: A, b: A, dims: tuple[int, ...], dtype: str) -> A:
        """The sum over dimensions of a · b, of broadcastable shapes with as many dimensions."""
        ...

    def logsumexp(self, x: A, dims: tuple[int, ...], dtype: str) -> A:
        """log Σ exp over dimensions."""
        ...

    def extremum(self, op: str, x: A, dims: tuple[int, ...]) -> A:
        """The largest or smallest element over dimensions."""
        ...

    def alignment_table(self, scores: A, skips: Integers, begins: Integers, dtype: str, *, onward: bool) -> A:
        """log α for each time step and state, of scores (B, T · S): the score alone where an alignment begins (B, T,
        S), else with log Σ e^α of the ways there in one step: from the state itself, from the one before it, and where
        `skips` (B, S) says so from the one before that. The same dimensions as the scores. Where it does not go onward,
        time and states run from the last to the first: log β."""
        ...

    def sum_in_turn(self, parts: Sequence[A], rows: int, dtype: str) -> A:
        """log Σ e^part of arrays (B, K), B of them rows, one added after the other."""
        ...

    def take(self, x: A, index: Integers, dim: int) -> A:
        """Elements along a dimension; index has x's dimensions with length 1 (or broadcastable) at dim; 0 outside."""
        ...

    def concatenate(self, parts: Sequence[A], dim: int) -> A:
        """Arrays one behind the other along a dimension."""
        ...

    def reshape(self, x: A, order: tuple[int, ...], shape: tuple[int, ...]) -> A:
        """Dimensions permuted to an order, then given a shape with the same elements (new dimensions of length 1)."""
        ...

    def broadcast(self, x: A, shape: tuple[int, ...]) -> A:
        """The array repeated to a shape."""
        ...
