"""The paragraphs of an Answer as Discord's Markdown, as many as there is room for."""

from __future__ import annotations

from typing import Final, TypeAlias

from bot.chat.limits import width
from bot.chat.markdown import block, plain, small
from bot.exchange import Answer, Paragraph

Part: TypeAlias = tuple[str, str]
"""A paragraph's kind and its Markdown."""

BESIDE_THE_CARD: Final = ("preface", "fix", "remarks")
"""What a card does not hold, or what one wants to copy."""

FIRST_TO_GO: Final = ["clear", "checks", "also", "others", "floors", "counterfactuals", "evidence", "doubts", "remarks"]
"""What is left out of an answer in words that is too long, in this order; all of it is behind Steps."""

LONGEST_CODE: Final = 1200
_MOST_BESIDE: Final = 8
_LONGEST_BESIDE: Final = 2400


def beside_card(answer: Answer) -> list[Part]:
    """What stands beside the card."""
    found = [each for each in answer.paragraphs if each.kind in BESIDE_THE_CARD]
    return _fitting([(each.kind, _marked(each)) for each in found][:_MOST_BESIDE], _LONGEST_BESIDE)


def all_words(answer: Answer, room: int) -> list[Part]:
    """All paragraphs but the verdict, without the least important where there is no room for them."""
    parts = [(each.kind, _marked(each)) for each in answer.paragraphs if each.kind != "verdict"]
    for kind in FIRST_TO_GO:
        if _total(parts) > room:
            parts = [part for part in parts if part[0] != kind]
    return _fitting(parts, room)


def _total(parts: list[Part]) -> int:
    return sum(width(text) + 2 for _, text in parts)


def _fitting(parts: list[Part], room: int) -> list[Part]:
    kept: list[Part] = []
    for part in parts:
        if _total([*kept, part]) <= room:
            kept.append(part)
    return kept


def _marked(paragraph: Paragraph) -> str:
    match paragraph.kind:
        case "formulas":
            return block(paragraph.text, LONGEST_CODE)
        case "fix":
            diff, _, advice = paragraph.text.rpartition("\n")
            return f"{block(diff, LONGEST_CODE, 'diff')}\n{plain(advice)}" if diff else plain(advice)
        case "preface":
            heading, _, code = paragraph.text.partition("\n")
            return f"{plain(heading)}\n{block(code, LONGEST_CODE, 'py')}" if code else plain(heading)
        case "printed":
            heading, _, printed = paragraph.text.partition("\n")
            return f"{plain(heading)}\n{block(printed, LONGEST_CODE)}"
        case "doubts" | "checks" | "clear" | "remarks":
            return small(paragraph.text)
        case _:
            return plain(paragraph.text)
