"""Text that Discord shows as it stands, and quotations that give back what they quote."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import states
from bot.chat.carried import carried
from bot.chat.gathering import without_mention
from bot.chat.limits import clipped, width
from bot.chat.markdown import block, plain, quoted, unquoted

anything = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cross_entropy reads [1, 0, 0]", "cross_entropy reads [1, 0, 0]"),
        ("2*x*3", r"2\*x\*3"),
        ("_private and last_", r"\_private and last\_"),
        ("`code` ~~gone~~ ||hidden||", r"\`code\` \~\~gone\~\~ \|\|hidden\|\|"),
        ("<@123> <#4> <t:1>", r"\<@123> \<#4> \<t:1>"),
        ("a < b", "a < b"),
        ("[here](https://x.y)", r"\[here](https://x.y)"),
        ("# no heading\n> no quote\n- no list", "\\# no heading\n\\> no quote\n\\- no list"),
        ("-0.5 is negative", "-0.5 is negative"),
    ],
)
def test_words_stay_as_they_are(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(anything)
def test_only_backslashes_are_added(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", plain(text), flags=re.DOTALL) == text


@given(anything)
def test_a_fence_inside_a_block_does_not_end_it(text: str) -> None:
    assert block(text, 5000, "py").count("```") == 2


@given(anything.filter(lambda text: "\r" not in text), anything)
def test_a_quotation_gives_its_text_back(text: str, before: str) -> None:
    assert unquoted(quoted(text)) == text
    assert unquoted(f"{before}\n.\n\n{quoted(text)}") == text


def test_a_text_without_a_quotation_at_its_end_has_none() -> None:
    assert unquoted("> once\nand then more") is None
    assert unquoted("") is None


@given(anything, st.integers(1, 50))
def test_clipped_text_is_as_short_as_wanted(text: str, most: int) -> None:
    short = clipped(text, most)
    assert width(short) <= most
    assert (short == text) is (width(text) <= most)


@given(anything, st.booleans())
def test_a_question_is_carried_whole_or_not_at_all(text: str, may_attach: bool) -> None:
    held = carried(text, (), may_attach)
    attached = [each.data.decode() for each in held.uploads]
    if held.whole and text.strip():
        assert attached == [text] or unquoted(held.quote) == text
    assert held.whole or not may_attach


def test_our_name_goes_and_lines_stay() -> None:
    assert without_mention("<@7> a\n<@!7>\nb <@8>", 7) == "a\n\nb <@8>"


@given(st.sampled_from(["steps", "source", "delete"]), st.integers(0, 2**64 - 1), st.sampled_from(["dark", "light"]))
def test_a_button_remembers(action: states.Action, asker: int, theme: states.Theme) -> None:
    state = states.State(action, asker, "ja", theme)
    assert states.read(states.written(state)) == state
    assert len(states.written(state)) <= 100


def test_another_version_is_not_read() -> None:
    assert states.read("whyloss:2:steps:1:en:dark") is None
    assert states.read("whyloss:1:steps:x:en:dark") is None
