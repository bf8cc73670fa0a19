"""What was run, as frozen values: tensors, the calls the user wrote, what was shown, what was raised.

A Recording crosses from the jailed child that ran a stranger's code, so it is plain data: nothing in it is ever
imported, unpickled or evaluated. Tensor ids are in static single assignment form: an in-place call gives its
mutated tensor a new id, and every id has at most one producing call.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

DType = Literal[
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "int8",
    "uint8",
    "int16",
    "int32",
    "int64",
    "bool",
    "complex64",
    "complex128",
]
FUNCTION = "Function "
"""What the name of a torch.autograd.Function follows in the scope of the calls inside it."""
FLOATING: frozenset[str] = frozenset({"float16", "bfloat16", "float32", "float64"})


class Span(msgspec.Struct, frozen=True):
    """Where in the snippet a call was written: 1-based lines, 0-based columns, and the text between them."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Ref(msgspec.Struct, frozen=True, tag="ref"):
    """A tensor of this recording, by id."""

    id: int


class Items(msgspec.Struct, frozen=True, tag="items"):
    """A tuple or list of argument values."""

    kind: Literal["tuple", "list"]
    items: tuple[Value, ...]


class Slice(msgspec.Struct, frozen=True, tag="slice"):
    """A slice inside an index."""

    start: Value = None
    stop: Value = None
    step: Value = None


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A value known by name: `Ellipsis`, `torch.float32`, `torch.strided`, `cpu`."""

    name: str


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """A value that cannot cross a process (a function, a generator): its kind and a short text."""

    kind: str
    text: str


Value = Ref | Items | Slice | Name | Opaque | bool | int | float | str | None


class Argument(msgspec.Struct, frozen=True):
    """One argument of a call under the name that the function's signature gives it (or its position, "0", "1", …)."""

    name: str
    value: Value


class Tensor(msgspec.Struct, frozen=True):
    """A tensor at the moment it was first seen or made.

    `data` holds its elements row-major as little-endian bytes (bfloat16 as its own two bytes), or None where the
    recording leaves the values out because nothing that is shown needs them. `stride` is how far apart they lay in
    memory along each dimension where that was not row-major: torch adds up in the order of memory.
    """

    id: int
    shape: tuple[int, ...]
    dtype: DType
    requires_grad: bool
    data: bytes | None
    name: str | None = None
    is_leaf: bool = False
    stride: tuple[int, ...] | None = None

    @property
    def floating(self) -> bool:
        """Whether the elements are real floating-point numbers."""
        return self.dtype in FLOATING

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def array(self) -> npt.NDArray[np.generic]:
        """The elements as a read-only numpy array of the tensor's shape; bfloat16 is widened exactly to float32.

        Raises ValueError where the recording does not hold them.
        """
        if self.data is None:
            raise ValueError(f"the values of tensor {self.id} were not recorded")
        if self.dtype == "bfloat16":
            wide = np.frombuffer(self.data, dtype="<u2").astype("<u4") << 16
            return wide.view("<f4").reshape(self.shape)
        return np.frombuffer(self.data, dtype=np.dtype(self.dtype).newbyteorder("<")).reshape(self.shape)


class Operand(msgspec.Struct, frozen=True):
    """A variable in the expression that raised: its name as written, its Python type, and what a tensor or array is;
    of a list or tuple `shape` is its length alone."""

    text: str
    kind: str
    dtype: str = ""
    shape: tuple[int, ...] | None = None


class Raised(msgspec.Struct, frozen=True):
    """An exception that ended the program: Python's type name, torch's message, the line and call it came from.

    `span` is the smallest expression of the program that raised, `operands` are the variables in it. `lacked` is the
    name that Python did not find, `similar` the nearest one that there is, `accepts` the parameters of the callable
    that was called.
    """

    type: str
    message: str
    span: Span | None = None
    call: int | None = None
    operands: tuple[Operand, ...] = ()
    lacked: str | None = None
    similar: str | None = None
    accepts: tuple[str, ...] = ()


class Warned(msgspec.Struct, frozen=True):
    """A warning that torch gave while the program ran."""

    category: str
    message: str
    line: int | None = None


