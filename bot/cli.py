"""The commands: `whyloss run`, `ask`, `evaluator` and `doctor`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from bot import settings as configured
from bot.exchange import Theme
from bot.settings import SettingsError

Flag = Annotated[bool, Parameter(negative=())]
LogLevel = Literal["debug", "info", "warning", "error"]
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a command line; what goes wrong is one line on standard error."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _app()(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"whyloss: {error} (whyloss --help shows what there is)", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SettingsError, ValueError, OSError) as error:
        print(f"whyloss: {error}", file=sys.stderr)
        return 1
    return status if isinstance(status, int) else 0


def _app() -> App:
    app = App("whyloss", help="Explains the value of a PyTorch loss.", version=version("whyloss"))
    app.command(ask)
    app.command(run)
    app.command(evaluator)
    app.command(doctor)
    app.command(health)
    return app


def ask(
    file: Annotated[str, Parameter(allow_leading_hyphen=True, help="The message; - reads standard input.")] = "-",
    /,
    *,
    json: Flag = False,
    jsonl: Flag = False,
    card: Path | None = None,
    full: Path | None = None,
    source: Path | None = None,
    locale: str | None = None,
    theme: Theme = "dark",
    config: Path | None = None,
) -> int:
    """Answer one message, or one a line.

    Exit status: 0 for an answer, 2 for a message that holds no question, 1 for a failure of ours.

    Parameters
    ----------
    json
        Print the answer as one JSON object.
    jsonl
        Read {"id", "message", "files"?, "locale"?} a line, print one answer a line in the same order.
    card
        Write the answer card to this PNG.
    full
        Write the whole derivation to this PNG.
    source
        Write LaTeX, Python and text of the derivation to this folder.
    locale
        Language of the answer, such as ja; by default that of the message.
    theme
        Colours of the pictures.
    config
        Settings; by default $WHYLOSS_CONFIG or ./config.toml.
    """
    from bot import asking, languages, lines

    if file.startswith("-") and file != "-":
        raise ValueError(f"there is no option {file} (whyloss ask --help shows what there is)")
    known = languages.available(languages.FOLDER)
    if locale is not None and languages.spoken(locale, known) is None:
        raise ValueError(f"no catalogue for --locale {locale}; there are {', '.join(known)}")
    settings = configured.load(config)
    if jsonl:
        if card or full or source:
            raise ValueError("--jsonl writes no files: leave out --card, --full and --source")
        return _run(lines.ask_lines(settings, file, locale, theme))
    return _run(asking.ask_once(settings, asking.Options(file, json, card, full, source, locale, theme)))


def run(*, config: Path | None = None, log_level: LogLevel = "info") -> int:
    """Answer in Discord until told to stop; SIGTERM finishes what is under way.

    The bot's token is read from DISCORD_TOKEN, else from discord.token_file of the settings.

    Parameters
    ----------
    config
        Settings; by default $WHYLOSS_CONFIG or ./config.toml.
    log_level
        The least that is logged.
    """
    from bot.chat import running, token
    from bot.log import logger

    settings = configured.load(config)
    own = token.taken(settings.discord.token_file)
    return _run(running.run(settings, own, logger(log_level), lambda line: print(line, flush=True)))


def evaluator(
    *,
    socket: Path | None = None,
    config: Path | None = None,
    descriptor: Annotated[int | None, Parameter(show=False)] = None,
    log_level: LogLevel = "info",
) -> int:
    """Serve questions on a unix socket until told to stop.

    Parameters
    ----------
    socket
        Where to listen; by default evaluator.socket of the settings.
    config
        Settings; by default $WHYLOSS_CONFIG or ./config.toml.
    descriptor
        A connected socket to serve instead, until its other end closes.
    log_level
        The least that is logged.
    """
    from bot import serving
    from bot.log import logger

    settings = configured.load(config)
    log = logger(log_level)
    if descriptor is not None:
        return _run(serving.serve_one(settings, log, descriptor))
    return _run(serving.serve(settings, log, socket or settings.evaluator.socket))


def doctor(*, config: Path | None = None) -> int:
    """Attack the jail on this machine and say what held, and how strong it is.

    Exit status: 0 where it is as strong as the settings ask, 3 where it is not.

    Parameters
    ----------
    config
        Settings; by default $WHYLOSS_CONFIG or ./config.toml.
    """
    from bot import doctor as examining

    return _run(examining.examine(configured.load(config)))


def health(*, socket: Path | None = None, config: Path | None = None) -> int:
    """Ask the running service an empty question, and say whether it answers.

    Exit status: 0 where it does, 1 where it does not.

    Parameters
    ----------
    socket
        Where it listens; by default evaluator.socket of the settings.
    config
        Settings; by default $WHYLOSS_CONFIG or ./config.toml.
    """
    from bot import health as checking

    return _run(checking.check(socket or configured.load(config).evaluator.socket))


def _run(work: Awaitable[int]) -> int:
    try:
        return asyncio.run(_until_told(work))
    except KeyboardInterrupt:
        return INTERRUPTED


async def _until_told(work: Awaitable[int]) -> int:
    """The work's status; SIGTERM cancels it and lets it clean up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        told.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return INTERRUPTED if signal.SIGINT in told else 0
