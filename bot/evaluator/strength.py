"""How strong a jail is, judged by what a locked child could do and see."""

import os
import socket
from dataclasses import dataclass
from typing import Final, Literal, Self

from bot.evaluator import landlock, selfcheck

Level = Literal["A", "B", "C", "none"]
LEVELS: Final[tuple[Level, ...]] = ("A", "B", "C", "none")
"""Strongest first. "none": a probe did what it must not, so no stranger's code may run."""


@dataclass(frozen=True)
class Surroundings:
    """What the service itself runs in: its numeric user, its namespaces, its Landlock version (0: none), and whether it
    has a network.
    """

    user: int
    namespaces: dict[str, str]
    landlock: int
    network: bool

    @classmethod
    def here(cls) -> Self:
        interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
        return cls(os.getuid(), selfcheck.namespaces(), landlock.abi(), bool(interfaces))


@dataclass(frozen=True)
class Strength:
    """The level, and for people what it lacks for the next one."""

    level: Level
    lacks: tuple[str, ...]

    def reaches(self, floor: str) -> bool:
        return self.level != "none" and self.level <= floor


def strength(probes: selfcheck.Probes, around: Surroundings) -> Strength:
    """C: the filter and limits hold, no file can be opened. B: and Landlock. A: and even a hole in the filter would
    find no network, and no process of the service's own user or container.
    """
    if probes.broken:
        return Strength("none", tuple(f"a locked child could {what}" for what in probes.broken))
    if around.landlock == 0:
        return Strength("C", ("Landlock: Linux 5.13 or later, and an engine whose seccomp profile allows it",))
    apart = _apart(probes, around)
    if not around.network or (apart and probes.user != around.user):
        return Strength("A", ())
    wanting = [] if apart else ["a network namespace of its own: allow user namespaces"]
    wanting += [] if probes.user != around.user else ["a user of its own: start the evaluator as root"]
    container = "a container without a network for the evaluator (compose.yaml)"
    return Strength("B", (f"{container}; or else {' and '.join(wanting)}",))


def _apart(probes: selfcheck.Probes, around: Surroundings) -> bool:
    """Whether the child has a network namespace that is not the service's."""
    own = probes.namespaces.get("net")
    return own is not None and own != around.namespaces.get("net")
