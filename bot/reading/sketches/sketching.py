"""A snippet that lacks names, or only defines its loss → versions of it that run, on numbers made up for it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import msgspec

from bot.reading.lexing import parsed
from bot.reading.losses import MODULES, loss_words
from bot.reading.question import Completion, ReportedError, Snippet
from bot.reading.sketches.calling import called, is_of_backward, with_asked, with_backward
from bot.reading.sketches.sizes import (
    shapes_of_clash,
    shapes_of_error,
    shapes_of_views,
    smaller,
    stated_shapes,
    stated_whole,
)
from bot.reading.sketches.tensors import LARGEST, Scenario, Sort, fits, input_sort, made, scenarios
from bot.reading.sketches.uses import OPTIONS, STEPS, Use, Uses, called_part, read_first, use_of_name, uses
from bot.reading.snippets import lacked
from bot.reading.statements import bound_names

_ASSUMED = "cross_entropy"
_REFUSED_BY = {
    "incorrect results due to broadcasting": "mse_loss",
    "is different to the input size": "binary_cross_entropy",
    "must be the same as input size": "binary_cross_entropy_with_logits",
}
"""Words of a message → the loss that it comes from, where none is named."""

_AN_OPTIMIZER = re.compile(r"^opt(?:imi[sz]er)?(?:_\w+)?$|optim", re.I)

MOST = 6
"""Versions of a snippet that are tried."""

Shape = tuple[int, ...]

_CLASSES = {function: module for module, function in reversed(MODULES.items())}


def sketches(
    found: Snippet, losses: Sequence[str], prose: str, error: ReportedError | None = None
) -> tuple[Snippet, ...]:
    """Versions of the snippet with made-up values for the names that it lacks, the likeliest first.

    Where it only defines what computes the loss, a call of it is added; the shapes are those that the prose, comments
    or the error name. () where there is nothing to make up, or a loss that torch does not have.
    """
    own = called(found.source)
    if error is not None and is_of_backward(error.message):
        own = replace(own, source=with_backward(own.source))
    own = replace(own, source=with_asked(own.source, prose))
    tree = parsed(own.source)
    names = lacked(msgspec.structs.replace(found, source=own.source))
    names = tuple(dict.fromkeys((*names, *read_first(tree)))) if tree else ()
    if tree is None or not names:
        return ()
    told = [*losses, *loss_words(own.source)]
    known = uses(tree, names, next((each for each in told if each in _CLASSES), next(iter(told), "")))
    known, assumed = _with_loss(known, error)
    if known is None:
        return ()
    every = tuple(dict.fromkeys((*names, *bound_names(own.source))))
    shapes = {**shapes_of_views(tree, names), **stated_shapes(prose, own.source, every), **own.shapes}
    shapes = smaller(shapes, error.message if error is not None else "", LARGEST // 10)
    whole = frozenset(name for name in every if stated_whole(prose, name))
    named = (shapes_of_error(error.message) or shapes_of_clash(error.message, prose)) if error else None
    if not all(fits(shape) for shape in (*shapes.values(), *(named or ()))):
        return ()
    version = _with_call(msgspec.structs.replace(found, completions=(*found.completions, *assumed)), own.source)
    tried = dict.fromkeys(_as_stated(known, shapes, each, named) for each in scenarios(known.loss)[:MOST])
    return tuple(dict.fromkeys(_filled(version, Stated(known, shapes, whole), each) for each in tried))


def _with_loss(known: Uses, error: ReportedError | None) -> tuple[Uses | None, tuple[Completion, ...]]:
    """The uses with a loss for a criterion that nobody defines, and that it was assumed.

    No uses where the criterion is one that torch does not have, or where nothing but its name tells which it is.
    """
    criteria = [name for name, use in known.of.items() if use is Use.LOSS]
    if not any(use is Use.LOSS for use in known.of.values()) and not _asks_loss(known):
        return known, ()
    if known.loss in _CLASSES:
        return known, ()
    if known.loss or any(name[0].isupper() for name in criteria):
        return None, ()
    message = error.message if error is not None else ""
    assumed = next((loss for words, loss in _REFUSED_BY.items() if words in message), _ASSUMED)
    return replace(known, loss=assumed, fed=known.fed), (Completion("loss", assumed, ""),)


def _asks_loss(known: Uses) -> bool:
    """Whether a loss is an attribute of something that nobody defines."""
    parts = (part for held in known.parts.values() for part in held if part.endswith("()"))
    return any(called_part(part[:-2]) is Use.LOSS for part in parts)


def _with_call(found: Snippet, source: str) -> Snippet:
    """The snippet with the call that was added as its last line."""
    if source == found.source:
        return found
    added = source.count("\n") - found.source.count("\n")
    call = Completion("call", "", source.rpartition("\n")[2])
    return msgspec.structs.replace(
        found,
        source=source,
        shown=True,
        line_map=(*found.line_map, *found.line_map[-1:] * added),
        completions=(*found.completions, call),
    )


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of the names: their uses, and what the message says of their shapes and of whole numbers."""

    known: Uses
    shapes: dict[str, Shape]
    whole: frozenset[str]


