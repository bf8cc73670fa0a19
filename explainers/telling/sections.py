"""The paragraphs of an answer, in the order that a reader wants them."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.cards.card import Grid, Step
from explainers.cards.plain import PlainWriter
from explainers.diagnoses.diagnosis import Counterfactual, Diagnosis
from explainers.diagnoses.floors import Floor
from explainers.diagnoses.registry import rules
from explainers.diagnoses.wording import described
from explainers.digits import shown
from explainers.explanation import Explanation
from explainers.graph.nodes import Table
from explainers.locale import Translator
from explainers.messages import Message, said
from explainers.reading import Reading
from explainers.recording import Call, Operand, Ref
from explainers.telling import facts
from explainers.telling.curves import MOST_ELEMENTS, elements, is_too_large
from explainers.telling.least_values import NEGLIGIBLE, least, unfound
from explainers.telling.nan_births import of_nan
from explainers.telling.right_classes import of_right_classes
from explainers.telling.roundings import apart, exactly, to_coarse
from explainers.telling.subgradients import subgradient
from explainers.telling.values import of_values
from explainers.verdict import stopped, summary

BRIEFLY = 24
MOST_PLACES = 8
MOST_CLEAR = 4
LONGEST_CODE = 60
PAIR = "torch.return_types."


def evidence(explanation: Explanation, translator: Translator) -> list[str]:
    """What the trace shows: how the input is read, and the facts behind the first diagnosis."""
    known = explanation.loss or explanation.equals
    lines = [known.reading.say(translator)] if known else []
    if explanation.like is not None:
        lines.insert(0, facts.likeness(explanation.like).say(translator))
    lines += [message.say(translator) for message in (*_stop(explanation), *exactly(explanation))]
    lines += [message.say(translator) for message in (*to_coarse(explanation), *of_nan(explanation))]
    if letters := legend(explanation):
        lines.append(letters.say(translator))
    lines += [message.say(translator) for message in (*subgradient(explanation), *facts.sum_of_terms(explanation))]
    lines += [message.say(translator) for message in (*facts.no_slopes(explanation), *facts.slopes(explanation))]
    lines += [message.say(translator) for message in facts.of_sum(explanation)]
    lines += [message.say(translator) for message in facts.course(explanation)]
    lines += [message.say(translator) for message in of_right_classes(explanation)]
    lines += [message.say(translator) for message in (*facts.drawn(explanation), *facts.cosines(explanation))]
    if explanation.loss is not None and explanation.recording.raised is None:
        lines += [message.say(translator) for message in facts.of_call(explanation, explanation.loss.name)]
    lines += [message.say(translator) for message in (*facts.of_others(explanation), *of_values(explanation))]
    lines += [message.say(translator) for message in facts.sides(explanation)]
    for diagnosis in explanation.diagnoses[:1]:
        lines += [message.say(translator) for message in (*diagnosis.evidence, diagnosis.explanation)]
    lines += [message.say(translator) for message in compared(explanation)]
    return list(dict.fromkeys(lines))


def stopping(explanation: Explanation) -> list[Message]:
    """Where the program stops, what was handed in there, and the facts behind the first diagnosis."""
    found = [*_stop(explanation), *(message for d in explanation.diagnoses[:1] for message in d.evidence)]
    return [message for k, message in enumerate(found) if message not in found[:k]]


def compared(explanation: Explanation) -> tuple[Message, ...]:
    """Where two computations of the program part, where another diagnosis is the first."""
    return next((d.compared for d in explanation.diagnoses[1:] if d.compared), ())


def legend(explanation: Explanation) -> Message | None:
    """What the formulas' letters stand for in the asker's program; None where they are its own names."""
    tensors = explanation.recording.tensors
    pairs = ((letter, tensors[id].name) for letter, id in explanation.derivation.letters.items() if id in tensors)
    known = [f"{letter} = {name}" for letter, name in pairs if name is not None and name != letter]
    known += [*_numbers(explanation), *_made_unnamed(explanation)]
    known += [f"{letter} = {name}" for letter, name in explanation.derivation.names.items()]
    known += [f"{letter} = {_places(found)}" for letter, found in tables(explanation)]
    return said("In the formulas {letters}.", letters=", ".join(known)) if known else None


def _numbers(explanation: Explanation) -> list[str]:
    """The whole numbers that a call was given without a name, where there are several to tell apart."""
    tensors, call = explanation.recording.tensors, explanation.call
    given = {} if call is None else {value.id: name for name, value in _refs(call)}
    whole = [(letter, id) for letter, id in explanation.derivation.letters.items() if id in given]
    whole = [(letter, id) for letter, id in whole if not tensors[id].floating]
    return [f"{letter} = {given[id]}" for letter, id in whole if tensors[id].name is None] if len(whole) > 1 else []


def _made_unnamed(explanation: Explanation) -> Iterator[str]:
    """The letters of a formula of one's own that stand for what the program gives no name, and the code of that."""
    recording = explanation.recording
    for letter, id in explanation.derivation.letters.items() if explanation.loss is None else ():
        made = recording.producer(id) if id in recording.tensors and recording.tensors[id].name is None else None
        if made is not None and made.span is not None and made.span.text and made.outputs[:1] == (id,):
            code = " ".join(made.span.text.split())
            yield f"{letter} = {code if len(code) <= LONGEST_CODE else f'{code[: LONGEST_CODE - 1]}…'}"


