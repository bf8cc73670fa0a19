"""What is said where a message got no explanation: what was read, where it stopped, and one thing to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, assert_never

from bot.exchange import Answer, Claim, Outcome, Paragraph
from bot.line import Exhausted, LineFull, OwnLineFull, TooMany, TurnedAway
from bot.reading.question import NeedsInput, NotAQuestion, Snippet, TooLong
from explainers.locale import Translator
from explainers.messages import Message, said


@dataclass(frozen=True)
class Stop:
    """Why there is no explanation, in one sentence that can be said in any language."""

    outcome: Outcome
    verdict: Message
    printed: str = ""


@dataclass(frozen=True)
class Asker:
    """Whom an answer is for and what is known of their message by now."""

    id: str
    locale: str
    claims: tuple[Claim, ...] = ()
    missing: tuple[str, ...] = ()


def answer(stop: Stop, asker: Asker, translator: Translator) -> Answer:
    """The Answer without its timings."""
    verdict = stop.verdict.say(translator)
    paragraphs = [Paragraph("verdict", verdict)]
    if stop.printed:
        heading = said("It had printed:").say(translator)
        paragraphs.append(Paragraph("printed", f"{heading}\n{stop.printed.rstrip()}"))
    return Answer(
        id=asker.id,
        outcome=stop.outcome,
        language=asker.locale,
        claims=asker.claims,
        missing=asker.missing,
        verdict=verdict,
        text="\n\n".join(each.text for each in paragraphs) + "\n",
        alt_text="",
        paragraphs=tuple(paragraphs),
    )


def of_reading(reading: NotAQuestion | NeedsInput | TooLong) -> Stop:
    """A message that nothing of is run."""
    match reading:
        case NotAQuestion(reason=reason):
            return Stop("not-a-question", _NO_QUESTION[reason])
        case NeedsInput(missing=missing, what=what):
            return undefined(missing) if what == "code" and missing != ("code",) else lacking(what)
        case TooLong(what=what, size=size, limit=limit):
            return too_long(said("Your message") if what == "message" else what, size, limit)
        case _:
            assert_never(reading)


def too_long(what: Message | str, size: int, limit: int) -> Stop:
    """More bytes than are read."""
    return Stop(
        "too-large",
        said(
            "{what} has {size} bytes, and I read {limit} at most: send only what computes the loss.",
            what=what,
            size=size,
            limit=limit,
        ),
    )


_NO_QUESTION: Final[Mapping[str, Message]] = {
    "empty": said("Your message is empty: send code, logits, a printed tensor or a traceback with a loss in it."),
    "small-talk": said("I found no question about a loss in your message: send the code that computes it."),
    "other-python": said("I read Python in your message, but nothing in it computes a loss: send the line that does."),
    "other-framework": said("The code in your message is not PyTorch: send it as torch code and I will explain it."),
    "no-loss": said("I found no loss in your message: send the code or the numbers it is computed from."),
}


def showed_nothing(what: Message) -> Message:
    """It ran to its end without a value to explain."""
    return said("I ran {what}, and it computes no loss: add the line that does.", what=what)


def built_of_data(name: str, given: str) -> Message:
    """A loss module was built of its input and target, and nothing is computed."""
    return said(
        "nn.{name}({given}) builds the loss and computes nothing: its arguments are options, not data. Build it "
        "first, then call what you have built: nn.{name}()({given}).",
        name=name,
        given=given,
    )


def undefined(names: tuple[str, ...]) -> Stop:
    """The code needs names that nobody defines."""
    return Stop(
        "needs-input",
        said(
            "I read your code, but nothing defines {names}: send the lines that do, or values of the same shape.",
            names=", ".join(names),
        ),
    )


def not_installed(names: tuple[str, ...]) -> Stop:
    """The code imports names from a module that is not where it is run: another library, or a file of the asker's."""
    return Stop(
        "needs-input",
        said(
            "I read your code, but {names} is imported from a module that I do not have: send the lines that define "
            "it, or put the numbers that it gives in its place.",
            names=", ".join(names),
        ),
    )


def cut(names: tuple[str, ...]) -> Stop:
    """The values of names that the code needs were printed in part."""
    return Stop(
        "needs-input",
        said(
            "What you printed of {names} is cut off (...): print it after "
            'torch.set_printoptions(profile="full"), or send a smaller example.',
            names=", ".join(names),
        ),
    )


def lacking(what: Literal["code", "target", "input", "loss", "picture", "file"]) -> Stop:
    """The one thing to ask for."""
    return Stop("needs-input", _LACKING[what])


_LACKING: Final[Mapping[str, Message]] = {
    "code": said("I read your question, but nothing to compute: send the code, or the input and target of the loss."),
    "target": said("I read the input in your message, but no target: send the target as well."),
    "input": said("I read the target in your message, but no input: send the input as well."),
    "picture": said("I can't read pictures, sorry: paste the code and its output as text, and I will gladly look."),
    "file": said("What you attached is no text that I can read: paste the code and its output into your message."),
    "loss": said("I read the numbers in your message, but not which loss is meant: name it, or send the code."),
}


def place(snippet: Snippet | None) -> Message:
    """What was run, by the lines it stands in."""
    if snippet is None or not snippet.line_map:
        return said("your message")
    first, last = min(snippet.line_map), max(snippet.line_map)
    where = snippet.file if snippet.file is not None else said("your message")
    if first == last:
        return said("line {first} of {where}", first=first, where=where)
    return said("lines {first} to {last} of {where}", first=first, last=last, where=where)


def busy(waiting: int) -> Stop:
    """As many wait as may."""
    return Stop("busy", said("{count} questions are waiting before yours: ask again in a minute.", count=waiting))


def turned_away(reason: TurnedAway) -> Stop:
    """Who may not even wait, and when they may ask again."""
    match reason:
        case LineFull(waiting=waiting):
            return busy(waiting)
        case OwnLineFull(waiting=waiting):
            return Stop(
                "busy",
                said("{count} of your questions are waiting already: ask again when they are answered.", count=waiting),
            )
        case Exhausted(seconds=seconds):
            return Stop(
                "busy",
                said(
                    "Your last questions took long to run, so others go first: ask again in {seconds} s.",
                    seconds=ceil(seconds),
                ),
            )
        case TooMany(seconds=seconds, of_guild=of_guild):
            where = said("this server") if of_guild else said("all servers together")
            return Stop(
                "busy",
                said(
                    "I got too many questions from {where}: ask again in {seconds} s.",
                    where=where,
                    seconds=ceil(seconds),
                ),
            )
        case _:
            assert_never(reason)


def late(what: Message, seconds: float) -> Stop:
    """We, not their program, took too long."""
    return Stop(
        "timed-out",
        said(
            "I ran {what}, but explaining it took over {seconds} s: try a smaller example.",
            what=what,
            seconds=f"{seconds:g}",
        ),
    )


def failed(what: Message) -> Stop:
    """A mistake of ours."""
    return Stop(
        "crashed", said("I ran {what}, but failed to explain it, which is my fault: try a smaller example.", what=what)
    )
