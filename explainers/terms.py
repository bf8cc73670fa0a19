"""The terms that a loss is the weighted sum of, as the program computes it: single numbers, each with its weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from explainers.recording import Call, Recording, scalar

MOST = 6


@dataclass(frozen=True)
class Term:
    """One part of a sum: what the program calls it, the number that it is multiplied with, what it adds, and the id of
    the tensor that holds it."""

    name: str
    weight: float
    part: float
    tensor: int

    @property
    def text(self) -> str:
        """The term as code: its name with its weight."""
        plain = self.name if self.name.isidentifier() or self.name.endswith(")") else f"({self.name})"
        return {1.0: self.name, -1.0: f"-{plain}"}.get(self.weight, f"{self.weight:.6g} * {plain}")


def terms(recording: Recording) -> tuple[Term, ...]:
    """The terms of the subject in the order in which they are added; () where it is no sum of two to six numbers."""
    subject = recording.subject
    if subject is None or recording.raised is not None:
        return ()
    found = list(_terms(recording, subject, 1.0, top=True))
    whole = scalar(recording.tensors[subject])
    if not 2 <= len(found) <= MOST or any(term is None for term in found) or whole is None:
        return ()
    known = tuple(term for term in found if term is not None)
    total = math.fsum(term.part for term in known)
    return known if math.isfinite(total) and math.isclose(total, whole, rel_tol=1e-4, abs_tol=1e-6) else ()


def _terms(recording: Recording, id: int, weight: float, *, top: bool = False) -> Iterator[Term | None]:
    """None for a term whose number was not recorded."""
    held, call = recording.tensors.get(id), recording.producer(id)
    if held is None or held.elements != 1:
        yield None
        return
    parts = None if call is None or (held.name is not None and not top) else list(_parts(recording, call))
    if parts:
        for part, factor in parts:
            yield from _terms(recording, part, weight * factor)
        return
    number = scalar(held)
    text = held.name or (" ".join(call.span.text.split()) if call is not None and call.span is not None else None)
    yield None if number is None or text is None else Term(text, weight, weight * number, id)


def _parts(recording: Recording, call: Call) -> Iterator[tuple[int, float]]:
    """What a call adds up or multiplies by a number, with the factors."""
    left, right = call.ref("input"), call.ref("other")
    alpha = call.argument("alpha")
    scale = float(alpha) if isinstance(alpha, int | float) else 1.0
    match call.function.rpartition(".")[2].strip("_"), left, right:
        case "add", int(), int():
            yield from ((left, 1.0), (right, scale))
        case "sub", int(), int():
            yield from ((left, 1.0), (right, -scale))
        case "add", int(), None if _number(call, "other") == 0:
            yield left, 1.0
        case "add", None, int() if _number(call, "input") == 0:
            yield right, scale
        case "mul", int(), None if (factor := _number(call, "other")) is not None:
            yield left, factor
        case "mul", None, int() if (factor := _number(call, "input")) is not None:
            yield right, factor
        case "div", int(), None if factor := _number(call, "other"):
            yield left, 1 / factor
        case "neg", int(), None:
            yield left, -1.0
        case _:
            pass


def _number(call: Call, argument: str) -> float | None:
    value = call.argument(argument)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
