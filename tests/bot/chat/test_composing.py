"""Messages for any answer: within Discord's limits whatever it says, whole where there is room, the verdict always."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import composing
from bot.chat.asked import Asked
from bot.chat.carried import carried
from bot.chat.composing import Room
from bot.chat.limits import CONTENT, LAYOUT_TEXT, clipped, width
from bot.chat.shown import Framed, Picture, Shown, Words, files, view
from bot.exchange import Answer, Drawn, File, Paragraph
from bot.languages import translators

KINDS = (
    *("preface", "evidence", "formulas", "counterfactuals", "floors", "others", "fix", "also", "checks", "doubts"),
    *("clear", "remarks", "printed"),
)
ENGLISH = translators()["en"]
ROOMS = [Room(files=f, embeds=e, layout=made) for f in (True, False) for e in (True, False) for made in (None, True)]

LONG = ["😀" * 900, "x" * 5000, "```", "1\n\n\n\n" * 300, "*" * 900, "```" * 700]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(LONG)
paragraphs = st.lists(st.builds(Paragraph, st.sampled_from(KINDS), texts.filter(str.strip)), max_size=14)


def answered(verdict: str, parts: tuple[Paragraph, ...] = (), drawn: Drawn | None = None, alt: str = "drawn") -> Answer:
    told = (Paragraph("verdict", verdict), *parts)
    text = "\n\n".join(each.text for each in told) + "\n"
    return Answer(
        id="1",
        outcome="explained",
        language="en",
        verdict=verdict,
        text=text,
        alt_text=alt,
        paragraphs=told,
        drawn=drawn or Drawn(),
    )


def texts_of(shown: Shown) -> list[str]:
    inner = [part for block in shown.blocks for part in (block.blocks if isinstance(block, Framed) else (block,))]
    return [part.text for part in inner if isinstance(part, Words)]


async def fits(shown: Shown) -> None:
    """What Discord would say of it."""
    assert width(shown.content) <= CONTENT
    assert sum(map(width, texts_of(shown))) <= LAYOUT_TEXT
    assert all(texts_of(shown)), "a text without characters is refused"
    assert bool(shown.content) is not shown.layout
    assert len(shown.uploads) <= 10
    assert len({each.name for each in shown.uploads}) == len(shown.uploads)
    assert all(each.alt is None or 1 <= len(each.alt) <= 1024 for each in shown.uploads)
    assert all(len(each.custom_id) <= 100 and len(each.label) <= 80 for each in shown.buttons)
    assert len(list(view(shown).walk_children())) <= 40
    assert [each.filename for each in files(shown)] == [each.name for each in shown.uploads]


@given(texts.filter(str.strip), paragraphs, texts, st.booleans(), st.sampled_from(ROOMS))
async def test_a_reply_to_any_question_fits(
    verdict: str, parts: list[Paragraph], asked: str, drawn: bool, room: Room
) -> None:
    answer = answered(verdict, tuple(parts), Drawn(card=b"png" if drawn else None), verdict * 9)
    held = carried(asked, (File("a b.py", b"x"), File("a b.py", b"y"), File("z.png", b"")), room.files)
    shown = composing.reply(answer, Asked(asked), room, ENGLISH, held)
    await fits(shown)
    assert shown.layout is (room.layout or (drawn and room.files and room.embeds))
    assert shown.notice == clipped(verdict, CONTENT)


@given(texts.filter(str.strip), texts, st.sampled_from(ROOMS))
async def test_steps_and_sources_fit(verdict: str, source: str, room: Room) -> None:
    drawn = Drawn(full=b"png", sources={"derivation.py": source, "derivation.tex": source, "derivation.txt": source})
    for compose in (composing.steps, composing.sources):
        await fits(compose(answered(verdict, drawn=drawn), room))


@pytest.mark.parametrize("room", [Room(files=False), Room(embeds=False)])
def test_words_say_all_of_an_ordinary_answer(room: Room) -> None:
    parts = tuple(Paragraph(kind, f"{kind} of it") for kind in KINDS)
    shown = composing.reply(answered("4 is right", parts, Drawn(card=b"png")), Asked(""), room, ENGLISH)
    assert all(f"{kind} of it" in shown.content for kind in KINDS)


def test_what_is_left_out_first_is_what_matters_least() -> None:
    parts = (Paragraph("clear", "c" * 1500), Paragraph("fix", "- a\n+ b\nDo b."), Paragraph("evidence", "e" * 900))
    shown = composing.reply(answered("4 is right", parts, Drawn(card=b"png")), Asked(""), Room(files=False), ENGLISH)
    assert "ccc" not in shown.content
    assert "eee" in shown.content
    assert "```diff\n- a\n+ b\n```\nDo b." in shown.content


def test_beside_a_card_stands_what_it_does_not_hold() -> None:
    parts = (
        Paragraph("preface", "an example of ours:\nf(2*x)"),
        Paragraph("formulas", "x = 1"),
        Paragraph("fix", "- a\n+ b\nDo b."),
        Paragraph("remarks", "I repaired line 2"),
    )
    shown = composing.reply(answered("4 is right", parts, Drawn(card=b"png")), Asked(""), Room(), ENGLISH)
    assert texts_of(shown) == [
        "**4 is right**",
        "an example of ours:\n```py\nf(2*x)\n```",
        "```diff\n- a\n+ b\n```\nDo b.",
        "-# I repaired line 2",
    ]
    (frame,) = (block for block in shown.blocks if isinstance(block, Framed))
    assert isinstance(frame.blocks[1], Picture), "the preface goes before the card, the rest after it"


def test_a_card_too_large_for_the_place_is_told_in_words() -> None:
    answer = answered("4 is right", (Paragraph("evidence", "because"),), Drawn(card=b"x" * 100))
    shown = composing.reply(answer, Asked(""), Room(file_bytes=99), ENGLISH)
    assert shown.uploads == ()
    assert "because" in shown.content


def test_what_is_too_long_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="too long for Discord"):
        Shown("x", "x" * 2001)
