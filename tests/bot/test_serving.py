"""The socket: handshake, queue, cancelling, and clients that are slow, rude or gone."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from bot.evaluator.frames import decode, encode, frame, receive_frame, send_frame
from bot.exchange import PROTOCOL, Answer, Ask, Cancel, Catalogue, FromService, Queued, Refused, Stage
from bot.fleet.connection import Connection
from bot.fleet.port import FleetLost
from bot.serving import ASK_BYTES

CORES = len(os.sched_getaffinity(0))
SPIN = "```py\nwhile True: pass\nF.mse_loss(1, 1)\n```\nwhy is my loss 0?"
QUICK = "good morning everyone"
LIMIT = 64 * 2**20

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def stream(socket_path: Path) -> AsyncGenerator[Stream]:
    """A bare connection, greeted."""
    reader, writer = await asyncio.open_unix_connection(socket_path)
    assert isinstance(await received(reader), Catalogue)
    yield reader, writer
    writer.close()


async def received(reader: asyncio.StreamReader) -> FromService | None:
    payload = await receive_frame(reader, LIMIT)
    return None if payload is None else decode(payload, msgspec.msgpack.Decoder(FromService))


async def until_answers(reader: asyncio.StreamReader, count: int) -> list[FromService | None]:
    news: list[FromService | None] = []
    while sum(isinstance(each, Answer) for each in news) < count:
        news.append(await received(reader))
        assert news[-1] is not None
    return news


async def spinning(connection: Connection, count: int) -> list[asyncio.Task[Answer]]:
    """Asks that run until they are stopped, all of them begun."""
    begun = [asyncio.Event() for _ in range(count)]

    def ask(n: int) -> asyncio.Task[Answer]:
        return asyncio.create_task(
            connection.answer(
                Ask(id=f"spin {n}", text=SPIN),
                lambda news: begun[n].set() if isinstance(news, Stage) and news.name == "evaluate" else None,
            )
        )

    tasks = [ask(n) for n in range(count)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(event.wait() for event in begun))
    return tasks


def test_the_socket_is_its_owners_alone(socket_path: Path) -> None:
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600


async def test_the_handshake_names_the_protocol(connection: Connection) -> None:
    assert connection.catalogue.protocol == PROTOCOL


async def test_stages_come_in_order_and_before_the_answer(stream: Stream) -> None:
    reader, writer = stream
    text = "```py\nF.mse_loss(torch.ones(1), torch.zeros(1))\n```\nwhy is my loss 1?"
    await send_frame(writer, encode(Ask(id="a", text=text)), LIMIT)
    news = await until_answers(reader, 1)
    assert [each.name for each in news if isinstance(each, Stage)] == ["read", "evaluate", "explain", "draw"]
    assert isinstance(news[-1], Answer)


async def test_who_waits_hears_their_position_and_how_it_gets_better(connection: Connection) -> None:
    spins = await spinning(connection, CORES)
    heard: dict[str, list[int]] = {"first": [], "second": []}
    queued = asyncio.Event()

    def hear(news: Queued | Stage) -> None:
        if isinstance(news, Queued):
            heard[news.id].append(news.position)
            queued.set() if news.id == "second" else None

    waiting = [asyncio.create_task(connection.answer(Ask(id=name, text=QUICK), hear)) for name in heard]
    await queued.wait()
    spins[0].cancel()
    assert [each.outcome for each in await asyncio.gather(*waiting)] == ["not-a-question"] * 2
    assert heard == {"first": [1], "second": [2, 1]}
    for spin in spins:
        spin.cancel()


async def test_one_person_s_questions_hold_one_core_and_others_are_not_kept_waiting(connection: Connection) -> None:
    """More questions of one asker than there are cores, none of which ends by itself."""
    hog = [
        asyncio.create_task(connection.answer(Ask(id=f"hog {n}", text=SPIN, asker="hog"), _ignore))
        for n in range(CORES + 2)
    ]
    await asyncio.sleep(0.3)
    async with asyncio.timeout(2):
        answer = await connection.answer(Ask(id="other", text=QUICK, asker="other"), _ignore)
    assert answer.outcome == "not-a-question"
    assert not any(task.done() for task in hog[:1])
    for task in hog:
        task.cancel()


@pytest.mark.parametrize(("locale", "words"), [("en", "of your questions are waiting"), ("ja", "順番を待っています")])
async def test_who_asks_too_much_is_told_so_at_once(locale: str, words: str, connection: Connection) -> None:
    asks = [Ask(id=f"{locale} {n}", text=SPIN, asker=f"eager {locale}", locale=locale) for n in range(6)]
    tasks = [asyncio.create_task(connection.answer(ask, _ignore)) for ask in asks]
    async with asyncio.timeout(3):
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    busy = [task.result() for task in done]
    assert {each.outcome for each in busy} == {"busy"}
    assert all(words in each.verdict for each in busy)
    for task in tasks:
        task.cancel()


async def test_cancelling_ends_the_work(connection: Connection) -> None:
    """All cores spin; cancelled, they are free at once, long before the time limit would free them."""
    for _round in range(3):
        spins = await spinning(connection, CORES)
        for spin in spins:
            spin.cancel()
        await asyncio.gather(*spins, return_exceptions=True)
    answer = await connection.answer(Ask(id="after", text=QUICK), lambda _news: None)
    assert answer.outcome == "not-a-question"


async def test_a_cancelled_ask_gets_no_answer(stream: Stream) -> None:
    reader, writer = stream
    for message in (Ask(id="a", text=SPIN), Cancel("a"), Cancel("never asked"), Ask(id="b", text=QUICK)):
        await send_frame(writer, encode(message), LIMIT)
    answers = [each.id for each in await until_answers(reader, 1) if isinstance(each, Answer)]
    assert answers == ["b"]


async def test_a_client_that_goes_takes_its_work_along(socket_path: Path, connection: Connection) -> None:
    gone = await Connection.to(socket_path, 10)
    spins = await spinning(gone, CORES)
    await gone.close()
    assert all(isinstance(end, FleetLost) for end in await asyncio.gather(*spins, return_exceptions=True))
    assert (await connection.answer(Ask(id="1", text=QUICK), lambda _news: None)).outcome == "not-a-question"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param((ASK_BYTES + 1).to_bytes(4, "little"), id="a frame too large"),
        pytest.param((4).to_bytes(4, "little") + b"\xc1\xc1\xc1\xc1", id="no msgpack"),
        pytest.param((1).to_bytes(4, "little") + b"\x80", id="no message"),
        pytest.param(b"\x00" * 4, id="an empty frame"),
        pytest.param(
            frame(encode(Ask(id="a", text="x", deadline=float("nan"))), 500), id="a deadline that never comes"
        ),
        pytest.param(frame(encode(Ask(id="a", text="x", deadline=1e9)), 500), id="a deadline too far away"),
        pytest.param((900).to_bytes(4, "little") + b"\x91" * 900, id="deep nesting"),
    ],
)
async def test_garbage_is_refused_with_its_reason_and_harms_nobody(
    data: bytes, stream: Stream, connection: Connection
) -> None:
    reader, writer = stream
    writer.write(data)
    refusal = await received(reader)
    assert isinstance(refusal, Refused)
    assert refusal.reason
    assert await received(reader) is None
    assert (await connection.answer(Ask(id="1", text=QUICK), lambda _news: None)).outcome == "not-a-question"


async def test_an_id_can_be_used_once_at_a_time(stream: Stream) -> None:
    reader, writer = stream
    for _twice in range(2):
        await send_frame(writer, encode(Ask(id="same", text=SPIN)), LIMIT)
    while not isinstance(news := await received(reader), Refused):
        assert isinstance(news, Stage | Queued)
    assert "same" in news.reason


async def test_a_client_that_does_not_read_holds_up_nobody(socket_path: Path, connection: Connection) -> None:
    slow = socket.socket(socket.AF_UNIX)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    slow.connect(str(socket_path))
    _reader, writer = await asyncio.open_unix_connection(sock=slow, limit=1)
    for n in range(20):
        await send_frame(writer, encode(Ask(id=str(n), text=QUICK)), LIMIT)
    answer = await connection.answer(Ask(id="1", text=QUICK), lambda _news: None)
    assert answer.outcome == "not-a-question"
    writer.close()


async def test_an_id_may_be_reused_at_once_by_those_who_ask_through_a_connection(connection: Connection) -> None:
    """Whatever still comes for a cancelled Ask is not taken for the answer to the next."""
    for n in range(10):
        gone = asyncio.create_task(connection.answer(Ask(id="same", text=QUICK), _ignore))
        await asyncio.sleep(0.002 * n)
        gone.cancel()
        kept = await connection.answer(Ask(id="same", text=""), _ignore)
        assert (kept.id, "empty" in kept.verdict) == ("same", True)


async def test_two_clients_may_use_the_same_ids(socket_path: Path, connection: Connection) -> None:
    other = await Connection.to(socket_path, 10)
    asks = [Ask(id="1", text=f"```py\nF.mse_loss(torch.ones(1), torch.zeros(1) - {n})\n```\nwhy?") for n in (0, 1)]
    found = await asyncio.gather(*(c.answer(a, _ignore) for c, a in zip((connection, other), asks, strict=True)))
    assert [each.value for each in found] == [1.0, 4.0]
    await other.close()


def _ignore(_news: Any) -> None:
    return
