"""Facts about a loss that are told whatever is the matter with it: its options, its divisor, its course in training."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from explainers.derivation import Gradient
from explainers.diagnoses.backward_inside import made_by
from explainers.diagnoses.registry import rules
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import entry
from explainers.differentiable import constant
from explainers.digits import shown
from explainers.divided_gradients import divided_gradient
from explainers.divisors import divisor
from explainers.equality import Equal
from explainers.explanation import Explanation, named
from explainers.messages import Message, said
from explainers.reading import Reading
from explainers.recording import Items, Ref
from explainers.telling.options import beside, options
from explainers.terms import terms

LEAST_STEPS = 3
LEAST_CLASSES = 3
_OF_DIVISORS = ("reductions", "class-weights")


def drawn(explanation: Explanation) -> Iterator[Message]:
    """About what a cross entropy of random scores comes to, whatever the seed.

    log Σ exp of C independent normal scores of variance s² is about ln C + s²/2, and the target's score is 0 on
    average.
    """
    call, tensors = explanation.call, explanation.recording.tensors
    if not explanation.spread or call is None or explanation.loss is None or explanation.loss.name != "cross_entropy":
        return
    id = call.ref("input")
    input = None if id is None else tensors.get(id)
    if input is None or input.data is None or len(input.shape) != 2 or input.shape[1] < LEAST_CLASSES:
        return
    scores, classes = input.array().astype(np.float64), input.shape[1]
    scatter = float(scores.std(axis=1).mean())
    yield said(
        "Scores that know nothing cost about ln {count} + s²/2 = {level}, s = {scatter} being how far they scatter "
        "in a row.",
        count=classes,
        level=f"{math.log(classes) + scatter**2 / 2:.2f}",
        scatter=f"{scatter:.2f}",
    )


def of_call(explanation: Explanation, name: str) -> Iterator[Message]:
    """What its options do, and what it divides by where no diagnosis is about that."""
    yield from options(explanation.recording, explanation.call)
    yield from _constants(explanation)
    yield from _soft(explanation, name)
    yield from _bytes(explanation, name)
    yield from _empty_targets(explanation, name)
    if not any(rules()[found.slug].family in _OF_DIVISORS for found in explanation.diagnoses[:1]):
        yield from divisor(explanation.recording, explanation.call, name)
    if not any(found.concern == "gradient" for found in explanation.diagnoses[:1]):
        yield from divided_gradient(explanation.recording, explanation.call, name)


def _constants(explanation: Explanation) -> Iterator[Message]:
    """The arguments of real numbers that torch gives no gradient for in this call."""
    call, recording, loss = explanation.call, explanation.recording, explanation.loss
    if call is None or loss is None:
        return
    ids = [id for name in constant(loss, call, recording) if (id := call.ref(name)) is not None]
    if names := [named(recording, call, id) for id in ids if recording.tensors[id].floating]:
        yield said("torch has no gradient for {names}.", names=", ".join(names))


def sides(explanation: Explanation) -> Iterator[Message]:
    """That the formulas leave out what these numbers do not reach."""
    reading = explanation.reading
    if isinstance(reading, Reading) and reading.forms.cut:
        yield said(
            "The formulas hold for these numbers: a side of a clamp, a maximum, an absolute value or a condition that "
            "none of them takes is left out."
        )


def of_others(explanation: Explanation) -> Iterator[Message]:
    """What the options of a program's other calls do, where it went through."""
    if explanation.recording.raised is None:
        yield from beside(explanation.recording, explanation.call if explanation.loss is not None else None)


