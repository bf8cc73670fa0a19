"""Which program of ours answers a question in words: chosen by what it is about, with the arguments that are named."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.jobs.work import Example
from bot.reading.arguments import INDEXED
from bot.reading.losses import HAND_WRITTEN, MODULES, functions
from bot.reading.question import Question, Stated
from bot.reading.stated import CLASSES
from bot.reading.topics import is_concept
from bot.reading.vocabulary import HOW_IT_BEHAVES

ENOUGH: Final = 1.0
"""Below this an example is about something else, and the plain example of the loss says more."""

_WORD: Final = 0.7
"""What a plain English word weighs beside a concept of the trade."""

_BESIDE: Final = 0.5
_BESIDE_CODE: Final = 2.5
"""Where there is code that cannot be run, an example has to fit better to say more than that."""

_WITHOUT_ITS_LOSS: Final = 2
"""Topics that a question shares with an example whose loss it does not name: "why is my loss nan?" could be any."""

_PLAIN_WORDS: Final = 2
"""Words of no trade that say together what is asked."""

_TITLE: Final = 0.25
_SOURCE: Final = 0.2
_SAME_LOSS: Final = 1.5
_MEANT_WITH_IT: Final = 0.97
"""What one says less that computes another loss than the named one, which is only meant with it."""

_ANY_LOSS: Final = 0.75
_ANY_BESIDE_ITS_OWN: Final = 0.4
"""Of a loss that people write themselves, an example of any loss says less: such losses have examples of their own."""

_OTHER_LOSS: Final = 0.2
_OTHER_END: Final = 0.67
_UNASKED_ERROR: Final = 0.5
_AS_INFINITE: Final = 1.5
_ITS_ARGUMENT: Final = 1.2
"""An example that uses an argument whose value is stated says more of it than one that does not."""

_BY_HAND: Final = 0.6
"""Of a loss by torch's own name, an example that calls none of torch's says less."""

_WITHOUT_THE_SYMPTOM: Final = 0.3
_SYMPTOMS: Final = {"nan": "nan", "inf": "infinite", "-inf": "infinite", "negative": "negative"}
"""What a loss is said to be → the topic that an example of it is about."""

_NONFINITE: Final = ("nan", "inf", "-inf")
_MOST_CLASSES: Final = 100_000
_LOSSES: Final = frozenset(MODULES.values()) | HAND_WRITTEN
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LARGEST: Final = {"batch": 512, CLASSES: _MOST_CLASSES}
"""Numbers beyond which an example would be too large to show anything."""


@dataclass(frozen=True)
class Examples:
    """All examples, and how much it says of one that it is about a topic (inverse document frequency)."""

    all: tuple[Example, ...]
    rarity: dict[str, float]

    def best(self, question: Question) -> Example | None:
        """The example that the words fit best, None where they fit none.

        A loss that people write themselves goes before those of torch that it is made of. An example of another loss
        than those that are named must share more with the question; one that raises is preferred
        where an exception is asked about, and one that does not where none is.
        """
        asked = frozenset(question.topics)
        losses = tuple(loss for loss in question.loss_words if loss in HAND_WRITTEN) or question.loss_words
        raised = question.traceback is not None and not question.traceback.type.endswith("Warning")
        told = [claim.value for claim in question.claims]
        called = called_in(question.text)
        infinite = any(value in _NONFINITE for value in told) and not any(isinstance(value, float) for value in told)
        symptoms = frozenset(_SYMPTOMS[value] for value in told if isinstance(value, str) and value in _SYMPTOMS)
        known = [each for each in self.all if self._shared(each, asked) >= _needed(each, losses)]
        known = [each for each in known if _is_kin(each, losses) or is_telling(each, asked)]
        scored = [
            (
                self._score(each, asked, losses)
                * _ending(each, raised, infinite)
                * _using(each, question.stated)
                * _behaving(each, symptoms)
                * _calling(each, called),
                -at,
            )
            for at, each in enumerate(known)
        ]
        score, at = max(scored, default=(0.0, 0))
        return known[-at] if score >= (ENOUGH if question.subject is None else _BESIDE_CODE) else None

    def causing(self, symptom: str, losses: Collection[str]) -> tuple[Example, ...]:
        """One example of each diagnosis that has the symptom and is about any loss, or about one of those that are
        named; what is met oftenest first."""
        fitting = (each for each in self.all if symptom in each.symptoms)
        known = [each for each in fitting if not losses or not each.losses or _is_kin(each, losses)]
        first = {each.slug: each for each in reversed(known)}
        return tuple(sorted(first.values(), key=lambda each: each.symptoms[symptom]))

    def _shared(self, example: Example, asked: frozenset[str]) -> int:
        """How many topics it shares with the phrase of the example that it shares most with."""
        return max((len(asked.intersection(phrase)) for phrase in example.phrases), default=0)

    def _score(self, example: Example, asked: frozenset[str], losses: Collection[str]) -> float:
        told, best = max(((self._told(each, asked), each) for each in example.phrases), default=(0.0, ()))
        beside = asked.intersection(topic for phrase in example.phrases for topic in phrase).difference(best)
        about = _BESIDE * self._weight(beside)
        about += _TITLE * self._weight(asked.intersection(example.title))
        about += _SOURCE * self._weight(asked.intersection(example.topics))
        return (told + about) * _kinship(example, losses) + (ENOUGH if _is_of_its_own(example, losses) else 0.0)

    def _told(self, phrase: Sequence[str], asked: frozenset[str]) -> float:
        """The weight of what a phrase and the question share, times the share of the phrase that it is."""
        shared, whole = self._weight(asked.intersection(phrase)), self._weight(phrase)
        return shared * shared / whole if whole else 0.0

    def _weight(self, topics: Iterable[str]) -> float:
        return sum(self.rarity.get(topic, 0.0) for topic in topics)


def examples(found: Sequence[Example]) -> Examples:
    """The examples with the rarity of each topic among them."""
    counts = Counter(topic for each in found for topic in each.about)
    rarity = {topic: math.log((len(found) + 1) / count) for topic, count in counts.items()}
    return Examples(tuple(found), {t: r if is_concept(t) else _WORD * r for t, r in rarity.items()})


def _ending(example: Example, raised: bool, infinite: bool) -> float:
    """How well an example ends as the question's program does: with an exception, or with nan or infinity."""
    if example.raises != raised:
        return _OTHER_END if raised else _UNASKED_ERROR
    return _AS_INFINITE if infinite and example.nonfinite else 1.0


