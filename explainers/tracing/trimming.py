"""From what was traced to a Recording that fits: the values the subject needs, within a limit of bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import torch
from torch import nn

from explainers.dependencies import ancestors
from explainers.recording import Call, Cut, Raised, Recording, Shown, Tensor, Warned
from explainers.tracing.callables import is_replayable
from explainers.tracing.ledger import SMALL
from explainers.tracing.mode import Tracer
from explainers.tracing.naming import is_loss
from explainers.tracing.subject import Claims, choose, others
from explainers.tracing.values import DTYPES, to_bytes

_LOSSES_LIMIT: Final = 1000
_PER_TENSOR: Final = 8  # bytes of framing around the elements of one tensor

_READING: Final = frozenset({"torch.Tensor.item", "torch.Tensor.__float__"})
_OVERWRITING: Final = frozenset(
    f"torch.Tensor.{name}_"
    for name in ("normal", "uniform", "zero", "fill", "copy", "random", "exponential", "bernoulli")
)
_FILLING: Final = frozenset({"torch.Tensor.fill_", "torch.Tensor.zero_"})


@dataclasses.dataclass(frozen=True)
class Program:
    """What a program left behind beside its calls."""

    source: str
    variables: Mapping[str, object]
    shown: tuple[Shown, ...] = ()
    raised: Raised | None = None
    warnings: tuple[Warned, ...] = ()
    stdout: str = ""
    cut: tuple[int, int] | None = None


def assemble(
    tracer: Tracer, program: Program, *, claims: Claims = (), subject: int | None = None, max_bytes: int
) -> Recording:
    """The Recording of a traced program; the subject is chosen by the rules unless one is given."""
    names, labels = _names(tracer, program.variables)
    chosen = choose(tracer, program.shown, claims, set(names.values())) if subject is None else subject
    below, needed = ancestors(tracer.calls, [] if chosen is None else [chosen])
    recording = Recording(
        source=program.source,
        tensors={},
        calls=tuple(tracer.calls),
        shown=program.shown,
        subject=chosen,
        others=others(tracer, program.shown, chosen, set(names.values()), below),
        names=names,
        raised=program.raised,
        warnings=program.warnings,
        seeded=tracer.seeded,
        random=tracer.random,
        stdout=program.stdout,
        adapted=tuple(tracer.adapted),
        losses=_losses(tracer),
        cut=None if program.cut is None else Cut(*program.cut),
        apart=tracer.devices.apart,
    )
    tensors = {id: msgspec.structs.replace(t, name=labels.get(id)) for id, t in tracer.ledger.tensors.items()}
    return _fitted(tracer, recording, tensors, needed, max_bytes)


def _losses(tracer: Tracer) -> tuple[float, ...]:
    """The single numbers that backward passes started from, in order."""
    held = (tracer.ledger.copy(id) for id in tracer.backward_from[:_LOSSES_LIMIT])
    return tuple(float(copy) for copy in held if copy is not None and copy.numel() == 1)


def _names(tracer: Tracer, variables: Mapping[str, object]) -> tuple[dict[str, int], dict[int, str]]:
    """Ids of the tensors in variables, and for each id the variable it was assigned to, also inside functions."""
    names: dict[str, int] = {}
    labels = dict(tracer.targets)
    for name, value in list(variables.items()):
        if isinstance(value, torch.Tensor) and (id := tracer.ledger.id_of(value)) is not None:
            names[name] = id
            labels.setdefault(id, name)
        elif isinstance(value, nn.Module) and "_parameters" in vars(value):  # its __init__ has run
            for path, parameter in value.named_parameters():
                id = tracer.ledger.id_of(parameter)
                if (
                    id is not None and labels.get(id, name) == name
                ):  # the line that made the module names them all alike
                    labels[id] = f"{name}.{path}"
    for new, old in reversed(tracer.handed_back.items()):  # x in x.contiguous(), which may be x itself
        others = (name for name, id in names.items() if id == new and name != tracer.targets.get(new))
        if (name := next(others, labels.get(new))) is not None:
            labels.setdefault(old, name)
    for call in reversed(tracer.calls):  # a parameter has its path also before it was stepped
        for old, new in call.mutated:
            if "." in labels.get(new, "") and labels.get(old, labels[new].partition(".")[0]) in labels[new]:
                labels[old] = labels[new]
    for call in tracer.calls:  # a tensor keeps its name when its contents change
        for old, new in call.mutated:
            if old in labels:
                labels.setdefault(new, labels[old])
    return names, labels


def _fitted(
    tracer: Tracer, recording: Recording, tensors: Mapping[int, Tensor], needed: set[int], max_bytes: int
) -> Recording:
    for keep in (None, needed):
        calls = recording.calls if keep is None else tuple(c for c in recording.calls if c.index in keep)
        bare = msgspec.structs.replace(recording, calls=calls, tensors=_mentioned(recording, calls, tensors))
        room = max_bytes - len(msgspec.msgpack.encode(bare))
        if room >= 0:
            return msgspec.structs.replace(bare, tensors=_with_data(tracer, bare, room))
    refusal = Raised("TooManyCalls", f"the recorded calls do not fit in {max_bytes} bytes")
    return Recording(source=recording.source[: max_bytes // 2], tensors={}, calls=(), raised=refusal)


def _mentioned(recording: Recording, calls: Sequence[Call], tensors: Mapping[int, Tensor]) -> dict[int, Tensor]:
    ids = {id for c in calls for id in (*c.inputs(), *c.outputs, *(i for pair in c.mutated for i in pair))}
    ids.update(recording.names.values(), recording.others, (s.tensor for s in recording.shown if s.tensor is not None))
    if recording.subject is not None:
        ids.add(recording.subject)
    if recording.apart is not None:
        ids.update((recording.apart.here, recording.apart.elsewhere))
    return {id: tensors[id] for id in sorted(ids)}


def _with_data(tracer: Tracer, recording: Recording, room: int) -> dict[int, Tensor]:
    """Elements for the tensors that matter most first, as long as there is room."""
    tensors = dict(recording.tensors)
    for id in _refilled(recording.calls) & tensors.keys():
        if tensors[id].elements <= SMALL:
            tensors[id] = msgspec.structs.replace(tensors[id], data=bytes(_nbytes(tensors[id])))
            room -= _PER_TENSOR + _nbytes(tensors[id])
    for id in _by_importance(recording, room):
        copy = tracer.ledger.copy(id)
        size = _PER_TENSOR + _nbytes(tensors[id])
        if copy is not None and size <= room:
            tensors[id] = msgspec.structs.replace(tensors[id], data=to_bytes(copy))
            room -= size
    return tensors


def _by_importance(recording: Recording, room: int) -> Iterable[int]:
    """The subject, what is shown, what a failed call got; then ancestors, latest first: small ones, large starts, and
    what a loss was given (diagnoses look at it, and a view before it may be beyond the op table)."""
    first = [i for i in (recording.subject, *(s.tensor for s in recording.shown), *recording.others) if i is not None]
    if recording.raised is not None and recording.raised.call is not None:
        first += [id for c in recording.calls if c.index == recording.raised.call for id in c.inputs()]
    made = None if recording.subject is None else recording.producer(recording.subject)
    anew = _read(recording) if made is not None and made.function == "torch.tensor" else ()
    below, needed = ancestors(recording.calls, [*first, *anew])
    below |= {id for c in recording.calls if c.index in needed for id in c.outputs}  # the places beside what was found
    latest = sorted((below & recording.tensors.keys()) - _never_read(recording.calls), reverse=True)
    small = [id for id in latest if recording.tensors[id].elements <= SMALL]
    large = [id for id in latest if recording.tensors[id].elements > SMALL]
    computed = {id for c in recording.calls if _is_replayable(c) for id in (*c.outputs, *(new for _, new in c.mutated))}
    starts = [id for id in large if id not in computed]
    judged = {id for c in recording.calls if is_loss(c.function) for id in c.inputs()}
    wanted = dict.fromkeys([*small, *starts, *(id for id in large if id in judged)])
    fits = sum(_nbytes(recording.tensors[id]) + _PER_TENSOR for id in wanted) <= room
    return dict.fromkeys([*first, *(wanted if fits else (*small, *large)), *_read(recording)])


def _read(recording: Recording) -> Iterable[int]:
    """Single numbers with history that the program read: it may go on with them where no history follows."""
    calls = (call for call in recording.calls if call.function in _READING and call.inputs())
    ids = (call.inputs()[0] for call in calls)
    return (id for id in ids if recording.tensors[id].requires_grad and recording.tensors[id].elements == 1)


def _never_read(calls: Sequence[Call]) -> set[int]:
    """Tensors that were only overwritten, such as the memory that a parameter is initialised in."""
    overwriting = [c for c in calls if c.function in _OVERWRITING or c.function.startswith("torch.nn.init.")]
    numbers = {c.index for c in overwriting}
    read = {id for c in calls if c.index not in numbers for id in c.inputs()}
    filled = {id for c in calls if c.function != "torch.empty" for id in c.outputs}
    return {old for c in overwriting for old, _ in c.mutated} - read - filled


def _refilled(calls: Sequence[Call]) -> set[int]:
    """Memory that one number is written over before anything reads it: whatever it held, it may be called zeros."""
    filling = {old for c in calls if c.function in _FILLING for old, _ in c.mutated}
    return filling & _never_read(calls)


def _is_replayable(call: Call) -> bool:
    return is_replayable(call.function, call.arguments, call.inputs(), random=call.random)


def _nbytes(tensor: Tensor) -> int:
    return tensor.elements * DTYPES[tensor.dtype].itemsize