def _refs(call: Call) -> list[tuple[str, Ref]]:
    return [(a.name, a.value) for a in call.arguments if isinstance(a.value, Ref)]


def _stop(explanation: Explanation) -> Iterator[Message]:
    """Where the program stops, and the shapes and dtypes of what was passed there."""
    raised = explanation.recording.raised
    if raised is None:
        return
    if explanation.diagnoses:  # else it is the verdict
        yield stopped(raised)
    yield from _arguments(explanation)
    for operand in raised.operands:
        if operand.shape is not None and raised.call is None:
            yield _operand(operand)


def _operand(operand: Operand) -> Message:
    if operand.kind == "Tensor":
        said_of = {"name": operand.text, "dtype": operand.dtype, "shape": str(operand.shape)}
        return said("{name} is {dtype} of shape {shape}.", **said_of)
    if operand.kind in ("list", "tuple") and operand.shape:
        return said("{name} is a {kind} of {count}.", name=operand.text, kind=operand.kind, count=operand.shape[0])
    if operand.kind.startswith(PAIR):
        return said("{name} is what torch.{function} returns along an axis: values and indices.", name=operand.text,
                    function=operand.kind.removeprefix(PAIR))  # fmt: skip
    return said("{name} is a numpy array of shape {shape}.", name=operand.text, shape=str(operand.shape))


def tables(explanation: Explanation) -> Iterator[tuple[str, list[float]]]:
    """The letters of the places and numbers that the program decided on, and those."""
    if isinstance(explanation.reading, Reading):
        for array in explanation.reading.forms.composition.inputs.values():
            if isinstance(array.node, Table):
                yield array.node.symbol, [float(x) for x in array.node.held.reshape(-1)]


def _places(found: list[float]) -> str:
    first = ", ".join(shown(float(x)) for x in found[:MOST_PLACES])
    return f"({first}, …)" if len(found) > MOST_PLACES else f"({first})"


def _arguments(explanation: Explanation) -> Iterator[Message]:
    recording = explanation.recording
    failed = recording.raised.call if recording.raised else None
    for call in (c for c in recording.calls if c.index == failed):
        for argument in call.arguments:
            if (id := call.ref(argument.name)) is not None:
                held = recording.tensors[id]
                yield described(held.name or argument.name, held)


def counterfactuals(explanation: Explanation, translator: Translator) -> list[str]:
    """What was run beside the program, and what came of it."""
    told = [d for k, d in enumerate(explanation.diagnoses) if k == 0 or not d.general]
    if explanation.recording.raised is not None and any(_runs_through(c) for d in told[:1] for c in d.counterfactuals):
        return [said("The program with the fix runs to its end; it shows no value.").say(translator)]
    runs = (c for d in told for c in d.counterfactuals if c.ran or d.concern != "gradient")
    return [line for c in runs for line in _counterfactual(c, translator)]


def _runs_through(found: Counterfactual) -> bool:
    """Whether the program with the fix does not stop any more, where nothing else is known of it."""
    return found.role == "fix" and found.ended


def illustrations(explanation: Explanation, translator: Translator) -> list[str]:
    """The runs that show how the loss behaves."""
    found = (c for d in explanation.diagnoses[:1] for c in d.counterfactuals if c.role == "illustration")
    return [line for c in found for line in _counterfactual(c, translator)]


def _counterfactual(found: Counterfactual, translator: Translator) -> Iterator[str]:
    what = found.what.say(translator)
    if found.ran:
        value = _result(found)
        message = (
            said("{what}: {value}, the value you expected", what=what, value=value)
            if found.expected
            else said("{what}: {value}", what=what, value=value)
        )
        yield message.say(translator)
    elif found.raised is not None:
        yield said("{what}: torch raises {message}", what=what, message=found.raised).say(translator)


def floors(explanation: Explanation, translator: Translator) -> list[str]:
    """What would make it 0, or the least value there is."""
    named = [f for d in explanation.diagnoses[:1] for f in d.floors]
    general = [f for f in explanation.floors if not any(_same(f, other) for other in named)]
    endless = explanation.loss and explanation.loss.no_floor
    lines = [message for f in named for message in least(explanation, f)]
    for f in general:
        lines += [endless] if endless and f.value == float("-inf") else least(explanation, f)
    return [each.say(translator) for each in lines]


