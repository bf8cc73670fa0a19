"""What an explainer serves: what to run again, what follows from it, and the drawing. Imports no torch."""

import functools
import inspect
import time
from typing import Final, assert_never

import msgspec

from bot import answers
from bot.evaluator.frames import decode, encode
from bot.exchange import DiagnosisKind, Drawn, Loss
from bot.jobs import rehearsal
from bot.jobs.formulas import following, formula
from bot.jobs.work import (
    Concluded,
    Example,
    Listed,
    NotRun,
    Rerun,
    Returned,
    ToConclude,
    ToDerive,
    ToExplainer,
    ToList,
    ToPlan,
)
from bot.reading.losses import HAND_WRITTEN, loss_words
from bot.reading.topics import topics_of
from explainers import explanation, locale, telling
from explainers.cards.card import Card
from explainers.cards.render import DrawingFailed, Renderer
from explainers.cards.typeset import Unprintable
from explainers.diagnoses import diagnosis
from explainers.diagnoses.diagnosis import Rule
from explainers.diagnoses.registry import rules
from explainers.locale import translator
from explainers.losses import registry
from explainers.reruns import BACKWARD, FLOAT64, TWIN, VALUE, Plan, RerunResult

_REQUESTS: Final = msgspec.msgpack.Decoder(ToExplainer)
_RESULTS: Final = msgspec.msgpack.Decoder(RerunResult)
_ALWAYS: Final = frozenset({VALUE, FLOAT64, TWIN, BACKWARD})


def answer(request: bytes) -> bytes:
    """The entry: a Plan, a Concluded or a Listed. Raises FrameInvalid for bytes that are not what they should be."""
    asked = decode(request, _REQUESTS)
    match asked:
        case ToPlan():
            return encode(_plan(asked))
        case ToDerive():
            return encode(_derive(asked))
        case ToConclude():
            return encode(_conclude(asked))
        case ToList():
            return encode(listed())
        case _:
            assert_never(asked)


def prepare() -> None:
    """Runs in the zygote: loads all that explaining needs, every catalogue among it, and starts no thread."""
    listed()
    renderer()
    _rehearsed()


def warm_up() -> None:
    """Runs in every explainer, after it is locked in: the compiler's threads inherit the lock."""
    card = _rehearsed().card
    renderer().draw(card)
    renderer().draw_full(card)


@functools.cache
def renderer() -> Renderer:
    """One for the whole life of the process."""
    return Renderer()


@functools.cache
def _rehearsed() -> telling.Told:
    plan = explanation.plan(rehearsal.recording(), rehearsal.CLAIMS)
    results = rehearsal.results(tuple(rerun.label for rerun in plan.reruns))
    found = explanation.conclude(rehearsal.recording(), rehearsal.CLAIMS, results)
    return telling.tell(found, telling.Context())


def _plan(asked: ToPlan) -> Plan:
    """The plan, with no more reruns for the diagnoses than are allowed."""
    found = formula(asked.recording, encode(asked.claims))
    plan = explanation.plan(found.recording, asked.claims, found.reading)
    others = [rerun.label for rerun in plan.reruns if rerun.label not in _ALWAYS]
    kept = _ALWAYS.union(others[: asked.most])
    return Plan(tuple(rerun for rerun in plan.reruns if rerun.label in kept))


def _derive(asked: ToDerive) -> None:
    following(asked.recording, encode(asked.claims))


def _conclude(asked: ToConclude) -> Concluded:
    follows = following(asked.recording, encode(asked.claims))
    formed, results = follows.formula, tuple(_result(each) for each in asked.results)
    found = explanation.conclude(formed.recording, asked.claims, results, formed.reading, follows.derived)
    told = telling.tell(found, telling.Context(completions=asked.completions, locale=asked.locale, theme=asked.theme))
    started = time.perf_counter()
    drawn, trouble = _drawn(told, asked)
    draw_ms = 1000 * (time.perf_counter() - started)
    troubles = tuple(filter(None, (formed.fault, trouble, *found.broken)))
    return Concluded(answers.explained(found, told, asked, drawn), draw_ms, troubles, answers.fixed(found))


def _result(rerun: Rerun) -> RerunResult:
    """The result under the label that we gave it: a child that ran a stranger's code may call itself the proof."""
    match rerun:
        case NotRun(label, reason):
            return RerunResult(label, not_run=reason)
        case Returned(label, result):
            return msgspec.structs.replace(decode(result, _RESULTS), label=label)
        case _:
            assert_never(rerun)


def _drawn(told: telling.Told, asked: ToConclude) -> tuple[Drawn, str]:
    sources = dict(told.sources) if asked.wants.sources else {}
    try:
        return Drawn(*_pictures(told.card, asked), sources), ""
    except (DrawingFailed, Unprintable) as error:  # the answer in words is still an answer
        return Drawn(sources=sources), type(error).__name__


def _pictures(card: Card, asked: ToConclude) -> tuple[bytes | None, bytes | None]:
    wants = asked.wants
    return renderer().draw(card) if wants.card else None, renderer().draw_full(card) if wants.full else None


@functools.cache
def listed() -> Listed:
    """What losses, diagnoses and examples there are; the zygote lists them once for all explainers."""
    losses = registry.registry().losses.values()
    translators = {name: translator(name) for name in locale.available()}
    kinds = (
        DiagnosisKind(rule.slug, rule.family, {name: rule.title.say(said) for name, said in translators.items()})
        for rule in rules()
    )
    return Listed(tuple(map(_loss, losses)), tuple(kinds), _examples())


def _examples() -> tuple[Example, ...]:
    return tuple(_example(rule, example) for rule in rules() for example in rule.examples)


def _example(rule: Rule, example: diagnosis.Example) -> Example:
    english = translator("en")
    written = tuple(loss for loss in loss_words(" ; ".join(example.words)) if loss in HAND_WRITTEN)
    return Example(
        slug=example.slug,
        source=example.source,
        losses=written if written and example.losses else example.losses,
        claims=tuple(msgspec.structs.replace(claim, ours=True) for claim in example.claims),
        phrases=tuple(tuple(sorted(topics_of(phrase))) for phrase in example.words),
        title=tuple(sorted(topics_of(f"{example.title.say(english)} {example.slug.replace('-', ' ')}"))),
        topics=tuple(sorted(topics_of(example.source))),
        raises=rule.concern == "exception",
        nonfinite=rule.concern == "non-finite",
        favours=(*written, *rule.about),
        shows=tuple(loss for loss in loss_words(example.source) if loss in example.losses),
        symptoms={each.complaint: each.rank for each in example.symptoms},
    )


def _loss(loss: registry.Loss) -> Loss:
    arguments = tuple(inspect.signature(loss.program).parameters)
    return Loss(loss.name, loss.module, arguments, loss.words, loss.example)
