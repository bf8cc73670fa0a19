"""`whyloss run` as a process of its own, with its evaluator: what it holds, what its children hold, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.loopback_discord.entities import Channel, Message
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.person import Person

MARKED = "```py\nzebra = torch.tensor([[1.0, 0.0, 0.0]])\nF.cross_entropy(zebra, torch.tensor([0]))\n```\nwhy 0.5514?"
START_SECONDS = 120.0
END_SECONDS = 10.0
HEAVY = {"torch", "sympy", "numpy", "typst", "flint"}

ON_LOOPBACK = """
import sys, yarl, discord.asset, discord.gateway, discord.http
base, gateway = sys.argv[1:3]
discord.http.Route.BASE = f"{base}/api/v10"
discord.asset.Asset.BASE = f"{base}/cdn"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
from bot.cli import main
status = main(["run"])
print("modules", *sys.modules)
sys.exit(status)
"""

WITHOUT_LANDLOCK = """
import errno, struct
from bot.evaluator import kernel, seccomp
LOAD, EQUAL, RETURN, LANDLOCK = 0x20, 0x15, 0x06, 444  # the same call on every machine
rules = (LOAD, 0, 0, 0), (EQUAL, 0, 1, LANDLOCK), (RETURN, 0, 0, 0x50000 | errno.ENOSYS), (RETURN, 0, 0, 0x7FFF0000)
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(seccomp.Filter(b"".join(struct.pack("=HBBI", *rule) for rule in rules), ()))
"""


@dataclass(frozen=True)
class Process:
    """The bot's process; `log` is what it wrote on standard error."""

    process: asyncio.subprocess.Process
    log: Path

    async def told(self) -> list[str]:
        """Its standard output, once it has ended."""
        assert self.process.stdout is not None
        return (await self.process.stdout.read()).decode().splitlines()


@asynccontextmanager
async def running(loopback: Loopback, tmp_path: Path, before: str = "", **environment: str) -> AsyncGenerator[Process]:
    command = [sys.executable, "-c", before + ON_LOOPBACK, loopback.discord.base, loopback.gateway.url]
    log = tmp_path / "log"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), **environment}
    with log.open("wb") as opened:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=opened
        )
    try:
        await loopback.connected(START_SECONDS)
        yield Process(process, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from descendants(child)


def of_process(pid: int, what: str) -> bytes:
    """A file of its /proc; nothing where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def lives(pid: int) -> bool:
    state = of_process(pid, "stat").rpartition(b")")[2].split()[:1]
    return state not in ([], [b"Z"])


async def ended(processes: list[int]) -> None:
    async with asyncio.timeout(END_SECONDS):
        while any(map(lives, processes)):  # noqa: ASYNC110 - orphans tell nobody of their end
            await asyncio.sleep(0.05)


async def a_slow_question(loopback: Loopback, channel: Channel, person: Person) -> Message:
    """Once the bot is at it."""
    typed = len(loopback.ledger.asked("POST", "/typing"))
    slow = person.mention(channel, MARKED.replace("zebra =", "import time; time.sleep(2)\nzebra ="))
    await loopback.until(lambda: len(loopback.ledger.asked("POST", "/typing")) > typed, 5)
    return slow


def place(loopback: Loopback) -> tuple[Channel, Person]:
    guild = loopback.guild()
    return loopback.channel(guild), loopback.person("alice", guild)


async def test_a_killed_bot_keeps_its_secrets_and_answers_after_its_restart(loopback: Loopback, tmp_path: Path) -> None:
    general, alice = place(loopback)
    async with running(loopback, tmp_path, DISCORD_TOKEN=loopback.token) as bot:
        await loopback.reply_to(alice.mention(general, MARKED), START_SECONDS, lambda each: each.pictures)
        children = list(descendants(bot.process.pid))
        held, commands = ([of_process(pid, what) for pid in children] for what in ("environ", "cmdline"))
        slow = await a_slow_question(loopback, general, alice)
        bot.process.kill()
        await bot.process.wait()
        written = bot.log.read_text()
    assert any(b"evaluator" in command for command in commands), "it has its evaluator as a child"
    assert len(children) > 2, "and that has children"
    assert not [environment for environment in held if loopback.token.encode() in environment]
    await ended(children)
    loopback.gateway.drop()
    loopback.gateway.sessions.clear()
    async with running(loopback, tmp_path, DISCORD_TOKEN=loopback.token) as bot:
        await loopback.reply_to(slow, START_SECONDS, lambda each: each.pictures)
        children = list(descendants(bot.process.pid))
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.process.wait() == 0
        told = await bot.told()
    assert len(loopback.replies(slow)) == 1
    assert not HEAVY & set(told[-1].split())
    written += bot.log.read_text() + "\n".join(told[:-1])
    assert "connected" in written
    assert not [secret for secret in (loopback.token, "zebra", "why 0.5514", "0.5514 is") if secret in written]
    await ended(children)


async def test_below_the_floor_it_evaluates_nothing_and_says_so(loopback: Loopback, tmp_path: Path) -> None:
    general, alice = place(loopback)
    floor = {"DISCORD_TOKEN": loopback.token, "WHYLOSS_EVALUATOR__SANDBOX_FLOOR": "B"}
    async with running(loopback, tmp_path, WITHOUT_LANDLOCK, **floor) as bot:
        message = alice.mention(general, MARKED)
        reply = await loopback.reply_to(message, START_SECONDS)
        status = await alice.invoke("status", general).answer()
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.process.wait() == 0
    assert not reply.pictures
    assert "I evaluate nothing here" in reply.text
    assert "I evaluate nothing here" in status.text
    assert "sandbox_floor" in bot.log.read_text()
    assert len(loopback.replies(message)) == 1


async def test_it_prints_how_to_add_it_and_sigterm_finishes_what_is_under_way(
    loopback: Loopback, tmp_path: Path
) -> None:
    general, alice = place(loopback)
    (tmp_path / "token").write_text(f"{loopback.token}\n")
    async with running(loopback, tmp_path, WHYLOSS_DISCORD__TOKEN_FILE=str(tmp_path / "token")) as bot:
        await loopback.reply_to(alice.mention(general, MARKED), START_SECONDS, lambda each: each.pictures)
        slow = await a_slow_question(loopback, general, alice)
        bot.process.send_signal(signal.SIGTERM)
        await loopback.reply_to(slow, START_SECONDS, lambda each: each.pictures)
        assert await bot.process.wait() == 0
        told = await bot.told()
    links = [line for line in told if "oauth2/authorize" in line]
    assert len(links) == 2
    assert all(f"client_id={loopback.bot.id}" in link for link in links)
    assert "scope=bot+applications.commands" in links[0]
    assert "permissions=274878024704" in links[0], "view, send, send in threads, embed, attach, read history"
    assert "integration_type=1" in links[1]


def test_without_a_token_it_says_where_one_may_stand(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "DISCORD_TOKEN" in done.stderr
    assert "token_file" in done.stderr
    assert "Traceback" not in done.stderr
