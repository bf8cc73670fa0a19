"""`whyloss evaluator`: a unix socket before Answering. A slow or rude client holds up nobody but itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, assert_never

import msgspec

from bot.answering import Answering
from bot.evaluator import heap
from bot.evaluator.cores import cores
from bot.evaluator.frames import FrameError, decode, encode, receive_frame, send_frame
from bot.exchange import Ask, Cancel, FromClient, FromService, Queued, Refused, Stage
from bot.fairness import Allowance
from bot.line import TURNED_AWAY, Line, Rules, Who
from bot.listening import Refusal, clear, listening
from bot.log import Log
from bot.service import CannotServe, FloorNotMet, started
from bot.settings import BELOW_FLOOR, FairnessSettings, Settings

ASK_BYTES: Final = 4 * 2**20
"""The largest frame that a client may send: what is over the limits of a message still gets its answer up to here."""

_MOST_ASKS: Final = 128
_PATIENCE_SECONDS: Final = 1.0
_OUTBOX_BYTES: Final = 64 * 2**20
_SEND_SECONDS: Final = 60.0
_REFUSING_SECONDS: Final = 20.0
"""With the seconds until we are started again less than an Ask's deadline, and enough for Docker to do so at once."""
_CLIENT: Final = msgspec.msgpack.Decoder(FromClient)


class Service:
    """What all conversations share."""

    def __init__(self, answering: Answering, log: Log, line: Line) -> None:
        self.answering = answering
        self.log = log
        self.line = line
        self._talks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it or the service goes."""
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await Conversation(self, reader, writer).hold()
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._talks.discard(task)

    async def close(self) -> None:
        """Ends all conversations and the work for them."""
        self._closing = True
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


class Conversation:
    """One client: its Asks, each a task, and an outbox that one task empties."""

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_MOST_ASKS)
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._outbox_bytes = 0
        self._sending = asyncio.create_task(self._send())

    async def hold(self) -> None:
        """Until the client goes, breaks the protocol or does not read what it is sent."""
        self._post(self._service.answering.catalogue)
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait([self._sending, listening], return_when=asyncio.FIRST_COMPLETED)
            if listening.done() and (error := listening.exception()):
                await self._refuse(error)
        finally:
            await self._end(self._sending, listening)

    async def _listen(self) -> None:
        while (payload := await receive_frame(self._reader, ASK_BYTES)) is not None:
            message = decode(payload, _CLIENT)
            match message:
                case Ask():
                    await self._room.acquire()
                    self._begin(message)
                case Cancel(id=id):
                    if id in self._asks:
                        self._asks[id].cancel()
                case _:
                    assert_never(message)

    def _begin(self, ask: Ask) -> None:
        if ask.id in self._asks:
            raise FrameError(f"an Ask with the id {ask.id!r} is being answered: give each its own")
        task = self._asks[ask.id] = asyncio.create_task(self._answer(ask))
        task.add_done_callback(lambda _task: self._finish(ask.id))

    def _finish(self, id: str) -> None:
        del self._asks[id]
        self._room.release()

    async def _answer(self, ask: Ask) -> None:
        service, started = self._service, time.perf_counter()
        try:
            who = Who(ask.asker, ask.guild)
            async with service.line.turn(lambda position: self._post(Queued(ask.id, position)), who):
                answer = await service.answering.answer(ask, lambda name: self._post(Stage(ask.id, name)))
        except TURNED_AWAY as reason:
            answer = service.answering.busy(ask, reason)
        except Exception as error:  # whatever it is, this Ask gets its Answer, and the others theirs
            service.log.error("failed", ask=ask.id, error=type(error).__name__)
            answer = service.answering.failed(ask)
        milliseconds = round(1000 * (time.perf_counter() - started))
        timings = msgspec.to_builtins(answer.timings_ms)
        service.log.info("answered", ask=ask.id, outcome=answer.outcome, ms=milliseconds, **timings)
        self._post(answer)

    def _post(self, message: FromService) -> None:
        payload = encode(message)
        self._outbox_bytes += len(payload)
        self._outbox.put_nowait(payload)
        if self._outbox_bytes > _OUTBOX_BYTES:  # they do not read what they asked for
            self._sending.cancel()

    async def _send(self) -> None:
        while True:
            payload = await self._outbox.get()
            async with asyncio.timeout(_SEND_SECONDS):
                await send_frame(self._writer, payload, len(payload))
            self._outbox_bytes -= len(payload)

    async def _refuse(self, error: BaseException) -> None:
        """Says why this ends, if they still listen."""
        self._service.log.warning("client refused", error=type(error).__name__)
        self._sending.cancel()
        if isinstance(error, FrameError):
            payload = encode(Refused(str(error)))
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await send_frame(self._writer, payload, len(payload))

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        everything = [*tasks, *self._asks.values()]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def serve(settings: Settings, log: Log, path: Path) -> int:
    """Serves at `path` until cancelled; gives the exit status where it can't, below the floor after saying so there."""

    async def work(service: Service) -> None:
        async with listening(service, path):
            log.info("listening", socket=str(path))
            await asyncio.Event().wait()

    clear(path)  # before seconds are spent on what could not listen there
    try:
        return await _serving(settings, log, work)
    except FloorNotMet as unmet:
        return await _refusing(str(unmet), log, path)


async def serve_one(settings: Settings, log: Log, descriptor: int) -> int:
    """Serves one connected socket until its other end closes; gives the exit status."""

    async def work(service: Service) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
        await service.talk(reader, writer)

    try:
        return await _serving(settings, log, work)
    except FloorNotMet:
        return BELOW_FLOOR


async def _refusing(reason: str, log: Log, path: Path) -> int:
    """Tells whoever connects for a while, so that who asks need not wait for a service that never comes; whoever
    started us learns it by the exit status, and may start us again.
    """
    async with listening(Refusal(reason), path):
        log.error("refusing", socket=str(path), seconds=_REFUSING_SECONDS, reason=reason)
        await asyncio.sleep(_REFUSING_SECONDS)
    return BELOW_FLOOR


async def _serving(settings: Settings, log: Log, work: Callable[[Service], Awaitable[None]]) -> int:
    """Raises FloorNotMet, which was said."""
    heap.keep_compact()
    try:
        async with started(settings, log) as answering:
            await work(Service(answering, log, Line(_rules(settings.fairness))))
    except CannotServe as error:
        print(f"whyloss: {error}", file=sys.stderr)
        if isinstance(error, FloorNotMet):
            raise
        return 1
    return 0


def _rules(fairness: FairnessSettings) -> Rules:
    return Rules(
        at_once=cores(),
        patience=_PATIENCE_SECONDS,
        waiting=fairness.waiting,
        waiting_each=fairness.waiting_each,
        turns=Allowance(fairness.asker_seconds, fairness.asker_seconds_a_minute / 60),
        of_guild=Allowance(fairness.guild_questions, fairness.guild_questions_a_minute / 60),
        of_all=Allowance(fairness.all_questions, fairness.all_questions_a_minute / 60),
    )
