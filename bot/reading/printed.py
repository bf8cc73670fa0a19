"""Values as people paste them: numbers, bracketed lists, tensor and array reprs, also with `grad_fn=<...>`."""

import math
import re
from dataclasses import dataclass
from typing import Any

from bot.reading.text import as_prose

Value = float | tuple[Any, ...]

MAX_AXES = 8
_DIGITS = r"(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+"
_WORD = r"(?:nan|inf(?:inity)?)(?![A-Za-z_])"
_NUMBER = rf"[-+]?(?:{_DIGITS}|{_WORD})"
_TOKEN = re.compile(
    rf"\s*+(?:(?P<open>\[)|(?P<close>\])|(?P<dots>\.\.\.|…)|(?P<number>{_NUMBER})|(?P<comma>[,;]))", re.I
)
_WRAPPER = re.compile(
    r"(?<![\w.])(?:torch\.|np\.|numpy\.|jnp\.|tf\.)?"
    r"(?:tensor|array|Tensor|DeviceArray|Parameter|Variable|float\d\d|(?:Float|Double|Long)Tensor)\s*\(\s*"
)
_SCALE = re.compile(rf"({_DIGITS})\s*\*\s*", re.I)
_ATTRIBUTES = re.compile(
    r"(?:\s*+,\s*+(?:dtype|device|grad_fn|requires_grad|size|names|shape)\s*+=\s*+"
    r"(?:<[^<>\n]*+>|'[^'\n]*+'|\([^()\n]*+\)|[\w.]++))*+\s*+,?\s*+\)"
)
_START = re.compile(rf"{_WRAPPER.pattern}|(?<![A-Za-z0-9_)\]])(?<!Size\()\[")
_SPOKEN = r"(?:\d++(?:\.(?:\d++|(?!\s|$)))?+|\.\d++)(?:[eE][-+]?\d++)?+"
NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_.])(?<![A-Za-z0-9_]-)(?<!\d,)[-+]?(?:{_SPOKEN}|{_WORD})(?![A-Za-z0-9_%]|\s?%|,\d\d\d(?!\d))", re.I
)
"""A number in a sentence: the point that ends the sentence is not its own, and 85,000 is none."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A value read at text[start:end]; `complete` is False where the print was cut with "..."."""

    value: Value
    radius: float
    start: int
    end: int
    integral: bool
    complete: bool = True
    wrapped: bool = False


def half_unit(number: str) -> float:
    """Half a unit of the last digit of a printed number; 0 for integers and for "1.", which torch prints if exact."""
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    if "n" in mantissa or (not decimals and not exponent):
        return 0.0
    return 0.5 * 10.0 ** max(-330, min(300, int(float(exponent or 0)) - decimals)) if len(exponent) < 6 else 0.0


def number_at(text: str, match: re.Match[str]) -> Printed:
    """The Printed of a match of NUMBER."""
    word = match.group()
    integral = word.lstrip("+-").isascii() and word.lstrip("+-").isdigit()
    return Printed(float(word), half_unit(word), match.start(), match.end(), integral)


def tensors(text: str) -> list[Printed]:
    """Every bracketed list and every tensor or array repr in the text, in order, outermost only."""
    text = as_prose(text)
    found: list[Printed] = []
    at = 0
    while start := _START.search(text, at):
        read = _tensor_at(text, start)
        if read:
            found.append(read)
        at = read.end if read else start.start() + 1
    return found


def _tensor_at(text: str, start: re.Match[str]) -> Printed | None:
    if start.group() == "[":
        return _list_at(text, start.start())
    scale = _SCALE.match(text, start.end())
    inner = _list_at(text, scale.end() if scale else start.end()) or _scalar_at(
        text, scale.end() if scale else start.end()
    )
    closing = inner and _ATTRIBUTES.match(text, inner.end)
    if not inner or not closing:
        return None
    factor = float(scale.group(1)) if scale else 1.0
    value = inner.value if factor == 1.0 else scaled(inner.value, factor)
    return Printed(
        value, inner.radius * factor, start.start(), closing.end(), inner.integral, inner.complete, wrapped=True
    )


def _scalar_at(text: str, at: int) -> Printed | None:
    token = re.compile(_NUMBER, re.I).match(text, at)
    return number_at(text, token) if token else None


def _list_at(text: str, at: int) -> Printed | None:
    """A nested list of numbers from its "[": commas are optional, as numpy prints none."""
    if text[at : at + 1] != "[":
        return None
    stack: list[list[Any]] = []
    radius, integral, complete, position = 0.0, True, True, at
    while token := _TOKEN.match(text, position):
        position = token.end()
        match token.lastgroup:
            case "open" if len(stack) < MAX_AXES:
                stack.append([])
            case "number":
                word = token.group("number")
                stack[-1].append(float(word))
                radius, integral = max(radius, half_unit(word)), integral and word.lstrip("+-").isdigit()
            case "dots":
                complete = False
            case "comma":
                pass
            case "close":
                closed = tuple(stack.pop())
                if not stack:
                    return Printed(closed, radius, at, position, integral, complete) if closed else None
                stack[-1].append(closed)
            case _:
                return None
    return None


def scaled(value: Value, factor: float) -> Value:
    """The value times a number, entry by entry."""
    return tuple(scaled(v, factor) for v in value) if isinstance(value, tuple) else value * factor


def shape(value: Value) -> tuple[int, ...] | None:
    """The shape of a rectangular nest of numbers, None where it is ragged."""
    if not isinstance(value, tuple):
        return ()
    inner = {shape(v) for v in value}
    first = inner.pop() if len(inner) == 1 else None
    return None if first is None else (len(value), *first)


def as_claimed(value: Value) -> float | str | tuple[Any, ...]:
    """The value as a Claim holds it: a non-finite scalar is a word, since JSON has no such numbers."""
    if isinstance(value, tuple) or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
