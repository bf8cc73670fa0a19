"""What the bot adds to an explanation: what it did to the message before running it, and what else it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot import stopped
from bot.differences import difference
from bot.exchange import Answer, Other
from bot.places import sources
from bot.reading.building import built_of_data
from bot.reading.files import is_picture
from bot.reading.question import Completion, Origin, Question, Snippet
from explainers.messages import Message, said

_SAID_APART: Final = (
    *("import", "name", "left-out", "loss", "framework", "given", "file", "shape"),
    *("made-up", "call"),
)

_CHECKED: Final = frozenset(("IndexError", "ValueError", "RuntimeError"))
"""What torch raises that checks what it is given."""

_RUNS_THROUGH: Final = ("nan", "inf", "negative", "random")
"""What is said of the value of a program that does not stop."""


def supplied(snippet: Snippet) -> tuple[str, ...]:
    """The lines that we ran before the snippet."""
    return tuple(each.code for each in snippet.completions if each.what in ("import", "name"))


def preface(question: Question, snippet: Snippet) -> Iterator[Message]:
    """What must be known before anything else."""
    if snippet.origin is Origin.LITERAL and (built := built_of_data(question.text)) is not None:
        yield stopped.built_of_data(*built)
    if made_up := [each for each in snippet.completions if each.what == "made-up"]:
        yield said(
            "Nothing defines {names}, so I ran your code on numbers made up for it, which are not yours:\n{code}",
            names=", ".join(dict.fromkeys(each.name for each in made_up)),
            code="\n".join(each.code for each in made_up),
        )
        if hidden := [each.name for each in made_up if each.name in question.cut]:
            yield stopped.cut(tuple(dict.fromkeys(hidden))).verdict
    if snippet.origin is Origin.COMPLETED and question.cut:
        yield said(
            "I can't run your code, because what you printed of {names} is cut off (...). "
            "This is an example of ours:\n{code}",
            names=", ".join(question.cut),
            code=snippet.source,
        )
    elif snippet.origin is Origin.COMPLETED and question.missing:
        yield said(
            "I can't run your code, because nothing defines {names}. This is an example of ours:\n{code}",
            names=", ".join(question.missing),
            code=snippet.source,
        )
    elif snippet.origin is Origin.COMPLETED and question.subject is None and question.fails and question.traceback:
        yield said(
            "Your message holds no code. The likeliest cause of the message is shown by an example of ours:\n{code}",
            code=snippet.source,
        )
    elif snippet.origin is Origin.COMPLETED and question.subject is not None:
        yield said("I can't run your code as it stands, so this is an example of ours:\n{code}", code=snippet.source)
    elif snippet.origin is Origin.COMPLETED:
        yield said("Your message holds no code, so this is an example of ours:\n{code}", code=snippet.source)


def remarks(question: Question, snippet: Snippet) -> Iterator[Message]:
    """What an asker must know of how their message was taken."""
    yield from sources(question, snippet)
    for assumed in (each.name for each in snippet.completions if each.what == "loss"):
        yield said("Your message names no loss, so I took it to be {loss}.", loss=assumed)
    yield from _of_frameworks(question, snippet)
    if question.traceback is not None and "device-side assert" in question.traceback.message:
        yield said(
            "A device-side assert is a check that failed inside a GPU kernel: mostly a label or an index beyond its "
            "range, or numbers outside of 0 to 1 for binary_cross_entropy. The GPU names neither the line nor the "
            "number; run on the CPU, the same code does. If nothing is raised there, these numbers are in range: "
            "look at labels.min() and labels.max() of the batch that fails."
        )
    repaired = [each for each in snippet.completions if each.what not in _SAID_APART]
    if repaired:
        codes = [each.code for each in repaired]
        last = [code for code in dict.fromkeys(codes) if not any(c != code and c.startswith(code) for c in codes)]
        what = _joined([_repair(each) for each in {each.what: each for each in repaired}.values()])
        yield said("I repaired what could not run as it stood ({what}): {lines}", what=what, lines="; ".join(last))
    given = [each.code for each in snippet.completions if each.what == "given"]
    if given:
        yield said(
            "I put in what your message shows, where the code needs what nobody defines: {lines}",
            lines="; ".join(given),
        )
    if has_random_stand_ins(snippet):
        yield said(
            "You state shapes and no numbers, so I made up random ones: look at the shapes and the cause, not at the "
            "digits."
        )
    files = dict.fromkeys(each.name for each in snippet.completions if each.what == "file")
    if values := [name for name in files if not name.endswith(".py")]:
        yield said("I put the values of {names} where your code loads them.", names=", ".join(values))
    if modules := [name for name in files if name not in values]:
        yield said("I put the code of {names} where your code imports it.", names=", ".join(modules))
    if any(each.what == "shape" for each in snippet.completions):
        yield said("I gave the target the shape of the input, because the loss raises otherwise.")
    for added in (each.code for each in snippet.completions if each.what == "call"):
        yield said("I added the call: {line}", line=added)
    left_out = [each for each in snippet.completions if each.what == "left-out"]
    magics = [each.code for each in left_out if each.code.startswith(("%", "!"))]
    if magics:
        yield said("I left out what only IPython knows: {lines}", lines="; ".join(magics))
    if dropped := [each.code for each in left_out if each.code not in magics]:
        yield said("I left out what raises, because you went on after it: {lines}", lines="; ".join(dropped))
    pictures = [name for name in question.left_out if is_picture(name)]
    if pictures:
        yield said("I can't read pictures: paste what {names} shows as text.", names=", ".join(pictures))
    if others := [name for name in question.left_out if name not in pictures]:
        yield said("I could not read these files: {names}.", names=", ".join(others))
    if question.unused:
        yield said(
            "I used none of the numbers in {names}: no line of yours loads them, and your message does not say what "
            "they are to the loss.",
            names=", ".join(question.unused),
        )


def unraised(question: Question, answer: Answer, torch: str) -> Iterator[Message]:
    """That the exception which the message shows is none in the torch that runs here."""
    reported = question.traceback
    if reported is not None and not reported.type.endswith("Warning") and answer.error is None:
        yield said(
            "Your message shows {type}. What I ran raises nothing in torch {version}: an older version does, where "
            "this has been changed since, or other code than this.",
            type=reported.type,
            version=torch,
        )


def raises_today(question: Question, answer: Answer, torch: str) -> Iterator[Message]:
    """That what gave the asker numbers raises in the torch that runs here."""
    error, gave = answer.error, any(each.kind == "printed" or each.value in _RUNS_THROUGH for each in question.claims)
    if error is None or error.type not in _CHECKED or question.traceback is not None or not gave:
        return
    yield said(
        "You show numbers and no {type}: an older version of torch ran this without the check that torch {version} "
        "makes. Its number means nothing.",
        type=error.type,
        version=torch,
    )
    if "out of bounds" in error.message:
        yield said(
            "It was read from memory beside the row, so it can be anything, also negative, and another number at "
            "each call."
        )


def has_random_stand_ins(snippet: Snippet) -> bool:
    """Whether it runs on random numbers of shapes that the message states."""
    return _is_random(snippet, "name", "given")


def has_random_numbers(snippet: Snippet) -> bool:
    """Whether it runs on random numbers of ours, whoever chose their shapes: its digits are nobody's."""
    return _is_random(snippet, "name", "given", "made-up")


