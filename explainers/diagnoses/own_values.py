"""A loss that the program computes twice: by a library call, and by itself (in torch, numpy or plain Python)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explainers.claims import Claim
from explainers.diagnoses.scene import Scene, is_library_loss, scalar, short, upstream
from explainers.recording import Recording, Shown, Tensor

MOST_OWN = 3
_CLOSE = 1e-5
_LEAST_DIGITS = 3
_MEASURES = frozenset(("std", "var", "logsumexp"))


@dataclass(frozen=True)
class Twice:
    """The value of the library call, and the program's own, which is the shown one of this index."""

    library: float
    function: str
    own: float
    shown: int
    line: int
    radius: float

    @property
    def goal(self) -> Claim:
        """The program's own number as one to come to."""
        return Claim("expected", self.own, max(self.radius, _CLOSE * abs(self.own)), f"{self.own:.4g}")

    def parted(self, value: float) -> bool:
        """Whether a number, written with as many digits as the own one, is another one than the library's."""
        return not math.isclose(value, self.library, rel_tol=_CLOSE, abs_tol=max(_CLOSE, self.radius * (1 + _CLOSE)))


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
    found = (Twice(value, function, s.number, k, s.line, _radius(s)) for k, s in own if s.number is not None and s.line)
    return next((each for each in found if each.parted(each.own)), None)


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


def _radius(shown: Shown) -> float:
    """Half a unit of the last digit that is written, where it looks like one that was rounded for print."""
    digits = len(shown.text.partition(".")[2]) if shown.tensor is None else 0
    return 0.5 * 10.0**-digits if digits >= _LEAST_DIGITS else 0.0


def _is_own(scene: Scene, shown: Shown, library: int) -> bool:
    """Whether a shown number is computed without the library's: a float of Python or numpy, or such a tensor."""
    if shown.number is None or shown.line is None or not math.isfinite(shown.number):
        return False
    if shown.tensor is None:
        return "." in shown.text
    call = scene.makers.get(shown.tensor)
    if shown.tensor == library or call is None or is_library_loss(call, scene.registry):
        return False
    return all(library not in made.outputs for made in upstream(shown.tensor, scene.makers))
