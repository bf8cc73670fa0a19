"""Entries of jobs that need no torch, for a zygote that starts at once. Importable by name through its python_path."""

import os
import random
import threading
from collections.abc import Callable

Emit = Callable[[bytes], None]


def execute(source: bytes, emit: Emit) -> None:
    exec(compile(source, "<snippet>", "exec"), {"emit": emit})


def echo(request: bytes, emit: Emit) -> None:
    emit(request)


def zygote(_request: bytes, emit: Emit) -> None:
    """The number of the zygote that forked this child."""
    emit(str(os.getppid()).encode())


_rehearsed: list[str] = []


def rehearsals(_request: bytes, emit: Emit) -> None:
    """How often this child has rehearsed."""
    emit(str(len(_rehearsed)).encode())


def rehearse() -> None:
    """What a child does while its job has not come; it draws numbers too."""
    _rehearsed.append(str(random.random()))


def start_a_thread() -> None:
    """A mistake of a zygote's warm-up."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def prepare() -> None:
    """What every child calls before its job: the same numbers in each."""
    random.seed(7)
