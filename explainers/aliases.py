"""Which arrays of a program share their memory, and by which views."""

from __future__ import annotations

from explainers.recording import Call, Recording
from explainers.torch_ops import short_name

_VIEWS = frozenset(
    ("getitem", "select", "narrow", "view", "reshape", "flatten", "ravel", "squeeze", "unsqueeze", "view_as")
) | {"T", "t", "transpose", "permute", "detach", "data", "diagonal"}


class Aliases:
    """The views of one recording. A tensor that was written to keeps the view that it was born as."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._before = {new: old for call in recording.calls for old, new in call.mutated}

    def before(self, call: Call, id: int) -> tuple[int, ...]:
        """What two arrays held before a call that writes to one of them: the one written to, and this one."""
        old = {new: was for was, new in call.mutated}
        return tuple(old.values()) if id in old else ()

    def path(self, target: int, other: int) -> tuple[list[tuple[Call, int]], list[Call]] | None:
        """From the array that is written to up to what both are views of, each view with the array that it is one
        of; then down to the other one by the views that make it. None where no known view leads there."""
        up, down = self._chain(target), self._chain(other)
        shared = {root for _, root in down} | {self.birth(other)}
        climbed: list[tuple[Call, int]] = []
        at = self.birth(target)
        for view, root in up:
            if at in shared:
                break
            climbed.append((view, root))
            at = root
        if at not in shared:
            return None
        below: list[Call] = []
        if at != self.birth(other):
            for view, root in down:
                below.append(view)
                if root == at:
                    break
        return climbed, below[::-1]

    def birth(self, id: int) -> int:
        """The id under which a tensor was made, before anything was written to it."""
        while id in self._before:
            id = self._before[id]
        return id

    def _chain(self, id: int) -> list[tuple[Call, int]]:
        """The views that a tensor is the last of, from itself up, each with the birth of what it is a view of."""
        found: list[tuple[Call, int]] = []
        at = self.birth(id)
        while (call := self._recording.producer(at)) is not None and short_name(call.function) in _VIEWS:
            of = call.ref("input")
            if of is None:
                break
            at = self.birth(of)
            found.append((call, at))
        return found
