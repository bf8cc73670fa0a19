"""An Explanation in a reader's words: the sentence, the text, the alt text, the card and the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from explainers.cards.alt import alt_text
from explainers.cards.card import Card, DiffLine, Step, Text, Value
from explainers.cards.fonts import Coverage
from explainers.cards.latex import latex_document
from explainers.cards.plain import plain_text, plain_writer
from explainers.claims import Claim
from explainers.diagnoses.diagnosis import Counterfactual
from explainers.diagnoses.wording import as_written
from explainers.digits import shown
from explainers.disagreements import in_shown_gradient
from explainers.explanation import Explanation
from explainers.locale import Translator
from explainers.locale import translator as translator_of
from explainers.messages import said
from explainers.reading import Reading
from explainers.telling import sections
from explainers.telling.doubts import uncertainties
from explainers.telling.panels import panels
from explainers.telling.roundings import exactly
from explainers.telling.steps import colours, steps
from explainers.telling.texts import joined, text
from explainers.verdict import summary, verdict

_MOST_STOPPING = 4
"""Facts about the place where a program stops, on its card."""


@dataclass(frozen=True)
class Context:
    """For whom and about what: the asker's call as code, what we completed in their snippet, language and theme."""

    code: str = ""
    completions: tuple[str, ...] = ()
    locale: str = "en"
    theme: Literal["dark", "light"] = "dark"


Kind = Literal[
    "verdict",
    "evidence",
    "formulas",
    "counterfactuals",
    "floors",
    "others",
    "fix",
    "also",
    "checks",
    "doubts",
    "clear",
]
"""What a paragraph holds; the last line of a "fix" says what the diff above it does."""


@dataclass(frozen=True)
class Paragraph:
    """Lines that belong together, for a reader who shows some of an answer in a way of its own."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Told:
    """An answer in words and values that a renderer can draw."""

    verdict: str
    paragraphs: tuple[Paragraph, ...]
    alt_text: str
    card: Card
    explanation: Explanation
    translator: Translator

    @property
    def text(self) -> str:
        """All of it, in short paragraphs."""
        return "\n\n".join(paragraph.text for paragraph in self.paragraphs) + "\n"

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """The derivation as LaTeX, plain text and, where the page has one, runnable Python, by file name."""
        return _sources(self.explanation, self.card, self.translator)


def tell(explanation: Explanation, context: Context) -> Told:
    """Everything that is said about an explanation, in the context's language."""
    translator = translator_of(context.locale)
    card = _card(explanation, context, translator)
    sentence = verdict(explanation).say(translator)
    return Told(
        _as_typed(sentence),
        tuple(_paragraphs(explanation, context, card, translator)),
        alt_text(card, translator),
        card,
        explanation,
        translator,
    )


def _card(explanation: Explanation, context: Context, translator: Translator) -> Card:
    withheld = explanation.proof.verdict == "refused" and not explanation.proof.lost_to_rounding
    doubts = uncertainties(explanation, context.completions, translator)
    return Card(
        title=_title(explanation, translator),
        value=Value(said("loss").say(translator), _badge(explanation)),
        steps=() if withheld else _steps(explanation, translator),
        takeaway=_takeaway(explanation, translator),
        code=context.code or _code(explanation),
        panels=() if withheld else panels(explanation, translator),
        fix=_diff(explanation),
        checks=sections.checks(explanation, translator),
        caution=(" ".join(doubts),) if doubts else (),
        locale=context.locale,
        theme=context.theme,
        colours=colours(explanation),
    )


def _title(explanation: Explanation, translator: Translator) -> Text:
    raised = explanation.recording.raised
    if raised is not None:
        return text(said("Why {type}?", type=raised.type), translator)
    value = _badge(explanation)
    named = [c for c in explanation.claims if c.kind == "expected" and c.text]
    unmet = [c for c in named if _unmet(c, explanation.value) and not in_shown_gradient(explanation, c)]
    proven = (claim for found in _agreeing(explanation)[:1] if (claim := _expected(found, unmet)) is not None)
    if wanted := next(proven, next(iter(unmet), None)):
        return text(said("Why {value} and not {expected}?", value=value, expected=_stated(wanted)), translator)
    return text(said("Why {value}?", value=value), translator)


def _agreeing(explanation: Explanation) -> list[Counterfactual]:
    """The changes that prove the first diagnosis."""
    return [c for d in explanation.diagnoses[:1] for c in d.counterfactuals if c.agrees and c.value is not None]


def _expected(found: Counterfactual, claims: Sequence[Claim]) -> Claim | None:
    """Which expected number a change returns."""
    value = found.value if found.expected else None
    return None if value is None else next((claim for claim in claims if claim.agrees(value)), None)


def _stated(claim: Claim) -> str:
    """An expected number in the digits that the asker gives it."""
    if not isinstance(claim.value, float | int):
        return str(claim.value)
    return as_written(float(claim.value), claim.radius)


