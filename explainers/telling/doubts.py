"""What an answer does not know for certain: what was added, run another way, drawn at random, or left unproven."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explainers.composition import why_given
from explainers.digits import shown
from explainers.disagreements import disagreement, entry_otherwise, nowhere_finite, shown_nowhere, shown_otherwise
from explainers.explanation import Explanation
from explainers.locale import Translator
from explainers.messages import Message, said
from explainers.reading import Reading
from explainers.telling.sections import drawn_values

OLD_ITEM = "[0]"
_SEEDED = re.compile(r"\bseed\(|\brand(?:n|int|perm|om)?\w*\(|\bdropout", re.I)
PLAIN_NUMBERS = "float"


def uncertainties(explanation: Explanation, completions: tuple[str, ...], translator: Translator) -> list[str]:
    """What was assumed, completed or left unproven; never empty where we completed the snippet."""
    lines: list[Message] = []
    lines += [d.uncertainty for d in explanation.diagnoses[:1] if d.uncertainty is not None]
    if completions:
        lines.append(said("Added to your snippet: {names}.", names=", ".join(completions)))
    if (claim := disagreement(explanation) or nowhere_finite(explanation)) is not None:
        lines.append(_otherwise(explanation, claim.text or str(claim.value)))
    elif (entry := entry_otherwise(explanation)) is not None:
        lines.append(_otherwise(explanation, entry.claimed))
    else:
        lines += [
            said("You show {claimed} for {code}, and here it is {value}.", claimed=claimed, code=code, value=value)
            for claimed, code, value in shown_otherwise(explanation)
        ]
        lines += [_why_otherwise(explanation)] if shown_otherwise(explanation) else []
        lines += [
            said("You show {claimed}, which is no number of this program in today's torch: older versions rounded or "
                 "computed otherwise, or the seed or the data differ.", claimed=claimed)
            for claimed in shown_nowhere(explanation)
        ]  # fmt: skip
    lines += _adapted(explanation)
    if explanation.recording.random and explanation.recording.raised is None and not _same_whatever(explanation):
        lines.append(said("The program draws random numbers without a seed: your digits will differ."))
        lines += _spread(explanation)
    elif explanation.recording.random and explanation.recording.raised is not None:
        lines += [
            said("No seed is set: {value} is one draw, yours will differ.", value=v) for v in drawn_values(explanation)
        ]
    lines += _refused_backward(explanation)
    lines += _given(explanation)
    if explanation.proof.verdict != "certified" and explanation.value is not None:
        reasons = {reason.say(translator): reason for reason in explanation.proof.reasons}
        lines += [said("Not certified: {reason}.", reason=reason) for reason in reasons.values()]
    return [message.say(translator) for message in lines]


def _otherwise(explanation: Explanation, claimed: str) -> Message:
    return said("You show {claimed}. {reason}", claimed=claimed, reason=_why_otherwise(explanation))


def _why_otherwise(explanation: Explanation) -> Message:
    """Why another run of the same lines can give another number."""
    if explanation.recording.random or _SEEDED.search(explanation.recording.source):
        return said("Versions, seeds or data may differ.")
    return said(
        "Nothing is drawn at random here: an older version of torch, another device or dtype, or other data gave that."
    )


def _same_whatever(explanation: Explanation) -> bool:
    """Whether other seeds give the same value: what was drawn does not reach it."""
    return bool(explanation.spread) and all(value == explanation.value for value in explanation.spread)


def _refused_backward(explanation: Explanation) -> Iterator[Message]:
    """That torch has no gradient where its backward pass stops, though the value stands."""
    refused = next((c for c in explanation.proof.checks if c.name == "gradient" and c.passed is None), None)
    if explanation.own_gradients and explanation.proof.certified:
        yield said("The value is certified, the gradient is not: {reason}.", reason=explanation.own_gradients[0].reason)
    elif explanation.proof.certified and refused is not None and refused.reason is not None:
        yield said("The value is certified, but there is no gradient: {reason}.", reason=refused.reason)


def _given(explanation: Explanation) -> Iterator[Message]:
    """Where the formulas begin behind a call that the table lacks on purpose, and why it does."""
    if explanation.loss is not None or not isinstance(explanation.reading, Reading):
        return
    composition, recording = explanation.reading.forms.composition, explanation.recording
    told = set[str]()
    for id in explanation.derivation.letters.values():
        made = recording.producer(id) if id in recording.tensors else None
        reason = why_given(composition, made) if made is not None and made in composition.given else None
        if made is not None and reason is not None and made.function not in told:
            told.add(made.function)
            yield said("What {function} gave is taken from torch, and the proof begins behind it: {reason}.",
                       function=made.function, reason=reason)  # fmt: skip


def _adapted(explanation: Explanation) -> Iterator[Message]:
    """What was run another way than it is written."""
    recording = explanation.recording
    if PLAIN_NUMBERS in recording.adapted:
        yield said("Your program computes without torch; I followed its numbers as float64 tensors.")
    devices = [name for name in recording.adapted if name not in (OLD_ITEM, PLAIN_NUMBERS)]
    if devices:
        yield said(
            "Run on the CPU instead of {devices}; other digits may round differently.", devices=", ".join(devices)
        )
    if OLD_ITEM in recording.adapted:
        yield said("Today a single number is read with .item(); the index [0] of older versions was left out.")
    if any(call.autocast for call in recording.calls):
        yield said("Autocast computes matrix products with fewer digits, here as in your program.")
    if recording.cut is not None:
        yield said(
            "The training loop in line {line} was ended after {rounds} rounds.",
            line=recording.cut.line,
            rounds=recording.cut.rounds,
        )


def _spread(explanation: Explanation) -> Iterator[Message]:
    """The values under other seeds."""
    if explanation.spread:
        values = ", ".join(map(shown, explanation.spread))
        yield said("With other seeds it is {values}.", values=values)