def _using(example: Example, stated: Sequence[Stated]) -> float:
    """How much more an example says that uses what is stated by name."""
    names = {each.name for each in stated} - {CLASSES}
    return _ITS_ARGUMENT if names & frozenset(_IDENTIFIER.findall(example.source)) else 1.0


def _behaving(example: Example, symptoms: frozenset[str]) -> float:
    """How well an example shows what the asker says that the loss does: it is nan, infinite or negative."""
    if symptoms == frozenset(("negative",)) and example.nonfinite:
        return _WITHOUT_THE_SYMPTOM
    shown = example.about | (frozenset(_SYMPTOMS.values()) if example.nonfinite else frozenset[str]())
    return 1.0 if symptoms <= shown or symptoms & shown else _WITHOUT_THE_SYMPTOM


def called_in(text: str) -> frozenset[str]:
    """The losses of torch that a text names as torch does: KLDivLoss, kl_div."""
    words: list[str] = _IDENTIFIER.findall(text)
    return frozenset(MODULES.get(word, word) for word in words if word in MODULES or word in functions())


def _calling(example: Example, called: frozenset[str]) -> float:
    """How well an example fits a loss that is named as torch names it: one by hand, which calls none, fits less."""
    return 1.0 if not called or called_in(example.source) else _BY_HAND


def _is_kin(example: Example, named: Collection[str]) -> bool:
    return any(loss in named for loss in (*example.losses, *example.favours))


def is_telling(example: Example, asked: frozenset[str]) -> bool:
    """Whether what an example shares with a question says what it is about, beside how a loss behaves: one concept of
    the trade, or several plain words of one phrase."""
    shared = [asked.intersection(phrase) - HOW_IT_BEHAVES for phrase in example.phrases]
    return any(any(is_concept(topic) for topic in each) or len(each) >= _PLAIN_WORDS for each in shared)


def _is_of_its_own(example: Example, named: Collection[str]) -> bool:
    """Whether it is about a loss that people write themselves, which is named: the name says much of what is asked."""
    return any(loss in HAND_WRITTEN and loss in named for loss in example.losses)


