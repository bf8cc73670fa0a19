"""`whyloss ask --jsonl`: one message a line in, one answer a line out, in the same order, from one service."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import sys
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from bot.asking import answered, json_of, progress
from bot.exchange import Answer, Ask, Error, File, Theme
from bot.fleet.nearest import nearest
from bot.fleet.port import EvaluatorFleet, FleetLost
from bot.settings import MIB, Settings

LINE_BYTES: Final = 16 * MIB
Id = str | int | float | None


class Attached(msgspec.Struct, frozen=True):
    """A file of a line; `data` in base64, or text where it is no base64."""

    name: str
    data: str


class Asked(msgspec.Struct, frozen=True):
    """A line."""

    message: str
    id: Id = None
    files: tuple[Attached, ...] = ()
    locale: str | None = None


class Named(msgspec.Struct, frozen=True):
    """All that is asked of a bad line: its id."""

    id: Id = None


async def ask_lines(settings: Settings, file: str, locale: str | None, theme: Theme) -> int:
    """Answers every line; 0 when all were answered, also bad ones, 1 when the service was lost."""
    tell, status = progress(), 0
    try:
        async with nearest(settings, lambda: tell("starting the evaluator service, which takes some seconds")) as fleet:
            await _Lines(settings, fleet, locale, theme).answer(file)
    except* (FleetLost, ValueError) as errors:  # from any of the tasks: one is enough to say why
        print(f"whyloss: {_first(errors)}", file=sys.stderr)
        status = 1
    return status


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


class _Lines:
    """As many lines in flight as there are cores, twice: one runs while the other waits."""

    def __init__(self, settings: Settings, fleet: EvaluatorFleet, locale: str | None, theme: Theme) -> None:
        self._settings = settings
        self._fleet = fleet
        self._locale = locale
        self._theme: Theme = theme
        self._tasks: asyncio.Queue[asyncio.Task[str] | None] = asyncio.Queue(2 * len(os.sched_getaffinity(0)))

    async def answer(self, file: str) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._print())
            number = 0
            async for line in _read(file):
                number += 1
                if line.strip():
                    await self._tasks.put(group.create_task(self._answer(number, line)))
            await self._tasks.put(None)

    async def _print(self) -> None:
        while (task := await self._tasks.get()) is not None:
            print(await task, flush=True)

    async def _answer(self, number: int, line: bytes) -> str:
        try:
            asked = msgspec.json.decode(line, type=Asked)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return json_of(_refused(number, len(line), str(error)), id=_id_of(line))
        ask = Ask(
            id=str(number),
            text=asked.message,
            files=tuple(File(each.name, _bytes(each.data)) for each in asked.files),
            locale=asked.locale or self._locale,
            theme=self._theme,
        )
        return json_of(await answered(self._fleet, self._settings, ask, lambda _news: None), id=asked.id)


def _refused(number: int, size: int, reason: str) -> Answer:
    if size > LINE_BYTES:
        reason = f"it is over {LINE_BYTES // MIB} MB"
    text = f'Line {number} can\'t be read ({reason}): write {{"id": "...", "message": "..."}} on one line.'
    error = Error("BadLine", text)
    return Answer(id="", outcome="failed", language="en", error=error, verdict=text, text=f"{text}\n", alt_text="")


def _id_of(line: bytes) -> Id:
    try:
        return msgspec.json.decode(line, type=Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data.encode()


async def _read(file: str) -> AsyncGenerator[bytes]:
    """The lines as they come, cut where they are too long; read by a thread, which may wait for a terminal for ever."""
    lines: asyncio.Queue[bytes | OSError] = asyncio.Queue(1)
    loop = asyncio.get_running_loop()

    def put(line: bytes | OSError) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        try:
            with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
                while line := _line(opened):
                    put(line)
            put(b"")
        except OSError as error:
            put(error)

    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        if isinstance(line, OSError):
            raise ValueError(f"{file} can't be read ({line.strerror}): name a text file, or - for standard input")
        yield line


def _line(opened: BinaryIO) -> bytes:
    line = rest = opened.readline(LINE_BYTES + 1)
    while rest and len(line) > LINE_BYTES and not rest.endswith(b"\n"):
        rest = opened.readline(LINE_BYTES)
    return line
