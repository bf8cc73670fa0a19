"""What the expressions of a program came to, as frozen values: torch's, numpy's and plain Python's alike.

Unlike a Recording, which holds calls of torch, notes hold every expression that gave numbers, so that two computations
in different libraries can be laid side by side. They cross from the jailed child that ran a stranger's code and are
plain data.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt


class Place(msgspec.Struct, frozen=True):
    """An expression as it is written: its 1-based line, its text, the variable it is assigned to, and the last name of
    the function or the operator that it applies."""

    line: int
    text: str
    target: str | None = None
    function: str = ""


class Note(msgspec.Struct, frozen=True):
    """What the expression of a place gave, one of the times that it ran.

    `operands` are the notes (by position) that it was computed from. `data` holds the elements row-major as
    little-endian float64; `dtype` is the one that they were computed in ("float64" for Python's own numbers, "int64"
    and "bool" for those that are whole or truths).
    """

    place: int
    operands: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    data: bytes

    def array(self) -> npt.NDArray[np.float64]:
        """The elements, of the note's shape. Raises ValueError where there are not so many."""
        return np.frombuffer(self.data, dtype="<f8").reshape(self.shape)


class Notes(msgspec.Struct, frozen=True):
    """All notes of a run in order; `complete` says that there was room for all of them."""

    places: tuple[Place, ...] = ()
    notes: tuple[Note, ...] = ()
    complete: bool = True