def _empty_targets(explanation: Explanation, name: str) -> Iterator[Message]:
    """That an empty target of ctc_loss is the blank in every frame, and what its mean divides by."""
    call, tensors = explanation.call, explanation.recording.tensors
    if call is None or name != "ctc_loss":
        return
    given = call.argument("target_lengths")
    held = tensors[given.id] if isinstance(given, Ref) else None
    listed = given.items if isinstance(given, Items) else ()
    lengths = held.array().reshape(-1).tolist() if held is not None and held.data is not None else list(listed)
    if 0 not in lengths:
        return
    yield said(
        "The target of item {item} is empty: its one alignment is the blank in every frame.", item=lengths.index(0)
    )
    if call.argument("reduction") == "mean":
        yield said(
            "The mean divides each loss by the length of its target, counted as at least 1 (a clamp): here by 1."
        )


def slopes(explanation: Explanation) -> Iterator[Message]:
    """Which of torch's gradients are nan or infinite though the value is not nan, also of what needs none, and why."""
    held = None if explanation.subject is None else numbers(explanation.subject)
    if held is None or np.isnan(held).any():
        return
    for id, slope in explanation.autograd.items():
        held = numbers(slope)
        if held is None or np.isfinite(held).all():
            continue
        at = [int(k) for k in np.argwhere(~np.isfinite(held))[0]]
        yield said(
            "torch's gradient of {name} is not finite: at {name}{entry} it is {made}, in {count} of {all} entries.",
            name=named(explanation.recording, explanation.call, id),
            entry=entry(at),
            made=shown(float(held[tuple(at)])),
            count=int((~np.isfinite(held)).sum()),
            all=held.size,
        )
        yield from _cause(explanation, id, at)


def no_slopes(explanation: Explanation) -> Iterator[Message]:
    """Of which tensors torch's gradient is 0 throughout."""
    if explanation.subject is None or explanation.recording.raised is not None:
        return
    known = {id: held for id, slope in explanation.autograd.items() if (held := numbers(slope)) is not None}
    flat = [id for id, held in known.items() if held.size and not held.any()]
    if flat:
        names = ", ".join(named(explanation.recording, explanation.call, id) for id in flat)
        yield said("torch's gradient of {names} is 0 in every entry: a step along it changes nothing.", names=names)


def of_sum(explanation: Explanation) -> Iterator[Message]:
    """What the gradient of several numbers is that of."""
    shown = any(isinstance(step, Gradient) for step in explanation.derivation.steps)
    if shown and explanation.loss is not None and explanation.subject is not None and explanation.subject.elements > 1:
        yield said("The result has several numbers: the gradient is that of their sum, as backward() of ones gives it.")


def _cause(explanation: Explanation, id: int, at: list[int]) -> Iterator[Message]:
    """The step of the gradient's formula that is not finite there."""
    reading, shape = explanation.reading, explanation.recording.tensors[id].shape
    x = next((x for x in reading.forms.as_run if x.tensor == id), None) if isinstance(reading, Reading) else None
    if x is None or not isinstance(reading, Reading):
        return
    place = (k for k, size in zip(at, shape, strict=True) if size != 1)
    found = made_by(reading.forms.as_run[x], dict(zip(x.axes, place, strict=True)), reading.values)
    if found is not None:
        yield found


def _soft(explanation: Explanation, name: str) -> Iterator[Message]:
    """That real numbers as the target of cross_entropy are probabilities, which older versions of torch refused, and
    whole ones indices of classes."""
    call = explanation.call
    id = call.ref("target") if call is not None and name == "cross_entropy" else None
    if id is None:
        return
    if explanation.recording.tensors[id].floating:
        yield said(
            "A target of real numbers is read as class probabilities (soft labels): -Σ target · log softmax in each "
            "row. Since version 1.10; older versions of torch took class indices alone."
        )
    else:
        yield said(
            "Whole numbers as the target are class indices: of each item the term of its class alone is taken, as a "
            "one-hot row of labels would leave it."
        )
    yield from _positions(explanation, id)


def _positions(explanation: Explanation, id: int) -> Iterator[Message]:
    """What the axes behind that of the classes are, for scores that have some."""
    target = explanation.recording.tensors[id]
    if len(target.shape) > 1 and not target.floating:
        yield said(
            "Axis 1 of the scores holds the classes. Any number of further axes (N, C, d1, d2, …) is taken directly: "
            "every position of theirs counts as an item of its own, {count} in all.",
            count=target.elements,
        )


