"""An Explanation and its words → an Answer: the one place that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.exchange import (
    Answer,
    Counterfactual,
    Diagnosis,
    Drawn,
    Error,
    Number,
    Numbers,
    Other,
    Paragraph,
    Proof,
    worded,
)
from bot.jobs.work import Fixed, ToConclude
from explainers import proof
from explainers.diagnoses import diagnosis
from explainers.explanation import Explanation
from explainers.locale import Translator, translator
from explainers.telling import Told

LARGEST_GRADIENT: Final = 1000
"""Numbers of a gradient that an Answer holds; the rest is cut off."""


def explained(explanation: Explanation, told: Told, asked: ToConclude, drawn: Drawn) -> Answer:
    """The Answer without its timings."""
    raised = explanation.recording.raised
    loss = explanation.loss or explanation.equals
    withheld = explanation.proof.verdict == "refused" and not explanation.proof.lost_to_rounding
    return Answer(
        id=asked.id,
        outcome="explained" if raised is None else "failed",
        language=asked.locale,
        loss=loss.name if loss else None,
        value=worded(explanation.value),
        error=Error(raised.type, raised.message) if raised else None,
        claims=asked.stated,
        diagnoses=_diagnoses(explanation, translator(asked.locale)),
        floor=None if withheld else _floor(explanation),
        gradient={} if withheld else gradients(explanation.gradient),
        proof=_proof(explanation.proof),
        others=tuple(Other(o.expression, o.loss, worded(o.value), _proof(o.proof)) for o in explanation.others),
        verdict=told.verdict,
        text=told.text,
        alt_text=told.alt_text,
        missing=asked.missing,
        paragraphs=tuple(Paragraph(each.kind, each.text) for each in told.paragraphs),
        drawn=drawn,
    )


def fixed(explanation: Explanation) -> Fixed | None:
    """What came of the fix of a program that stopped; None where it did not stop, or no fix was run."""
    first = next(iter(explanation.diagnoses), None)
    if explanation.recording.raised is None or first is None or first.fix is None or not first.fix.source:
        return None
    ran = next((c for c in first.counterfactuals if c.role == "fix"), None)
    if ran is None or (ran.raised is None and not ran.ran):
        return None
    return Fixed(first.fix.source, ran.raised is not None, _given(ran) if ran.ran else None)


def gradients(found: Mapping[str, Any]) -> dict[str, Numbers]:
    """Nested numbers by name, cut after LARGEST_GRADIENT numbers in all."""
    room = [LARGEST_GRADIENT]
    return {name: worded(_cut(values, room)) for name, values in found.items() if room[0]}


def _cut(values: Any, room: list[int]) -> Any:
    """What still fits, counted off `room`; rows that hold nothing any more are left out."""
    if not isinstance(values, tuple | list):
        room[0] -= 1
        return float(values)
    kept: list[Any] = []
    for each in values:
        if not room[0]:
            break
        kept.append(_cut(each, room))
    return tuple(kept)


def _diagnoses(explanation: Explanation, translator: Translator) -> tuple[Diagnosis, ...]:
    return tuple(
        Diagnosis(
            found.slug,
            found.confidence,
            tuple(Counterfactual(c.what.say(translator), _given(c)) for c in found.counterfactuals if c.ran),
        )
        for found in explanation.diagnoses
    )


def _given(counterfactual: diagnosis.Counterfactual) -> Numbers | None:
    single = counterfactual.value
    return worded(counterfactual.values if single is None else single)


def _floor(explanation: Explanation) -> Number | None:
    """The floor of the reading that the first diagnosis has of the asker, else of the loss itself."""
    of_diagnoses = (found.floor for found in explanation.diagnoses)
    known = [found for found in (*of_diagnoses, *explanation.floors) if found is not None]
    return worded(known[0].value) if known else None


def _proof(found: proof.Proof) -> Proof:
    return Proof(found.verdict, found.enclosure, worded(found.error_bound), worded(found.torch))
