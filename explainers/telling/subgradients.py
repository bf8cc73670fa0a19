"""Which slope torch takes where an input lies exactly at a kink of the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from explainers.diagnoses.wording import entry
from explainers.digits import shown
from explainers.explanation import Explanation, named
from explainers.kinks import Kink, side_of
from explainers.messages import Message, said

_SIDES: Mapping[str, Message] = MappingProxyType(
    {
        "below": said("the one from below"),
        "above": said("the one from above"),
        "middle": said("the middle of both"),
        "between": said("a number between them"),
        "neither": said("a number outside of both"),
    }
)


def subgradient(explanation: Explanation) -> tuple[Message, ...]:
    """What there is to say about the first input at a kink and those like it; nothing where there is none."""
    found = explanation.kink
    return () if found is None else (told(explanation, found), *_further(explanation, found))


def _further(explanation: Explanation, found: Kink) -> Iterator[Message]:
    """How many more entries lie at a kink, and whether torch takes the same side at each."""
    name = _name(explanation, found.tensor)
    if found.alike:
        yield said("Further numbers of {name} that lie at a kink, where torch takes the same side: {count}.",
                   count=found.alike, name=name)  # fmt: skip
    if found.others:
        yield said("Further numbers of {name} that lie at a kink, where torch takes another side: {count}.",
                   count=found.others, name=name)  # fmt: skip
    if found.untried:
        yield said("Further numbers of {name} that tie and were not tried: {count}.", count=found.untried, name=name)


def told(explanation: Explanation, found: Kink) -> Message:
    """The slopes on both sides of a kink, and the one that torch takes there."""
    facts: dict[str, object] = {
        "entry": _name(explanation, found.tensor) + entry(found.at),
        "x": shown(found.x),
        "taken": shown(found.taken + 0.0),
    }
    if found.smooth:
        return said(
            "At {entry} = {x} two pieces of the loss meet with the same slope, {taken}, so torch has nothing to "
            "choose.",
            **facts,
        )
    facts |= {"below": shown(found.below + 0.0), "above": shown(found.above + 0.0)}
    which = _SIDES[side_of(found)]
    if found.gap:
        return said(
            "At {entry} = {x} the value jumps by {gap}: the slope is {below} below it and {above} above it; torch "
            "takes {taken}, {which}.",
            gap=shown(found.gap),
            which=which,
            **facts,
        )
    return said(
        "{entry} = {x} lies exactly at a kink: the slope is {below} below it and {above} above it; torch takes "
        "{taken}, {which}.",
        which=which,
        **facts,
    )


def _name(explanation: Explanation, id: int) -> str:
    """What the asker calls a tensor, or the argument that it is; else its letter in the formulas."""
    letters = {tensor: letter for letter, tensor in explanation.derivation.letters.items()}
    call, tensor = explanation.call, explanation.recording.tensors[id]
    passed = call is not None and id in call.inputs()
    return named(explanation.recording, call, id) if tensor.name or passed else letters.get(id, tensor.dtype)
