"""Hooks that make a zygote leave one layer out of its children's jails; called in it, by name, as its warm-up."""

import resource
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from bot.evaluator import jail, kernel, seccomp, settling

ALLOW = 0x7FFF0000


def execute(source: bytes, emit: Callable[[bytes], None]) -> None:
    """The entry of the attacks, which need no torch."""
    exec(compile(source, "<snippet>", "exec"), {"emit": emit})


def nothing() -> None:
    """Leaves out nothing."""


def own_session() -> None:
    _without(jail.own_session)


def closed_descriptors() -> None:
    _replace(jail, "_close_from", lambda _first: None)


def no_environment() -> None:
    _without(jail.no_environment)


def memory_limit() -> None:
    _without_limits(resource.RLIMIT_AS, resource.RLIMIT_DATA)


def cpu_limit() -> None:
    _without_limits(resource.RLIMIT_CPU)


def descriptor_limit() -> None:
    _without_limits(resource.RLIMIT_NOFILE)


def not_dumpable() -> None:
    original, left_out = kernel.prctl, kernel.PR_SET_DUMPABLE  # a change of user switches it off too
    _replace(kernel, "prctl", lambda option, *rest: original(option, *((1,) if option == left_out else rest)))


def zygote_s_lock() -> None:
    _replace(settling, "_lock", lambda _settings: None)


def landlock_alone() -> None:
    _without(jail.files)


def landlock() -> None:
    landlock_alone()
    zygote_s_lock()


def system_calls_alone() -> None:
    _without(jail.system_calls)


def system_calls() -> None:
    system_calls_alone()
    zygote_s_lock()


def system_calls_and_descriptor_limit() -> None:
    system_calls()
    descriptor_limit()


def landlock_and_writing_flags() -> None:
    landlock()
    _replace(seccomp, "_WRITING", 0)


def foreign_conventions() -> None:
    _replace(seccomp, "_refuse_foreign_conventions", lambda assembler: assembler.add((0x20, 0, 0, 0)))


def default_deny() -> None:
    original: Callable[[Any], seccomp.Filter] = vars(seccomp)["_Assembler"].assembled

    def assembled(assembler: Any) -> seccomp.Filter:
        assembler.instructions[-1] = (0x06, 0, 0, ALLOW)
        return original(assembler)

    _replace(vars(seccomp)["_Assembler"], "assembled", assembled)


def checked_requests() -> None:
    _replace(seccomp, "_requests", lambda assembler: [assembler.answer(name, ALLOW) for name in ("ioctl", "fcntl")])


def checked_limits() -> None:
    _replace(seccomp, "_own_process_only", lambda assembler: assembler.answer("prlimit64", ALLOW))


def other_user() -> None:
    _replace(settling, "_drop", lambda _user: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1))


def _without(layer: Callable[[jail.Jail], None]) -> None:
    _replace(jail, "LAYERS", tuple(each for each in jail.LAYERS if each is not layer))


def _without_limits(*kinds: int) -> None:
    original = resource.setrlimit
    _replace(resource, "setrlimit", lambda kind, values: None if kind in kinds else original(kind, values))


def _replace(owner: object, name: str, value: object) -> None:
    patch.object(owner, name, value).start()
