"""What is said of two computations that part: up to which line they are the same, and what happens in the next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explainers.digits import shown
from explainers.messages import Message, said
from explainers.parting.matching import bare, close
from explainers.parting.parting import Parting
from explainers.parting.relations import Relation
from explainers.parting.terms import Floats, Term

LONGEST_CODE = 32
LONGEST_ROW = 3


def verdict(found: Parting, own: float, other: float, function: str | None) -> Message:
    """The line where two numbers part: the value there, and what a library's function, else another line, has there."""
    named: dict[str, object] = {"own": shown(own), "other": shown(other), "line": found.mine.line or 0}
    named |= {"code": code(found.mine), "value": brief(found.mine.value, _beside(found)), "function": function}
    if found.theirs is None:
        return _nowhere(named)
    named |= {"theirs": brief(found.theirs.value, found.mine.value), "elsewhere": found.theirs.line}
    if found.relation is not None:
        return _relating(named, related(found.relation))
    if function is not None:
        return said(
            "Your {own} and {function}'s {other} part in line {line}: {code} is {value}, not {theirs}.", **named
        )
    return said(
        "{own} and {other} part in line {line}: {code} is {value}, where line {elsewhere} has {theirs}.", **named
    )


def _nowhere(named: Mapping[str, object]) -> Message:
    if named["function"] is not None:
        return said(
            "Your {own} and {function}'s {other} part in line {line}: {code} is {value}, which {function} has nowhere.",
            **named,
        )
    return said(
        "{own} and {other} part in line {line}: {code} is {value}, which the other one has nowhere.",
        **named,
    )


def _relating(named: Mapping[str, object], relation: Message) -> Message:
    if named["function"] is not None:
        return said(
            "Your {own} and {function}'s {other} part in line {line}: {code} is {value}, not {theirs}: {relation}.",
            relation=relation,
            **named,
        )
    return said(
        "{own} and {other} part in line {line}: {code} is {value}, where line {elsewhere} has {theirs}: {relation}.",
        relation=relation,
        **named,
    )


def _beside(found: Parting) -> Floats:
    return found.mine.value if found.theirs is None else found.theirs.value


def common(found: Parting) -> Message | None:
    """Up to which line both are the same, with the last value that both have; None where they share nothing."""
    if found.last is None:
        return None
    mine, theirs = found.last.mine, found.last.theirs
    value = brief(mine.value, mine.value)
    if mine.is_given:
        return said("Both start from {code} = {value} (line {line}).", code=code(mine), value=value, line=mine.line)
    told = {"value": value, "line": mine.line, "code": code(mine)}
    if theirs.name is None:
        return said("Up to {code} = {value} in line {line} both are the same.", **told)
    return said(
        "Up to line {line} both are the same: both have {name}, {value} (your {code}).", name=theirs.name, **told
    )


def code(term: Term) -> str:
    """The variable that a term is assigned to, else the expression."""
    text = term.target or term.code
    return text if len(text) <= LONGEST_CODE else text[: LONGEST_CODE - 1] + "…"


def brief(value: Floats, beside: Floats) -> str:
    """A number, or the first few of the row in which two arrays begin to differ."""
    value, beside = bare(value), bare(beside)
    if not value.ndim:
        return shown(float(value))
    rows = value.reshape(-1, value.shape[-1])
    others = beside.reshape(rows.shape) if beside.size == value.size else rows
    first = next((k for k, (a, b) in enumerate(zip(rows, others, strict=True)) if not close(a, b)), 0)
    start = _start(rows[first], others[first])
    parts = [f"{x:.4g}" for x in rows[first][start : start + LONGEST_ROW]]
    before, after = ("…, " if start else ""), (", …" if start + LONGEST_ROW < rows.shape[1] else "")
    return f"[{before}{', '.join(parts)}{after}]" + (f" ({first})" if first else "")


def _start(row: Floats, other: Floats) -> int:
    """Where a long row is shown from: its start, or the first element that is another."""
    if len(row) <= LONGEST_ROW or np.allclose(row, other, 1e-5, 0.0, equal_nan=True):
        return 0
    first = int(np.argmax(~np.isclose(row, other, 1e-5, 0.0, equal_nan=True)))
    return 0 if first < LONGEST_ROW else min(first, len(row) - LONGEST_ROW)


def related(found: Relation) -> Message:
    """How the own value follows from the other one."""
    match found.kind:
        case "sign":
            return said("the sign is another")
        case "divisor":
            divisors = {"mine": shown(found.mine), "theirs": shown(found.theirs)}
            if not found.mine:
                return said("it divides by {mine} instead of {theirs}", **divisors)
            times = shown(found.theirs / found.mine)
            return said(
                "it divides by {mine} instead of {theirs}: it is {times} times as large", times=times, **divisors
            )
        case "axis":
            return said("axis {mine} instead of {theirs}", mine=int(found.mine), theirs=int(found.theirs))
        case "everything":
            return said("over all elements instead of along axis {theirs}", theirs=int(found.theirs))
        case "logarithm":
            return said("a logarithm to base {base} is 1/ln {base} times the natural one", base=int(found.mine))
        case "factor" | "scale":
            return _factor(found.mine)
        case "pairs":
            return said(
                "broadcast to {count} pairs instead of {theirs} elements",
                count=int(found.mine),
                theirs=int(found.theirs),
            )
        case "bound":
            return said("cut off at {bound}", bound=shown(found.mine))
        case "inside-log":
            return said("{amount} is added inside the logarithm", amount=shown(found.mine))
        case "offset":
            return said("{amount} is added", amount=shown(found.mine))
        case "abs":
            return said("without its sign")
        case "square":
            return said("the square of it")
        case "root":
            return said("the square root of it")
        case "log":
            return said("the logarithm of it")
        case "exp":
            return said("e to the power of it")
        case "times":
            return said("it is multiplied by {code}", code=_factor_of(found))
        case "over":
            return said("it is not multiplied by {code}", code=_factor_of(found))
        case "lacks":
            return said("{values} is not added to it", values=_factor_of(found))
        case "no-log":
            return said("the logarithm of {code} is not taken", code=_factor_of(found))
        case "no-square":
            return said("the square of {code} is not taken", code=_factor_of(found))
        case "picked":
            return said("other elements are picked")


def _factor_of(found: Relation) -> str:
    """The code of the other array of a relation, or its numbers where a library's formula has it."""
    by = found.by
    return "" if by is None else (by.target or ("" if by.is_given else code(by))) or brief(by.value, by.value)


def _factor(factor: float) -> Message:
    size = abs(factor)
    if size < 1 and abs(1 / size - round(1 / size)) < 1e-4 / size:
        return said("1/{count} of it", count=round(1 / size))
    if size == round(size) or abs(size - round(size)) < 1e-4 * size:
        return said("{count} times as much, not divided by {count}", count=round(size))
    return said("{factor} times as much", factor=shown(size))
