"""Which numbers the asker is after: what they expected, and what they show that the program does not give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import msgspec

from explainers.claims import Claim, expected
from explainers.diagnoses.own_values import twice
from explainers.diagnoses.scene import Scene
from explainers.recording import Tensor, scalar


def goals(scene: Scene) -> tuple[Claim, ...]:
    """The stated numbers that the program as it is does not return; those that it does could prove nothing.

    A printed number counts where its digits say something (0 and whole numbers come up by accident).
    """
    held = _held(scene)
    printed = (c for c in scene.claims if c.kind == "printed" and c.radius > 0 and c.value != 0)
    return (
        *(c for c in expected(scene.claims) if not any(meets(c, value) for value in held[:1])),
        *(c for c in printed if held and not any(meets(c, value) for value in held)),
    )


def own_goals(scene: Scene) -> tuple[Claim, ...]:
    """What the program computes by itself beside the library call: whatever returns it says why the two part."""
    found = twice(scene)
    return () if found is None else (found.goal,)


def sought(scene: Scene, value: float, coarsest: float = math.inf) -> bool:
    """Whether a number is one of the goals, or what the program computes by itself; `coarsest` is the relative radius
    of the digits of a goal beyond which they tell nothing."""
    told = (claim for claim in (*goals(scene), *own_goals(scene)) if claim.radius <= coarsest * abs(value))
    return any(claim.agrees(value) for claim in told)


def seeks(scene: Scene) -> bool:
    """Whether there is any such number at all, so that looking for it is worth a computation."""
    return bool(goals(scene) or own_goals(scene))


def behaves(scene: Scene, *words: str) -> bool:
    """Whether the asker says that the loss behaves in one of these ways ("random", "always-same", …)."""
    return any(claim.kind == "behaviour" and claim.value in words for claim in scene.claims)


def meets(claim: Claim, value: Tensor) -> bool:
    """Whether a value is the claimed one, element by element where the claim is a nested tuple."""
    match claim.value:
        case tuple() as nested:
            stated, found = flat(nested), elements(value)
            if len(stated) != len(found):
                return False
            single = [msgspec.structs.replace(claim, value=one) for one in stated]
            return all(one.agrees(other) for one, other in zip(single, found, strict=True))
        case _:
            number = scalar(value)
            return number is not None and claim.agrees(number)


def elements(value: Tensor) -> tuple[float, ...]:
    """All numbers of a tensor in order; −0 is 0."""
    return tuple(float(x) + 0.0 for x in value.array().astype("float64").reshape(-1))


def _held(scene: Scene) -> list[Tensor]:
    """The subject first, then the other tensors that the program shows."""
    recording = scene.recording
    shown = (one.tensor for one in recording.shown if one.tensor is not None)
    ids = dict.fromkeys(id for id in (recording.subject, *recording.others, *shown) if id is not None)
    return [tensor for id in ids if (tensor := recording.tensors.get(id)) is not None and tensor.data is not None]


def flat(nested: Sequence[object]) -> list[float | str]:
    """The numbers and words of a nested tuple; anything else in it would be no claim."""
    found: list[float | str] = []
    for part in nested:
        match part:
            case tuple():
                found += flat(cast("Sequence[object]", part))
            case float() | int() | str():
                found.append(part)
            case _:
                raise TypeError(f"a claim cannot hold a {type(part).__name__}")
    return found


def is_subject(scene: Scene) -> bool:
    """Whether the subject is the number that the call returned, and finite."""
    return scene.value is not None and math.isfinite(scene.value) and scene.recording.subject in scene.call.outputs
