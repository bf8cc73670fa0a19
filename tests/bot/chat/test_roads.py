"""The road of a question through each way in, in English and in Japanese, with the real evaluator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.chat.conftest import Running
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.seen import Seen

EXAMPLES = Path(__file__).parents[3] / "examples"
ENGLISH = (EXAMPLES / "why-0.5514.md").read_text()
JAPANESE = (EXAMPLES / "why-0.5514.ja.md").read_text()
SECONDS = 20.0
PNG = b"\x89PNG"


def is_explained(reply: Seen, language: str) -> None:
    """All that a reader of this reply sees."""
    verdict = {"en": "0.5514 is correct", "ja": "0.5514 は正しい値です"}[language]
    labels = {"en": ["Steps", "Source", "Delete"], "ja": ["途中の計算", "ソース", "削除"]}[language]
    assert reply.is_v2
    assert reply.notification.startswith(f"**{verdict}")
    (card,) = reply.pictures
    assert card.data.startswith(PNG)
    assert card.alt is not None
    assert "0.5514" in card.alt
    assert len(card.alt) <= 1024
    assert "+ value = nn.functional.nll_loss" in reply.text
    assert [each.label for each in reply.buttons] == labels
    assert reply.pings == ()


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (JAPANESE, "ja")])
async def test_a_mention(loopback: Loopback, chat: Running, text: str, language: str) -> None:
    guild = loopback.guild()
    general, alice = loopback.channel(guild), loopback.person("alice", guild)
    message = alice.mention(general, text)
    reply = await loopback.reply_to(message, SECONDS, lambda each: each.pictures)
    is_explained(reply, language)
