"""Programs of one message that are versions of each other: what changed between them, and what that did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.exchange import Numbers, Other
from bot.places import place_of
from bot.reading.question import Origin, Question, Snippet
from bot.reading.versions import Change, changes
from explainers.messages import Message, said


@dataclass(frozen=True)
class Version:
    """A further program, and what leads to it from the program that is explained: nothing, where it is no version.

    `alone` is the explained program with each change alone, empty where there is one: that is this version.
    """

    snippet: Snippet
    changes: tuple[Change, ...] = ()
    alone: tuple[Snippet, ...] = ()


def versions(question: Question, explained: Snippet, most: int) -> tuple[Version, ...]:
    """The message's further programs, at most so many."""
    others = [each for at, each in enumerate(question.snippets) if at != question.subject][:most]
    ours = explained.origin is Origin.COMPLETED or any(each.what == "framework" for each in explained.completions)
    return tuple(Version(each) if ours else _version(explained, each) for each in others)


def _version(explained: Snippet, other: Snippet) -> Version:
    found = changes(explained.source, other.source)
    needed = tuple(dict.fromkeys((*explained.completions, *other.completions)))
    alone = tuple(Snippet(each.source, Origin.COMPLETED, (), needed, shown=True) for each in found if len(found) > 1)
    return Version(other, found, alone)


@dataclass(frozen=True)
class Compared:
    """A version, what it shows, and what each of its changes alone shows."""

    version: Version
    other: Other
    alone: tuple[Other | None, ...]


def told(question: Question, explained: Snippet, value: Numbers | None, found: Compared) -> Iterator[Message]:
    """What changed between the explained program, of this value, and the other; nothing without two numbers."""
    version, other = found.version, found.other
    if not version.changes or not isinstance(value, float) or not isinstance(other.value, float):
        return
    where = {"here": place_of(question, explained), "there": place_of(question, version.snippet)}
    if len(version.changes) == 1:
        change = _said(version.changes[0])
        moved = _moved(value, other.value)
        yield said(
            "From the code in {here} to that in {there}, {change}: that alone {moved}.",
            **where,
            change=change,
            moved=moved,
        )
        return
    yield said("From the code in {here} to that in {there}:", **where)
    for change, alone in zip(version.changes, found.alone, strict=True):
        if alone is not None and isinstance(alone.value, float):
            yield said("- {change}: this alone {moved}.", change=_said(change), moved=_moved(value, alone.value))
        else:
            yield said("- {change}: this alone gives no value.", change=_said(change))
    yield said("All together {moved}.", moved=_moved(value, other.value))


def _said(change: Change) -> Message:
    if not change.before:
        return said("{after} was added", after=change.after)
    if not change.after:
        return said("{before} was left out", before=change.before)
    return said("{before} became {after}", before=change.before, after=change.after)


def _moved(value: float, after: float) -> Message:
    if after == value:
        return said("leaves the value at {value}", value=f"{value:.4g}")
    return said(
        "takes the value from {value} to {after} ({difference})",
        value=f"{value:.4g}",
        after=f"{after:.4g}",
        difference=f"{after - value:+.4g}".replace("-", "−"),
    )
