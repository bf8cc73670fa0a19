"""What crosses the evaluator service's socket: frozen values, checked against these types on both sides.

A client connects and is sent the Catalogue, or Unfit and nothing after it. It then sends Asks, as many as it likes at a
time, and Cancels; each Ask is answered by any number of Queued and Stage, and by exactly one Answer.
"""

import math
from typing import Annotated, Any, Final, Literal

import msgspec

PROTOCOL: Final = 1
"""Counted up when a client of before would misread what is sent now."""

Theme = Literal["dark", "light"]
StageName = Literal["read", "evaluate", "explain", "draw"]
Outcome = Literal[
    "explained",
    "failed",
    "needs-input",
    "not-a-question",
    "timed-out",
    "out-of-memory",
    "forbidden",
    "too-large",
    "crashed",
    "busy",
]

Number = float | str
"""A number, or one of the words "nan", "inf", "-inf" for what JSON has no number for."""

Numbers = float | str | tuple[Any, ...]
"""A Number, or nested sequences of them."""


def worded(value: Any) -> Any:
    """The value with non-finite floats, at any depth of tuples and lists, as the words of `Number`."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case tuple() | list():
            return tuple(worded(each) for each in value)
        case _:
            return value


class File(msgspec.Struct, frozen=True):
    """An attachment: its name and its bytes as they came."""

    name: str
    data: bytes


class Wants(msgspec.Struct, frozen=True):
    """What is to be drawn or written beside the text."""

    card: bool = False
    full: bool = False
    sources: bool = False


class Ask(msgspec.Struct, frozen=True, tag="ask", kw_only=True):
    """A message to answer.

    `id` is the client's own, used once on a connection, and names this Ask in what comes back. `locale` None means the
    message's own language. `asker` and `guild` are opaque keys, `revision` counts the message's edits. `deadline` is in
    seconds from when its turn comes. `direct` says that somebody asked us, rather than that we read along. `earlier`
    counts the lines of `text` that stand in messages before the one that asks.
    """

    id: str
    text: str
    files: tuple[File, ...] = ()
    locale: str | None = None
    theme: Theme = "dark"
    asker: str = ""
    guild: str = ""
    deadline: Annotated[float, msgspec.Meta(gt=0, le=300)] = 30.0
    revision: int = 0
    wants: Wants = Wants()
    direct: bool = True
    earlier: int = 0


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Nobody wants the answer to this Ask any more; none will come."""

    id: str


class Loss(msgspec.Struct, frozen=True):
    """A supported function: torch's name, its nn class, its arguments in order, words for it, an example to run."""

    name: str
    module: str | None
    arguments: tuple[str, ...]
    words: tuple[str, ...]
    example: str


class DiagnosisKind(msgspec.Struct, frozen=True):
    """A diagnosis that can be given, with its title in each locale."""

    slug: str
    family: str
    titles: dict[str, str]


class Catalogue(msgspec.Struct, frozen=True, tag="catalogue"):
    """The handshake: who answers, and what they know."""

    protocol: int
    torch: str
    losses: tuple[Loss, ...]
    diagnoses: tuple[DiagnosisKind, ...]


class Queued(msgspec.Struct, frozen=True, tag="queued"):
    """`position` others are before this Ask."""

    id: str
    position: int


class Stage(msgspec.Struct, frozen=True, tag="stage"):
    """What is being done for this Ask now."""

    id: str
    name: StageName


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """What was sent is no frame of this protocol; the connection ends with this."""

    reason: str


class Unfit(msgspec.Struct, frozen=True, tag="unfit"):
    """In place of the Catalogue: no code is evaluated here, because the jail is weaker than the settings accept."""

    reason: str


class Error(msgspec.Struct, frozen=True):
    """An exception of torch or Python, by its type's name and its own words."""

    type: str
    message: str


class Claim(msgspec.Struct, frozen=True):
    """What the asker stated: a value, or for kind "behaviour" a word for it."""

    kind: Literal["printed", "expected", "behaviour"]
    value: Numbers


class Counterfactual(msgspec.Struct, frozen=True):
    """A change, said in the answer's language, and what the changed program gave; None where it gave no value."""

    what: str
    value: Numbers | None


class Diagnosis(msgspec.Struct, frozen=True):
    """A cause, how sure we are of it, and the changed programs that were run for it."""

    slug: str
    confidence: Literal["shown", "consistent", "possible"]
    counterfactuals: tuple[Counterfactual, ...]


class Proof(msgspec.Struct, frozen=True):
    """Whether torch's value lies in the enclosure of the exact one; the bounds are outward decimal strings.

    `error_bound` is what rounding may account for; it and `torch`, torch's own value, are in the value's unit.
    """

    verdict: Literal["certified", "refused", "not-applicable"]
    enclosure: tuple[str, str] | None = None
    error_bound: Number | None = None
    torch: Numbers | None = None


class Other(msgspec.Struct, frozen=True):
    """A further value that the message's code shows, or the exception that it stops with."""

    expression: str
    loss: str | None
    value: Numbers | None
    proof: Proof
    error: Error | None = None


class Timings(msgspec.Struct, frozen=True):
    """Milliseconds, waiting in the queue not counted."""

    read: float = 0.0
    evaluate: float = 0.0
    explain: float = 0.0
    draw: float = 0.0
    total: float = 0.0


class Paragraph(msgspec.Struct, frozen=True):
    """A part of the text: what the explainers say (explainers.telling.Kind), or a "preface" and "remarks" of the bot.

    The last line of a "fix" says what the diff above it does; the first of "printed" and "preface" what follows.
    """

    kind: str
    text: str


class Drawn(msgspec.Struct, frozen=True):
    """What was asked for beside the text: PNG bytes, and source files by name."""

    card: bytes | None = None
    full: bytes | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Answer(msgspec.Struct, frozen=True, tag="answer", kw_only=True):
    """Everything that is said about one message; `verdict`, `text` and `alt_text` are in `language`.

    `text` is all `paragraphs`; where there is no explanation they are the verdict and what was printed before the end.
    `value` is what torch computed, `floor` the least value over the inputs that the asker's reading allows, `gradient`
    by the input's name; `missing` are names that the code needs and nobody defines.
    """

    id: str
    outcome: Outcome
    language: str
    loss: str | None = None
    value: Numbers | None = None
    error: Error | None = None
    claims: tuple[Claim, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    floor: Number | None = None
    gradient: dict[str, Numbers] = msgspec.field(default_factory=dict[str, Numbers])
    proof: Proof = Proof("not-applicable")
    others: tuple[Other, ...] = ()
    verdict: str
    text: str
    alt_text: str
    missing: tuple[str, ...] = ()
    timings_ms: Timings = Timings()
    paragraphs: tuple[Paragraph, ...] = ()
    drawn: Drawn = Drawn()


FromClient = Ask | Cancel
FromService = Catalogue | Queued | Stage | Answer | Refused | Unfit