def _filled(found: Snippet, stated: Stated, scenario: Scenario) -> Snippet:
    """The snippet with the lines that make up each name it lacks."""
    order = sorted(stated.known.of.items(), key=lambda each: _optimized(each[0], stated.known) is not None)
    lines = [Completion("made-up", name, line) for name, use in order for line in _lines(name, use, stated, scenario)]
    return msgspec.structs.replace(found, completions=(*found.completions, *lines))


def _as_stated(
    known: Uses, shapes: dict[str, Shape], scenario: Scenario, named: tuple[Shape, Shape] | None
) -> Scenario:
    """The scenario with the shapes that the message states; what it does not state goes with them."""
    if named is not None:
        sort = Sort.INDICES if len(named[1]) < len(named[0]) else scenario.sort
        return replace(scenario, input=named[0], target=named[1], sort=sort)
    of = {use: shapes[name] for name, use in (*known.of.items(), *known.roles.items()) if name in shapes}
    given, aim = of.get(Use.INPUT), of.get(Use.TARGET)
    if given is None and aim is None:
        return scenario
    if given is None:
        given = aim if aim is not None and scenario.input == scenario.target else scenario.input
    each_item = given[:1] + given[2:] if scenario.sort is Sort.INDICES else given
    return replace(scenario, input=given, target=aim or each_item)


def _lines(name: str, use: Use, stated: Stated, scenario: Scenario) -> Iterator[str]:
    known = stated.known
    match use:
        case Use.LOSS:
            yield f"{name} = {_criterion(known.loss)}"
        case Use.COUNT:
            yield f"{name} = {_count(name, stated, scenario)}"
        case Use.OPTION:
            yield f"{name} = {OPTIONS[name]}"
        case Use.TOTAL:
            yield f"{name} = 0.0"
        case Use.MODEL:
            yield from _model(name, known, scenario)
        case Use.BATCHES:
            yield f"{name} = {_batches(name, stated, scenario)}"
        case Use.OBJECT:
            yield from _object(name, known, scenario)
        case Use.INPUT | Use.TARGET if name in known.indices:
            one_each = scenario.input[:1] + scenario.input[2:]
            yield f"{name} = {made(Sort.INDICES, stated.shapes.get(name, one_each), scenario.classes)}"
        case Use.INPUT | Use.TARGET | Use.PROBABILITY if name in known.shares and len(scenario.input) > 1:
            yield f"{name} = {made(Sort.DISTRIBUTION, stated.shapes.get(name, scenario.input), scenario.classes)}"
        case Use.INPUT | Use.TARGET | Use.WEIGHT | Use.PROBABILITY | Use.LOG_PROBABILITY:
            yield f"{name} = {_tensor(use, known.fed, scenario, stated.shapes.get(name), name in stated.whole)}"
        case _:
            assert_never(use)


