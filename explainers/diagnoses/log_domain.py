"""A logarithm computed without its operand: exp, softmax, sums and quotients under it, each by its logarithm.

Of every call under the logarithm the twin gives the logarithm of what the call gives: log exp x = x, log Σ = logsumexp,
log(a · b) = log a + log b, log(1 + e^x) = softplus(x), log σ(x) = logsigmoid(x), log(1 − σ(x)) = logsigmoid(−x),
log cosh x = logaddexp(x, −x) − log 2. Nothing large and nothing tiny is formed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from explainers.diagnoses.scene import Scene, short
from explainers.recording import Argument, Call, Items, Ref, Value, refs
from explainers.reruns import Edit, SwapFunction, WrapArgument, WrapOutput

REARRANGING = frozenset({
    "getitem", "select", "squeeze", "unsqueeze", "view", "reshape", "gather", "diag", "diagonal", "flatten",
    "transpose", "permute", "T", "mT", "t", "masked_select", "index_select", "clone", "contiguous", "expand",
})  # fmt: skip
LOGARITHMS = frozenset({"log", "log1p"})
FUNCTIONAL = "torch.nn.functional"
_NAMED = frozenset({"softplus", "logsigmoid", "logaddexp", "logsumexp", "log_softmax"})
_Edits = dict[int, tuple[Edit, ...]]


@dataclass(frozen=True)
class Converted:
    """The edits that compute logarithms without their operands, the calls that they stand under, and torch's name for
    what stands in the place of the one asked about. Where it is `masked`, a factor is truly 0 somewhere."""

    edits: tuple[Edit, ...]
    inside: frozenset[int]
    name: str
    masked: bool


def converted(scene: Scene, log: Call) -> Converted | None:
    """The program with a logarithm, and all others on the way that can be, computed by their twins.

    None where something under the logarithm has no twin, or is used elsewhere too.
    """
    logs = [_Logarithm(scene, call) for call in scene.needed() if short(call) in LOGARITHMS]
    kept = [(each.log, edits) for each in logs if (edits := each.edits()) is not None]
    while any(shared := [_is_shared(scene, call, edits, kept) for call, edits in kept]):
        kept = [each for each, is_shared in zip(kept, shared, strict=True) if not is_shared]
    own = next((edits for call, edits in kept if call is log), None)
    if own is None:
        return None
    every = {index: edits for _, each in kept for index, edits in each.items()}
    held = next(each for each in logs if each.log is log)
    inside = frozenset({log.index, *held.known, *(call.index for call in (held.top,) if call is not None)})
    return Converted(tuple(e for edits in every.values() for e in edits), inside, _name(log, own), held.masked)


def _is_shared(scene: Scene, log: Call, edits: _Edits, kept: Sequence[tuple[Call, _Edits]]) -> bool:
    """Whether something else than logarithms needs a call that would give its logarithm instead."""
    every = {index: made for _, each in kept for index, made in each.items()}
    changed = {id for call in scene.needed() if call.index in edits and call is not log for id in call.outputs}
    left = [call for call in _still_needed(scene, every) if call.index not in every]
    return any(not changed.isdisjoint(call.inputs()) for call in left)


def _still_needed(scene: Scene, edits: _Edits) -> list[Call]:
    """The calls that the subject needs once these are edited."""
    found: dict[int, Call] = {}
    waiting = [] if scene.recording.subject is None else [scene.recording.subject]
    while waiting:
        call = scene.makers.get(waiting.pop())
        if call is None or call.index in found:
            continue
        found[call.index] = call
        swaps = [e for e in edits.get(call.index, ()) if isinstance(e, SwapFunction)]
        waiting.extend(id for e in swaps for a in e.arguments for id in refs(a.value))
        waiting.extend(() if swaps else call.inputs())
    return list(found.values())


def _name(log: Call, edits: _Edits) -> str:
    """What computes it: the function nearest to the logarithm that is more than a rearrangement or a sum of two."""
    nearest = [edits[log.index], *(edits[index] for index in sorted(edits, reverse=True) if index != log.index)]
    names = [e.function.rpartition(".")[2] for each in nearest for e in each if isinstance(e, SwapFunction)]
    return next((name for name in names if name in _NAMED), next(iter(names), ""))


@dataclass
class _Logarithm:
    """The twins under one logarithm by the index of their call; `known` while they are found."""

    scene: Scene
    log: Call
    known: _Edits = field(default_factory=dict[int, tuple[Edit, ...]])
    top: Call | None = None
    masked: bool = False

    def edits(self) -> _Edits | None:
        """The logarithm as the twin of what it is taken of, which itself stays as it is."""
        self.top = self.scene.maker(self.log.ref("input"))
        if self.top is None:
            return None
        if short(self.log) == "log1p":
            if not self._has_twin(self.log.ref("input")):
                return None
            made: tuple[Edit, ...] | None = (
                _swap(self.log, f"{FUNCTIONAL}.softplus", input=self.log.argument("input")),
            )
        else:
            made = self._twin(self.top)
        if made is None:
            return None
        whole = made or (SwapFunction(self.top.index, self.top.function, self.top.arguments),)
        return {**self.known, self.log.index: tuple(_moved(edit, self.log) for edit in whole)}

    def _has_twin(self, id: int | None) -> bool:
        call = self.scene.makers.get(id) if id is not None else None
        if call is None or call.mutated or not call.outputs:
            return False
        if call.index not in self.known:
            made = self._twin(call)
            if made is None:
                return False
            self.known[call.index] = made
        return True

    def _twin(self, call: Call) -> tuple[Edit, ...] | None:
        x, name = call.argument("input"), short(call)
        if name in REARRANGING:
            return () if self._has_twin(call.ref("input")) else None
        match name:
            case "exp" if isinstance(x, Ref):
                return (_swap(call, "torch.clone", input=x),)
            case "softmax":
                return (_swap(call, "torch.log_softmax", input=x, dim=call.argument("dim")),)
            case "sigmoid":
                return (_swap(call, f"{FUNCTIONAL}.logsigmoid", input=x),)
            case "cosh":
                swap = _swap(call, "torch.logaddexp", input=x, other=x)
                return swap, WrapArgument(call.index, "other", "torch.neg"), _after(call, "torch.sub", math.log(2))
            case "sub":
                return self._complement(call)
            case "add":
                return self._added(call)
            case "mul" | "div":
                return self._product(call)
            case "reciprocal":
                return (_swap(call, "torch.neg", input=x),) if self._has_twin(call.ref("input")) else None
            case "sum" | "mean" if self._has_twin(call.ref("input")):
                return self._summed(call)
            case "pow" | "sqrt" | "square" if self._has_twin(call.ref("input")):
                power = {"sqrt": 0.5, "square": 2.0}.get(name, call.argument("exponent"))
                return (_swap(call, "torch.mul", input=x, other=power),) if isinstance(power, int | float) else None
            case "masked_fill" if call.argument("value") == 0 and self._has_twin(call.ref("input")):
                return (_swap(call, call.function, input=x, mask=call.argument("mask"), value=-math.inf),)
            case _:
                return None

    def _complement(self, call: Call) -> tuple[Edit, ...] | None:
        """1 − σ(x) as σ(−x), and 1 − 1 / (1 + e^u) as σ(u)."""
        maker = self.scene.maker(call.ref("other"))
        if call.argument("input") not in (1, 1.0) or maker is None:
            return None
        if (exponential := written_sigmoid(self.scene, maker)) is not None:
            return (_swap(call, f"{FUNCTIONAL}.logsigmoid", input=exponential.argument("input")),)
        if short(maker) != "sigmoid":
            return None
        swap = _swap(call, f"{FUNCTIONAL}.logsigmoid", input=maker.argument("input"))
        return swap, WrapArgument(call.index, "input", "torch.neg")

    def _added(self, call: Call) -> tuple[Edit, ...] | None:
        a, b = _ordered(call)
        if call.argument("alpha") not in (None, 1) or not isinstance(a, Ref) or not self._has_twin(a.id):
            return None
        if isinstance(b, Ref):
            both = self._has_twin(b.id)
            return (_swap(call, "torch.logaddexp", input=a, other=b),) if both else None
        if not isinstance(b, int | float) or b <= 0:
            return None
        swap = _swap(call, f"{FUNCTIONAL}.softplus", input=a)
        if b == 1:
            return (swap,)
        shift = (Argument("other", math.log(b)),)
        return swap, WrapArgument(call.index, "input", "torch.sub", shift), _after(call, "torch.add", math.log(b))

    def _product(self, call: Call) -> tuple[Edit, ...] | None:
        """log(a · b) and log(a / b); a factor that is no exponential has to be given, and not below 0."""
        a, b = call.argument("input"), call.argument("other")
        twins = [isinstance(value, Ref) and self._has_twin(value.id) for value in (a, b)]
        divides = short(call) == "div"
        if not any(twins):
            return None
        if isinstance(b, int | float):
            sign = -1 if divides else 1
            return (_swap(call, "torch.add", input=a, other=sign * math.log(b)),) if b > 0 else None
        if isinstance(a, int | float):
            swap = _swap(call, "torch.neg" if divides else "torch.clone", input=b)
            return (swap, _after(call, "torch.add", math.log(a))) if a > 0 else None
        given = [name for name, twin in zip(("input", "other"), twins, strict=True) if not twin]
        if not all(self._is_given(call, name) for name in given):
            return None
        swap = _swap(call, "torch.sub" if divides else "torch.add", input=a, other=b)
        return swap, *(WrapArgument(call.index, name, "torch.log") for name in given)

    def _is_given(self, call: Call, name: str) -> bool:
        """Whether an operand is data, such as a mask, whose logarithm may be taken."""
        tensor, held = self.scene.recording.known(call.ref(name)), self.scene.held(call.ref(name))
        if tensor is None or tensor.requires_grad or held is None or not (held >= 0).all():
            return False
        self.masked |= bool((held == 0).any())
        return True

    def _summed(self, call: Call) -> tuple[Edit, ...] | None:
        tensor = self.scene.recording.tensors[call.inputs()[0]]
        dim = call.argument("dim")
        over = tuple(range(len(tensor.shape))) if dim is None else dim.items if isinstance(dim, Items) else (dim,)
        if not over or not all(isinstance(axis, int) for axis in over):
            return None
        swap = _swap(call, "torch.logsumexp", input=call.argument("input"), dim=Items("tuple", over))
        kept = call.argument("keepdim")
        swap = msgspec.structs.replace(swap, arguments=(*swap.arguments, Argument("keepdim", bool(kept))))
        count = math.prod(tensor.shape[axis] for axis in over if isinstance(axis, int))
        return (swap,) if short(call) == "sum" else (swap, _after(call, "torch.sub", math.log(count)))


def written_sigmoid(scene: Scene, call: Call) -> Call | None:
    """The e^u in a 1 / (1 + e^u) that is written out; None for any other call."""
    one = call.argument("input") if short(call) == "div" else 1 if short(call) == "reciprocal" else None
    below = scene.maker(call.ref("input" if short(call) == "reciprocal" else "other"))
    if one not in (1, 1.0) or below is None or short(below) != "add":
        return None
    exponential, other = _ordered(below)
    found = scene.makers.get(exponential.id) if isinstance(exponential, Ref) and other in (1, 1.0) else None
    return found if found is not None and short(found) == "exp" else None


def _ordered(call: Call) -> tuple[Value, Value]:
    """The operands of a sum, a plain number last."""
    a, b = call.argument("input"), call.argument("other")
    return (a, b) if isinstance(a, Ref) else (b, a)


def _swap(call: Call, function: str, **arguments: Value) -> SwapFunction:
    return SwapFunction(call.index, function, tuple(Argument(name, value) for name, value in arguments.items()))


def _after(call: Call, function: str, other: float) -> WrapOutput:
    return WrapOutput(call.index, function, (Argument("other", other),))


def _moved(edit: Edit, to: Call) -> Edit:
    """The edit at another call."""
    assert isinstance(edit, SwapFunction | WrapArgument | WrapOutput)
    return msgspec.structs.replace(edit, call=to.index)
