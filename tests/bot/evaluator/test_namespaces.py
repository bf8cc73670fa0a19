"""Namespaces of a process's own, tried as root and as an ordinary user; where the kernel refuses them, nothing is half
done.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHOW = """
import os, sys
sys.path.insert(0, sys.argv[1])
from bot.evaluator import namespaces, selfcheck
before = selfcheck.namespaces()
namespaces.separate()
namespaces.drop_capabilities()
after = selfcheck.namespaces()
status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())
capabilities = {int(status[name], 16) for name in ('CapEff', 'CapPrm', 'CapInh')}
import socket
interfaces = [name for _, name in socket.if_nameindex()]
print(sorted(name for name in after if after[name] != before[name]), os.getuid(), capabilities, interfaces, sep='|')
"""


def separated(user: int) -> list[str]:
    command = [sys.executable, "-I", "-c", SHOW, str(ROOT)]
    as_user = {"user": user, "group": user, "extra_groups": []} if user != os.getuid() else {}
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", **as_user)  # pyright: ignore[reportArgumentType, reportCallIssue] - three options of Popen
    return run.stdout.strip().split("|")


def test_all_or_nothing_is_separate_and_no_capability_is_left() -> None:
    apart, user, capabilities, interfaces = separated(os.getuid())
    assert apart in ("[]", "['ipc', 'net', 'uts']", "['ipc', 'net', 'user', 'uts']")
    assert (user, capabilities) == (str(os.getuid()), "{0}")
    if apart != "[]":
        assert interfaces in ("['lo']", "[]")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_keeps_its_number_in_a_user_namespace() -> None:
    if not os.access(sys.executable, os.X_OK) or Path(sys.executable).resolve().is_relative_to("/root"):
        pytest.skip("this interpreter lies where only root may enter")
    apart, user, capabilities, _interfaces = separated(65534)
    assert apart in ("[]", "['ipc', 'net', 'user', 'uts']")
    assert (user, capabilities) == ("65534", "{0}")
