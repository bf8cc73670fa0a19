"""What the options that a call sets do to its value, with its own numbers."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.losses.options.option import Option, Setting
from explainers.losses.registry import Registry, registry
from explainers.messages import Message
from explainers.recording import Call, Recording, Value

MOST = 3
"""Calls of one program, beside that of the loss, whose options are told."""


def options(recording: Recording, call: Call | None) -> Iterator[Message]:
    """What each option of a library loss does that is set to something else than torch's default."""
    if call is not None:
        yield from _told(recording, call, registry())


def beside(recording: Recording, call: Call | None) -> Iterator[Message]:
    """The same of a program's other calls of losses and of the functions next to them, where there are few."""
    known = registry()
    written = [each for each in recording.calls if each.span is not None and (call is None or each.index != call.index)]
    others = {(each.function, *found): each for each in written if (found := tuple(_set(each, known)))}
    if call is not None:
        said_already = _but_the_reduction(call.function, *_set(call, known))
        others = {key: each for key, each in others.items() if _but_the_reduction(*key) != said_already}
    for each in others.values() if len(others) <= MOST else ():
        yield from _told(recording, each, known)


def _but_the_reduction(function: str, *given: tuple[str, Value]) -> tuple[str, tuple[tuple[str, Value], ...]]:
    """A function with its options, of which the reduction is told with each value."""
    return function, tuple((name, value) for name, value in given if name != "reduction")


def _told(recording: Recording, call: Call, known: Registry) -> Iterator[Message]:
    loss = known.of(call.function)
    for option in loss.options if loss is not None else ():
        if option.always or _is_set(call, option):
            yield from option.told(Setting(option.name, call.argument(option.name), call, recording))


def _set(call: Call, known: Registry) -> Iterator[tuple[str, Value]]:
    """The options of a loss that a call sets."""
    loss = known.of(call.function)
    for option in loss.options if loss is not None else ():
        if _is_set(call, option):
            yield option.name, call.argument(option.name)


def _is_set(call: Call, option: Option) -> bool:
    value = call.argument(option.name)
    return value is not None and value != option.default