class Call(msgspec.Struct, frozen=True, dict=True):
    """One torch call as the user wrote it.

    `function` is torch's public name with every alias folded ("torch.nn.functional.cross_entropy", "torch.softmax",
    "torch.add", "torch.Tensor.backward"; explainers.tracing.naming has the rules); `outputs` are the ids of the
    tensors it returned, in order;
    `mutated` maps ids it changed in place to the new ids of their contents; `scope` is the path of nn.Modules and of
    the user's own functions that were active, outermost first ("nn.CrossEntropyLoss", "def focal"); `random` says
    that the call drew random numbers, so that running it again gives something else; `autocast` is the dtype that
    torch's autocast put matrix products into, where it was on.
    """

    index: int
    function: str
    arguments: tuple[Argument, ...]
    outputs: tuple[int, ...]
    mutated: tuple[tuple[int, int], ...] = ()
    span: Span | None = None
    scope: tuple[str, ...] = ()
    grad_enabled: bool = True
    random: bool = False
    autocast: DType | None = None

    def argument(self, name: str) -> Value:
        """The value of the named argument, None where the call does not have it."""
        return next((a.value for a in self.arguments if a.name == name), None)

    def ref(self, name: str) -> int | None:
        """The id of the tensor passed as the named argument, None where that is no tensor."""
        value = self.argument(name)
        return value.id if isinstance(value, Ref) else None

    def inputs(self) -> tuple[int, ...]:
        """Ids of all tensors among the arguments, in order of appearance."""
        return self._inputs

    @cached_property
    def _inputs(self) -> tuple[int, ...]:
        return tuple(i for argument in self.arguments for i in refs(argument.value))


class Cut(msgspec.Struct, frozen=True):
    """A training loop that was ended after so many rounds: its line."""

    line: int
    rounds: int


class Apart(msgspec.Struct, frozen=True):
    """The first call that is given a tensor which the program has left here and one that it has put elsewhere."""

    call: int
    here: int
    elsewhere: int


class Shown(msgspec.Struct, frozen=True):
    """A value the program showed: a print, or the last expression of the snippet. `tensor` is None for other values."""

    text: str
    tensor: int | None
    number: float | None
    line: int | None


class Recording(msgspec.Struct, frozen=True, dict=True):
    """A torch program as it ran.

    `subject` is the id of the tensor that the question is about: the shown one that matches a claim, else what
    `.backward()` started from, else what was shown last, else the last loss. `names` are the user's variables at the
    end of the program. `others` are further loss values that the program shows. `adapted` names what was done another
    way than it is written ("cuda" on the CPU, "[0]" of a single number), `losses` are the values that backward passes
    started from, in order, `cut` says where a training loop was ended early, and `apart` where tensors of two devices
    would meet.
    """

    source: str
    tensors: dict[int, Tensor]
    calls: tuple[Call, ...]
    shown: tuple[Shown, ...] = ()
    subject: int | None = None
    others: tuple[int, ...] = ()
    names: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    raised: Raised | None = None
    warnings: tuple[Warned, ...] = ()
    seeded: bool = True
    random: bool = False
    stdout: str = ""
    adapted: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    cut: Cut | None = None
    apart: Apart | None = None

    def producer(self, id: int) -> Call | None:
        """The call that made a tensor, None for one that the recording only met."""
        at = self._made.get(id)
        return None if at is None else self.calls[at]

    @cached_property
    def _made(self) -> dict[int, int]:
        """Where in `calls` each tensor was made: programs have thousands of calls."""
        made = ((at, (*call.outputs, *(new for _, new in call.mutated))) for at, call in enumerate(self.calls))
        return {id: at for at, ids in made for id in ids}

    def known(self, id: int | None) -> Tensor | None:
        """The tensor with this id, None where there is none (the first one has the id 0)."""
        return None if id is None else self.tensors.get(id)

    def tensor(self, id: int) -> Tensor:
        """The tensor with this id; KeyError where there is none."""
        return self.tensors[id]


def refs(value: Value) -> tuple[int, ...]:
    """Ids of the tensors inside an argument value, in order."""
    match value:
        case Ref(id):
            return (id,)
        case Items(_, items):
            return tuple(i for item in items for i in refs(item))
        case Slice(start, stop, step):
            return refs(start) + refs(stop) + refs(step)
        case _:
            return ()


def scalar(tensor: Tensor) -> float | None:
    """The one number of a tensor; −0 is 0. None where there are more, or none recorded."""
    if tensor.data is None or tensor.elements != 1 or tensor.dtype.startswith("complex"):
        return None
    return float(tensor.array().reshape(()).item()) + 0.0
