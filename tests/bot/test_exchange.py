"""What crosses the socket: words for what JSON has no number for, and one line of JSON."""

import json
import math
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.asking import json_of
from bot.exchange import Answer, Ask, Drawn, FromClient, FromService, worded

NUMBERS = st.recursive(st.floats(), lambda inner: st.lists(inner, max_size=4), max_leaves=12)


def answer(value: Any) -> Answer:
    return Answer(id="1", outcome="explained", language="en", value=value, verdict="v", text="t", alt_text="a")


def flat(value: Any) -> list[Any]:
    return [each for item in value for each in flat(item)] if isinstance(value, list | tuple) else [value]


@given(NUMBERS)
def test_every_number_comes_back_from_json_as_itself(value: Any) -> None:
    text = json_of(answer(worded(value)))
    found = flat(json.loads(text, parse_constant=lambda word: 1 / 0)["value"])
    expected = flat(value)
    assert [float(each) if isinstance(each, str) else each for each in found if not _is_nan(each)] == [
        each for each in expected if not math.isnan(each)
    ]
    assert sum(map(_is_nan, found)) == sum(map(math.isnan, expected))
    assert "\n" not in text


@given(NUMBERS)
def test_an_answer_crosses_whole(value: Any) -> None:
    sent = msgspec.structs.replace(answer(worded(value)), drawn=Drawn(card=b"\x89PNG", sources={"a.tex": "x"}))
    crossed = msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=FromService)
    assert isinstance(crossed, Answer)
    assert (json_of(crossed), crossed.drawn) == (json_of(sent), sent.drawn)


def test_json_holds_no_pictures() -> None:
    drawn = Drawn(card=b"\x89PNG", full=b"\x89PNG", sources={"a.tex": "x"})
    fields = json.loads(json_of(msgspec.structs.replace(answer(1.0), drawn=drawn), id=None))
    assert "drawn" not in fields
    assert fields["id"] is None


def test_an_ask_crosses_whole() -> None:
    ask = Ask(id="1", text="why?\0\n", locale="ja", deadline=2.0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ask), type=FromClient) == ask


def _is_nan(value: Any) -> bool:
    return value == "nan"
