"""The TorchFunctionMode that writes down each torch call of the watched source and otherwise lets it be."""

from __future__ import annotations

import contextlib
import inspect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, Final, Self

import msgspec
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from explainers.recording import Argument, Call, Items, Ref
from explainers.tracing import memory
from explainers.tracing.devices import Devices, returns
from explainers.tracing.internals import autocast_dtype, is_transformed
from explainers.tracing.ledger import Ledger
from explainers.tracing.naming import RENDERED, is_silent, public_name, raw_name
from explainers.tracing.optimizing import steps_as_one_call
from explainers.tracing.signatures import Bound, bind, functional
from explainers.tracing.source import Position, Source
from explainers.tracing.unfolded import TRIPLET, measured, triplet_margin_with_distance_loss, watched_forward
from explainers.tracing.values import encode, is_recordable, tensors_in

CALL_LIMIT: Final = 20_000
_NUMBERS_REMEMBERED: Final = 1000
_READS: Final = frozenset({"torch.Tensor.item", "torch.Tensor.__float__", "torch.Tensor.tolist"})
_EXPORTS: Final = frozenset({"torch.Tensor.numpy", "torch.Tensor.__array__", "torch.Tensor.__dlpack__"})
_NAMING_A_DEVICE: Final = frozenset({"torch.device", "torch.nn.functional._parse_to", "torch._C._nn._parse_to"})
_ELSEWHERE: Final = frozenset({"cuda", "mps", "xpu"})
BACKWARD: Final = frozenset({"torch.Tensor.backward", "torch.autograd.backward", "torch.autograd.grad"})


class TooManyCalls(BaseException):
    """The program made more torch calls than a recording holds; no `except Exception` of the program swallows it."""

    def __init__(self) -> None:
        super().__init__(f"the program makes more than {CALL_LIMIT} torch calls")


