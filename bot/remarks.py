"""What the bot adds to an explanation: what it did to the message before running it, and what else it ran."""

from __future__ import annotations

from collections.abc import Iterator

from bot.exchange import Other
from bot.reading.question import Origin, Question, Snippet
from explainers.messages import Message, said


def supplied(snippet: Snippet) -> tuple[str, ...]:
    """The lines that we ran before the snippet."""
    return tuple(each.code for each in snippet.completions if each.what in ("import", "name"))


def preface(question: Question, snippet: Snippet) -> Iterator[Message]:
    """What must be known before anything else."""
    if snippet.origin is Origin.COMPLETED and question.missing:
        yield said(
            "I can't run your code, because nothing defines {names}. This is an example of ours: {code}",
            names=", ".join(question.missing),
            code=snippet.source,
        )
    elif snippet.origin is Origin.COMPLETED:
        yield said("Your message holds no code, so this is an example of ours: {code}", code=snippet.source)


def remarks(question: Question, snippet: Snippet) -> Iterator[Message]:
    """What an asker must know of how their message was taken."""
    for assumed in (each.name for each in snippet.completions if each.what == "loss"):
        yield said("Your message names no loss, so I took it to be {loss}.", loss=assumed)
    repaired = [each.code for each in snippet.completions if each.what not in ("import", "name", "left-out", "loss")]
    if repaired:
        yield said("I repaired what could not run as it stood: {lines}", lines="; ".join(repaired))
    dropped = [each.code for each in snippet.completions if each.what == "left-out"]
    if dropped:
        yield said("I left out what raises, because you went on after it: {lines}", lines="; ".join(dropped))
    if question.left_out:
        yield said("I could not read these files: {names}.", names=", ".join(question.left_out))


def shown(others: tuple[Other, ...]) -> Iterator[Message]:
    """The values of the message's further programs."""
    for other in others:
        yield said("Your other code: {expression} gives {value}.", expression=other.expression, value=_short(other))


def _short(other: Other) -> str:
    return f"{other.value:.4g}" if isinstance(other.value, float) else str(other.value)
