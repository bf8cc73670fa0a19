"""Where in a message a piece of it stands, in words."""

from __future__ import annotations

from collections.abc import Iterator

from bot.reading.fences import regions
from bot.reading.question import Origin, Question, Snippet
from explainers.messages import Message, said


def place_of(question: Question, snippet: Snippet) -> Message:
    """The place of its first line."""
    if snippet.file is not None:
        return _file(snippet.file)
    return _line(question, snippet.line_map[0] if snippet.line_map else 1)


def sources(question: Question, snippet: Snippet) -> Iterator[Message]:
    """Where the program and its values came from; nothing where it is all of the message's code."""
    if snippet.origin is Origin.LITERAL:
        program = snippet.source.replace("\n", "; ")
        yield said("I wrote this program from {place}: {program}", place=place_of(question, snippet), program=program)
        return
    taken = [each for each in snippet.completions if each.place is not None]
    several = len({(each.file, each.line_map[:1]) for each in question.snippets}) > 1
    if not snippet.line_map or not (several or taken or snippet.file is not None):
        return
    found = said("I took the program from {place}", place=place_of(question, snippet))
    for place in dict.fromkeys(each.place for each in taken):
        names = ", ".join(each.name for each in taken if each.place == place)
        found = said("{before}; {names} from {place}", before=found, names=names, place=_of(question, place))
    yield said("{sources}.", sources=found)


def _of(question: Question, place: int | str | None) -> Message:
    return _file(place) if isinstance(place, str) else _line(question, place or 1)


def _file(name: str) -> Message:
    return said("the file {name}", name=name)


def _line(question: Question, line: int) -> Message:
    if line <= question.earlier:
        return said("the message before yours, line {line}", line=line)
    fences = [region for region in regions(question.text) if region.fenced]
    for number, region in enumerate(fences, start=1):
        if region.lines[0].number <= line <= region.lines[-1].number:
            return said("block {number}, line {line}", number=number, line=line - region.lines[0].number + 1)
    return said("line {line} of your message", line=line - question.earlier)
