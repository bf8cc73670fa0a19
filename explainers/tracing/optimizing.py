"""An optimizer's step as one call: what it reads and writes inside is torch's, and no part of a formula."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from explainers.tracing.internals import unwatched


class Steps(Protocol):
    """Who writes down steps."""

    def meet_all(self, tensors: list[torch.Tensor]) -> tuple[int, ...]:
        """The ids of tensors before something is done to them."""
        ...

    def note_step(self, name: str, tensors: list[torch.Tensor], ids: tuple[int, ...]) -> None:
        """Write down a step that may have changed these tensors, which had these ids before."""
        ...


@dataclass(frozen=True)
class _Begun:
    """A step under way: the parameters that it may change, with their ids, and what keeps its inside unwatched."""

    parameters: list[torch.Tensor]
    ids: tuple[int, ...]
    unwatched: AbstractContextManager[None]


@contextlib.contextmanager
def steps_as_one_call(tracer: Steps) -> Generator[None]:
    """Inside, a step of one of torch's optimizers is one call, and clearing gradients none."""
    begun: dict[int, _Begun] = {}

    def starts(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not type(optimizer).__module__.startswith("torch.") or _closure(args, kwargs):
            return
        guard = unwatched()
        guard.__enter__()
        held = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        begun[id(optimizer)] = _Begun(held, tracer.meet_all(held), guard)

    def ends(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        if (found := begun.pop(id(optimizer), None)) is not None:
            tracer.note_step(f"torch.optim.{type(optimizer).__name__}.step", found.parameters, found.ids)
            found.unwatched.__exit__(None, None, None)

    hooks = register_optimizer_step_pre_hook(starts), register_optimizer_step_post_hook(ends)
    cleared = [(owner, owner.zero_grad) for owner in (Optimizer, nn.Module)]
    try:
        for owner, function in cleared:
            setattr(owner, "zero_grad", _silently(function))  # noqa: B010 - a method of torch's
        yield
    finally:
        for owner, function in cleared:
            setattr(owner, "zero_grad", function)  # noqa: B010
        for hook in hooks:
            hook.remove()
        for found in begun.values():  # steps that raised
            found.unwatched.__exit__(None, None, None)


def _closure(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the step computes the loss itself, which is the program's own."""
    return any(callable(each) and not isinstance(each, Optimizer) for each in (*args, *kwargs.values()))


def _silently(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def cleared(self: Any, set_to_none: bool = True) -> None:
        with unwatched():
            function(self, set_to_none)

    return cleared
