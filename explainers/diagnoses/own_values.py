"""A loss that the program computes twice: by a library call and by itself, or twice by itself."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

from explainers.claims import Claim
from explainers.diagnoses.scene import Scene, is_library_loss, short, upstream
from explainers.recording import Recording, Shown, Tensor, scalar

MOST_OWN = 3
_CLOSE = 1e-5
_LEAST_DIGITS = 3
_MEASURES = frozenset(("std", "var", "logsumexp"))
_AGAIN = re.compile(
    r"(?<![a-z])(?:own|my|mine|manual(?:ly)?|hand|custom|numpy|np|ref(?:erence)?|expected|check|naive|scratch|keras|tf|"
    r"sklearn|formula|paper|loop|python|pure|vectori[sz]ed)(?![a-z])",
    re.I,
)
_OWN = re.compile(r"(?<![a-z])(?:own|my|mine|manual(?:ly)?|hand|custom|naive|scratch|bug(?:gy)?|wrong)(?![a-z])", re.I)
_THE_OTHER = re.compile(
    r"(?<![a-z])(?:ref(?:erence)?|expected|torch|pytorch|keras|tf|sklearn|lib(?:rary)?|official|builtin|true|truth|"
    r"correct|right|gold|paper)(?![a-z])",
    re.I,
)
_OF_A_LOSS = re.compile(
    r"(?<![a-z])(?:loss|ce|xent|entropy|bce|nll|mse|mae|kl|kld|huber|hinge|criterion)(?![a-z])", re.I
)
_OTHERWISE = re.compile(
    r"(?<![a-z])(?:acc(?:uracy)?|perplexity|ppl|auc|f1|recall|precision|norm|lr|grad|entropy|conf(?:idence)?|probs?|reg|"
    r"penalty|metric|score|baseline|log\(c\)|ratio|diff(?:erence)?)(?![a-z])",
    re.I,
)


@dataclass(frozen=True)
class Twice:
    """The value of the library call, and the program's own, which is the shown one of this index."""

    library: float
    function: str
    own: float
    shown: int
    line: int
    radius: float
    id: int

    @property
    def goal(self) -> Claim:
        """The program's own number as one to come to."""
        return Claim("expected", self.own, max(self.radius, _CLOSE * abs(self.own)), f"{self.own:.4g}", ours=True)

    def parted(self, value: float) -> bool:
        """Whether a number, written with as many digits as the own one, is another one than the library's."""
        return _parted(value, self.library, self.radius)


@dataclass(frozen=True)
class Rivals:
    """Two numbers that the program computes by itself and shows; the own one is that which is called so, else the later
    one."""

    first: Shown
    own: Shown


def twice(scene: Scene) -> Twice | None:
    """The two values where they part; None where the program shows no such pair, or more values than one can match."""
    recording = scene.recording
    made = _library(scene)
    if made is None:
        return None
    id, value, function = made
    own = [(k, s) for k, s in enumerate(recording.shown) if _is_own(scene, s, id)]
    if not 1 <= len(own) <= MOST_OWN:
        return None
    found = (
        Twice(value, function, s.number, k, s.line, radius(s), id)
        for k, s in own
        if s.number is not None and s.line is not None
    )
    return next((each for each in found if each.parted(each.own)), None)


def rivals(scene: Scene) -> Rivals | None:
    """Two numbers that a program without a library's loss computes by itself, where it says that they are one."""
    shown = [s for s in scene.recording.shown if _is_own(scene, s, None)]
    if _library(scene) is not None or len(shown) != 2 or not scene.whole:
        return None
    first, own = shown
    parted = first.number is not None and own.number is not None and _parted(own.number, first.number, radius(own))
    again = any(is_again(scene.recording, s) for s in shown) and not any(
        is_otherwise(scene.recording, s) for s in shown
    )
    if not parted or not again:
        return None
    return Rivals(own, first) if _is_rather_own(scene.recording, first, own) else Rivals(first, own)


