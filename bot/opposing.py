"""Two losses that a question in words sets against each other: both of the same numbers of ours, and what has to be
done to the numbers for one to give what the other gives.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from bot.reading.arguments import ELEMENTWISE, INDEXED
from bot.reading.question import Question

_OF_BOTH: Final = 2
_OF_CLASSES: Final = "x = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 2])"
_OF_ENTRIES: Final = "x = torch.tensor([2.0, 0.5, -1.5, 0.2])\ny = torch.tensor([1.0, 0.0, 1.0, 0.0])"
_INPUTS: Final = ("x", "x.log_softmax(-1)", "x.softmax(-1)", "x.sigmoid()", "x.exp()", "x.log()")
_TARGETS: Final = ("y", "F.one_hot(y, 3).float()", "2 * y - 1")
_REDUCTIONS: Final = ("", ", reduction='batchmean'", ", reduction='sum'")
_HEAD: Final = "import torch\nimport torch.nn.functional as F\n"


def opposed(question: Question) -> tuple[str, str] | None:
    """The two losses of torch whose difference is asked about; None where no two are, or they take other things."""
    named = [loss for loss in question.loss_words if loss in INDEXED | ELEMENTWISE]
    wordy = question.subject is None and question.traceback is None and "difference" in question.topics
    return (named[0], named[1]) if wordy and len(named) == _OF_BOTH == len(question.loss_words) else None


def search(first: str, second: str) -> str:
    """A program that prints the calls of the second loss that give what the first gives, of these numbers and of
    others, and those that give any value; each is tried for itself, since a loss refuses numbers outside of its domain.
    """
    calls = list(_calls(second))
    return (
        f"{_HEAD}{_numbers(first, second)}\n"
        "def tried(call, x):\n"
        "    try:\n        return eval(call, globals(), {'x': x})\n"
        "    except (RuntimeError, ValueError, IndexError):\n        return None\n"
        f"wanted = [{_call(first, 'x', 'y', '')} for x in (x, 0.3 - 0.7 * x)]\n"
        f"given = {{call: [tried(call, each) for each in (x, 0.3 - 0.7 * x)] for call in {calls}}}\n"
        "ran = [call for call, values in given.items() if all(each is not None for each in values)]\n"
        "same = [call for call in ran if all(map(torch.allclose, given[call], wanted))]\n"
        "print([same, ran])\nwanted[0]"
    )


def found(printed: str) -> tuple[list[str], list[str]]:
    """Of what a search printed: the calls that give the same value, the simplest first, and those that gave any."""
    same, ran = ast.literal_eval(printed.strip())
    return same, ran


def program(first: str, second: str, same: list[str], ran: list[str]) -> str:
    """A program that shows the second loss of the numbers as plainly as it takes them, a call of it that is the same as
    the first, and the first."""
    plain = [call for call in ran if call.startswith(f"F.{second}(x, ")] if same else ran
    shown = dict.fromkeys((*plain[:1], *same[:1], _call(first, "x", "y", "")))
    return "\n".join((f"{_HEAD}\n{_numbers(first, second)}", *shown))


def _numbers(first: str, second: str) -> str:
    return _OF_CLASSES if {first, second} & INDEXED else _OF_ENTRIES


def _calls(loss: str) -> Iterator[str]:
    return (_call(loss, x, y, reduction) for y in _TARGETS for x in _INPUTS for reduction in _REDUCTIONS)


def _call(loss: str, x: str, y: str, reduction: str) -> str:
    return f"F.{loss}({x}, {y}{reduction})"