def _unmet(claim: Claim, value: object) -> bool:
    """Whether a single number that the asker states, or nan and infinity as words, is not the one at hand."""
    met = isinstance(value, float | int) and claim.agrees(float(value))
    return not claim.ours and isinstance(claim.value, float | int | str) and not met


def _steps(explanation: Explanation, translator: Translator) -> tuple[Step, ...]:
    """The derivation; where the program stops, what is known of the place."""
    if explanation.recording.raised is not None:
        return tuple(Step(text(message, translator)) for message in sections.stopping(explanation)[:_MOST_STOPPING])
    return (*steps(explanation, translator), *_limits(explanation, translator))


def _limits(explanation: Explanation, translator: Translator) -> tuple[Step, ...]:
    """The least value, and what the loss does on the way there; on the full derivation only."""
    lines = [*sections.floors(explanation, translator), *sections.illustrations(explanation, translator)]
    title = text(said("When would it be (almost) 0?"), translator)
    return (Step(title, body=("\n".join(lines),), on_card=False),) if lines else ()


def _badge(explanation: Explanation) -> str:
    return "—" if explanation.value is None else summary(explanation.value)


def _code(explanation: Explanation) -> str:
    """The call that made the subject, or the expression that stopped the program, as the asker wrote it."""
    raised = explanation.recording.raised
    if raised is not None:
        return raised.span.text if raised.span is not None else ""
    call = explanation.call
    return call.span.text if call and call.span else ""


def _takeaway(explanation: Explanation, translator: Translator) -> Text:
    """The verdict, and the run that proves it."""
    parts = [text(verdict(explanation), translator, strong=("value",))]
    agreeing = _agreeing(explanation)
    parts += [text(message, translator) for message in exactly(explanation)]
    parts += [text(message, translator, strong=("value",)) for message in sections.fixed(explanation)]
    parts += [text(message, translator) for message in sections.compared(explanation)[:1]]
    for found in agreeing[:1]:
        hoped = _expected(found, explanation.claims)
        named = {"what": found.what, "value": shown(found.value or 0.0) if hoped is None else _stated(hoped)}
        message = (
            said("The {value} you expected is another computation ({what}).", **named)
            if found.expected
            else said("Changed ({what}), it gives {value}.", **named)
        )
        parts.append(text(message, translator, strong=("value",)))
    if not agreeing:
        parts += [(line,) for line in sections.floors(explanation, translator)[:1]]
    return joined(translator, *parts)


def _diff(explanation: Explanation) -> tuple[DiffLine, ...]:
    fixes = [d.fix for d in explanation.diagnoses[:1] if d.fix is not None]
    return tuple(_line(line) for found in fixes for line in found.diff)


def _line(line: str) -> DiffLine:
    return (
        DiffLine("+", line[2:])
        if line.startswith("+ ")
        else DiffLine("-", line[2:])
        if line.startswith("- ")
        else DiffLine(" ", line)
    )


def _paragraphs(explanation: Explanation, context: Context, card: Card, translator: Translator) -> Iterator[Paragraph]:
    """The short paragraphs of an answer, those that hold something."""
    writer = plain_writer(card, translator)
    diagnosis = explanation.diagnoses[0] if explanation.diagnoses else None
    also = dict.fromkeys(d.title.say(translator) for d in explanation.diagnoses[1:] if not d.general)
    held: dict[Kind, list[str]] = {
        "verdict": [verdict(explanation).say(translator)],
        "evidence": sections.evidence(explanation, translator),
        "formulas": sections.derivation(writer, card.steps),
        "counterfactuals": sections.counterfactuals(explanation, translator),
        "floors": [
            *(sections.floors(explanation, translator) or sections.no_floor(explanation, translator)),
            *sections.no_curve(explanation, translator),
        ],
        "others": sections.others(explanation, translator),
        "fix": sections.fix(diagnosis, translator) if diagnosis else [],
        "also": [said("Also true: {titles}", titles="; ".join(also)).say(translator)] if also else [],
        "checks": ["  ".join(f"✓ {check}" for check in card.checks)] if card.checks else [],
        "doubts": uncertainties(explanation, context.completions, translator),
        "clear": [line for line in (sections.clear(explanation, translator),) if line],
    }
    return (Paragraph(kind, _paragraph(kind, lines)) for kind, lines in held.items() if lines)


def _paragraph(kind: Kind, lines: Sequence[str]) -> str:
    whole = "\n".join(lines)
    return whole if kind == "formulas" else _as_typed(whole)


def _as_typed(sentences: str) -> str:
    """Sentences with the minus sign of keyboards, which numbers in them have: -100 can be searched for and copied."""
    return sentences.replace("−", "-")


def _sources(explanation: Explanation, card: Card, translator: Translator) -> dict[str, str]:
    files = {
        "derivation.tex": latex_document(card, translator, Coverage.shipped()),
        "derivation.txt": plain_text(card, translator),
    }
    if isinstance(explanation.reading, Reading) and explanation.reading.twin:
        files["derivation.py"] = explanation.reading.twin.source
    return files
