"""How much room a card's parts take, roughly: so that the right plan is tried first, and most cards are laid out once.

Heights are in points, from the sizes that the template uses; the page itself tells whether the guess was right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Json = Mapping[str, Any]
WIDTH, HEIGHT, SIDE = 506.0, 330.0, 200.0
_MARKUP = re.compile(r"[a-z]{2,}|[_^(){}\",&;: \\\\]")


@dataclass(frozen=True)
class Plan:
    """Sizes of one way to lay a card out, and how many of its steps and panels it keeps."""

    gap: float
    words: float
    math: float
    plot: float
    takeaway: float
    steps: int = 16
    panels: int = 2
    fix: bool = False
    caution: bool = False


def plans(steps: int) -> tuple[Plan, ...]:
    """Roomy for little content; then tighter, then without fix and caution, then with fewer steps."""
    fewer = (Plan(7, 10.5, 12, 60, 10.5, steps=n, panels=m) for n in range(steps - 1, 0, -1) for m in (2, 1))
    return (
        Plan(17, 13, 18, 105, 12.5, fix=True, caution=True),
        Plan(11.5, 11.5, 14, 80, 11.5, fix=True, caution=True),
        Plan(8, 11, 13, 72, 11, fix=True, caution=True),
        Plan(6, 10.5, 12, 60, 10.5, fix=True, caution=True),
        Plan(8, 11, 13, 72, 11, caution=True),
        Plan(6, 10.5, 12, 60, 10.5, caution=True),
        Plan(6, 10.5, 12, 60, 10.5),
        Plan(6, 10.5, 12, 72, 10.5, panels=1),
        *fewer,
        Plan(5, 9.5, 10, 60, 9, steps=1, panels=0),
        Plan(5, 9.5, 10, 60, 9, steps=0, panels=0),
    )


def written(steps: int) -> list[dict[str, Any]]:
    """The plans as the template reads them."""
    return [asdict(plan) for plan in plans(steps)]


def likely(card: Json) -> int:
    """The first plan that seems to fit; the last one where none does."""
    offered = plans(len(card["steps"]))
    return next((k for k, plan in enumerate(offered) if _height(card, plan) <= HEIGHT), len(offered) - 1)


def _height(card: Json, plan: Plan) -> float:
    steps, panels = _steps(card, plan), _panels(card, plan)
    total = 38.0 + 9.0 + max(steps, panels) + 9.0
    if plan.fix and card["fix"]:
        total += 9.0 + 16.0 + 13.0 * len(card["fix"])
    if card["takeaway"]:
        total += 18.0 + plan.takeaway * (1.27 * _lines(card["takeaway"], plan.takeaway, WIDTH - 24) - 0.55)
    if plan.caution and card["caution"]:
        total += 6.0 + 13.0 * _lines(card["caution"], 10.5, WIDTH - 60)
    if card["checks"] or card["footer"]:
        total += 7.0 + 12.0 * math.ceil(sum(_columns(check) + 5 for check in card["checks"]) / 100)
    return total


def _steps(card: Json, plan: Plan) -> float:
    shown = _shown(card, plan.steps)
    width = WIDTH - 27 - (SIDE + 18 if plan.panels and card["panels"] else 0)
    heights = [
        plan.words * (1.2 * _lines(step["title"], plan.words, width) - 0.45)
        + 4
        + (0.5 * plan.gap + _formula(step, plan, width) * plan.math if step["formula"] else 0)
        for step in shown
    ]
    left = len(card["words"]["more"]) - 1 - len(shown)
    return sum(heights) + plan.gap * max(0, len(heights) - 1) + (plan.gap + 10 if left > 0 else 0)


def _shown(card: Json, count: int) -> list[Json]:
    """The first steps; where the one that arrives at the value comes later, it takes the last one's place."""
    steps, arrival = card["steps"], card["arrival"]
    return [*steps[: count - 1], steps[arrival]] if 1 < count <= arrival else steps[:count]


def _formula(step: Json, plan: Plan, width: float) -> float:
    """The height of a formula in ems, over several lines where it is too wide for one."""
    one, *others = (form["math"] for form in step["formula"])
    if not others or 0.47 * plan.math * len(_MARKUP.sub("", one)) <= width:
        return _line(one)
    return sum(_line(line) + 0.65 for line in others[0].split("\\")) - 0.65


def _line(text: str) -> float:
    """A fraction, a sum with something under it, and a matrix are tall."""
    rows = text.count(";") + 1 if "mat(" in text else 0
    return max(1.3 * rows, 2.1 if "frac" in text or "cases" in text else 1.9 if "sum" in text else 0.85)


def _panels(card: Json, plan: Plan) -> float:
    shown = card["panels"][: plan.panels]
    return 3.5 + sum(_panel(panel, plan) for panel in shown) + 1.35 * plan.gap * max(0, len(shown) - 1)


def _panel(panel: Json, plan: Plan) -> float:
    if "across" not in panel or "runs" not in panel:
        return 22.0 + 18.0 * len(panel.get("rows", ()))
    caption = 5.0 + 12.5 * _lines(panel["caption"], 10, SIDE) if panel["caption"] else 0.0
    return 22.0 + plan.plot + 15.0 + caption


def _lines(text: Any, size: float, width: float) -> int:
    return max(1, math.ceil(_columns(text) * 0.5 * size / width))


def _columns(text: Any) -> int:
    """The columns of a text in segments: wide letters count two."""
    match text:
        case str():
            return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
        case list():
            return sum(map(_columns, text))
        case dict():
            return (
                12 if "math" in text else sum(_columns(v) for k, v in text.items() if k in ("strong", "toned", "code"))
            )
        case _:
            return 0
