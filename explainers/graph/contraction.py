"""Sums of products as matrix products, so that no array of all the products is made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from explainers.graph.arithmetic import Floats
from explainers.graph.nodes import Binary, Node, Sum, is_floating, operands

Dims = tuple[int, ...]


def products(order: Iterable[Node], roots: tuple[Node, ...]) -> frozenset[Node]:
    """The products that are only added up, and of which neither factor has all axes: they need not be computed."""
    nodes = tuple(order)
    added = Counter(n.x for n in nodes if isinstance(n, Sum) and _is_product(n.x, n.dtype))
    if not added:
        return frozenset()
    used = Counter(part for node in nodes for part in operands(node)) + Counter(roots)
    return frozenset(product for product, times in added.items() if times == used[product])


def _is_product(node: Node, dtype: str) -> bool:
    if not isinstance(node, Binary) or node.op != "mul" or node.dtype != dtype:
        return False
    parts = (node.a, node.b)
    return all(is_floating(part) and 0 < len(part.axes) < len(node.axes) for part in parts)


def contracted(a: Floats, b: Floats, dims: Dims) -> Floats | None:
    """Σ a · b over dimensions by one matrix product; None where a dimension of the sum is one factor's alone.

    The arrays have as many dimensions, of length 1 where a factor does not vary.
    """
    shape = np.broadcast_shapes(a.shape, b.shape)
    if any(a.shape[d] != b.shape[d] for d in dims) or 0 in shape:
        return None
    rest = [d for d in range(len(shape)) if d not in dims]
    both = [d for d in rest if a.shape[d] == b.shape[d]]
    left = [d for d in rest if d not in both and a.shape[d] > 1]
    right = [d for d in rest if d not in both and b.shape[d] > 1]
    batch, terms = tuple(shape[d] for d in both), math.prod(shape[d] for d in dims)
    if math.prod(shape[d] for d in left) > math.prod(shape[d] for d in right):  # the longer part innermost in memory
        a, b, left, right = b, a, right, left
    first = a.transpose((*both, *left, *dims, *right)).reshape((*batch, -1, terms))
    second = b.transpose((*both, *dims, *right, *left)).reshape((*batch, terms, -1))
    found = np.matmul(first, second).reshape(tuple(shape[d] for d in (*both, *left, *right)))
    return found.transpose(np.argsort((*both, *left, *right)))
