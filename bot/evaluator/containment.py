"""Attacks the jail in real locked children and says what became of each attack; `whyloss doctor` prints it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

import msgspec

from bot.evaluator import outcomes, selfcheck
from bot.evaluator.frames import decode
from bot.evaluator.limits import MIB, Limits
from bot.evaluator.supervisor import Evaluator

LIMITS: Final = Limits(wall_seconds=60, cpu_seconds=1, memory_mb=128)
"""Of an attack: on a busy machine, a second of CPU time may take many."""

_ASLEEP: Final = Limits(wall_seconds=0.5, cpu_seconds=1, memory_mb=128)

_ENTRY: Final = selfcheck.PROVOKE_ENTRY
_PROBES: Final = msgspec.msgpack.Decoder(selfcheck.Probes)


@dataclass(frozen=True)
class Attack:
    """One attack, how it was to end, and how it ended, in words that begin with the expected ones where it was held."""

    name: str
    expected: str
    seen: str

    @property
    def held(self) -> bool:
        return self.seen.startswith(self.expected)


@dataclass(frozen=True)
class Layer:
    """One layer of the jail: whether it is on, and by what that was seen."""

    name: str
    on: bool
    seen: str


_EXPECTED: Final[Mapping[str, str]] = {
    "sleep for ever": "stopped: wall time",
    "compute for ever": "stopped: CPU time",
    "compute for ever, deaf to signals": "stopped: CPU time",
    "print for ever": "stopped: too much stdout",
    "send results for ever": "stopped: too much result",
    "fill the memory": "stopped: memory",
    "crash": "contained: signal 11",
    "send what is no frame": "contained: not a frame",
    **{f"call {name}": "killed: forbidden call" for name in selfcheck.FATAL},
}


def refusals(probes: selfcheck.Probes) -> tuple[Attack, ...]:
    """The attacks that one child tried one after another."""
    return tuple(Attack(name, "refused", f"refused: {how}" if how else "DONE") for name, how in probes.seen.items())


async def attacks(evaluator: Evaluator, probes: selfcheck.Probes) -> tuple[Attack, ...]:
    """Every attack with its end: those that `probes` tried in one child, then those that end the child."""
    ended = [Attack(name, expected, await _ending(evaluator, name)) for name, expected in _EXPECTED.items()]
    return (*refusals(probes), *ended, await _unchanged(evaluator))


async def layers(evaluator: Evaluator, probes: selfcheck.Probes) -> tuple[Layer, ...]:
    """Every layer, as a locked child shows it to the kernel's own report of it, or by its effect."""
    shown: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    run = evaluator.run(_ENTRY, selfcheck.SHOW_ITSELF.encode(), on_frame=lambda frame: shown.set_result(int(frame)))
    task = asyncio.create_task(run)
    try:
        await asyncio.wait([task, shown], return_when=asyncio.FIRST_COMPLETED)
        return _of_process(shown.result(), probes) if shown.done() else ()
    finally:
        task.cancel()


async def _ending(evaluator: Evaluator, name: str) -> str:
    limits = _ASLEEP if name == "sleep for ever" else LIMITS
    outcome = await evaluator.run(_ENTRY, name.encode(), limits=limits)
    if outcome.frames[-1:] == (b"went on",):
        return "DONE"
    match outcome:
        case outcomes.Finished():
            return "DONE"
        case outcomes.TimedOut(which=which):
            return f"stopped: {'CPU' if which == 'cpu' else which} time"
        case outcomes.OutOfMemory():
            return "stopped: memory"
        case outcomes.Forbidden():
            return "killed: forbidden call"
        case outcomes.TooLarge(what=what):
            return f"stopped: too much {what}"
        case outcomes.Crashed(signal=None, status=None):
            return "contained: not a frame"
        case outcomes.Crashed(signal=number, status=status):
            return f"contained: signal {number}" if number else f"contained: status {status}"
        case _:
            assert_never(outcome)


async def _unchanged(evaluator: Evaluator) -> Attack:
    """After all of them, a fresh child must still be held to the same."""
    too_many_bytes = (evaluator.limits.memory_mb + 64) * MIB
    outcome = await evaluator.run(selfcheck.PROBE_ENTRY, str(too_many_bytes).encode())
    held = isinstance(outcome, outcomes.Finished) and not decode(outcome.frames[0], _PROBES).broken
    return Attack("weaken the jail of the next", "refused", "refused" if held else "DONE")


def _of_process(process: int, probes: selfcheck.Probes) -> tuple[Layer, ...]:
    status = _fields(Path(f"/proc/{process}/status").read_text())
    zygote = _fields(Path(f"/proc/{status['PPid']}/status").read_text())
    limits = _limits(Path(f"/proc/{process}/limits").read_text())
    capabilities = int(status["CapPrm"], 16) | int(status["CapEff"], 16)
    return (
        Layer("no environment", bool(probes.seen["read an environment"]), "probe in the child"),
        Layer("own descriptors", bool(probes.seen["use another descriptor"]), "probe in the child"),
        Layer("closed to debuggers", _is_closed(process, status), "owner of its /proc files"),
        Layer("memory limit", limits["Max address space"] != "unlimited", f"{limits['Max address space']} bytes"),
        Layer("CPU limit", limits["Max cpu time"] != "unlimited", f"{limits['Max cpu time']} s"),
        Layer("no process to start", limits["Max processes"] == "0", f"limit {limits['Max processes']}"),
        Layer("no byte to write", limits["Max file size"] == "0", f"limit {limits['Max file size']}"),
        Layer("no core dump", limits["Max core file size"] == "0", f"limit {limits['Max core file size']}"),
        Layer("no_new_privs", status["NoNewPrivs"] == "1", f"NoNewPrivs {status['NoNewPrivs']}"),
        Layer("no capability", capabilities == 0, f"CapPrm {status['CapPrm']}"),
        Layer("seccomp filter", status["Seccomp"] == "2", f"mode {status['Seccomp']}"),
        Layer("one thread", status["Threads"] == "1", f"Threads {status['Threads']}"),
        Layer(
            "zygote locked", zygote["Seccomp"] == "2" and int(zygote["CapEff"], 16) == 0, f"mode {zygote['Seccomp']}"
        ),
        Layer("zygote has one thread", zygote["Threads"] == "1", f"Threads {zygote['Threads']}"),
    )


def _is_closed(process: int, status: Mapping[str, str]) -> bool:
    """The kernel gives the /proc files of a process that is not dumpable to root."""
    return Path(f"/proc/{process}/status").stat().st_uid != int(status["Uid"].split()[0])


def _fields(text: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def _limits(text: str) -> dict[str, str]:
    """The hard limits, by the kernel's names, which take the first 26 columns."""
    return {line[:26].strip(): line[26:].split()[1] for line in text.splitlines()[1:]}
