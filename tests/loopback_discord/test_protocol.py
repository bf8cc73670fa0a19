"""What the gateway takes of a client that is not discord.py, and with which code it closes on what it does not take."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.loopback_discord.entities import Channel, Json
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import Raw

Socket = aiohttp.ClientWebSocketResponse


@pytest_asyncio.fixture
async def socket(loopback: Loopback, raw: Raw) -> AsyncGenerator[Socket]:
    """Connected, without compression, HELLO read."""
    async with raw.session.ws_connect(loopback.gateway.url + "?v=10&encoding=json") as socket:
        assert (await socket.receive_json())["op"] == 10
        yield socket


def _identify(loopback: Loopback, **changes: Any) -> Json:
    return {"op": 2, "d": {"token": loopback.token, "intents": 1, "properties": {}} | changes}


Says = Callable[[Loopback], object]

WRONG: dict[str, tuple[Says, int]] = {
    "no JSON": (lambda _: "{", 4002),
    "no operation": (lambda _: {"d": 1}, 4002),
    "an unknown operation": (lambda _: {"op": 99}, 4001),
    "presence before identify": (lambda _: {"op": 3, "d": {}}, 4003),
    "a wrong token": (lambda loopback: _identify(loopback, token="wrong"), 4004),
    "unknown intents": (lambda loopback: _identify(loopback, intents=1 << 40), 4013),
    "an unknown shard": (lambda loopback: _identify(loopback, shard=[2, 2]), 4010),
    "more than 4096 bytes": (lambda loopback: _identify(loopback, properties={"os": "x" * 4096}), 4002),
    "a wrong token in a resume": (lambda _: {"op": 6, "d": {"token": "wrong", "session_id": "", "seq": 0}}, 4004),
}


@pytest.mark.parametrize(("says", "code"), WRONG.values(), ids=WRONG)
async def test_what_may_not_be_said_closes(loopback: Loopback, socket: Socket, says: Says, code: int) -> None:
    said = says(loopback)
    await socket.send_str(said if isinstance(said, str) else json.dumps(said))
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == code
    assert loopback.gateway.closed == [code]


async def test_an_identify_is_welcomed_once(loopback: Loopback, socket: Socket) -> None:
    loopback.guild("ours")
    await socket.send_json(_identify(loopback))
    ready, guild = await socket.receive_json(), await socket.receive_json()
    assert (ready["t"], ready["s"], guild["t"], guild["s"]) == ("READY", 1, "GUILD_CREATE", 2)
    assert ready["d"]["resume_gateway_url"] == loopback.gateway.url
    assert ready["d"]["guilds"] == [{"id": guild["d"]["id"], "unavailable": True}]
    await socket.send_json(_identify(loopback))
    await socket.receive()
    assert socket.close_code == 4005


async def test_heartbeats_are_acknowledged_before_identify(loopback: Loopback, socket: Socket) -> None:
    await socket.send_json({"op": 1, "d": None})
    assert (await socket.receive_json())["op"] == 11
    loopback.gateway.acknowledging = False
    await socket.send_json({"op": 1, "d": None})
    with pytest.raises(TimeoutError):
        await socket.receive_json(timeout=0.1)


async def test_more_than_120_sends_a_minute_close(socket: Socket) -> None:
    for _ in range(120):
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json())["op"] == 11
    await socket.send_json({"op": 1, "d": None})
    await socket.receive()
    assert socket.close_code == 4008


async def test_a_resume_replays_exactly_what_was_not_seen(
    loopback: Loopback, raw: Raw, socket: Socket, general: Channel
) -> None:
    await socket.send_json(_identify(loopback, intents=1 | 1 << 9 | 1 << 15))
    session = (await socket.receive_json())["d"]["session_id"]
    alice = loopback.person("alice", general.guild)
    alice.post(general, "one")
    loopback.gateway.drop()
    await loopback.until(lambda: not loopback.gateway.connections)
    alice.post(general, "two")
    async with raw.session.ws_connect(loopback.gateway.url + "?v=10&encoding=json") as again:
        await again.receive_json()
        await again.send_json({"op": 6, "d": {"token": loopback.token, "session_id": session, "seq": 2}})
        events = [await again.receive_json() for _ in range(3)]
    assert [(each["s"], each["t"]) for each in events] == [(3, "MESSAGE_CREATE"), (4, "MESSAGE_CREATE"), (5, "RESUMED")]
    assert [each["d"].get("content") for each in events] == ["one", "two", None]


@pytest.mark.parametrize(("session", "answer"), [("unknown", 9)])
async def test_a_resume_of_nothing_is_invalid(loopback: Loopback, socket: Socket, session: str, answer: int) -> None:
    await socket.send_json({"op": 6, "d": {"token": loopback.token, "session_id": session, "seq": 0}})
    told = await socket.receive_json()
    assert (told["op"], told["d"]) == (answer, False)


async def test_a_resume_from_the_future_closes(loopback: Loopback, raw: Raw, socket: Socket) -> None:
    await socket.send_json(_identify(loopback))
    session = (await socket.receive_json())["d"]["session_id"]
    async with raw.session.ws_connect(loopback.gateway.url + "?v=10&encoding=json") as again:
        await again.receive_json()
        await again.send_json({"op": 6, "d": {"token": loopback.token, "session_id": session, "seq": 99}})
        await again.receive()
        assert again.close_code == 4007


async def test_a_session_that_its_client_closes_is_over(loopback: Loopback, socket: Socket) -> None:
    await socket.send_json(_identify(loopback))
    await socket.receive_json()
    assert len(loopback.gateway.sessions) == 1
    await socket.close(code=1000)
    await loopback.until(lambda: not loopback.gateway.connections)
    assert not loopback.gateway.sessions


async def test_compressed_payloads_share_one_stream(loopback: Loopback, raw: Raw) -> None:
    inflate = zlib.decompressobj()
    async with raw.session.ws_connect(loopback.gateway.url + "?v=10&encoding=json&compress=zlib-stream") as socket:
        first = await socket.receive_bytes()
        await socket.send_json({"op": 1, "d": None})
        second = await socket.receive_bytes()
    assert first.endswith(b"\x00\x00\xff\xff")
    assert [json.loads(inflate.decompress(each))["op"] for each in (first, second)] == [10, 11]


@pytest.mark.parametrize("query", ["?v=9&encoding=json", "?v=10&encoding=etf", ""])
async def test_another_version_or_encoding_closes(loopback: Loopback, raw: Raw, query: str) -> None:
    async with raw.session.ws_connect(loopback.gateway.url + query) as socket:
        async with asyncio.timeout(5):
            await socket.receive()
        assert socket.close_code == 4012