class Tracer(TorchFunctionMode):
    """Records calls, numbers and texts read from tensors, backward passes and draws of random numbers."""

    def __init__(self, source: Source, max_bytes: int, generator_state: torch.Tensor | None = None) -> None:
        """`generator_state` is that of a generator nobody seeded; None where it is not known who did."""
        super().__init__()
        self.source = source
        self.ledger = Ledger(max_bytes)
        self.calls: list[Call] = []
        self.backward_from: list[int] = []
        self.numbers: deque[tuple[float, int]] = deque(maxlen=_NUMBERS_REMEMBERED)
        self.rendered: deque[tuple[str, int]] = deque(maxlen=_NUMBERS_REMEMBERED)
        self.failure: tuple[BaseException, int] | None = None
        self.targets: dict[int, str] = {}
        self.handed_back: dict[int, int] = {}  # what a call returned that it was given, by the id before
        self.random = False
        self.seeded = False
        self.adapted: dict[str, None] = {}
        self.devices = Devices()
        self._moves = self._returns = False
        self._unseeded_state = generator_state
        self._entered: list[Callable[..., Any]] = []
        self._around = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Watch; nn.AdaptiveLogSoftmaxWithLoss, whose inside is no call of a function, tells of its calls itself."""
        forward = nn.AdaptiveLogSoftmaxWithLoss.forward
        if not self._entered:
            nn.AdaptiveLogSoftmaxWithLoss.forward = watched_forward(forward, self._note_module)
            self._around.enter_context(steps_as_one_call(self))
        self._entered.append(forward)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        """Stop watching."""
        nn.AdaptiveLogSoftmaxWithLoss.forward = self._entered.pop()
        if not self._entered:
            self._around.close()
        super().__exit__(*error)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the call as it is, and write it down unless it says nothing about a value."""
        given = dict(kwargs or {})
        raw = raw_name(func)
        if is_silent(raw) or _any_transformed((*args, *given.values())):
            result = func(*args, **given)
            if raw in RENDERED and isinstance(args[0], torch.Tensor) and is_recordable(args[0]):
                self.rendered.append((result, self.ledger.meet(args[0])))
            return result
        frame = inspect.currentframe()
        self._returns = returns(raw, given.get("device", args[1] if len(args) > 1 else None))
        self._moves = False
        func, raw, args, given = self._adapted(func, raw, args, given)
        if func is F.l1_loss:
            given = _with_lost_weight(frame, given)
        if func is F.triplet_margin_with_distance_loss and given.get("distance_function") is not None:
            func, raw, given = self._with_distances(func, args, given)
        return self._run(func, raw, args, given, self.source.locate(frame))

    def _with_distances(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Callable[..., Any], str, dict[str, Any]]:
        """The call with the distances in place of the function that measures them, whose own calls are recorded;
        unchanged where torch refuses it before or after they are measured."""
        distance = kwargs["distance_function"]
        under_way = False

        def watched(a: torch.Tensor, b: torch.Tensor) -> Any:
            nonlocal under_way
            with self:
                under_way = True
                found = distance(a, b)
                under_way = False
                return found

        try:
            distances = measured(func, args, kwargs, watched)
        except BaseException:
            if under_way:
                raise
            return func, TRIPLET, kwargs
        return triplet_margin_with_distance_loss, TRIPLET, {**kwargs, "distance_function": distances}

    def _note_module(self, func: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Any:
        return self.note(func, name, args, {})

    def note(self, func: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a function whose inside cannot be watched as one call of this name."""
        return self._run(func, name, args, kwargs, self.source.locate(inspect.currentframe()))

    def meet_all(self, tensors: list[torch.Tensor]) -> tuple[int, ...]:
        """The ids of tensors before something is done to them."""
        return tuple(self.ledger.meet(tensor) for tensor in tensors)

    def note_step(self, name: str, tensors: list[torch.Tensor], ids: tuple[int, ...]) -> None:
        """Write down an optimizer's step, which changed these tensors of these ids in place."""
        position, scope = self.source.locate(inspect.currentframe())
        given = (Argument("params", Items("list", tuple(Ref(id) for id in ids))),)
        mutated = self.ledger.mutations(tensors)
        self.devices.written(mutated)
        span = self.source.span(position)
        self.calls.append(Call(len(self.calls), name, given, (), mutated, span, scope, grad_enabled=False))

    def was_seeded(self) -> None:
        """The program has seeded the generator: what is drawn from here on is no chance."""
        self._unseeded_state = None

    def _adapted(
        self, func: Callable[..., Any], raw: str, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Callable[..., Any], str, Sequence[Any], dict[str, Any]]:
        """The call as it can be made here: on the CPU, and with today's way to read a single number."""
        if raw == "torch.Tensor.cuda":
            self.adapted["cuda"] = None
            self._moves = True
            return torch.Tensor.cpu, "torch.Tensor.cpu", args[:1], {}
        if raw == "torch.Tensor.__iter__":
            return _iterated, "torch.Tensor.unbind", args, {}
        if raw == "torch.Tensor.__getitem__" and _is_old_item(args):
            self.adapted["[0]"] = None
            return torch.Tensor.view, "torch.Tensor.view", (args[0], ()), {}
        if raw in _NAMING_A_DEVICE:
            return func, raw, args, kwargs
        self._moves = any(_elsewhere(value) for value in (*args, *kwargs.values()))
        moved = [_on_cpu(value, self.adapted) for value in args]
        return func, raw, moved, {key: _on_cpu(value, self.adapted) for key, value in kwargs.items()}

    def _run(
        self,
        func: Callable[..., Any],
        raw: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        where: tuple[Position | None, tuple[str, ...]],
    ) -> Any:
        if len(self.calls) >= CALL_LIMIT:
            raise TooManyCalls
        position, scope = where
        moves, back = self._moves, self._returns
        name, swapped = public_name(raw)
        name, bound = functional(func, name, bind(func, raw, args, kwargs), len(args), kwargs)
        if name == "torch.relu" and dict(bound).get("inplace"):
            name = "torch.Tensor.relu_"
        arguments = self._arguments(name, _swap(name, bound) if swapped else bound)
        inputs = tensors_in((*args, *kwargs.values()))
        grad_enabled = torch.is_grad_enabled()
        before = torch.default_generator.get_state()
        index = len(self.calls)
        call = Call(
            index, name, arguments, (), (), self.source.span(position), scope, grad_enabled, autocast=autocast_dtype()
        )
        self.calls.append(call)  # before it runs: it may call back into watched code
        try:
            result = (memory.ctc_loss if func is F.ctc_loss else func)(*args, **kwargs)
        except BaseException as error:
            self.failure = (error, index)
            raise
        if moves and inputs and result is inputs[0] and not result.requires_grad:
            result = result.clone()  # on another device it would be another tensor
        mutated = self.ledger.mutations(inputs)
        outputs = self._outputs(result, {new for _, new in mutated})
        drew = not torch.equal(before, torch.default_generator.get_state())
        self.calls[index] = _finished(call, outputs, mutated, drew)
        self.devices.follow(self.calls[index], lambda id: len(self.ledger.tensors[id].shape), moves=moves, returns=back)
        self._note_random(before, drew)
        self._note_targets(position, outputs or tuple(new for _, new in mutated[:1]))
        self._note_reads(name, result, inputs, penalised=bool(kwargs.get("create_graph")))
        return result

    def _arguments(self, name: str, bound: Bound) -> tuple[Argument, ...]:
        shown = [(key, value) for key, value in bound if key != "inplace" or not name.endswith((".relu", ".relu_"))]
        return tuple(Argument(key, encode(value, self.ledger.meet)) for key, value in shown)

    def _outputs(self, result: object, fresh: set[int]) -> tuple[int, ...]:
        """Ids of what was returned: always new ones, so that a call that returns its argument is seen too."""
        ids: list[int] = []
        for tensor in tensors_in(result):
            known = self.ledger.id_of(tensor)
            if known is not None and (known in fresh or known in ids):
                ids.append(known)
                continue
            ids.append(self.ledger.make(tensor))
            if known is not None:
                self.handed_back[ids[-1]] = known
        return tuple(ids)

    def _note_random(self, before: torch.Tensor, drew: bool) -> None:
        if not drew:
            return
        if self._unseeded_state is not None and torch.equal(before, self._unseeded_state):
            self.random = True
            self._unseeded_state = torch.default_generator.get_state()
        else:
            self.seeded = True

    def _note_targets(self, position: Position | None, ids: tuple[int, ...]) -> None:
        targets = self.source.targets(position)
        if len(targets) == 1 or len(targets) == len(ids):
            self.targets.update({id: target for id, target in zip(ids, targets, strict=False) if target})

    def _note_reads(
        self, name: str, result: object, inputs: Sequence[torch.Tensor], *, penalised: bool = False
    ) -> None:
        """`penalised`: the gradient goes on into the loss, which backward does not start from here."""
        if not inputs:
            return
        if name in _READS and isinstance(result, float):
            self.numbers.append((result, self.ledger.meet(inputs[0])))
        elif name in _EXPORTS:
            self.ledger.export(inputs[0])
        elif name in BACKWARD and not penalised:
            self.backward_from.append(self.ledger.meet(inputs[0]))


def _finished(call: Call, outputs: tuple[int, ...], mutated: tuple[tuple[int, int], ...], drew: bool) -> Call:
    return msgspec.structs.replace(call, outputs=outputs, mutated=mutated, random=drew)


def _on_cpu(value: Any, adapted: dict[str, None]) -> Any:
    """The CPU in place of a device that is not here."""
    kind = _elsewhere(value)
    if not kind:
        return value
    adapted[kind] = None
    return torch.device("cpu")


def _elsewhere(value: Any) -> str:
    """The kind of a device that is not here; empty for all else."""
    kind = value.type if isinstance(value, torch.device) else value.partition(":")[0] if isinstance(value, str) else ""
    return kind if kind in _ELSEWHERE else ""


def _is_old_item(args: Sequence[Any]) -> bool:
    """Whether a single number is read as `loss.data[0]`, as until torch 0.4."""
    return len(args) == 2 and args[0].dim() == 0 and type(args[1]) is int and args[1] == 0


def _iterated(tensor: torch.Tensor) -> Any:
    return tensor.unbind(0)


def _swap(name: str, bound: Bound) -> Bound:
    """`x.__rsub__(1)` as `sub(input=1, other=x)`."""
    (_, right), (_, left) = bound[:2]
    return [("input", left), ("exponent" if name == "torch.pow" else "other", right), *bound[2:]]


def _any_transformed(values: Sequence[object]) -> bool:
    """Whether a tensor belongs to torch.func (vmap, grad …), whose wrappers may not outlive their transform."""
    return any(isinstance(v, torch.Tensor) and is_transformed(v) for v in values)


def _with_lost_weight(frame: FrameType | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """torch 2.13 forgets `weight` where F.l1_loss hands itself to a mode: take it from the frame that forgot it."""
    while frame is not None and frame.f_code is not F.l1_loss.__code__:
        frame = frame.f_back
    if frame is None or "weight" in kwargs:
        return kwargs
    return {**kwargs, "weight": frame.f_locals["weight"]}
