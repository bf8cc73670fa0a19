"""Which tensor a program is about.

The loss whose gradient first left nan or inf in a parameter, where what is asked about is not finite because of that;
else the call whose output a printed claim names; else what `.backward()` started from; else what was shown last, one
that is nan before others; else the last value of a loss function; else, where a program ends with a value of its own
making, the last single number that it computed and still holds in a variable.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

from explainers.dependencies import ancestors
from explainers.recording import FLOATING, Shown
from explainers.tracing.mode import BACKWARD, Tracer
from explainers.tracing.naming import is_loss

Claims = Sequence[tuple[float, float]]
_GRADIENT = "torch.Tensor.grad"
_SHOWING = frozenset({"torch.detach", "torch.Tensor.detach", "torch.Tensor.data", "torch.Tensor.cpu"})
_CLAIMED_LIMIT = 1000  # elements of an output that is compared with claims


def choose(tracer: Tracer, shown: Sequence[Shown], claims: Claims, named: set[int]) -> int | None:
    """The id of the subject, None where the program computed and showed nothing."""
    found = _chosen(tracer, shown, claims, named)
    if found is not None and _is_odd(tracer, found) and (before := _spoiling(tracer, found)) is not None:
        found = before
    return None if found is None else _as_computed(tracer, found)


def _spoiling(tracer: Tracer, id: int) -> int | None:
    """The finite loss whose backward pass wrote the first nan or inf into what a tensor was computed from, by a step.

    None where its inputs were finite, or the loss itself was not.
    """
    below = ancestors(tracer.calls, [id])[1]
    started: int | None = None
    for call in tracer.calls:
        if call.function in BACKWARD and call.inputs() and call.inputs()[0] in tracer.backward_from:
            started = call.inputs()[0]
        elif call.index in below and not call.grad_enabled and any(_turns(tracer, *pair) for pair in call.mutated):
            return started if started is not None and not _is_odd(tracer, started) else None
    return None


def _turns(tracer: Tracer, old: int, new: int) -> bool:
    """Whether a write made nan or inf of what was finite."""
    return _is_odd(tracer, new) and not _is_odd(tracer, old)


def _as_computed(tracer: Tracer, id: int) -> int:
    """The tensor that was only detached, or moved to the CPU, to be shown."""
    made = {output: call for call in tracer.calls for output in call.outputs}
    tensors = tracer.ledger.tensors
    while (call := made.get(id)) is not None and (of := call.ref("input")) is not None:
        bare = call.function == "torch.Tensor.view" and tensors[of].shape == tensors[id].shape
        if not bare and call.function not in _SHOWING:
            break
        id = of
    return id


def _chosen(tracer: Tracer, shown: Sequence[Shown], claims: Claims, named: set[int]) -> int | None:
    claimed = _claimed(tracer, shown, claims)
    if claimed is not None:
        return claimed
    if tracer.backward_from:
        return _started(tracer)
    displayed = [s.tensor for s in shown if s.tensor is not None]
    if displayed:
        return next((id for id in reversed(displayed) if _is_nan(tracer, id)), displayed[-1])
    return next(iter([*reversed(loss_values(tracer)), *reversed(_numbers(tracer, named))]), None)


def _started(tracer: Tracer) -> int:
    """What the last backward pass started from that was computed."""
    made = {id for call in tracer.calls if call.inputs() for id in call.outputs}
    return next((id for id in reversed(tracer.backward_from) if id in made), tracer.backward_from[-1])


def _is_nan(tracer: Tracer, id: int) -> bool:
    """Whether a computed tensor holds nan, or is a single inf: what a question is about where other values are fine."""
    copy = tracer.ledger.copy(id)
    if copy is None or not copy.is_floating_point() or id not in {i for c in tracer.calls for i in c.outputs}:
        return False
    return bool(copy.isnan().any()) or (copy.numel() == 1 and bool(copy.isinf().any()))


def _numbers(tracer: Tracer, named: set[int]) -> list[int]:
    """Single floating values that variables hold and calls computed from other tensors, in order."""
    computed = [id for call in tracer.calls if call.inputs() for id in call.outputs if id in named]
    tensors = tracer.ledger.tensors
    return [id for id in computed if tensors[id].elements == 1 and tensors[id].dtype in FLOATING]


def loss_values(tracer: Tracer) -> list[int]:
    """Outputs of loss functions, in order."""
    return [id for call in tracer.calls if is_loss(call.function) for id in call.outputs]


def others(
    tracer: Tracer, shown: Sequence[Shown], subject: int | None, named: set[int], below: set[int]
) -> tuple[int, ...]:
    """Further floating tensors that are shown, and loss values in variables or bare expressions that the subject is
    not made of.
    """
    displayed = [s.tensor for s in shown if s.tensor is not None]
    held = named | _bare(tracer)
    losses = [id for id in loss_values(tracer) if id in held and id not in below]
    found = dict.fromkeys(id for id in [*displayed, *losses] if tracer.ledger.tensors[id].dtype in FLOATING)
    return tuple(id for id in found if id != subject and _as_computed(tracer, id) != subject)


def _claimed(tracer: Tracer, shown: Sequence[Shown], claims: Claims) -> int | None:
    """Of the computed values that match a claim, one that is shown; then nan or inf, a start of backward, a loss.

    A gradient that matches is told of the loss that backward started from.
    """
    displayed = {s.tensor for s in shown} | _bare(tracer)
    started = set(tracer.backward_from)
    best: tuple[bool, bool, bool, bool, bool, int, int] | None = None
    for call in tracer.calls:
        for id in call.outputs if claims and call.inputs() else ():
            if _matches(tracer, id, claims):
                loss, odd = is_loss(call.function), _is_odd(tracer, id)
                of = _started(tracer) if started and call.function == _GRADIENT else id
                rank = (loss and odd, id in displayed, odd, id in started, loss, call.index, of)
                best = rank if best is None else max(best, rank)
    return None if best is None else best[-1]


def _bare(tracer: Tracer) -> set[int]:
    """What the bare expressions at the top level come to, each of which a prompt would have shown."""
    statements = [node for node in _body(tracer.source.text) if isinstance(node, ast.Expr)]
    lasts = {
        node.lineno: call.outputs
        for node in statements
        for call in tracer.calls
        if call.span and node.lineno <= call.span.line <= (node.end_lineno or node.lineno)
    }
    return {id for outputs in lasts.values() for id in outputs}


def _body(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # what a notebook's own syntax is turned into before it is run
        return []


def _is_odd(tracer: Tracer, id: int) -> bool:
    """Whether an entry is nan or inf."""
    copy = tracer.ledger.copy(id)
    return copy is not None and not bool(copy.isfinite().all())


def _matches(tracer: Tracer, id: int, claims: Claims) -> bool:
    """A single value matches any claim; several match claims that follow each other."""
    copy = tracer.ledger.copy(id)
    if copy is None or not copy.is_floating_point() or not 1 <= copy.numel() <= _CLAIMED_LIMIT:
        return False
    values = [float(v) for v in copy.reshape(-1).tolist()]
    starts = range(len(claims) - len(values) + 1)
    return any(all(_within(v, *claims[start + i]) for i, v in enumerate(values)) for start in starts)


def _within(value: float, claim: float, radius: float) -> bool:
    if math.isnan(value) or math.isnan(claim) or math.isinf(value) or math.isinf(claim):
        return value == claim or (math.isnan(value) and math.isnan(claim))
    return abs(value - claim) <= radius * (1 + 1e-6)
