"""The typed steps of a derivation as numbered formulas."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, assert_never

import numpy as np
import sympy
from flint import arb

from explainers.cards.card import Chain, Step
from explainers.cards.notation import RelationSign
from explainers.derivation import (
    Alignments,
    Combination,
    Definition,
    Forward,
    Gradient,
    Quantity,
    Refused,
    Substitution,
)
from explainers.explanation import Explanation
from explainers.graph import unevaluated as un
from explainers.graph.exact import middle_of
from explainers.graph.lowering import Meaning
from explainers.graph.nodes import Binary, Node, OneHot, Softmax
from explainers.graph.symbols import Elided, Marked, NumberLabel, Role
from explainers.graph.symbols import Gradient as Nabla
from explainers.locale import Translator
from explainers.messages import Message, said
from explainers.reading import Reading, leading
from explainers.telling import alignments
from explainers.telling.numbers import full_label, is_in_full, label, relation
from explainers.telling.sections import legend
from explainers.telling.texts import joined, text

ELL = sympy.Symbol("ell")
LONGEST_GRADIENT = 6
MOST_ROWS = 4
MOST_SHOWN = 1000


def steps(explanation: Explanation, translator: Translator) -> tuple[Step, ...]:
    """The steps in order, as a card shows them."""
    made: list[Step] = []
    tabled = any(isinstance(step, Forward) for step in explanation.derivation.steps)  # which has the numbers
    ordered = list(explanation.derivation.steps)
    if _is_one_call(explanation):  # what a library loss is, then the scores that it is made of
        ordered.sort(key=lambda step: not isinstance(step, Definition))
    for step in ordered:
        match step:
            case Quantity():
                made += _quantity(step, translator, on_card=not tabled)
            case Definition():
                made.append(_definition(step, explanation, translator))
            case Alignments():
                made.append(alignments.listing(step, translator))
            case Forward():
                made.append(alignments.forward(step, translator))
            case Substitution():
                made += _substitution(step, translator)
            case Combination():
                made.append(_combination(step, translator))
            case Gradient():
                made += _gradient(step, explanation, translator)
            case Refused():
                made.append(Step(text(_refusal(step), translator)))
            case _:
                assert_never(step)
    return tuple(made)


def _is_one_call(explanation: Explanation) -> bool:
    """Whether all quantities are within one call of the library, whose definition comes first on a card."""
    return isinstance(explanation.reading, Reading) and len(explanation.reading.forms.composition.calls) == 1


def colours(explanation: Explanation) -> dict[Any, Role]:
    """ℓ in the loss's colour, what is picked by the target in the target's."""
    found: dict[Any, Role] = {ELL: Role.LOSS}
    for step in explanation.derivation.steps:
        if isinstance(step, Definition):
            for form in step.forms:
                picked = (entry for entry in form.atoms(sympy.Indexed) if any(_picks(i, step) for i in entry.indices))
                found |= dict.fromkeys(picked, Role.TARGET)
    return found


def _picks(index: Any, step: Definition) -> bool:
    """Whether an index is an integer input (a class index), not a letter that counts."""
    name = getattr(index, "name", None) or str(getattr(getattr(index, "base", None), "label", ""))
    return name in step.meaning.inputs


def _definition(step: Definition, explanation: Explanation, translator: Translator) -> Step:
    known = explanation.loss or explanation.equals
    title = known.heading if known else said("Definition: the formula as you wrote it")
    if explanation.equals is not None:
        title = said("Your formula is {name}", name=explanation.equals.name)
    lhs = _element(step.letters)
    chain = Chain(lhs, _equal(step.forms)) if step.forms else None
    letters = legend(explanation)
    said_of_it = (known.reading if known else None, letters)
    body = joined(translator, *(text(message, translator) for message in said_of_it if message is not None))
    return Step(text(title, translator), chain, body)


def _quantity(step: Quantity, translator: Translator, *, on_card: bool) -> list[Step]:
    """name = formula, then the number at the shown place."""
    base = sympy.IndexedBase(step.symbol)
    whole = sympy.Indexed(base, *step.letters) if step.letters else sympy.Symbol(step.symbol)
    title = text(said("{name}, as the program computes it", name=step.symbol), translator)
    put = [] if step.put is None or _is_number(step.put) else [_put(step.put, step.meaning)]
    value = step.entries.at(step.place)
    number = middle_of(value)
    ending = (relation(value, number), label(number))
    if not step.letters:
        return [Step(title, Chain(whole, (("=", step.formula), *put, ending)))]
    here = sympy.Indexed(base, *map(sympy.Integer, step.place))
    numbers = text(said("{name} at {place}", name=step.symbol, place=_place(step.place)), translator)
    return [
        Step(title, Chain(whole, (("=", step.formula),))),
        Step(numbers, Chain(here, (*put, ending)), on_card=on_card),
    ]


def _put(form: Any, meaning: Meaning) -> tuple[RelationSign, Any]:
    """A formula with its numbers in, after ≈ where one of them was computed and rounded before."""
    computed = any(isinstance(meaning.labels.get(number), arb) for number in form.atoms(NumberLabel))
    return ("≈" if computed else "=", form)


def _element(place: tuple[Any, ...]) -> Any:
    """ℓ, or one element of it."""
    return sympy.Indexed(sympy.IndexedBase("ell"), *place) if place else ELL


def _substitution(step: Substitution, translator: Translator) -> list[Step]:
    lhs, many = _element(step.place), bool(step.place)
    ending = _ending(step.value)
    title = (
        said("Put the numbers in: element {place}", place=_place(step.place)) if many else said("Put the numbers in")
    )
    forms = list(step.forms)
    if not forms:
        return [Step(text(title, translator), Chain(lhs, (ending,)), arrives=not many)]
    if many or len(forms) < 2:
        shown = [form for form in (forms[0], forms[-1]) if not _is_number(form)]
        parts = (*(_put(form, step.meaning) for form in dict.fromkeys(shown)), ending)
        return [Step(text(title, translator), Chain(lhs, parts), arrives=not many)]
    put = Step(text(title, translator), Chain(lhs, tuple(_put(form, step.meaning) for form in forms[:-1])))
    last = () if _is_number(forms[-1]) else (_put(forms[-1], step.meaning),)
    return [put, Step(text(said("Simplify, then evaluate"), translator), Chain(lhs, (*last, ending)), arrives=True)]


def _equal(forms: Iterable[Any]) -> tuple[tuple[RelationSign, Any], ...]:
    return tuple(("=", form) for form in forms)


def _ending(value: arb) -> tuple[RelationSign, Any]:
    """= or ≈ and the loss's number."""
    number = middle_of(value)
    return relation(value, number), Marked(label(number), Role.LOSS)


