"""What a message claims of its numbers, without those that became part of a program."""

import re
from collections.abc import Sequence

import msgspec

from bot.reading.arguments import tensor
from bot.reading.claims import behaviour_claims, distinct, prose_claims
from bot.reading.material import Parts
from bot.reading.old_prints import ONE_ENTRY
from bot.reading.question import Claim, Snippet
from bot.reading.text import blanked

_SLOPE = re.compile(
    r"grad|deriv|jacobi|slope|d/dx|ableitung|dériv|градиент|производн|勾配|微分|梯度|导数|기울기|미분", re.I
)
"""A message about gradients: several numbers that are expected are those of one."""

_BINDING = re.compile(r"([A-Za-z_]\w*)\s*(?:=|:|\bis\b)\s*$")

_TAKEN = "\ufffc"
"""Stands for an argument in the prose, so that "target 0: 3 ..." does not read as "target: 3"."""


def claimed(parts: Sequence[Parts], spans: Sequence[tuple[int, int]]) -> tuple[Claim, ...]:
    """Of output first, then of prose, then behaviours; what is an argument of the snippet is no claim."""
    found: list[Claim] = []
    slopes = any(_SLOPE.search(part.document.text) for part in parts)
    for at, part in enumerate(parts):
        used = spans if at == 0 else ()
        printed = [claim for claim in part.claims if not _is_within(claim, used)]
        prose = blanked(part.prose, list(used), fill=_TAKEN)
        told = [*printed, *prose_claims(prose, part.document.text), *behaviour_claims(prose)]
        found += told if part.document.name is None else [msgspec.structs.replace(c, span=None) for c in told]
    return distinct([c for c in found if slopes or c.kind != "expected" or not isinstance(c.value, tuple)])


def unused(claims: Sequence[Claim], found: Sequence[Snippet], text: str) -> tuple[Claim, ...]:
    """The claims without shown values that became part of a program."""
    given = [c for each in found for c in each.completions if c.what in ("name", "given")]
    code, names = " ".join(c.code for c in given), frozenset(c.name for c in given)
    kept = (claim for claim in claims if not any(written in code for written in _written(claim)))
    return tuple(claim for claim in kept if _bound(claim, text) not in names)


def _bound(claim: Claim, text: str) -> str | None:
    """The name that a claimed number is written behind: "stddev = 0.5"."""
    name = _BINDING.search(text, 0, claim.span.start) if claim.span is not None else None
    return name[1] if name else None


def _written(claim: Claim) -> tuple[str, ...]:
    """How a program has the claimed tensor."""
    match claim.value:
        case tuple() as value:
            pass
        case float() as entry if claim.text.endswith(ONE_ENTRY):
            value = (entry,)
        case _:
            return ()
    return tuple(tensor(value, integers)[:-1] for integers in (False, True))


def _is_within(claim: Claim, spans: Sequence[tuple[int, int]]) -> bool:
    span = claim.span
    return span is not None and any(start <= span.start < end for start, end in spans)