def _needed(example: Example, losses: Collection[str]) -> int:
    """Topics that it has to share with a question to be considered."""
    if _is_of_its_own(example, losses):
        return 0
    return 1 if _is_kin(example, losses) else _WITHOUT_ITS_LOSS


def _kinship(example: Example, named: Collection[str]) -> float:
    if not named:
        return 1.0
    if _is_kin(example, named):
        if not example.shows or any(loss in named for loss in example.shows):
            return _SAME_LOSS
        return _SAME_LOSS * _MEANT_WITH_IT if any(loss in named for loss in example.favours) else _ANY_LOSS
    if _LOSSES.intersection(example.losses):
        return _OTHER_LOSS
    return _ANY_BESIDE_ITS_OWN if HAND_WRITTEN.intersection(named) else _ANY_LOSS


def adapted(source: str, stated: Sequence[Stated], arguments: dict[str, tuple[str, ...]]) -> str:
    """The program with the stated numbers in variables of their names, else in its last call of a loss.

    `arguments` are those that each loss takes.
    """
    tree = ast.parse(source)
    known = {each.name: each.value for each in stated}
    if _with_variables(tree, known):
        return ast.unparse(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _function(node)]
    if not calls:
        return source
    call = max(calls, key=lambda node: (node.lineno, node.col_offset))
    if _function(call) in INDEXED and (weights := known.get("weight")):
        known.setdefault(CLASSES, str(len(ast.literal_eval(weights))))
    taken = [name for name in known if name in arguments.get(_function(call), ())]
    call.keywords = [word for word in call.keywords if word.arg not in taken]
    call.keywords += [ast.keyword(name, _value(name, known[name])) for name in taken]
    changed = CLASSES in known and _with_classes(tree, int(known[CLASSES]))
    return ast.unparse(tree) if taken or changed else source


def _with_variables(tree: ast.Module, known: Mapping[str, str]) -> bool:
    """Stated numbers put where the program binds their names to one; False where there is nothing to change."""
    changed = False
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=(ast.Constant() as value) | ast.Call(args=[ast.Constant() as value])
            ) if name in known:
                number = float(known[name])
            case _:
                continue
        if 0 < number <= _LARGEST.get(name, math.inf) and isinstance(value.value, int | float):
            value.value, changed = type(value.value)(number), True
    return changed


def _function(call: ast.Call) -> str:
    """The loss that is called, by module or function; "" where it is none."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return MODULES.get(name) or (name if name in functions() else "")


def _value(name: str, literal: str) -> ast.expr:
    value = ast.parse(literal, mode="eval").body
    tensor = isinstance(value, ast.List) or name in ("weight", "pos_weight")
    return ast.parse(f"torch.tensor({literal})", mode="eval").body if tensor else value


def _with_classes(tree: ast.Module, classes: int) -> bool:
    """Rows of scores cut to the number of classes, or filled up; False where there is nothing to change."""
    if not 1 < classes <= _MOST_CLASSES:
        return False
    for node in ast.walk(tree):
        match node:
            case ast.List(elts=[ast.List(elts=[first, *_]), *_] as rows) if _is_float(first):
                node.elts = [_resized(row, classes) for row in rows if isinstance(row, ast.List)]
            case ast.Tuple(elts=[ast.Constant(value=int() as rows), ast.Constant(value=int())]):
                node.elts = [ast.Constant(rows), ast.Constant(classes)]
            case _:
                continue
        _keep_targets_below(classes, tree)
        return True
    return False


def _keep_targets_below(classes: int, tree: ast.Module) -> None:
    for node in ast.walk(tree):
        match node:
            case ast.List(elts=[ast.Constant(value=int()), *_] as labels):
                node.elts = [_below(label, classes) for label in labels]
            case _:
                pass


def _below(label: ast.expr, classes: int) -> ast.expr:
    over = isinstance(label, ast.Constant) and isinstance(label.value, int) and label.value >= classes
    return ast.Constant(classes - 1) if over else label


def _resized(row: ast.List, classes: int) -> ast.expr:
    if len(row.elts) >= classes:
        return ast.List(row.elts[:classes], ast.Load())
    zeros = ast.parse(f"[0.0] * {classes - len(row.elts)}", mode="eval").body
    return ast.BinOp(row, ast.Add(), zeros)


def _is_float(node: ast.expr) -> bool:
    plain = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(plain, ast.Constant) and isinstance(plain.value, float)
