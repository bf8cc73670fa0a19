"""What torch takes a gradient for, whose numbers a certificate needs."""

from __future__ import annotations

from explainers.composition import Composition
from explainers.dependencies import ancestors
from explainers.losses.registry import Loss, Registry
from explainers.recording import Call, Recording


def differentiable(recording: Recording, composition: Composition, registry: Registry) -> tuple[int, ...]:
    """The ids of the real inputs that torch gives a gradient for; the certificate needs them all. Numbers that the
    program decided on are no tensors of torch.

    Not of what an argument is computed from that torch takes no gradient through: it refuses to run the loss then.
    """
    fixed = {
        id
        for call in composition.calls
        if (loss := registry.of(call.function)) is not None
        for name in constant(loss, call, recording)
        if (id := call.ref(name)) is not None
    }
    followed = [call for call in composition.calls if call.grad_enabled and not call.function.endswith(".detach")]
    fixed |= ancestors(followed, fixed)[0]
    return tuple(id for id, array in composition.inputs.items() if id >= 0 and array.floating and id not in fixed)


def constant(loss: Loss, call: Call, recording: Recording) -> tuple[str, ...]:
    """The arguments that torch gives no gradient for in this call."""
    target = call.ref(loss.unless_real) if loss.unless_real else None
    return () if target is not None and recording.tensors[target].floating else loss.constant