def _is_rather_own(recording: Recording, first: Shown, other: Shown) -> bool:
    """Whether the words of what shows two numbers call the first one of them one's own, or the second one given."""
    words, others = (_expression(recording, shown).replace("_", " ") for shown in (first, other))
    own = bool(_OWN.search(words)) - bool(_OWN.search(others))
    return (own or bool(_THE_OTHER.search(others)) - bool(_THE_OTHER.search(words))) > 0


def _expression(recording: Recording, shown: Shown) -> str:
    """What is written of a shown number: the argument of its print where each argument of it shows one, else its
    line."""
    line = _line(recording, shown)
    beside = [s for s in recording.shown if s.line == shown.line]
    try:
        statement = ast.parse(line.strip()).body[0]
    except (SyntaxError, IndexError):
        return line
    match statement:
        case ast.Expr(ast.Call(args=parts)) if len(parts) == len(beside):
            return ast.unparse(parts[beside.index(shown)])
        case _:
            return line


def is_again(recording: Recording, shown: Shown) -> bool:
    """Whether the line that shows a number calls it the same thing computed again."""
    line = _line(recording, shown)
    return bool(_AGAIN.search(line)) or any(
        name in line and _OF_A_LOSS.search(name) for name in _defined(recording.source)
    )


def _defined(source: str) -> list[str]:
    """The functions that a program defines, as words."""
    return [name.replace("_", " ") for name in re.findall(r"^\s*def (\w+)", source, re.M)]


def is_otherwise(recording: Recording, shown: Shown) -> bool:
    """Whether the line that shows a number calls it something else, such as an accuracy."""
    return bool(_OTHERWISE.search(_line(recording, shown)))


def _line(recording: Recording, shown: Shown) -> str:
    """The words of the line that shows a number; a cross entropy is no entropy."""
    lines = recording.source.splitlines()
    text = lines[shown.line - 1] if shown.line and shown.line <= len(lines) else ""
    return re.sub(r"cross_?entropy", "ce", text, flags=re.I).replace("_", " ")


def _parted(value: float, other: float, radius: float) -> bool:
    return not math.isclose(value, other, rel_tol=_CLOSE, abs_tol=max(_CLOSE, radius * (1 + _CLOSE)))


def _library(scene: Scene) -> tuple[int, float, str] | None:
    """The one single number of a library loss that the program shows or is about, else of a deviation or the like."""
    recording = scene.recording
    ids = dict.fromkeys(id for id in (recording.subject, *(s.tensor for s in recording.shown)) if id is not None)
    made = [(id, call) for id in ids if (call := scene.makers.get(id)) is not None]
    known = [(id, value, call) for id, call in made if (value := _number(recording, id)) is not None]
    losses = [each for each in known if is_library_loss(each[2], scene.registry)]
    measures = [each for each in known if short(each[2]) in _MEASURES]
    found = [(id, value, short(call)) for id, value, call in losses or measures]
    return found[0] if len(found) == 1 and math.isfinite(found[0][1]) else None


def _number(recording: Recording, id: int) -> float | None:
    tensor = recording.tensors.get(id)
    return scalar(tensor) if isinstance(tensor, Tensor) else None


def radius(shown: Shown) -> float:
    """Half a unit of the last digit that is written, where it looks like one that was rounded for print."""
    digits = len(shown.text.partition(".")[2]) if shown.tensor is None else 0
    return 0.5 * 10.0**-digits if digits >= _LEAST_DIGITS else 0.0


def _is_own(scene: Scene, shown: Shown, library: int | None) -> bool:
    """Whether a shown number is computed without the library's: a float of Python or numpy, or such a tensor."""
    if shown.number is None or shown.line is None or not math.isfinite(shown.number):
        return False
    if shown.tensor is None:
        return "." in shown.text
    call = scene.makers.get(shown.tensor)
    if shown.tensor == library or call is None or is_library_loss(call, scene.registry):
        return False
    return all(library not in made.outputs for made in upstream(shown.tensor, scene.makers))
