"""Every attack of the suite, by what it is after."""

from collections.abc import Mapping

from tests.attacks.attack import Attack
from tests.attacks.tables import (
    forging,
    kernel,
    memory,
    network,
    processes,
    reading,
    sabotage,
    searching,
    signals,
    time,
    unlisted,
    writing,
)

STOPPED: Mapping[str, Mapping[str, Attack]] = {
    "files": reading.FILES,
    "secrets": reading.SECRETS,
    "writing": writing.WRITING,
    "network": network.NETWORK,
    "processes": processes.PROCESSES,
    "signals": signals.SIGNALS,
    "own bonds": signals.LIMITS,
    "time": time.TIME,
    "memory": memory.MEMORY,
    "output": memory.OUTPUT,
    "crashes": memory.CRASHES,
    "forbidden calls": kernel.FATAL,
    "unlisted calls": unlisted.UNLISTED,
    "imports": searching.IMPORTS,
}
"""Those that are stopped before their end."""

CATEGORIES: Mapping[str, Mapping[str, Attack]] = {
    **STOPPED,
    "searches": searching.SEARCHES,
    "forgeries": forging.NONSENSE,
    "sabotage": sabotage.SABOTAGE,
}
