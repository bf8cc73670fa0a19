"""Code inside a sentence: "F.huber_loss(torch.tensor([2., .1]), torch.zeros(2)) gives 0.44"."""

import ast
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.reading.frameworks.definitions import KERAS_CLASSES
from bot.reading.frameworks.translation import translated
from bot.reading.lexing import parsed
from bot.reading.losses import MODULES, beside_losses, functions
from bot.reading.names import completed, unbound
from bot.reading.outputs import values_only
from bot.reading.snippets import name_of, names_loss
from bot.reading.statements import Strength, bound_names, strength
from bot.reading.text import as_prose, blanked

MOST_PROGRAMS = 32
_REDUCING = frozenset(("mean", "sum"))
MAX_LENGTH = 2000

_LOSSES = "|".join(sorted({*MODULES, *functions()}, key=len, reverse=True))
_FOREIGN = "|".join(sorted((*KERAS_CLASSES, "log_loss"), key=len, reverse=True))
_PACKAGES = "tf|tensorflow|keras|optax|sklearn|metrics|scipy"
_START = re.compile(
    rf"(?<![\w.])(?:(?P<name>[A-Za-z_]\w{{0,40}})\s?=\s?(?=\[|[A-Za-z_]\w{{0,40}}\.[A-Za-z_][\w.]{{0,80}}\(|{_LOSSES})|"
    rf"(?!torch\.Size\()(?:torch|nn|F|np|{_PACKAGES})\.[\w.]+\(|(?:{_LOSSES}|{_FOREIGN})\()"
)
_TICKED = re.compile(r"`([^`\n]{3,400})`")
_NEXT = re.compile(r"\(|\[|\.[A-Za-z_]\w*(?=\()|[\w.]+(?=\()")
_PAIRS = {"(": ")", "[": "]"}
_BRACKET = re.compile(r"[()\[\]]")


@dataclass(frozen=True, slots=True)
class Inline:
    """An expression or assignment at text[start:end] that parses."""

    source: str
    start: int
    end: int


def inline_code(text: str) -> tuple[Inline, ...]:
    """Code between backticks, calls of losses and of torch, and assignments of values inside prose, in order."""
    prose = as_prose(text)
    ticked = [Inline(m.group(1).strip(), m.start(1), m.end(1)) for m in _TICKED.finditer(prose)]
    found = [each for each in ticked if strength(each.source) is Strength.STRONG and not values_only(each.source)]
    found += _bare(blanked(prose, [(each.start, each.end) for each in found]))
    modules = {name for each in found if names_loss(each.source) for name in bound_names(each.source)}
    rest = blanked(prose, [(each.start, each.end) for each in found])
    return tuple(sorted([*found, *calls_of(modules, rest)], key=lambda each: each.start))


def _bare(prose: str) -> list[Inline]:
    found: list[Inline] = []
    closings, at = _closings(prose), 0
    while start := _START.search(prose, at):
        end = _expression_end(prose, start.end() if start.group("name") else start.end() - 1, closings)
        source = prose[start.start() : end]
        if end > start.end() and parsed(source):
            found.append(Inline(source, start.start(), end))
        at = max(end, start.end()) if end > start.end() else start.end()
    return found


def calls_of(names: Collection[str], text: str) -> tuple[Inline, ...]:
    """Calls of what the asker's code defines, in prose: "and it's called as focal_loss(x, 2.)"."""
    prose = as_prose(text)
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})\(") if names else None
    starts, closings = pattern.finditer(prose) if pattern else (), _closings(prose)
    found = (Inline(prose[m.start() : end], m.start(), end) for m in starts if (end := closings.get(m.end() - 1)))
    return tuple(each for each in found if parsed(each.source))


def programs(found: Sequence[Inline]) -> tuple[tuple[Inline, ...], ...]:
    """A program for each expression that computes a loss: the assignments that it needs, in order, then itself.

    Where none does, those count that compute one of the functions beside the losses of numbers they hold, else those
    that reduce what functions of torch make to one number, as a loss written by hand does. The same
    expression written again is no other program; MOST_PROGRAMS at most.
    """
    binders = {name: each for each in found for name in bound_names(each.source)}
    first = {each.source: each for each in reversed(found)}
    once = [each for each in found if first[each.source] is each]
    computing = [each for each in once if _names_loss(each.source) and _computes(each.source)]
    computing = computing or [each for each in once if _is_beside_losses(each.source)]
    computing = computing or [each for each in once if _is_formula(each.source)]
    return tuple((*_needed(each, binders), each) for each in itertools.islice(computing, MOST_PROGRAMS))


def _names_loss(source: str) -> bool:
    """Whether it computes a loss of torch by its name, or one of another framework that is known."""
    return names_loss(source) or bool((found := translated(source)) and found.losses)


def _is_beside_losses(source: str) -> bool:
    """Whether it calls softmax, pairwise_distance or another function people ask about, and can be run as it stands."""
    tree = parsed(source)
    value = getattr(tree.body[-1], "value", None) if tree else None
    return isinstance(value, ast.Call) and name_of(value.func) in beside_losses() and not completed(unbound(source))[1]


def _is_formula(source: str) -> bool:
    """Whether it is a mean or a sum of what other calls of torch compute: "torch.log(torch.abs(a - b)).mean()"."""
    tree = parsed(source)
    value = getattr(tree.body[-1], "value", None) if tree else None
    if not isinstance(value, ast.Call) or name_of(value.func) not in _REDUCING:
        return False
    inner = [node for node in ast.walk(value) if isinstance(node, ast.Call) and node is not value]
    return any(ast.unparse(node.func).startswith(("torch.", "F.")) for node in inner)


def _computes(source: str) -> bool:
    """Whether it is more than a loss module that nobody has called."""
    tree = parsed(source)
    value = getattr(tree.body[-1], "value", None) if tree else None
    module = isinstance(value, ast.Call) and not isinstance(value.func, ast.Call) and name_of(value.func) in MODULES
    return isinstance(value, ast.expr) and not module


def _needed(shown: Inline, binders: Mapping[str, Inline]) -> list[Inline]:
    """Assignments whose names it reads, directly or through others, in their order."""
    needed: list[Inline] = []
    waiting = [shown]
    while waiting:
        for name in unbound(waiting.pop().source):
            binder = binders.get(name)
            if binder is not None and binder is not shown and binder not in needed:
                needed.append(binder)
                waiting.append(binder)
    return sorted(needed, key=lambda each: each.start)


def _expression_end(prose: str, at: int, closings: Mapping[int, int]) -> int:
    """End of a chain of names, calls and subscripts that begins at `at`."""
    end = at
    while follow := _NEXT.match(prose, end):
        if follow.group() not in _PAIRS:
            end = follow.end()
            continue
        closing = closings.get(end)
        if closing is None:
            break
        end = closing
    return end


def _closings(prose: str) -> dict[int, int]:
    """Where what each bracket opens ends, MAX_LENGTH behind it at most."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for bracket in _BRACKET.finditer(prose):
        if bracket.group() in _PAIRS:
            opened.append(bracket.start())
        elif opened and bracket.end() - (start := opened.pop()) <= MAX_LENGTH:
            found[start] = bracket.end()
    return found
