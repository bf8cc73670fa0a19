"""How a recorded call meets its meaning: arguments under the names of torch's signature, the rest refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from explainers.graph import ops
from explainers.graph.arrays import Array, broadcast
from explainers.graph.nodes import Node
from explainers.messages import said
from explainers.torch_indexing import Unsupported

Operation = Callable[[Mapping[str, Any]], "Array | tuple[Array, ...]"]
FLOATS = ("float16", "bfloat16", "float32", "float64")


def entry(names: str, body: Callable[..., Any]) -> Operation:
    """An operation whose arguments torch calls so, in order; a surplus one (out, layout, …) is refused if set.

    "mat2:other" is what torch calls mat2 and the body other.
    """
    order = [name.partition(":")[0] for name in names.split()]
    ours = {name.partition(":")[0]: name.rpartition(":")[2] for name in names.split()}

    def apply(arguments: Mapping[str, Any]) -> Any:
        given = {order[int(k)] if k.isdigit() and int(k) < len(order) else k: v for k, v in arguments.items()}
        surplus = {k: v for k, v in given.items() if k not in order and v not in (None, False)}
        if surplus:
            raise Unsupported(said("its argument {name} is not in the table", name=next(iter(surplus))))
        known = {ours[k]: v for k, v in given.items() if k in order}
        try:
            return body(**known)
        except TypeError as error:
            if _takes(body, known):
                raise
            raise Unsupported(said("this way of calling it")) from error

    return apply


def _takes(body: Callable[..., Any], known: Mapping[str, Any]) -> bool:
    """Whether a function can be called with these arguments."""
    try:
        inspect.signature(body).bind(**known)
    except TypeError:
        return False
    return True


def array(x: Any) -> Array:
    """The argument as an array; a Python number is one without dimensions."""
    if isinstance(x, Array):
        return x
    if isinstance(x, (bool, int, float)):
        return Array(ops.constant(x))
    raise Unsupported(said("an argument that is neither a tensor nor a number"))


def elementwise(build: Callable[..., Node]) -> Callable[..., Array]:
    """A function of arrays that broadcast, given in order."""

    def apply(*arguments: Any, **named: Any) -> Array:
        nodes, layout = broadcast([array(x) for x in (*arguments, *named.values())])
        return Array(build(*nodes), layout)

    return apply


def real(x: Array) -> Node:
    """The array's node as real numbers."""
    return x.node if x.floating else ops.cast(x.node, "float32")
