"""`whyloss ask`: one message from a file or standard input, its answer on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec

from bot.exchange import Answer, Ask, Outcome, Queued, Stage, Theme, Wants
from bot.fleet.connection import AskTooLarge
from bot.fleet.nearest import nearest
from bot.fleet.port import EvaluatorFleet, FleetLost, Progress
from bot.settings import MIB, Settings

MOST_BYTES: Final = 64 * MIB
"""What is read of a message at all."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    file: str
    json: bool
    card: Path | None
    full: Path | None
    source: Path | None
    locale: str | None
    theme: Theme

    @property
    def wants(self) -> Wants:
        return Wants(self.card is not None, self.full is not None, self.source is not None)


async def ask_once(settings: Settings, options: Options) -> int:
    """Answers the message and prints the answer; gives the exit status.

    Raises ValueError, with what to try, for a file that can't be read or written.
    """
    ask = Ask(
        id=options.file, text=_message(options.file), locale=options.locale, theme=options.theme, wants=options.wants
    )
    tell = progress()
    try:
        async with nearest(settings, lambda: tell("starting the evaluator service, which takes some seconds")) as fleet:
            answer = await answered(fleet, settings, ask, lambda news: tell(_said(news)))
    except FleetLost as error:
        print(f"whyloss: {error}", file=sys.stderr)
        return 1
    print(json_of(answer) if options.json else answer.text.rstrip("\n"))
    places = _written(answer, options)
    if not options.json and places:
        print("\n" + "\n".join(places))
    return status_of(answer.outcome)


async def answered(fleet: EvaluatorFleet, settings: Settings, ask: Ask, on_progress: Progress) -> Answer:
    """The fleet's Answer, or the one that a message gets which is too large to be sent; raises FleetLost."""
    try:
        return await fleet.answer(ask, on_progress)
    except AskTooLarge:
        from bot import stopped
        from bot.languages import nearest, translators
        from explainers.messages import said

        known = translators()
        locale = nearest(ask.locale, known)
        stop = stopped.too_long(said("Your message"), len(encoded(ask)), 1024 * settings.limits.message_kb)
        return stopped.answer(stop, stopped.Asker(ask.id, locale), known[locale])


def encoded(ask: Ask) -> bytes:
    """The message and its files as bytes."""
    return b"".join([ask.text.encode(), *(file.data for file in ask.files)])


def json_of(answer: Answer, **instead: Any) -> str:
    """The answer as one line of JSON, its text in one piece and without its pictures; `instead` replaces fields."""
    fields: dict[str, Any] = msgspec.to_builtins(answer, builtin_types=(bytes,))
    kept = {name: value for name, value in fields.items() if name not in ("type", "paragraphs", "drawn")}
    return msgspec.json.encode({**kept, **instead}).decode()


def status_of(outcome: Outcome) -> int:
    """0 for an answer, 2 where there is no question, 1 for a failure of ours."""
    match outcome:
        case "not-a-question":
            return 2
        case "crashed" | "busy":
            return 1
        case "explained" | "failed" | "needs-input" | "timed-out" | "out-of-memory" | "forbidden" | "too-large":
            return 0
        case _:
            assert_never(outcome)


def progress() -> Callable[[str], None]:
    """Says what goes on, to somebody who sits before a terminal."""
    if not sys.stderr.isatty():
        return lambda _text: None
    return lambda text: print(f"whyloss: {text} ...", file=sys.stderr, flush=True)


def _said(news: Queued | Stage) -> str:
    match news:
        case Queued(position=position):
            return f"waiting, {position} before this one"
        case Stage(name="read"):
            return "reading the message"
        case Stage(name="evaluate"):
            return "running the code"
        case Stage(name="explain"):
            return "running counterfactuals"
        case Stage():
            return "explaining"
        case _:
            assert_never(news)


def _message(file: str) -> str:
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"{file} can't be read ({error.strerror}): name a text file, or - for standard input"
        ) from None
    if len(data) > MOST_BYTES:
        raise ValueError(f"{file} is over {MOST_BYTES // MIB} MB: send only what computes the loss")
    return data.decode("utf-8-sig", errors="replace")


def _written(answer: Answer, options: Options) -> list[str]:
    """Writes what was asked for and says where; what could not be drawn is said on standard error."""
    drawn, places = answer.drawn, list[str]()
    for name, path, picture in (("card", options.card, drawn.card), ("derivation", options.full, drawn.full)):
        if path is not None and picture is not None:
            places.append(f"{name}: {_write(path, picture)}")
        elif path is not None:
            print(f"whyloss: there is no {name} to write to {path}", file=sys.stderr)
    if options.source is not None:
        for name, text in drawn.sources.items():
            places.append(f"source: {_write(options.source / name, text.encode())}")
    return places


def _write(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ValueError(f"{path} can't be written ({error.strerror}): name another place") from None
    return path
