"""The few doors into torch that have no public name, kept together so that a new torch is checked in one place."""
# pyright: reportPrivateUsage=false, reportAttributeAccessIssue=false
# torch gives no public way to ask these questions, and its stubs leave torch._C._functorch out.

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.autograd import Function
from torch.nn.modules.module import Module

MODULE_CALL = Module._call_impl.__code__  # the code that runs a module's hooks and its forward
FUNCTION_CALL = Function.apply.__func__.__code__


def schemas(name: str) -> list[Any]:
    """The schemas of all overloads of `aten::name`, empty where there is none."""
    return torch._C._jit_get_schemas_for_operator(f"aten::{name}")


def is_transformed(tensor: torch.Tensor) -> bool:
    """Whether a tensor is a wrapper of torch.func (vmap, grad …), which may not outlive its transform."""
    return torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def autocast_dtype() -> Any:
    """The name of the dtype that autocast puts matrix products into on the CPU, None where it is off."""
    if not torch.is_autocast_enabled("cpu"):
        return None
    return str(torch.get_autocast_dtype("cpu")).removeprefix("torch.")


def storage_of(tensor: torch.Tensor) -> int:
    """What tells two live storages apart, also empty ones."""
    return tensor.untyped_storage()._cdata


def unwatched() -> AbstractContextManager[None]:
    """A with-block whose torch calls no mode sees."""
    return torch._C.DisableTorchFunction()
