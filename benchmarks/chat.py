"""How long an asker in Discord waits, and what the bot's own process weighs.

    python -m benchmarks.chat [--questions 60] [--at-once 20]

The bot runs as a process of its own, with its evaluator, on the Discord of the tests. Each question stands in a channel
of its own and was never asked before. From the moment that Discord tells of it: until the sign of typing is asked for
(the acknowledgement), until the verdict is there, and until the reply with its card is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.loopback_discord.entities import Channel, Message
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.server import serving

START_SECONDS: Final = 180.0
WARM_UP: Final = 6
UNLIMITED: Final = {
    f"WHYLOSS_FAIRNESS__{name}": "100000"
    for name in ("GUILD_QUESTIONS", "ALL_QUESTIONS", "ALL_QUESTIONS_A_MINUTE", "GUILD_QUESTIONS_A_MINUTE")
}
ON_LOOPBACK: Final = """
import sys, yarl, discord.gateway, discord.http
discord.http.Route.BASE = f"{sys.argv[1]}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sys.argv[2])
from bot.cli import main
sys.exit(main(["run", "--log-level", "error"]))
"""


@dataclass(frozen=True)
class Waited:
    """Milliseconds."""

    acknowledged: float
    verdict: float
    card: float


async def main() -> None:
    options = _options()
    async with serving() as discord, _bot(loopback := Loopback(discord)) as process:
        await loopback.connected(START_SECONDS)
        numbers = iter(range(10_000))
        await _round(loopback, [next(numbers) for _ in range(WARM_UP)])
        print(f"bot's own memory, warm: {_memory(process.pid)}")
        one = [await _ask(loopback, next(numbers)) for _ in range(options.questions)]
        _print("1 at a time", one)
        many: list[Waited] = []
        for _ in range(max(1, options.questions // options.at_once)):
            many += await _round(loopback, [next(numbers) for _ in range(options.at_once)])
        _print(f"{options.at_once} at once", many)
        print(f"bot's own memory, after {len(one) + len(many) + WARM_UP} answers: {_memory(process.pid)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=20)
    return parser.parse_args()


@asynccontextmanager
async def _bot(loopback: Loopback) -> AsyncGenerator[asyncio.subprocess.Process]:
    with TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ON_LOOPBACK, loopback.discord.base, loopback.gateway.url),
            cwd=folder,
            env={**os.environ, **UNLIMITED, "DISCORD_TOKEN": loopback.token},
            stdout=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.terminate()
            await process.wait()


async def _round(loopback: Loopback, numbers: list[int]) -> list[Waited]:
    return await asyncio.gather(*(_ask(loopback, number) for number in numbers))


async def _ask(loopback: Loopback, number: int) -> Waited:
    guild = loopback.guild(f"guild {number}")
    channel, asker = loopback.channel(guild), loopback.person(f"asker {number}", guild)
    clock = asyncio.get_running_loop().time
    began = clock()
    message = asker.mention(channel, _question(number))
    await loopback.until(lambda: _shows_card(loopback, message), START_SECONDS)
    card = clock() - began
    acknowledged, verdict = (_first(loopback, channel, what) - began for what in ("/typing", "/messages"))
    return Waited(1000 * acknowledged, 1000 * verdict, 1000 * card)


def _shows_card(loopback: Loopback, message: Message) -> bool:
    return any(reply.pictures for reply in loopback.replies(message))


def _first(loopback: Loopback, channel: Channel, what: str) -> float:
    """When the first such request in the channel came, which for a message is when it was there."""
    (path,) = {each.path for each in loopback.ledger.asked("POST", f"/channels/{channel.id}{what}")}
    return next(each.began for each in loopback.ledger.requests if each.path == path)


def _question(number: int) -> str:
    scores = f"[[{1 + number / 1000}, 0.0, 0.0]]"
    return f"```py\nscores = torch.tensor({scores})\nF.cross_entropy(scores, torch.tensor([0]))\n```\nwhy is it not 0?"


def _memory(pid: int) -> str:
    """Resident, and of that what no other process shares, in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
    own = kib["Private_Clean"] + kib["Private_Dirty"]
    return f"{kib['Rss'] / 1024:.0f} MB resident, {own / 1024:.0f} MB of it its own"


def _print(name: str, waited: list[Waited]) -> None:
    for part in ("acknowledged", "verdict", "card"):
        print(f"{name:12}  {part:12}  {_percentiles(getattr(each, part) for each in waited)}")


def _percentiles(values: Iterable[float]) -> str:
    known = sorted(values)
    last = known[min(len(known) - 1, round(0.99 * len(known)))]
    return f"p50 {statistics.median(known):6.0f} ms   p99 {last:6.0f} ms   of {len(known)}"


if __name__ == "__main__":
    asyncio.run(main())