def _is_random(snippet: Snippet, *whats: str) -> bool:
    return any("torch.rand" in each.code for each in snippet.completions if each.what in whats)


def _repair(completion: Completion) -> Message:
    """What was done, in a few words."""
    match completion.what:
        case "parenthesis":
            return said("a missing or surplus bracket {sign}", sign=completion.name)
        case "quote":
            return said("a string that was not closed")
        case "character":
            return said("characters that Python does not know: {signs}", signs=completion.name)
        case "tab":
            return said("tabs among blanks")
        case "indent":
            return said("indentation")
        case "return":
            return said("return outside of a function")
        case _:
            return said("print without brackets")


def _joined(found: Sequence[Message]) -> Message:
    """The messages one behind the other."""
    first, *others = found
    return said("{first}; {others}", first=first, others=_joined(others)) if others else first


def _of_frameworks(question: Question, snippet: Snippet) -> Iterator[Message]:
    """That the program is a translation, and how the losses of other frameworks differ from torch's."""
    if any(each.what == "framework" for each in snippet.completions):
        yield said("I translated your code into torch: {code}", code=snippet.source)
    for foreign in {each.difference: each for each in question.foreign}.values():
        yield difference(foreign)


def shown(question: Question, others: tuple[Other, ...]) -> Iterator[Message]:
    """The values of the message's further programs, and of those that we wrote beside them."""
    ours = {c.code for each in question.snippets for c in each.completions if c.what == "framework"}
    for other in others:
        if other.error is not None:
            yield said(
                "Your other code: {expression} stops with {type}: {message}",
                expression=other.expression,
                type=other.error.type,
                message=other.error.message,
            )
            continue
        if other.expression in ours:
            yield said(
                "Written in torch, {expression} gives {value}.", expression=other.expression, value=_short(other)
            )
            continue
        yield said("Your other code: {expression} gives {value}.", expression=other.expression, value=_short(other))


def _short(other: Other) -> str:
    return f"{other.value:.4g}" if isinstance(other.value, float) else str(other.value)
