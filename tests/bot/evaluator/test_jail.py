"""Each layer stops something by itself. Without any layer every one of these attempts succeeds, which is tested too."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.evaluator import landlock

ROOT = Path(__file__).parents[3]
HARNESS = """
import ctypes, os, socket, sys, tempfile
sys.path.insert(0, sys.argv[1])
from bot.evaluator import jail, landlock, seccomp
from bot.evaluator.settling import mapped
ruleset = landlock.build_ruleset([]) if 'files' in sys.argv[2] else None
if os.getuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # a change of user had switched it off
os.dup2(2, 9)
process = os.fork()
if process == 0:
    filter_ = seccomp.build_filter(opens=False, threads=False)
    if ruleset is not None:
        os.dup2(ruleset, 4)
    cell = jail.Jail(os.getppid(), mapped(), 64, 2, (0, 1, 2, 1), ruleset and 4, filter_, False)
    for layer in jail.LAYERS:
        if layer.__name__ in sys.argv[2].split():
            layer(cell)
    try:
        exec(sys.argv[3])
    except (OSError, MemoryError, KeyError, AssertionError) as error:
        os.write(1, b'refused')
        os._exit(0)
    os.write(1, b'done')
    os._exit(0)
_, status = os.waitpid(process, 0)
if os.WIFSIGNALED(status):
    print('signal', os.WTERMSIG(status))
"""
READ = "open('/etc/passwd').read()"
FORK = "\nif os.fork() == 0: os._exit(0)"
SOCKET = "import socket; socket.socket()"
needs_landlock = pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")

ATTEMPTS = {
    "own_session": ("own_session", "assert os.getsid(0) != os.getpid()"),
    "own_descriptors": ("own_descriptors", "os.fstat(9)"),
    "no_environment": ("no_environment", "os.environ['KNOWN']"),
    "memory": ("resource_limits", "bytearray(1 << 28)"),
    "fork": ("resource_limits", FORK),
    "file": ("resource_limits", "import tempfile; f = tempfile.TemporaryFile(); f.write(b'x'); f.flush()"),
    "look into": ("die_with_parent", "open('/proc/self/environ').read()"),
    "system call: file": ("no_new_privileges system_calls", READ),
    "system call: fork": ("no_new_privileges system_calls", FORK),
    "system call: network": ("no_new_privileges system_calls", SOCKET),
}


def attempt(layers: str, source: str) -> str:
    command = [sys.executable, "-I", "-c", HARNESS, str(ROOT), layers, source]
    run = subprocess.run(command, env={"KNOWN": "x"}, cwd="/", capture_output=True, text=True, check=False)
    return (run.stdout or run.stderr).strip()


@pytest.mark.parametrize("name", ATTEMPTS)
def test_one_layer_stops_what_nothing_else_would(name: str) -> None:
    layers, source = ATTEMPTS[name]
    assert attempt("", source) == "done"
    assert attempt(layers, source) == "refused"


@needs_landlock
def test_landlock_alone_stops_reading() -> None:
    assert attempt("no_new_privileges", READ) == "done"
    assert attempt("no_new_privileges files", READ) == "refused"


def test_processor_time_alone_stops_a_loop() -> None:
    assert attempt("resource_limits", "while True: pass") == f"signal {signal.SIGXCPU}"
    ignoring = "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    assert attempt("resource_limits", ignoring) == f"signal {signal.SIGKILL}"


@pytest.mark.skipif(
    "NoNewPrivs:\t1" in Path("/proc/self/status").read_text(), reason="this container has no_new_privs for everybody"
)
def test_the_filter_needs_no_new_privileges() -> None:
    """Otherwise the order of the layers would not matter."""
    assert "Permission denied" in attempt("system_calls", READ)
