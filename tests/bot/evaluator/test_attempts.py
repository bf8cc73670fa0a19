"""What is noted of a program's attempts, each in a process of its own: a hook can't be taken back."""

import subprocess
import sys

import pytest

WATCH = """
import os, sys
from bot.evaluator.attempts import Attempts
attempts = Attempts()
attempts.watch()
try:
    exec(sys.argv[1])
except BaseException:
    pass
print(attempts.last)
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 1", "None"),
        ("import fractions, this_is_no_module", "None"),
        ("open('/etc/passwd')", "file"),
        ("os.listdir('/')", "file"),
        ("os.open('/etc/passwd', 0)", "file"),
        ("import socket; socket.socket()", "network"),
        ("import socket; socket.getaddrinfo('localhost', 80)", "network"),
        ("os.posix_spawn('/bin/true', ['true'], {})", "program"),
        ("import subprocess; subprocess.run(['true'])", "program"),
        ("os.system('true')", "program"),
        ("os.kill(os.getpid(), 0)", "process"),
        ("open('/etc/passwd').close(); os.kill(os.getpid(), 0)", "process"),
        ("os.kill(os.getpid(), 0); import colorsys", "process"),
    ],
)
def test_the_last_attempt_is_noted(source: str, expected: str) -> None:
    run = subprocess.run([sys.executable, "-c", WATCH, source], capture_output=True, text=True, check=True)
    assert run.stdout.strip().rpartition("\n")[2] == expected
