"""What a tensor of a recording was computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explainers.recording import Call


def ancestors(calls: Sequence[Call], roots: Iterable[int]) -> tuple[set[int], set[int]]:
    """Ids of the roots and of all tensors they depend on, and the indices of the calls between them."""
    tensors = set(roots)
    needed: set[int] = set()
    for call in reversed(calls):
        changed = {old for old, new in call.mutated if new in tensors}
        if changed or not tensors.isdisjoint(call.outputs):
            needed.add(call.index)
            tensors.update(changed, call.inputs())
    return tensors, needed
