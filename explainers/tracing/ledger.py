"""Which tensor is which: ids in static single assignment form, and what the tensors held at the time.

A tensor is known by object identity and checked by its state (torch's version counter and where its elements lie),
so that a write which no recorded call made is noticed and gives a new id. The ledger holds tensors weakly: an id of
Python that is used again belongs to another weak reference. What it keeps are copies, up to a budget.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import torch

from explainers.recording import Tensor
from explainers.tracing.internals import storage_of
from explainers.tracing.values import freeze, to_bytes

SMALL: Final = 4096  # elements
_SMALL_BUDGET: Final = 64 * 2**20  # bytes of copies of small tensors


@dataclasses.dataclass(frozen=True)
class _Seen:
    """A live tensor as it was when a call last met it."""

    reference: weakref.ref[torch.Tensor]
    id: int
    state: object
    storage: int


class Copies:
    """Copies of elements by id, the least recently used dropped first once they pass the budget in bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held = 0
        self._copies: OrderedDict[int, torch.Tensor] = OrderedDict()

    def keep(self, id: int, tensor: torch.Tensor) -> None:
        """Copy a tensor's elements now; a tensor that is already held only counts as used."""
        if id in self._copies:
            self._copies.move_to_end(id)
        elif tensor.nbytes <= self._budget:
            self._copies[id] = tensor.detach().clone()
            self._held += tensor.nbytes
            while self._held > self._budget:
                self._held -= self._copies.popitem(last=False)[1].nbytes

    def get(self, id: int) -> torch.Tensor | None:
        """The copy of an id, None where it was dropped."""
        return self._copies.get(id)


class Ledger:
    """Ids for the tensors of one program."""

    def __init__(self, max_bytes: int) -> None:
        self.tensors: dict[int, Tensor] = {}
        self._small = Copies(_SMALL_BUDGET)
        self._large = Copies(8 * max_bytes)
        self._seen: dict[int, _Seen] = {}
        self._by_storage: dict[int, list[weakref.ref[torch.Tensor]]] = {}
        self._exported: set[int] = set()

    def meet(self, tensor: torch.Tensor) -> int:
        """The id of a tensor that a call is given: a new one where nothing recorded made it or what it holds now."""
        seen = self._find(tensor)
        if seen is None or seen.state != self._state(tensor):
            return self._enter(tensor, is_leaf=True)
        self._keep(seen.id, tensor)
        if self.tensors[seen.id].requires_grad != tensor.requires_grad:
            self.tensors[seen.id] = freeze(tensor, seen.id, data=False, is_leaf=self.tensors[seen.id].is_leaf)
        return seen.id

    def make(self, tensor: torch.Tensor) -> int:
        """A new id for a tensor that a call returned."""
        return self._enter(tensor, is_leaf=False)

    def id_of(self, tensor: torch.Tensor) -> int | None:
        """The present id of a tensor, None where no call met it."""
        seen = self._find(tensor)
        return None if seen is None else seen.id

    def mutations(self, inputs: Iterable[torch.Tensor]) -> tuple[tuple[int, int], ...]:
        """(old id, new id) of the inputs that were written to and of all tensors that share their storage."""
        pairs: dict[int, int] = {}
        written = [t for t in inputs if (seen := self._find(t)) and seen.state != self._state(t)]
        for tensor in [alias for t in written for alias in (t, *self._alive(storage_of(t)))]:
            seen = self._find(tensor)
            if seen is not None and seen.id not in pairs.values():
                pairs[seen.id] = self._enter(tensor, is_leaf=False)
        return tuple(pairs.items())

    def export(self, tensor: torch.Tensor) -> None:
        """From now on numpy can write to this tensor without torch's knowledge: compare its elements instead."""
        self._exported.add(storage_of(tensor))
        for alias in self._alive(storage_of(tensor)):
            self._refresh(alias)

    def copy(self, id: int) -> torch.Tensor | None:
        """What the tensor held, None where the copy was dropped."""
        small = self._small.get(id)
        return self._large.get(id) if small is None else small

    def _refresh(self, tensor: torch.Tensor) -> None:
        seen = self._find(tensor)
        if seen is not None:
            self._seen[id(tensor)] = dataclasses.replace(seen, state=self._state(tensor))

    def _state(self, tensor: torch.Tensor) -> object:
        if tensor.is_inference() or storage_of(tensor) in self._exported:
            return to_bytes(tensor)
        return (tensor._version, tensor.data_ptr(), tensor.shape, tensor.stride())

    def _find(self, tensor: torch.Tensor) -> _Seen | None:
        seen = self._seen.get(id(tensor))
        return seen if seen is not None and seen.reference() is tensor else None

    def _alive(self, storage: int) -> list[torch.Tensor]:
        references = self._by_storage.get(storage, [])
        alive = [t for r in references if (t := r()) is not None and storage_of(t) == storage]
        self._by_storage[storage] = [weakref.ref(t) for t in alive]
        return alive

    def _enter(self, tensor: torch.Tensor, *, is_leaf: bool) -> int:
        number = len(self.tensors)
        storage = storage_of(tensor)
        before = self._find(tensor)
        reference = weakref.ref(tensor)
        self._seen[id(tensor)] = _Seen(reference, number, self._state(tensor), storage)
        if before is None or before.storage != storage:
            self._by_storage.setdefault(storage, []).append(reference)
        self.tensors[number] = freeze(tensor, number, data=False, is_leaf=is_leaf)
        self._keep(number, tensor)
        return number

    def _keep(self, id: int, tensor: torch.Tensor) -> None:
        (self._small if tensor.numel() <= SMALL else self._large).keep(id, tensor)
