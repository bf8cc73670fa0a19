"""One connection to an evaluator service, shared by any number of Asks in flight."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, assert_never

import msgspec

from bot.evaluator.frames import FrameError, decode, encode, frame, receive_frame
from bot.exchange import (
    PROTOCOL,
    Answer,
    Ask,
    Cancel,
    Catalogue,
    FromClient,
    FromService,
    Queued,
    Refused,
    Stage,
    Unfit,
)
from bot.fleet.port import FleetLost, FleetUnfit, Progress
from bot.settings import MIB

_SERVICE: Final = msgspec.msgpack.Decoder(FromService)
_ASK_BYTES: Final = 4 * MIB
_FRAME_BYTES: Final = 64 * MIB


class AskTooLarge(ValueError):
    """More bytes than a frame may have."""


@dataclass(frozen=True)
class _Flight:
    id: str
    answer: asyncio.Future[Answer]
    on_progress: Progress


class Connection:
    """An EvaluatorFleet of one service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, catalogue: Catalogue) -> None:
        self._reader = reader
        self._writer = writer
        self._catalogue = catalogue
        self._flights: dict[str, _Flight] = {}
        self._numbers = itertools.count(1)
        self._lost: str | None = None
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def to(cls, path: Path, seconds: float) -> Self:
        """The service that listens at `path`; raises FleetLost, FleetUnfit."""
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            raise FleetLost(f"nobody listens at {path}: {error}") from error
        return await cls._greeted(reader, writer, seconds)

    @classmethod
    async def over(cls, ours: socket.socket, seconds: float) -> Self:
        """The service at the other end of a connected socket; raises FleetLost."""
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return await cls._greeted(reader, writer, seconds)

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    async def answer(self, ask: Ask, on_progress: Progress) -> Answer:
        """Raises FleetLost, AskTooLarge."""
        if self._lost is not None:
            raise FleetLost(self._lost)
        id = f"{ask.id}#{next(self._numbers)}"  # used once: what still comes for a cancelled Ask matches nothing
        try:
            data = frame(encode(msgspec.structs.replace(ask, id=id)), _ASK_BYTES)
        except FrameError as error:
            raise AskTooLarge(str(error)) from error
        flight = self._flights[id] = _Flight(ask.id, asyncio.get_running_loop().create_future(), on_progress)
        try:
            self._writer.write(data)
            await self._writer.drain()
            return await flight.answer
        except asyncio.CancelledError:
            self._writer.write(_framed(Cancel(id)))
            raise
        except OSError as error:
            raise FleetLost(f"the service went away: {error}") from error
        finally:
            del self._flights[id]

    async def lost(self) -> str:
        await asyncio.wait([self._receiving])
        return self._lost or "the connection was closed"

    async def close(self) -> None:
        """Closes the connection."""
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)
        self._lose("the connection was closed")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    @classmethod
    async def _greeted(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> Self:
        try:
            async with asyncio.timeout(seconds):
                payload = await receive_frame(reader, _FRAME_BYTES)
            greeting = decode(payload, _SERVICE) if payload is not None else None
        except (TimeoutError, OSError, FrameError) as error:
            writer.close()
            raise FleetLost(f"the service did not say what it knows: {error or type(error).__name__}") from error
        except asyncio.CancelledError:
            writer.close()
            raise
        if isinstance(greeting, Unfit):
            writer.close()
            raise FleetUnfit(greeting.reason)
        if not isinstance(greeting, Catalogue) or greeting.protocol != PROTOCOL:
            writer.close()
            raise FleetLost(
                "the service ended before it was ready" if greeting is None else "the service is of another version"
            )
        return cls(reader, writer, greeting)

    async def _receive(self) -> None:
        try:
            while (payload := await receive_frame(self._reader, _FRAME_BYTES)) is not None:
                self._take(decode(payload, _SERVICE))
            self._lose("the service went away")
        except (OSError, FrameError) as error:
            self._lose(f"the service broke off: {error}")

    def _take(self, message: FromService) -> None:
        match message:
            case Queued(id=id) | Stage(id=id):
                if flight := self._flights.get(id):
                    flight.on_progress(msgspec.structs.replace(message, id=flight.id))
            case Answer(id=id):
                if (flight := self._flights.get(id)) and not flight.answer.done():
                    flight.answer.set_result(msgspec.structs.replace(message, id=flight.id))
            case Refused(reason=reason):
                self._lose(f"the service refused to go on: {reason}")
            case Unfit(reason=reason):
                self._lose(reason)
            case Catalogue():
                self._catalogue = message
            case _:
                assert_never(message)

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        for flight in self._flights.values():
            if not flight.answer.done():
                flight.answer.set_exception(FleetLost(self._lost))


def _framed(message: FromClient) -> bytes:
    return frame(encode(message), _ASK_BYTES)
