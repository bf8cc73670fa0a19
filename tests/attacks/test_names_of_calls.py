"""Which call it was that ended a process: said where the snippet made it by name, and in no word of its own."""

import pytest

from bot.evaluator import outcomes
from bot.evaluator.frames import encode, frame
from bot.evaluator.orders import Calling
from tests.attacks.attack import Assault

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_last_such_call_that_was_looked_up_is_named(assault: Assault) -> None:
    outcome = await assault("libc.chroot; libc.getpid(); libc.ptrace(0, 0, 0, 0)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == "ptrace"


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("import os; os.setuid(0)", "setuid"),
        ("import os; os.seteuid(0)", "setresuid"),
        ("from os import chroot; chroot('/tmp')", "chroot"),
        ("import time; time.clock_settime(time.CLOCK_REALTIME, 0.0)", "clock_settime"),
        ("libc.klogctl(10, None, 0)", "syslog"),
    ],
)
async def test_a_call_is_named_by_the_function_that_makes_it(source: str, call: str, assault: Assault) -> None:
    outcome = await assault(source, "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == call


async def test_a_call_by_number_has_no_name(assault: Assault) -> None:
    outcome = await assault("libc.syscall(NR['bpf'], 0, bytes(64), 64)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == ""


async def test_a_name_that_a_snippet_makes_up_is_not_repeated(assault: Assault) -> None:
    told = frame(encode(Calling("@everyone")), 1000)
    outcome = await assault(f"import os; os.write(3, {told!r}); libc.syscall(NR['bpf'], 0, bytes(64), 64)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == ""
