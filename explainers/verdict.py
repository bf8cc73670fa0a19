"""The first sentence of an answer: the number that was asked about, and what is the matter with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from explainers.claims import Claim
from explainers.contradictions import contradicted
from explainers.diagnoses.registry import rules
from explainers.digits import shown
from explainers.disagreements import disagreement, entries, entry_otherwise, single
from explainers.explanation import Explanation, named
from explainers.frontier import DontKnow
from explainers.graph.exact import exact
from explainers.graph.nodes import Binary
from explainers.messages import Message, said
from explainers.proof import SHOWN_OTHERWISE
from explainers.reading import Reading
from explainers.recording import Raised
from explainers.terms import terms

MOST_SHOWN = 4
"""Numbers of an array that are told."""


def verdict(explanation: Explanation) -> Message:
    """One sentence. Exceptions come before values, a fault of ours before any claim about the asker's program."""
    raised = explanation.recording.raised
    if raised is not None:
        return _reason(raised, explanation.diagnoses[0].verdict) if explanation.diagnoses else stopped(raised)
    if explanation.value is None:
        return said("The program ran, but it shows no loss value to explain.")
    value = summary(explanation.value)
    if explanation.diagnoses and explanation.diagnoses[0].concern == "non-finite":
        return explanation.diagnoses[0].verdict
    alone = explanation.subject is not None and explanation.subject.elements == 1
    if alone and explanation.proof.lost_to_rounding and explanation.proof.exact is not None:
        exact = summary(explanation.proof.exact)
        return said("{value} is a rounding failure: exactly, your formula is {exact}.", value=value, exact=exact)
    if explanation.proof.verdict == "refused":
        return _refused(explanation, value)
    silent = _praises(explanation) or _changes_nothing(explanation)
    if explanation.diagnoses and not silent:
        return explanation.diagnoses[0].verdict
    return _off(explanation) if explanation.proof.off_by_rounding else _plain(explanation, value)


def _praises(explanation: Explanation) -> bool:
    """Whether the first diagnosis finds nothing wrong with a loss that could not be derived, or is not the asker's: the
    loop that it comes from was ended early."""
    underived = isinstance(explanation.reading, DontKnow) and explanation.loss is not None
    ended = explanation.recording.cut is not None and not _is_printed(explanation)
    return (underived or ended) and any(rules()[found.slug].harmless for found in explanation.diagnoses[:1])


def _changes_nothing(explanation: Explanation) -> bool:
    """Whether the first diagnosis is of one term of a sum only, and corrected the sum is the same number."""
    first, value = next(iter(explanation.diagnoses), None), single(explanation.value)
    if first is None or first.confidence != "possible" or value is None or not terms(explanation.recording):
        return False
    corrected = [c.value for c in first.counterfactuals if c.role == "correction" and c.value is not None]
    return bool(corrected) and all(np.isclose(each, value, rtol=1e-5, atol=1e-7) for each in corrected)


def _off(explanation: Explanation) -> Message:
    """torch's number and the exact one, where rounding alone has put them far apart."""
    proof, subject = explanation.proof, explanation.subject
    assert proof.torch is not None and proof.exact is not None and subject is not None
    numbers = {"value": summary(proof.torch), "exact": summary(proof.exact), "dtype": subject.dtype}
    if subject.elements > 1:
        return said("{value}, one of these, is what {dtype} rounds to: exactly, it would be {exact}.", **numbers)
    return said("{value} is what {dtype} rounds to: exactly, your formula is {exact}.", **numbers)


def summary(value: Any) -> str:
    """A number, or the first few of an array."""
    if isinstance(value, complex):
        return f"{shown(value.real)} {'-' if value.imag < 0 else '+'} {shown(abs(value.imag))}j"
    if not isinstance(value, tuple):
        return shown(float(value))
    parts = [summary(v) for v in value[:MOST_SHOWN]]
    return f"[{', '.join(parts)}{', …' if len(value) > MOST_SHOWN else ''}]"


def _reason(raised: Raised, reason: Message) -> Message:
    if raised.span is None:
        return said("{type}: {reason}", type=raised.type, reason=reason)
    return said("{type} in line {line}: {reason}", type=raised.type, line=raised.span.line, reason=reason)