def no_floor(explanation: Explanation, translator: Translator) -> list[str]:
    """Why no least value is given of a loss: a reason of its own, or one of this call."""
    loss, value = explanation.loss, explanation.subject
    if explanation.recording.raised is not None:
        return []
    if loss is None or value is None or value.data is None or floors(explanation, translator):
        return []
    reason = loss.no_floor or unfound(explanation, loss)
    return [] if reason is None else [reason.say(translator)]


def no_curve(explanation: Explanation, translator: Translator) -> list[str]:
    """Why nothing is plotted, where the loss has a reason of its own or there are too many numbers."""
    loss, reading = explanation.loss, explanation.reading
    if loss is not None and loss.no_curve is not None:
        return [loss.no_curve.say(translator)]
    if not isinstance(reading, Reading) or not is_too_large(reading):
        return []
    return [
        said("Nothing is plotted: that is done for at most {most} numbers, and here are {count}.",
             most=MOST_ELEMENTS, count=elements(reading)).say(translator)
    ]  # fmt: skip


def _same(a: Floor, b: Floor) -> bool:
    return abs(a.value - b.value) <= NEGLIGIBLE and a.attained == b.attained


def fix(diagnosis: Diagnosis, translator: Translator) -> list[str]:
    """The diff of the asker's own lines, and what it does."""
    if diagnosis.fix is None:
        return []
    return [*diagnosis.fix.diff, diagnosis.fix.note.say(translator)]


def fixed(explanation: Explanation) -> list[Message]:
    """What a program that stopped gives with the fix."""
    if explanation.recording.raised is None:
        return []
    ran = (c for d in explanation.diagnoses[:1] for c in d.counterfactuals if c.role == "fix" and c.ran)
    drawn = explanation.recording.random
    return [
        said("With the fix it gives {value} in one draw: no seed is set.", value=_result(c))
        if drawn
        else said("With the fix it gives {value}.", value=_result(c))
        for c in ran
    ][:1]


def drawn_values(explanation: Explanation) -> list[str]:
    """What the first diagnosis' changed programs give in one draw each."""
    ran = [c for d in explanation.diagnoses[:1] for c in d.counterfactuals if c.ran]
    return [_result(c) for c in ran][:1]


def _result(found: Counterfactual) -> str:
    return shown(found.value) if found.value is not None else summary(found.values)


def checks(explanation: Explanation, translator: Translator) -> tuple[str, ...]:
    """The passed parts of the certificate, by name; never a percentage.

    Where rounding put torch's number far from the derivation's, the enclosure of the one says nothing of the other.
    """
    names = {
        "value": said("value enclosed"),
        "gradient": said("gradient enclosed"),
        "float64": said("float64 re-run"),
        "steps": said("steps recomputed"),
        "twin": said("script agrees"),
    }
    unsaid = {"value"} if explanation.proof.off_by_rounding else set[str]()
    unsaid |= {"gradient"} if apart(explanation) else set[str]()
    passed = [check.name for check in explanation.proof.checks if check.passed and check.name not in unsaid]
    stopped_before = explanation.recording.raised is not None
    tried = [c for d in explanation.diagnoses for c in d.counterfactuals]
    ran = any(c.ran or (stopped_before and _runs_through(c)) for c in tried)
    extra = (said("counterfactual").say(translator),) if ran else ()
    return (*(names[name].say(translator) for name in passed), *extra)


def others(explanation: Explanation, translator: Translator) -> list[str]:
    """Further values, and how each comes to differ from the loss."""
    lines: list[str] = []
    for other in explanation.others:
        line = f"{other.expression} = {summary(other.value)}"
        lines.append(f"{line}. {other.relation.say(translator)}" if other.relation else line)
        lines += [each.say(translator) for each in (*other.read, *other.verdicts)]
    return lines


def clear(explanation: Explanation, translator: Translator) -> str:
    """The diagnoses that apply to this loss and did not fire."""
    if not explanation.clear or explanation.recording.raised is not None:
        return ""
    named, more = explanation.clear[:MOST_CLEAR], len(explanation.clear) - MOST_CLEAR
    titles = "; ".join(rules()[slug].title.say(translator) for slug in named)
    if more <= 0:
        return said("Checked and clear, so not the case here: {titles}", titles=titles).say(translator)
    return said("Checked and clear, so not the case here: {titles}; and {count} more", titles=titles, count=more).say(
        translator
    )


def derivation(writer: PlainWriter, steps: tuple[Step, ...]) -> list[str]:
    """The formulas in one line each, the first few, and pictures of numbers in rows."""
    lines: list[str] = []
    for step in [step for step in steps if step.formula is not None][:BRIEFLY]:
        lines.append(writer.formula(step.formula))
        lines += writer.block(step.extra) if isinstance(step.extra, Grid) else []
    return lines