def _count(name: str, stated: Stated, scenario: Scenario) -> int:
    """The length of the axis that it counts, else the number of classes."""
    tensor, axis = stated.known.lengths.get(name, ("", 0))
    of_target = stated.known.roles.get(tensor) is Use.TARGET
    shape = stated.shapes.get(tensor, scenario.target if of_target else scenario.input) if tensor else ()
    return shape[axis] if axis < len(shape) else scenario.classes


def _criterion(loss: str) -> str:
    return f"torch.nn.{_CLASSES.get(loss, 'CrossEntropyLoss')}()"


def _tensor(use: Use, loss: str, scenario: Scenario, shape: tuple[int, ...] | None = None, whole: bool = False) -> str:
    if use is Use.WEIGHT:
        return f"torch.arange(1.0, {scenario.classes + 1})"
    if use is Use.TARGET:
        return made(Sort.WHOLE if whole else scenario.sort, shape or scenario.target, scenario.classes)
    sort = {Use.PROBABILITY: Sort.PROBABILITIES, Use.LOG_PROBABILITY: Sort.LOG_PROBABILITIES}.get(use, input_sort(loss))
    return made(sort, shape or scenario.input, scenario.classes)


def _model(name: str, known: Uses, scenario: Scenario) -> Iterator[str]:
    """A module that gives the same made-up predictions, its parameter, whatever it is called with."""
    made_up = _tensor(Use.INPUT, known.fed, scenario).replace(", requires_grad=True", "")
    yield f"{name} = torch.nn.Module()"
    yield f"{name}.out = torch.nn.Parameter({made_up})"
    yield f"{name}.forward = lambda *given: {name}.out"


def _batches(name: str, stated: Stated, scenario: Scenario) -> str:
    """One batch of an input and a target, behind the keys that are read of it."""
    target = _tensor(Use.TARGET, stated.known.fed, scenario, whole=bool(stated.whole))
    batch = f"[({made(Sort.SCORES, scenario.input, 0)}, {target})]"
    held = [key[2:-2] for key in stated.known.parts[name] if key.startswith("['")]
    return f"{{{', '.join(f'{key!r}: {batch}' for key in held)}}}" if held else batch


def _object(name: str, known: Uses, scenario: Scenario) -> Iterator[str]:
    """Something with the attributes and keys that are read of it; an optimizer that only steps does so."""
    if (model := _optimized(name, known)) is not None:
        yield f"{name} = torch.optim.SGD({model}.parameters(), lr=0.1)"
        return
    keys = [part[2:-2] for part in known.parts[name] if part.startswith("['")]
    if keys:
        held = ", ".join(f"{key!r}: {_part(key, known, scenario)}" for key in keys)
        yield f"{name} = {{{held}}}"
        return
    yield f"{name} = torch.nn.Module()"
    for part in known.parts[name]:
        yield f"{name}.{part.removesuffix('()')} = {_attribute(part, known, scenario)}"


def _optimized(name: str, known: Uses) -> str | None:
    """The one model that an optimizer of this name steps whose gradients it never clears, so that the steps show it."""
    models = [each for each, use in known.of.items() if use is Use.MODEL]
    steps = tuple(known.parts.get(name, ())) == ("step()",)
    return models[0] if steps and len(models) == 1 and _AN_OPTIMIZER.search(name) else None


def _attribute(part: str, known: Uses, scenario: Scenario) -> str:
    if not part.endswith("()"):
        return _part(part, known, scenario)
    match called_part(part[:-2]):
        case Use.LOSS:
            return _criterion(known.loss)
        case Use.MODEL | Use.OBJECT if part[:-2] not in STEPS:
            return f"(lambda made: lambda *given: made)({_tensor(Use.INPUT, known.fed, scenario)})"
        case _:
            return "lambda *given: None"


def _part(name: str, known: Uses, scenario: Scenario) -> str:
    if name in OPTIONS:
        return OPTIONS[name]
    use = use_of_name(name) or Use.INPUT
    return str(scenario.classes) if use is Use.COUNT else _tensor(use, known.fed, scenario)