def _is_number(form: Any) -> bool:
    bare = form.args[1] if isinstance(form, sympy.Mul) and len(form.args) == 2 and form.args[0] == -1 else form
    return isinstance(bare, sympy.Rational | NumberLabel)


def _place(place: tuple[int, ...]) -> str:
    return ", ".join(map(str, place))


def _combination(step: Combination, translator: Translator) -> Step:
    letters = [_element(place) for place in step.places] + ([Elided()] if step.rest_count else [])
    added = [*step.parts, *([step.rest] if step.rest_count else [])]
    divisor = None if step.divisor is None else full_label(step.divisor)
    named, put = (
        form if divisor is None else un.over(form, divisor)
        for form in (un.plus(letters), un.plus([full_label(part) for part in added]))
    )
    exactly = all(is_in_full(number) for number in (*added, *(() if step.divisor is None else (step.divisor,))))
    about: RelationSign = "=" if exactly else "≈"
    ending = _ending(step.value) if exactly else ("≈", _ending(step.value)[1])
    sign: RelationSign = "=" if step.divisor is None or is_in_full(step.divisor) else "≈"
    title = said("Average the elements") if step.divisor is not None else said("Add the elements up")
    body = text(
        said("The other {count} elements add {total}.", count=step.rest_count, total=f"{middle_of(step.rest):.4g}"),
        translator,
    )
    return Step(
        text(title, translator),
        Chain(ELL, ((sign, named), (about, put), ending)),
        body if step.rest_count else (),
        arrives=True,
    )


def _gradient(step: Gradient, explanation: Explanation, translator: Translator) -> list[Step]:
    """The formula and its numbers; where the formula is that of one entry, the numbers stand in a step of their own."""
    title = text(_gradient_title(step, explanation), translator)
    first = _leads(step, explanation)  # the others are for the full derivation
    body = text(_alive(step.entries.middles()), translator) if first else ()
    numbers = _entries(step)
    whole = Nabla(ELL, sympy.Symbol(step.symbol))
    if step.formula is None:
        return [Step(title, Chain(whole, numbers), body, on_card=first)] if numbers else []
    formula: tuple[RelationSign, Any] = ("=", step.formula)
    if step.layout is not None or not step.letters:
        return [Step(title, Chain(whole, (formula, *numbers)), body, on_card=first)]
    one = Chain(_partial(step, step.letters), (formula,))
    if not numbers:
        largest = [_largest(step, translator)] if first and step.formula != 0 and 0 not in step.entries.shape else []
        return [Step(title, one, body, on_card=first), *largest]
    put = text(said("Put the numbers in"), translator)
    return [Step(title, one, on_card=first), Step(put, Chain(whole, numbers), body, on_card=first)]


