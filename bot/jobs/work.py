"""What the walk sends to its children and gets back.

A Recording and a RerunResult travel as the bytes they were encoded to: only the explainer, which is locked in, ever
decodes what a stranger's process made.
"""

from collections.abc import Collection
from typing import Final, Literal

import msgspec

from bot.evaluator.attempts import Attempt
from bot.exchange import Answer, Claim, DiagnosisKind, Error, Loss, Number, Numbers, Theme, Wants
from bot.reading.question import File, Snippet
from explainers import claims
from explainers.reruns import GraphRerun, SourceRerun

READ_AND_RUN: Final = "bot.jobs.snippets:read_and_run"
RUN: Final = "bot.jobs.snippets:run"
REPLAY: Final = "bot.jobs.snippets:replay"
RERUN: Final = "bot.jobs.snippets:rerun"
VERSION: Final = "bot.jobs.snippets:version"
EXPLAIN: Final = "bot.jobs.explaining:answer"


class Room(msgspec.Struct, frozen=True):
    """Bytes that a run may hand back as its Recording, and print."""

    recording_bytes: int
    printed_bytes: int


class Message(msgspec.Struct, frozen=True):
    """Read this, say what was read, then run its subject."""

    text: str
    files: tuple[File, ...]
    direct: bool
    room: Room


class Program(msgspec.Struct, frozen=True):
    """Run this; `claims` are printed numbers, each with the radius that its digits leave open."""

    snippet: Snippet
    claims: tuple[tuple[float, float], ...]
    room: Room


class Ran(msgspec.Struct, frozen=True):
    """A Recording as encoded bytes, and how its program ended, as far as the program's own process can tell.

    `attempt` is what was refused, where that is known; `calls` is how many calls of torch it made.
    """

    recording: bytes
    ended: Literal["returned", "showed-nothing", "raised", "refused", "out-of-memory"]
    error: Error | None = None
    attempt: Attempt | None = None
    calls: int = 0


class Replay(msgspec.Struct, frozen=True):
    """Replay recorded calls, then run scripts of our own; each result is a frame, in this order."""

    recording: bytes
    reruns: tuple[GraphRerun, ...]
    scripts: tuple[SourceRerun, ...] = ()


class Edited(msgspec.Struct, frozen=True):
    """Run an edited program, `prelude` before it."""

    rerun: SourceRerun
    prelude: str


class Returned(msgspec.Struct, frozen=True, tag="returned"):
    """A rerun's result as encoded bytes. `label` is ours: what a child says of itself does not count."""

    label: str
    result: bytes


class NotRun(msgspec.Struct, frozen=True, tag="not-run"):
    """Why a rerun has no result."""

    label: str
    reason: str


Rerun = Returned | NotRun


class ToPlan(msgspec.Struct, frozen=True, tag="plan"):
    """Which reruns does this Recording want, at most `most` beside those of the proof?"""

    recording: bytes
    claims: tuple[claims.Claim, ...]
    most: int


class ToDerive(msgspec.Struct, frozen=True, tag="derive"):
    """Work out what follows from a recording alone, while its reruns run; concluding then finds it done."""

    recording: bytes
    claims: tuple[claims.Claim, ...]


class ToConclude(msgspec.Struct, frozen=True, tag="conclude"):
    """Explain, say and draw.

    `completions` is what was added to the program, `stated` the claims as the answer repeats them, `missing` names
    that nobody defines.
    """

    id: str
    recording: bytes
    claims: tuple[claims.Claim, ...]
    results: tuple[Rerun, ...]
    completions: tuple[str, ...]
    stated: tuple[Claim, ...]
    missing: tuple[str, ...]
    locale: str
    theme: Theme
    wants: Wants


class ToList(msgspec.Struct, frozen=True, tag="list"):
    """What losses and diagnoses are there?"""


class Fixed(msgspec.Struct, frozen=True):
    """A program that stopped, with its fix: whether it stops again when it is run, else the value that it gives."""

    source: str
    stops: bool
    value: Number | Numbers | None = None


class Concluded(msgspec.Struct, frozen=True):
    """The Answer, the milliseconds that drawing took, what of ours failed on the way, for our log, and what a fix led
    to."""

    answer: Answer
    draw_ms: float
    troubles: tuple[str, ...] = ()
    fixed: Fixed | None = None


class Example(msgspec.Struct, frozen=True):
    """A program of ours that shows a diagnosis, and what it is about (see `topics_of`).

    `losses` are the functions that it is about (none: any), `favours` those that people name when they ask for it;
    `phrases` the topics of each way in which they ask, `title` those of its diagnosis' title, `topics` those of its
    source. `claims` is what its writer would state; `raises` says that it shows an exception, `nonfinite` that its
    value is nan or infinite. `shows` are the losses of `losses` that its source computes: one about any loss is shown
    with one of them (none: with a formula of its own). `symptoms` are complaints without code that it is one cause of,
    each with its rank: the lower, the oftener it is met.
    """

    slug: str
    source: str
    losses: tuple[str, ...]
    claims: tuple[claims.Claim, ...]
    phrases: tuple[tuple[str, ...], ...]
    title: tuple[str, ...]
    topics: tuple[str, ...]
    raises: bool = False
    nonfinite: bool = False
    favours: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    symptoms: dict[str, int] = {}

    @property
    def about(self) -> frozenset[str]:
        """All its topics."""
        return frozenset(self.title).union(self.topics, *self.phrases)

    def is_about(self, losses: Collection[str]) -> bool:
        """Whether it is about each of the losses."""
        return set(losses) <= {*self.losses, *self.favours}


class Listed(msgspec.Struct, frozen=True):
    """The parts of a Catalogue that the explainer knows, and the examples that questions in words are answered from."""

    losses: tuple[Loss, ...]
    diagnoses: tuple[DiagnosisKind, ...]
    examples: tuple[Example, ...]


ToExplainer = ToPlan | ToDerive | ToConclude | ToList
