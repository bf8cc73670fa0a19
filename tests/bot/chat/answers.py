"""Answers for a scripted fleet."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from bot.exchange import Answer, Ask, Drawn, Outcome, Paragraph

CARD: Final = b"\x89PNG card"
FULL: Final = b"\x89PNG full"
SOURCES: Final = {"derivation.py": "print(4)\n", "derivation.tex": "\\ell = 4", "derivation.txt": "loss = 4"}


def explained(ask: Ask, verdict: str = "4 is right", **instead: Any) -> Answer:
    """What an explainer says, with what the Ask wants drawn."""
    wants = ask.wants
    paragraphs = (
        Paragraph("verdict", verdict),
        Paragraph("formulas", "loss = (1 - 3)^2"),
        Paragraph("fix", "- a\n+ b\nDo b."),
    )
    answer = Answer(
        id=ask.id,
        outcome="explained",
        language=ask.locale or "en",
        verdict=verdict,
        text="\n\n".join(each.text for each in paragraphs) + "\n",
        alt_text=f"{verdict}, drawn",
        paragraphs=paragraphs,
        drawn=Drawn(CARD if wants.card else None, FULL if wants.full else None, SOURCES if wants.sources else {}),
    )
    return msgspec.structs.replace(answer, **instead)


def stopped(ask: Ask, outcome: Outcome, verdict: str) -> Answer:
    """What is said where there is no explanation."""
    paragraphs = (Paragraph("verdict", verdict),)
    return Answer(
        id=ask.id,
        outcome=outcome,
        language=ask.locale or "en",
        verdict=verdict,
        text=f"{verdict}\n",
        alt_text="",
        paragraphs=paragraphs,
    )