def _bytes(explanation: Explanation, name: str) -> Iterator[Message]:
    """Which whole numbers are taken as class indices, where they are bytes."""
    call = explanation.call
    id = call.ref("target") if call is not None and name in ("cross_entropy", "nll_loss") else None
    if id is not None and explanation.recording.tensors[id].dtype == "uint8":
        yield said(
            "The target is uint8 (Byte). Of whole numbers torch takes int64 (Long) and, in this version, uint8 as "
            "class indices; int8, int16 and int32 are refused, and want target.long()."
        )


def cosines(explanation: Explanation) -> Iterator[Message]:
    """Between what a loss made of cosines lies."""
    subject, recording = explanation.recording.subject, explanation.recording
    made = recording.producer(subject) if subject is not None else None
    names = {call.function.rpartition(".")[2] for call in recording.calls}
    if explanation.loss is None and made is not None and "cosine_similarity" in names:
        yield said(
            "A cosine lies between -1, for opposite directions, and 1, for the same one; 1 - cos between 0 and 2."
        )


def sum_of_terms(explanation: Explanation) -> Iterator[Message]:
    """What each term of a loss that is a sum of single numbers adds to it."""
    if found := terms(explanation.recording):
        parts = ", ".join(f"{term.text} = {shown(term.part)}" for term in found)
        yield said("It is the sum of {count} terms: {parts}.", count=len(found), parts=parts)


def course(explanation: Explanation) -> Iterator[Message]:
    """Where the loss of a training loop starts and ends, and whether it ever gets lower."""
    losses = explanation.recording.losses
    if len(losses) < LEAST_STEPS:
        return
    first, last = losses[0], losses[-1]
    if all(loss == first for loss in losses):
        yield said("In {count} steps of training the loss stays at {value}.", count=len(losses), value=shown(first))
    else:
        yield said(
            "In {count} steps of training the loss goes from {first} to {last}; its least is {least}.",
            count=len(losses),
            first=shown(first),
            last=shown(last),
            least=shown(min(losses)),
        )
    yield from _spoiled(explanation)


def _spoiled(explanation: Explanation) -> Iterator[Message]:
    """From which step on a loss is not finite because the gradient of a finite one was not."""
    losses, value = explanation.recording.losses, explanation.value
    at = next((k for k, loss in enumerate(losses) if not math.isfinite(loss)), 0)
    if at and value == losses[at - 1] and explanation.diagnoses and _is_divided_gradient(explanation.diagnoses[0].slug):
        yield said(
            "Step {step} shows the cause: its loss is {value}, its gradient is not finite, and from step {next} on the "
            "loss is {spoiled}, as the parameters are.",
            step=at,
            value=shown(losses[at - 1]),
            next=at + 1,
            spoiled=shown(losses[at]),
        )


def _is_divided_gradient(slug: str) -> bool:
    return rules()[slug].family == "spoiled-gradients"


def likeness(like: Equal) -> Message:
    """The library loss that a formula is, or is a multiple of, and how far that is proven."""
    made = [f"{key}={code}" for key, code in like.made.items()]
    options = [*made, *(f"{key}={value:g}" for key, value in like.options.items())]
    call = f"{like.loss.name}({', '.join((f'reduction={like.reduction!r}', *options))})"
    if like.factor != 1:
        return said(
            "Your formula is {factor} times {call}, here and on other numbers.", factor=f"{like.factor:.6g}", call=call
        )
    if not like.proven:
        return said("Here and on other numbers your formula gives the same as {call}.", call=call)
    if options or like.reduction != "mean":
        return said("In normal form your formula is the same as {name}.", name=call)
    return said("In normal form your formula is the same as {name}.", name=like.loss.name)
