"""The words of the engine: rules, suspicions with the trials they ask for, and diagnoses with what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from explainers.claims import Claim
from explainers.diagnoses.floors import Floor, FloorQuestion
from explainers.diagnoses.scene import Concern, Scene
from explainers.messages import Message
from explainers.notes import Notes
from explainers.recording import Span
from explainers.reruns import NO_VALUE, GraphRerun, SourceRerun

Confidence = Literal["shown", "consistent", "possible"]
Applicability = Literal["safe", "likely", "choose"]
Complaint = Literal["nan", "inf", "negative", "stuck"]
Role = Literal["correction", "gradient", "equivalent", "illustration", "fix", "check", "second-input", "comparison"]


@dataclass(frozen=True)
class Fix:
    """A change of the asker's own lines: `diff` lines begin with "- " or "+ ", `source` is the whole changed program.

    Both are empty where no line of theirs could be rewritten with certainty; the note then says what to do.
    """

    diff: tuple[str, ...]
    applicability: Applicability
    note: Message
    source: str = ""


@dataclass(frozen=True)
class Finding:
    """What a trial shows that proves its suspicion: the verdict, the fix that it has run, what else it shows, and the
    line that it blames; whether it `keeps` the suspicion's own fix."""

    verdict: Message
    fix: Fix | None = None
    evidence: tuple[Message, ...] = ()
    line: int | None = None
    keeps: bool = False


@dataclass(frozen=True)
class Trial:
    """A changed program to run.

    A `correction` undoes the suspected mistake, and only it can return the asker's number as proof; an `equivalent`
    must return the value as it is (so nothing is wrong); an `illustration` shows how the loss behaves. A `gradient`
    undoes a mistake that only the gradient shows: what it gives is that of the first tensor that its rerun asks for.
    `proves` says of a value whether it is what the asker hopes for, beside the numbers that they state; where it does,
    `then` is said. A `comparison` runs the program as it is, for what its expressions give: `reads` is what is found in
    them, None where that says nothing. A `check` runs the program with a fix only for whether it runs, where its value
    would answer another question. `of` is the tensor whose gradient a program run anew shows as its value, and `wanted`
    what the asker expects of a gradient.
    """

    what: Message
    rerun: GraphRerun | SourceRerun
    role: Role = "correction"
    proves: Callable[[float], bool] | None = None
    then: Finding | None = None
    reads: Callable[[Notes], Finding | None] | None = None
    of: int | None = None
    wanted: Claim | None = None


@dataclass(frozen=True)
class Suspicion:
    """A rule's trigger holds at a call.

    `at` is the index of the call that is to blame (the earlier it is, the nearer to the root cause); `verdict` is one
    sentence that names the value. `alternatives` are fixes to give where `fix` was run and did not help. With
    `only_proven` nothing is said unless a trial proves it, and only that trial is told.
    """

    at: int
    verdict: Message
    evidence: tuple[Message, ...]
    trials: tuple[Trial, ...]
    fix: Fix | None = None
    floors: tuple[FloorQuestion, ...] = ()
    alternatives: tuple[Fix, ...] = ()
    only_proven: bool = False


@dataclass(frozen=True)
class Symptom:
    """What people complain of who have this mistake and show no code; the lower its `rank` among the rules of one
    complaint, the oftener it is met."""

    complaint: Complaint
    rank: int


