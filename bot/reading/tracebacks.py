"""Pasted tracebacks and error messages: where they stand, and what was raised."""

import re
from collections.abc import Sequence

from bot.reading.question import ReportedError
from bot.reading.text import Line

TRACEBACK_LINES = 200

_HEADER = re.compile(
    r"\s*(?:Traceback \(most recent call last\)|-{20,}|Cell In\s?\[\d+\], line|File \"[^\"]{1,300}\", line \d+, in \S)"
)
_RAISED = re.compile(
    r"\s*(?:E\s+|\*\*\*\s+)?((?:[A-Za-z_]\w*\.){0,4}[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Iteration))\s*(?::\s*(.*))?$"
)
_WITHIN = re.compile(
    r"(?<![A-Za-z0-9_])((?:[A-Za-z_]\w*\.){0,4}[A-Z][A-Za-z]*(?:Error|Exception|Warning))\s*[:：]\s*([ -~]{3,400})"
)
_TYPES = {"runtime": "RuntimeError", "value": "ValueError", "index": "IndexError"}
_KNOWN = re.compile(
    r"(?P<runtime>element 0 of tensors does not require grad(?: and does not have a grad_fn)?|"
    r"grad can be implicitly created only for scalar outputs|"
    r"[Tt]rying to backward through the graph a second time|"
    r"modified by an inplace operation|Can't call numpy\(\) on Tensor that requires grad|"
    r"Boolean value of Tensor with more than one value is ambiguous|"
    r"mat1 and mat2 shapes cannot be multiplied \(\d+x\d+ and \d+x\d+\)|"
    r"[Tt]he size of tensor a \(\d+\) must match the size of tensor b \(\d+\) at non-singleton dimension \d+|"
    r"Expected target size \[[\d, ]+\], got \[[\d, ]+\]|"
    r"0D or 1D target tensor expected, multi-target not supported|multi-target not supported|"
    r"only batches of spatial targets supported \([^()\n]{3,40}\)[^\n]{0,60}|"
    r"all elements of (?:input|target) should be between 0 and 1|"
    r"[Ee]xpected (?:object of )?scalar type \w+ but (?:got scalar type|found) \w+)|"
    r"(?P<value>Expected input batch_size \(\d+\) to match target batch_size \(\d+\)|"
    r"Target size \(torch\.Size\(\[[\d, ]+\]\)\) must be the same as input size \(torch\.Size\(\[[\d, ]+\]\)\))|"
    r"(?P<index>Target -?\d+ is out of bounds)"
)
_FRAME = re.compile(r"\s*(?:File \".*\", line \d+|[-~^]+>?\s*\d*|<ipython-input.*|\d+ |/\S+\.py)")
_SHOWN = re.compile(
    r'^\s*File "(?P<path>[^"\n]{1,300})", line \d+.*\n\s*(?P<shown>\S.*)$|^-{2,}> *\d+ (?P<marked>.*\S.*)$', re.M
)
_NUMBERED = re.compile(r"(?:-{2,}> ?|\s{4,})\d{1,4}(?: (?P<code>.*))?$")
_INSTALLED = re.compile(r"site-packages|dist-packages|lib/python\d|(?:^|[\\/])torch[\\/]")
_WARNED = re.compile(r"^\S{1,200}\.py:\d+:\s*")


def traceback_end(lines: Sequence[Line], first: int) -> int:
    """Index after the traceback or raised line that begins at `first`; `first` itself where none does."""
    text = _WARNED.sub("", lines[first].text)
    if _RAISED.match(text):
        return first + 1
    if not _HEADER.match(text) or (set(text.strip()) == {"-"} and not _frames_follow(lines, first)):
        return first
    for at in range(first + 1, min(len(lines), first + TRACEBACK_LINES)):
        if _RAISED.match(lines[at].text) and not lines[at].text.startswith("    "):
            return at + 1
    return _frames_end(lines, first + 1)


def _frames_follow(lines: Sequence[Line], first: int) -> bool:
    following = "\n".join(line.text for line in lines[first + 1 : first + 4])
    return "Traceback" in following or "ipython-input" in following


def _frames_end(lines: Sequence[Line], at: int) -> int:
    while at < len(lines) and (_FRAME.match(lines[at].text) or lines[at].text.startswith("  ")):
        at += 1
    return at


def raised(text: str) -> ReportedError | None:
    """The last exception named in a traceback, with its message."""
    for line in reversed(text.split("\n")):
        if match := _RAISED.match(_WARNED.sub("", line)):
            name, message = match.group(1).rpartition(".")[2], (match.group(2) or "").strip()
            return ReportedError(name, message, frames(text))
    return None


def frames(text: str) -> tuple[str, ...]:
    """The lines of code that a traceback shows of files which no package installed, outermost first."""
    found = [match.group("path", "shown", "marked") for match in _SHOWN.finditer(text)]
    return tuple((shown or marked).strip() for path, shown, marked in found if not _INSTALLED.search(path or ""))


def cell(lines: Sequence[Line]) -> tuple[tuple[str, int], ...]:
    """The code of the asker's cell that a notebook's traceback shows, each line with its line of the message.

    IPython prints the lines around the one that raised, with their numbers; the first frame is the asker's own.
    """
    found: list[tuple[str, int]] = []
    for line in lines:
        match = _NUMBERED.match(line.text)
        if match:
            found.append((match.group("code") or "", line.number))
        elif found:
            break
    return tuple(found)


def mentioned(prose: str) -> list[tuple[ReportedError, tuple[int, int]]]:
    """Every "SomethingError: message" inside a sentence, and where it stands; messages are ASCII.

    Also the messages that torch is known for, without the name of their exception.
    """
    named = [
        (ReportedError(match.group(1).rpartition(".")[2], match.group(2).strip(" .")), match.span())
        for match in _WITHIN.finditer(prose)
    ]
    spans = [span for _, span in named]
    known = [
        (ReportedError(_TYPES[match.lastgroup or ""], match.group()), match.span())
        for match in _KNOWN.finditer(prose)
        if not any(start <= match.start() < end for start, end in spans)
    ]
    return sorted([*named, *known], key=lambda each: each[1])
