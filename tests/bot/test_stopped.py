"""Words for those who may not even wait, in both languages."""

import pytest

from bot.languages import translators
from bot.line import Exhausted, LineFull, OwnLineFull, TooMany, TurnedAway
from bot.stopped import Asker, answer, turned_away


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        (LineFull(64), ("64",)),
        (OwnLineFull(3), ("3",)),
        (Exhausted(17.2), ("18 ",)),
        (TooMany(4.0, of_guild=True), ("4 ", "this server")),
        (TooMany(0.1, of_guild=False), ("1 ", "all servers")),
    ],
)
def test_each_reason_is_told_with_its_number(reason: TurnedAway, parts: tuple[str, ...]) -> None:
    spoken = translators()
    english, japanese = [answer(turned_away(reason), Asker("1", name), spoken[name]) for name in ("en", "ja")]
    assert english.outcome == japanese.outcome == "busy"
    assert all(part in english.verdict for part in parts)
    assert parts[0].strip() in japanese.verdict
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese.verdict)
