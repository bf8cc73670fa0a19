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
    """A version, what it shows, what each of its changes alone shows, and what its own answer says first.

    `answered` is its answer in short, where it is a question of its own rather than a version; `causes` are the slugs
    of what was found in it.
    """

    version: Version
    other: Other
    alone: tuple[Other | None, ...]
    verdict: str = ""
    answered: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


def told(question: Question, explained: Snippet, value: Numbers | None, found: Compared) -> Iterator[Message]:
    """What changed between the explained program, of this value, and the other; nothing without two outcomes.

    An outcome is a number, nan or inf among them, or the exception that the other stops with.
    """
    version, other = found.version, found.other
    if found.answered:
        there = place_of(question, version.snippet)
        yield said("The code in {there}: {verdict}", there=there, verdict="\n".join(found.answered))
        return
    together = _moved(value, other)
    if not version.changes or together is None:
        return
    where = {"here": place_of(question, explained), "there": place_of(question, version.snippet)}
    if len(version.changes) == 1:
        yield said(
            "From the code in {here} to that in {there}, {change}: that alone {moved}.",
            **where,
            change=_said(version.changes[0]),
            moved=together,
        )
    else:
        yield said("From the code in {here} to that in {there}:", **where)
        for change, alone in zip(version.changes, found.alone, strict=True):
            moved = None if alone is None else _moved(value, alone)
            if moved is not None:
                yield said("- {change}: this alone {moved}.", change=_said(change), moved=moved)
            else:
                yield said("- {change}: this alone gives no value.", change=_said(change))
        yield said("All together {moved}.", moved=together)
    if found.verdict and not isinstance(other.value, float):
        yield said("The code in {there}: {verdict}", there=where["there"], verdict=found.verdict)


def _said(change: Change) -> Message:
    if not change.before:
        return said("{after} was added", after=change.after)
    if not change.after:
        return said("{before} was left out", before=change.before)
    return said("{before} became {after}", before=change.before, after=change.after)


def _moved(value: Numbers | None, other: Other) -> Message | None:
    """What the other shows instead of the value; None where one of both is no single number."""
    if not isinstance(value, float | str):
        return None
    if other.error is not None:
        return said("makes it stop with {type}", type=other.error.type)
    after = other.value
    if not isinstance(after, float | str):
        return None
    if after == value:
        return said("leaves the value at {value}", value=_written(value))
    if isinstance(value, str) or isinstance(after, str):
        return said("takes the value from {value} to {after}", value=_written(value), after=_written(after))
    return said(
        "takes the value from {value} to {after} ({difference})",
        value=_written(value),
        after=_written(after),
        difference=f"{after - value:+.4g}".replace("-", "−"),
    )


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
