"""A recording's formula and what follows from it, kept from planning to concluding.

A fault of ours in either costs the derivation, never the answer: it is withheld, and the log is told where we failed.
"""

from __future__ import annotations

import functools
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bot.evaluator.frames import decode
from explainers import reading
from explainers.asked_about import about_what_is_wrong, as_computed
from explainers.claims import Claim
from explainers.diagnoses.registry import rules
from explainers.frontier import DontKnow
from explainers.losses.registry import registry
from explainers.reading import Derived, Reading
from explainers.recording import Recording

_RECORDINGS: Final = msgspec.msgpack.Decoder(Recording)
_CLAIMS: Final = msgspec.msgpack.Decoder(tuple[Claim, ...])


@dataclass(frozen=True)
class Formula:
    """A recording, how its subject reads as a formula, and what of ours failed ("" where nothing did)."""

    recording: Recording
    reading: Reading | DontKnow | None
    fault: str = ""


@dataclass(frozen=True)
class Following:
    """The formula once more, without its reading where nothing could be derived from that, and what was derived."""

    formula: Formula
    derived: Derived | None


@functools.lru_cache(maxsize=2)
def formula(recording: bytes, claims: bytes) -> Formula:
    """Raises FrameInvalid for bytes that are no Recording or no claims."""
    decoded = decode(recording, _RECORDINGS)
    try:
        decoded = as_computed(decoded, registry())
        decoded = about_what_is_wrong(decoded, decode(claims, _CLAIMS), registry(), rules())
        return Formula(decoded, reading.read(decoded))
    except MemoryError:
        raise
    except Exception as error:
        return _at_fault(decoded, error)


@functools.lru_cache(maxsize=2)
def following(recording: bytes, claims: bytes) -> Following:
    """Raises FrameInvalid for bytes that are no Recording or no claims."""
    found = formula(recording, claims)
    if not isinstance(found.reading, Reading):
        return Following(found, None)
    try:
        return Following(found, reading.derive(found.recording, decode(claims, _CLAIMS), found.reading))
    except MemoryError:
        raise
    except Exception as error:
        return Following(_at_fault(found.recording, error), None)


def _at_fault(recording: Recording, error: Exception) -> Formula:
    return Formula(recording, reading.underivable(recording), f"{type(error).__name__} at {_place(error)}")


def _place(error: Exception) -> str:
    """Where it was raised; what it says may quote somebody's numbers."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
