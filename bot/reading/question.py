"""What was read in a message: frozen values that cross from the jailed child to the service."""

from enum import StrEnum
from typing import Any, Literal

import msgspec


class Span(msgspec.Struct, frozen=True):
    """Half-open range of characters of `Question.text`."""

    start: int
    end: int


class Origin(StrEnum):
    """Where a snippet was found."""

    FENCE = "fence"
    UNFENCED = "unfenced"
    TRANSCRIPT = "transcript"
    LITERAL = "literal"
    FILE = "file"
    COMPLETED = "completed"


class Claim(msgspec.Struct, frozen=True):
    """A value or behaviour that the asker states.

    `value` is a float, a nested tuple of floats (entries may be nan or inf), one of "nan", "inf", "-inf", or for
    kind "behaviour" a word: negative, nan, inf, always-same, not-decreasing, random. `radius` is half a unit of the
    last printed digit, the rounding of printing alone: whoever judges the claim adds the rounding of the dtype.
    Integers ("expected 0", "it is 15", torch's `tensor(1.)`, printed so only when exact) have radius 0. `span` is
    None for a claim out of a file.
    """

    kind: Literal["printed", "expected", "behaviour"]
    value: float | str | tuple[Any, ...]
    radius: float
    text: str
    span: Span | None


class Completion(msgspec.Struct, frozen=True):
    """Something we supplied, repaired or left out so that the snippet can run; the answer says so.

    For `what` "import", "name" and "made-up", `code` is to be run before the source; "made-up" stands in for what
    nobody defines, and "call" calls what the source only defines. "framework" says that the source is a
    translation, "given" that a line gave way to a value that the message shows, "file" that a call
    gave way to the values of the attached file that it loads, "loss" that no loss was named. Every other repair is
    already in the source, and `code` shows the repaired (or, for "left-out", the missing) line.
    `place` is where a value came from: a line of the message or the name of a file.
    """

    what: Literal[
        "import",
        "name",
        "made-up",
        "call",
        "loss",
        "framework",
        "given",
        "file",
        "shape",
        "parenthesis",
        "quote",
        "character",
        "tab",
        "indent",
        "print",
        "return",
        "left-out",
    ]
    name: str
    code: str
    place: int | str | None = None


class Snippet(msgspec.Struct, frozen=True):
    """Runnable Python without printed output; bare expressions stay where the asker shows a value.

    `line_map[i]` is the line (from 1) of the message, or of `file`, that source line i + 1 came from. `shown` says
    that a statement at the top level shows a value (a bare expression or a print).
    """

    source: str
    origin: Origin
    line_map: tuple[int, ...]
    completions: tuple[Completion, ...]
    shown: bool
    file: str | None = None

    @property
    def prelude(self) -> str:
        """The lines to run before the source."""
        return "\n".join(c.code for c in self.completions if c.what in ("import", "name", "made-up"))


class ReportedError(msgspec.Struct, frozen=True):
    """The exception or warning that the asker pasted; `code` are the lines of theirs that its traceback shows."""

    type: str
    message: str
    code: tuple[str, ...] = ()


Difference = Literal[
    "keras-probabilities", "keras-scores", "keras-clip", "keras-mean", "keras-kl", "per-row", "optax-half", "sklearn",
    "hinge", "squared-hinge", "categorical-hinge", "rate", "cosine", "brier", "scipy-kl", "scipy-entropy",
    "relative-entropy", "rows-of-kl", "half-sum", "same-mean", "log1p", "boosted",
    "transducer",
]  # fmt: skip
"""How a loss of another framework differs from torch's."""


class Foreign(msgspec.Struct, frozen=True):
    """A loss of another framework, as the message names it, and how it differs from torch's."""

    name: str
    difference: Difference


class Stated(msgspec.Struct, frozen=True):
    """An argument that is said in words: its name, and its value as a Python literal."""

    name: str
    value: str


class Kind(StrEnum):
    """What there is to work with: a program, literals, an error, numbers, or words."""

    PROGRAM = "program"
    LITERAL = "literal"
    ERROR = "error"
    NUMBER = "number"
    WORDS = "words"


class Question(msgspec.Struct, frozen=True, tag="question"):
    """A message that is for us.

    `text` is the message with line ends and broken encoding repaired; every span and line refers to it. `subject` is
    the index of the main snippet, None without one. `loss_words` are names of torch.nn.functional (or dice_loss,
    focal_loss, info_nce) that the prose names, in order of mention, then those of code that lacks names. `missing` are
    names which the main snippet needs and nobody defines. `left_out` names attachments that were not read. Where
    nothing can be run as it stands, `topics` is what the words are about (see `topics_of`) and `stated` the arguments
    that they name: an example is chosen by them. `foreign` are losses of other frameworks, in code or in prose.
    `earlier` counts the lines of `text` that stand in messages before the asker's last. Of the names in `cut`
    the message shows a value that its print left incomplete ("..."): they are missing, or bound to what raises.
    `unused` are data files whose numbers no program takes.
    `sketches` are versions of the main snippet with stand-ins for what it lacks, `before` exceptions that came before
    the one asked about; `fails` says that an exception is asked about.
    """

    text: str
    language: str
    snippets: tuple[Snippet, ...]
    subject: int | None
    claims: tuple[Claim, ...]
    loss_words: tuple[str, ...]
    missing: tuple[str, ...]
    kind: Kind
    traceback: ReportedError | None = None
    left_out: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    stated: tuple[Stated, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    sketches: tuple[Snippet, ...] = ()
    before: tuple[ReportedError, ...] = ()
    fails: bool = False
    earlier: int = 0
    cut: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


class NotAQuestion(msgspec.Struct, frozen=True, tag="not-a-question"):
    """A message that is not for us, and why."""

    reason: Literal["empty", "small-talk", "other-python", "other-framework", "no-loss"]
    language: str = "en"


class NeedsInput(msgspec.Struct, frozen=True, tag="needs-input"):
    """A question about a loss that nothing can be computed from: `what` is the one thing to ask for.

    "picture": for the text of pictures, which nobody reads here, "file" for that of other files that are no text;
    `missing` then names them.
    """

    missing: tuple[str, ...]
    what: Literal["code", "target", "input", "loss", "picture", "file"]
    language: str = "en"


class TooLong(msgspec.Struct, frozen=True, tag="too-long"):
    """The message or file `what` has `size` bytes; at most `limit` are read."""

    what: str
    size: int
    limit: int


Reading = Question | NotAQuestion | NeedsInput | TooLong


class File(msgspec.Struct, frozen=True):
    """An attachment: its name and its bytes as they came."""

    name: str
    data: bytes