def stopped(raised: Raised) -> Message:
    """Where the program stops, and with what words of Python or torch."""
    if raised.span is None:
        return said("The program stops with {type}: {message}", type=raised.type, message=_short(raised.message))
    return said(
        "{code} (line {line}) stops with {type}: {message}",
        code=_short(raised.span.text, 60),
        line=raised.span.line,
        type=raised.type,
        message=_short(raised.message),
    )


def _short(message: str, longest: int = 100) -> str:
    line = " ".join(message.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _refused(explanation: Explanation, value: str) -> Message:
    failed = next((check for check in explanation.proof.checks if check.passed is False), None)
    if failed is None or failed.reason is None:
        return said(
            "torch gives {value}; our derivation did not hold, a fault of ours, so it is withheld.", value=value
        )
    if failed.reason == SHOWN_OTHERWISE:
        return _shown_otherwise(explanation, value)
    return said(
        "torch gives {value}; our derivation is withheld, a fault of ours: {reason}.", value=value, reason=failed.reason
    )


def _shown_otherwise(explanation: Explanation, value: str) -> Message:
    torch, subject = explanation.proof.torch, explanation.subject
    if torch is None or subject is None or subject.elements > 1:
        return said(
            "The program shows {value}, but torch gives another value for these numbers: the derivation is withheld.",
            value=value,
        )
    return said(
        "The program shows {value}, but torch gives {torch} for these numbers: the derivation is withheld.",
        value=value,
        torch=summary(torch),
    )


def _plain(explanation: Explanation, value: str) -> Message:
    if (cut := explanation.recording.cut) is not None and not _is_printed(explanation):
        return said("{value} is the value after {rounds} rounds, where I ended the loop in line {line}: yours goes on.",
                    value=value, rounds=cut.rounds, line=cut.line)  # fmt: skip
    claim = disagreement(explanation)
    if claim is not None:
        claimed = claim.text or str(claim.value)
        if (drawn := _drawn(explanation, claim, claimed)) is not None:
            return drawn
        return said("This code gives {value}, not the {claimed} that you show.", value=value, claimed=claimed)
    if (entry := entry_otherwise(explanation)) is not None:
        return said("This code gives {value} at {place}, not the {claimed} that you show.", value=entry.value,
                    place=entry.place, claimed=entry.claimed)  # fmt: skip
    if (against := contradicted(explanation)) is not None:
        return against
    if (slope := _of_gradient(explanation)) is not None:
        return slope
    if (draw := _one_draw(explanation, value)) is not None:
        return draw
    if isinstance(explanation.reading, DontKnow):
        return _underived(explanation, explanation.reading, value)
    if not explanation.proof.certified:
        return said("{value} is what torch gives; we could not certify it.", value=value)
    if (cause := _not_finite(explanation)) is not None:
        return said("{value} is what the formula gives: {cause}.", value=value, cause=cause)
    if (other := next((own.function for own in explanation.own_gradients if own.found is not None), None)) is not None:
        return said("{value} is right, but the backward of {function} gives another gradient than the derivative of "
                    "its forward.", value=value, function=other)  # fmt: skip
    known = explanation.loss or explanation.equals
    if explanation.equals is not None:
        return said("{value} is what your formula gives; it is {name}.", value=value, name=explanation.equals.name)
    if known is not None:
        return _beside(explanation, value) or said("{value} is right. {reading}", value=value, reading=known.reading)
    return _of_terms(explanation, value) or said("{value} is what your formula gives.", value=value)


def _beside(explanation: Explanation, value: str) -> Message | None:
    """What is the matter with torch's gradient beside a value that is right; None where nothing is."""
    from explainers.telling.roundings import lost

    return next((said("{value} is right, but torch's gradient of {name} is {torch}, where the formula's is {exact}.",
                      value=value, name=name, torch=torch, exact=exact)
                 for name, torch, exact in lost(explanation)), None)  # fmt: skip


def _is_printed(explanation: Explanation) -> bool:
    """Whether the asker shows the value as their own program printed it."""
    value = single(explanation.value)
    return value is not None and any(c.kind == "printed" and c.agrees(value) for c in explanation.claims)


def _of_terms(explanation: Explanation, value: str) -> Message | None:
    """Which term of a sum makes up most of it, or makes it negative; None for what is no sum of single numbers."""
    found, whole = terms(explanation.recording), single(explanation.value)
    if not found or whole is None:
        return None
    if whole < 0:
        least = min(found, key=lambda term: term.part)
        return said(
            "{value} is negative because of one of its {count} terms: {term} is {part}.",
            value=value,
            count=len(found),
            term=least.text,
            part=shown(least.part),
        )
    most = max(found, key=lambda term: abs(term.part))
    return said(
        "{value} has {count} terms; the largest is {term}, which is {part}.",
        value=value,
        count=len(found),
        term=most.text,
        part=shown(most.part),
    )


def _of_gradient(explanation: Explanation) -> Message | None:
    """What there is to say of a gradient that the asker shows and that the loss itself is not; None elsewhere."""
    from explainers.telling.subgradients import told

    value = single(explanation.value)
    stated = [c for c in explanation.claims if c.kind == "printed" and isinstance(c.value, float | int) and c.value]
    of_slope = [c for c in stated if value is None or not c.agrees(value)]
    if not of_slope or explanation.kink is None or not explanation.proof.certified:
        return None
    gradients = list(entries(explanation.gradient.values()))
    return told(explanation, explanation.kink) if all(any(map(c.agrees, gradients)) for c in of_slope) else None


def _underived(explanation: Explanation, found: DontKnow, value: str) -> Message:
    """That a value is torch's alone, and why."""
    if explanation.loss is not None:
        return said("{value} is what torch gives; it is not derived: {reason}.", value=value, reason=found.reason)
    return said(
        "{value} is what torch gives; {function} is beyond our table, so we do not derive it.",
        value=value,
        function=found.function,
    )


def _drawn(explanation: Explanation, claim: Claim, claimed: str) -> Message | None:
    """That a printed number is one of those that the program may draw; None where it lies outside of them."""
    values = _runs(explanation)
    if not values or not isinstance(claim.value, float | int) or not min(values) <= claim.value <= max(values):
        return None
    return _of_many(claimed, values)


def _one_draw(explanation: Explanation, value: str) -> Message | None:
    """That the value itself is one of those that the program may draw; None where all runs give it."""
    values = _runs(explanation)
    return _of_many(value, values) if values and min(values) != max(values) else None


def _runs(explanation: Explanation) -> tuple[float, ...]:
    """The finite values of the program as it was run and under other seeds, where no seed is set."""
    value = single(explanation.value)
    values = (*explanation.spread, value) if explanation.spread and value is not None else ()
    return values if np.isfinite(values).all() else ()


def _of_many(claimed: str, values: tuple[float, ...]) -> Message:
    return said(
        "{claimed} is one draw of many: no seed is set, and {count} runs give {low} to {high}.",
        claimed=claimed,
        count=len(values),
        low=summary(min(values)),
        high=summary(max(values)),
    )


def _not_finite(explanation: Explanation) -> Message | None:
    """Why a certified value is nan or infinite; None where it is finite."""
    if explanation.subject is None or np.isfinite(explanation.subject.array().astype(np.float64)).all():
        return None
    if isinstance(explanation.reading, Reading) and _over_nothing(explanation.reading):
        return said("the mean divides by 0, since nothing takes part in it")
    for id, tensor in explanation.recording.tensors.items():
        if (
            _is_input(explanation, id)
            and tensor.data is not None
            and not np.isfinite(tensor.array().astype(np.float64)).all()
        ):
            return said("{name} already holds inf or nan", name=named(explanation.recording, explanation.call, id))
    return said("0 · inf, inf − inf, 0 / 0 or the logarithm of 0 occurs on the way")


def _over_nothing(reading: Reading) -> bool:
    match reading.forms.root:
        case Binary("div", _, divisor) if not divisor.axes:
            return bool(exact((divisor,), reading.values)[0].at(()) == 0)
        case _:
            return False


def _is_input(explanation: Explanation, id: int) -> bool:
    return isinstance(explanation.reading, Reading) and id in explanation.reading.forms.composition.inputs