def _largest(step: Gradient, translator: Translator) -> Step:
    """The entry that matters most of those that are too many to be listed, on the full derivation."""
    entries = step.entries.middles()
    flat = int(np.argmax(np.nan_to_num(np.abs(entries), nan=np.inf)))
    place = tuple(map(int, np.unravel_index(flat, entries.shape)))
    title = text(said("Put the numbers in: element {place}", place=_place(place)), translator)
    number = label(_without_noise(step, place, entries))
    return Step(title, Chain(_partial(step, tuple(map(sympy.Integer, place))), (("≈", number),)), on_card=False)


def _leads(step: Gradient, explanation: Explanation) -> bool:
    """Whether the gradient is one that is asked for, or that of the prediction."""
    if not isinstance(explanation.reading, Reading):
        return True
    real = tuple(x.tensor for x in explanation.reading.forms.as_run)
    return step.tensor in leading(explanation.recording, real)


def _entries(step: Gradient) -> tuple[tuple[RelationSign, Any], ...]:
    """The numbers, where there are few enough to be read; nothing beside a formula that is 0 itself."""
    shape = step.entries.shape
    if step.formula == 0 or len(shape) > 2 or 0 in shape:
        return ()
    if len(shape) == 2 and (shape[0] > MOST_ROWS or shape[1] > LONGEST_GRADIENT):
        return ()
    entries = step.entries.middles()
    if not shape:
        return (("≈", label(_without_noise(step, (), entries))),)
    if len(shape) == 1:
        long = shape[0] > LONGEST_GRADIENT
        kept = (*range(LONGEST_GRADIENT - 2), shape[0] - 1) if long else range(shape[0])
        numbers = [label(_without_noise(step, (k,), entries)) for k in kept]
        return (("≈", sympy.Tuple(*(*numbers[:-1], Elided(), numbers[-1]) if long else numbers)),)
    rows = [[label(_without_noise(step, (j, k), entries)) for k in range(shape[1])] for j in range(shape[0])]
    return (("≈", sympy.ImmutableMatrix(rows)),)


def _without_noise(step: Gradient, place: tuple[int, ...], entries: np.ndarray) -> float:
    """An entry as a number; a tiny one of which only the enclosure's width is known, around 0, is 0."""
    number = float(entries[place])
    if entries.size > MOST_SHOWN or not math.isfinite(number):
        return number
    ball = step.entries.at(place)
    return 0.0 if ball.is_finite() and ball.contains(0) and abs(number) <= float(ball.rad()) else number


def _partial(step: Gradient, place: tuple[Any, ...]) -> Any:
    """∂ℓ/∂x at a place. Not sympy.Derivative(…), to which ℓ is a constant."""
    entry = sympy.Indexed(sympy.IndexedBase(step.symbol), *place)
    return sympy.Expr.__new__(sympy.Derivative, ELL, sympy.Tuple(entry, sympy.Integer(1)))


def _alive(entries: np.ndarray) -> Message:
    if not np.isfinite(entries).all():
        return said("The gradient is not finite: one step of training would spoil the weights.")
    if not entries.any():
        return said("The gradient is exactly zero: training would not move this input.")
    return said("The gradient is not zero, so training would go on moving this input.")


def _gradient_title(step: Gradient, explanation: Explanation) -> Message:
    """The name people know the gradient by, read off its graph."""
    if isinstance(explanation.reading, Reading):
        for x, node in explanation.reading.forms.gradients.items():
            if x.tensor == step.tensor and (name := _known(node)) is not None:
                return name
    return said("Gradient")


def _known(node: Node) -> Message | None:
    match node:
        case Binary("div" | "mul", inner, _) if (found := _known(inner)) is not None:
            return found
        case Binary("sub", Softmax(), OneHot()):
            return said("Gradient: probability minus one-hot")
        case _:
            return None


def _refusal(step: Refused) -> Message:
    span = step.reason.span
    if span is None:
        return said(
            "No derivation: {function} is beyond our table ({reason})",
            function=step.reason.function,
            reason=step.reason.reason,
        )
    return said(
        "No derivation: {function} in line {line} is beyond our table ({reason})",
        function=step.reason.function,
        line=span.line,
        reason=step.reason.reason,
    )
