"""Which tensors a program puts on a device that is not here, and where it first mixes them with others."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Final

import torch

from explainers.recording import Apart, Call

_CROSSING: Final = frozenset({
    "__getitem__", "__setitem__", "copy_", "to", "type_as", "cpu", "backward", "item", "grad", "tolist", "numpy",
    "__float__", "__bool__", "__int__", "set_data", "equal", "is_same_size",
})  # fmt: skip
"""What may be given tensors of two devices, or only reads one."""
_BACK: Final = frozenset({"torch.Tensor.cpu", "torch.Tensor.numpy"})


class Devices:
    """Follows tensors by their ids through the calls of a program; all of them are here in truth."""

    def __init__(self) -> None:
        self.apart: Apart | None = None
        self._elsewhere: set[int] = set()

    def follow(self, call: Call, dims: Callable[[int], int], *, moves: bool, returns: bool) -> None:
        """A call has run; `moves` says that it put something on the other device, `returns` that it took it back.

        `dims` gives the number of dimensions of a tensor: single numbers go with any device.
        """
        if not moves and not self._elsewhere:
            return
        away = [id for id in call.inputs() if id in self._elsewhere]
        here = [id for id in call.inputs() if id not in self._elsewhere and dims(id) > 0]
        mixes = call.function.rpartition(".")[2] not in _CROSSING and not moves and not returns
        if away and here and mixes and self.apart is None:
            self.apart = Apart(call.index, here[0], away[0])
        if moves or (away and not returns):
            self._elsewhere.update(call.outputs)
        self.written(call.mutated, also=moves)

    def written(self, mutated: Iterable[tuple[int, int]], *, also: bool = False) -> None:
        """What is written to stays where it is."""
        self._elsewhere.update(new for old, new in mutated if also or old in self._elsewhere)


def returns(name: str, device: object) -> bool:
    """Whether a call brings a tensor here: `.cpu()`, or `.to("cpu")`."""
    kind = device.type if isinstance(device, torch.device) else device
    return name in _BACK or (name == "torch.Tensor.to" and kind == "cpu")


def on_a_gpu(tree: ast.Module) -> ast.Module:
    """The program as on a machine with a GPU: `"cuda" if torch.cuda.is_available() else "cpu"` is "cuda".

    Only where it asks nothing else of torch.cuda, which could not answer.
    """
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_cuda(node.value)}
    return _Chosen().visit(tree) if asked == {"is_available"} else tree


def _is_cuda(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(value=ast.Name("torch"), attr="cuda"):
            return True
        case _:
            return False


class _Chosen(ast.NodeTransformer):
    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.IfExp(
                test=ast.Call(func=ast.Attribute(value=asked, attr="is_available")),
                body=ast.Constant(value=str() as name),
            ) if _is_cuda(asked) and name.startswith("cuda"):
                return node.body
            case _:
                return node