@dataclass(frozen=True)
class Example:
    """A program of ours that shows a diagnosis: what a question in words about it is answered from.

    `losses` are the functions of torch.nn.functional that it is about (none: any program), `words` English phrases by
    which people ask about it, `claims` what the one who writes such a program states, `symptoms` what it is one cause
    of.
    """

    slug: str
    title: Message
    losses: tuple[str, ...]
    words: tuple[str, ...]
    source: str
    claims: tuple[Claim, ...]
    symptoms: tuple[Symptom, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One diagnosis.

    `losses` are the short names of the functions it is about (none: the program as a whole). `positive` is a snippet
    on which it fires, `control` one on which it must not. `words` are English phrases by which people ask about it.
    `explanation` says why it happens whatever the numbers, `uncertainty` what has to be assumed. A `harmless` one
    finds nothing wrong, an `undecidable` one cannot be told from what is right without asking. A
    `handwritten` one looks for the same in formulas that people write themselves; `about` names losses that people
    mean with it beside those that it is looked for in. It is said before the slugs that it
    `dominates`. `unedited` says, to readers of the code, why its fix is a note and no edit of the asker's lines.
    `variants` are positives of other losses that it is about, to answer who names one of those. `symptoms` are the
    complaints without code that its positive is one cause of.
    """

    slug: str
    family: str
    title: Message
    explanation: Message
    losses: frozenset[str]
    trigger: Callable[[Scene], Suspicion | None]
    positive: str
    control: str
    uncertainty: Message | None = None
    positive_claims: tuple[Claim, ...] = ()
    dominates: frozenset[str] = frozenset()
    concern: Concern = "value"
    words: tuple[str, ...] = ()
    harmless: bool = False
    undecidable: bool = False
    control_claims: tuple[Claim, ...] = ()
    handwritten: bool = False
    about: frozenset[str] = frozenset()
    unedited: str = ""
    variants: tuple[str, ...] = ()
    symptoms: tuple[Symptom, ...] = ()

    def applies(self, scene: Scene) -> bool:
        """Whether the rule is about the scene: what is looked for, and its call or the program that it is of."""
        of_program = scene.whole and (not self.losses or self.handwritten)
        return scene.concern == self.concern and (scene.name in self.losses or of_program)

    @property
    def examples(self) -> tuple[Example, ...]:
        """The programs of ours that show it, `positive` first."""
        losses = tuple(sorted(self.losses | self.about))
        sources = ((self.positive, self.positive_claims), *((source, ()) for source in self.variants))
        return tuple(
            Example(self.slug, self.title, losses, self.words, source, claims, self.symptoms)
            for source, claims in sources
        )


@dataclass(frozen=True)
class Counterfactual:
    """A trial that was asked for and what came of it.

    `value` is the subject's number (None: no scalar, or it did not run), `values` all its elements in order; `raised`
    is torch's message where the changed program raised, `not_run` the reason why it was not run. It `agrees` where it
    proves the suspicion, and is `expected` where it returns a number that the asker says they expected.
    """

    what: Message
    role: Role
    value: float | None
    agrees: bool
    values: tuple[float, ...] = ()
    raised: str | None = None
    not_run: str | None = None
    expected: bool = False

    @property
    def ran(self) -> bool:
        """Whether it gave a value."""
        return bool(self.values)

    @property
    def ended(self) -> bool:
        """Whether it ran to its end, though it shows no value, or one without numbers."""
        return not self.ran and self.raised is None and self.not_run in (None, NO_VALUE)

    @property
    def finite(self) -> bool:
        """Whether it gave a value without nan or infinity."""
        return self.ran and all(map(math.isfinite, self.values))


@dataclass(frozen=True)
class Diagnosis:
    """A rule's verdict on a program; `place` is where the call that is to blame was written.

    A `general` one says nothing that a more special one of the same program does not say better. `compared` is what a
    comparison of two computations found, to be said also where another diagnosis comes first.
    """

    slug: str
    title: Message
    confidence: Confidence
    verdict: Message
    evidence: tuple[Message, ...]
    explanation: Message
    counterfactuals: tuple[Counterfactual, ...]
    fix: Fix | None
    floors: tuple[Floor, ...]
    uncertainty: Message | None
    place: Span | None
    concern: Concern = "value"
    general: bool = False
    compared: tuple[Message, ...] = ()

    @property
    def floor(self) -> Floor | None:
        """The least value over the inputs that the asker's reading allows, None where it was not found."""
        return next(iter(self.floors), None)


@dataclass(frozen=True)
class Rules:
    """Rules by slug, in the order in which they are tried."""

    by_slug: Mapping[str, Rule]

    def __getitem__(self, slug: str) -> Rule:
        """The rule of this slug; KeyError where there is none."""
        return self.by_slug[slug]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.by_slug.values())

    def examples(self) -> tuple[Example, ...]:
        """Programs of ours for every rule, in the order of the registry."""
        return tuple(example for rule in self for example in rule.examples)


def registered(rules: tuple[Rule, ...]) -> Rules:
    """A registry of these rules. Raises ValueError where a slug appears twice or an unknown one is dominated."""
    table: dict[str, Rule] = {}
    for rule in rules:
        if rule.slug in table:
            raise ValueError(f"{rule.slug} is registered twice")
        table[rule.slug] = rule
    for rule in rules:
        if unknown := rule.dominates - table.keys():
            raise ValueError(f"{rule.slug} dominates {min(unknown)}, which is not registered")
    return Rules(MappingProxyType(table))
