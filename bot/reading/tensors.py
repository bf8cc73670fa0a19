"""Bracketed lists, tensor and array reprs, also with `grad_fn=<...>` or as torch printed them before 0.4."""

import re
from typing import Any

from bot.reading.old_prints import old_prints
from bot.reading.printed import ANY_NUMBER, DIGITS, Printed, half_unit, number_at, scaled
from bot.reading.text import as_prose, blanked

MAX_AXES = 8
_TOKEN = re.compile(
    rf"\s*+(?:(?P<open>\[)|(?P<close>\])|(?P<dots>\.\.\.|…)|(?P<number>{ANY_NUMBER})|(?P<comma>[,;]))", re.I
)
_WRAPPER = re.compile(
    r"(?<![A-Za-z0-9_.])(?:torch\.|np\.|numpy\.|jnp\.|tf\.)?"
    r"(?:tensor|array|Tensor|DeviceArray|Parameter|Variable|float\d\d|(?:Float|Double|Long)Tensor)\s*\(\s*"
)
_SCALE = re.compile(rf"({DIGITS})\s*\*\s*", re.I)
_ATTRIBUTES = re.compile(
    r"(?:\s*+,\s*+(?:dtype|device|grad_fn|requires_grad|size|names|shape)\s*+=\s*+"
    r"(?:<[^<>\n]*+>|'[^'\n]*+'|\([^()\n]*+\)|[\w.]++))*+\s*+,?\s*+\)"
)
_START = re.compile(rf"{_WRAPPER.pattern}|(?<![A-Za-z0-9_)\]])(?<!Size\()\[")


def tensors(text: str) -> list[Printed]:
    """Every bracketed list and every tensor or array repr in the text, in order, outermost only."""
    text = as_prose(text)
    found = old_prints(text) if "Tensor of size" in text else []
    text = blanked(text, [(each.start, each.end) for each in found]) if found else text
    at = 0
    while start := _START.search(text, at):
        read = _tensor_at(text, start)
        if read:
            found.append(read)
        at = read.end if read else start.start() + 1
    return sorted(found, key=lambda each: each.start)


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
    token = re.compile(ANY_NUMBER, re.I).match(text, at)
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
