"""Reaching others: over the network, by making processes, by signals, by looking into them."""

from collections.abc import Awaitable, Callable

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = ("PermissionError",)

NETWORK = {
    "tcp": ("import socket; socket.create_connection(('127.0.0.1', 80), 1)", REFUSED),
    "listen": ("import socket; socket.create_server(('127.0.0.1', 0))", REFUSED),
    "udp": ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", REFUSED),
    "unix": ("import socket; socket.socket(socket.AF_UNIX)", REFUSED),
    "netlink": ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", REFUSED),
    "packet": ("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", REFUSED),
    "kernel crypto": ("import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)", REFUSED),
    "vsock": ("import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)", REFUSED),
    "name lookup": ("import socket; socket.getaddrinfo('localhost', 80)", ("gaierror",)),
    "download of weights": (
        "import os; os.environ['TORCH_HOME'] = '/tmp/whyloss-x'; torch.hub.load_state_dict_from_url('http://127.0.0.1/x')",
        REFUSED,
    ),
    "distributed store": (
        "torch.distributed.TCPStore('127.0.0.1', 0, is_master=True)",
        ("DistNetworkError", "DistStoreError"),
    ),
    "socket pair": ("import socket; socket.socketpair()", REFUSED),
    "native socket": ("call(libc.socket, 2, 1, 0)", REFUSED),
    "url": (
        """
import urllib.request
try:
    urllib.request.urlopen('http://127.0.0.1')
except OSError as error:
    raise error.reason
""",
        REFUSED,
    ),
    "event loop": ("import asyncio; asyncio.run(asyncio.sleep(0))", REFUSED),
    "socket on a descriptor": ("import socket; socket.socket(fileno=3)", REFUSED),
}

PROCESSES = {
    "fork": ("import os; os.fork()", REFUSED),
    "native fork": ("call(libc.fork)", REFUSED),
    "native vfork": ("call(libc.vfork)", REFUSED),
    "pseudoterminal": ("import os; os.openpty()", ("PermissionError", "OSError", "FileNotFoundError")),
    "fork with a terminal": ("import os; os.forkpty()", ("PermissionError", "OSError", "FileNotFoundError")),
    "native thread": (
        "import ctypes; assert libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, libc.getpid, None) == 0",
        ("AssertionError",),
    ),
    "program relative to a folder": ("call(libc.syscall, NR['execveat'], -100, b'/bin/true', None, None, 0)", REFUSED),
    "folder for a compiled extension": (
        """
import os
os.environ['TORCH_EXTENSIONS_DIR'] = '/tmp/whyloss-x'
import torch.utils.cpp_extension as c
c._get_build_directory('x', False)
""",
        # an interpreter in a folder that only root may enter has no module left to import
        (*REFUSED, "ModuleNotFoundError"),
    ),
    "raw clone": ("call(libc.syscall, NR['clone'], 17, 0, 0, 0, 0)", REFUSED),
    "raw clone3": ("call(libc.syscall, NR['clone3'], bytes(64), 64)", ("OSError",)),
    "clone as a thread": ("call(libc.syscall, NR['clone'], 0x10900, 0, 0, 0, 0)", REFUSED),
    "thread": ("import threading; threading.Thread(target=print).start()", ("RuntimeError",)),
    "subprocess": ("import subprocess; subprocess.run(['/bin/true'])", REFUSED),
    "exec": ("import os; os.execv('/bin/true', ['true'])", REFUSED),
    "posix_spawn": ("import os; os.posix_spawn('/bin/true', ['true'], {})", REFUSED),
    "file in memory": ("import os; os.memfd_create('x')", ("OSError",)),
    "pool": (
        "import multiprocessing; multiprocessing.Pool(2)",
        (*REFUSED, "OSError"),
    ),
    "data loader": (
        """
from torch.utils.data import DataLoader
list(DataLoader([1, 2, 3], num_workers=1))
""",
        (*REFUSED, "OSError", "RuntimeError"),
    ),
    "signal parent": ("import os; os.kill(os.getppid(), 9)", REFUSED),
    "signal all": ("import os; os.kill(-1, 9)", REFUSED),
    "signal group": ("import os; os.killpg(0, 9)", REFUSED),
    "signal first": ("import os; os.kill(1, 0)", REFUSED),
    "tgkill another": ("import os; call(libc.syscall, NR['tgkill'], os.getppid(), os.getppid(), 9)", REFUSED),
    "signal by pidfd": ("import os; os.pidfd_open(os.getppid())", REFUSED),
    "queued signal": ("import os; call(libc.sigqueue, os.getppid(), 9, 0)", REFUSED),
    "typing into the terminal": ("import fcntl; fcntl.ioctl(0, 0x5412, b'x')", ("OSError",)),
    "a request that every pipe grants": ("import fcntl; fcntl.ioctl(0, 0x5421, bytes(4))", ("OSError",)),
    "signals by descriptor": ("import fcntl, os; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())", REFUSED),
    "another's limits": ("import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))", REFUSED),
    "own limits": ("import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))", (*REFUSED, "ValueError")),
    "affinity": ("import os; os.sched_setaffinity(os.getppid(), {0})", REFUSED),
    "priority": ("import os; os.setpriority(os.PRIO_PROCESS, 0, 19)", REFUSED),
    "real time": ("import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))", REFUSED),
    "another scheduler": ("import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))", REFUSED),
    "outlive parent": ("call(libc.prctl, 1, 0, 0, 0, 0)", REFUSED),
    "become dumpable": ("call(libc.prctl, 4, 1, 0, 0, 0)", REFUSED),
    "another filter": ("call(libc.prctl, 22, 2, 0, 0, 0)", REFUSED),
    "pipe": ("import os; os.pipe()", REFUSED),
}


@pytest.mark.parametrize("name", NETWORK)
async def test_there_is_no_network(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = NETWORK[name]
    await assault(f"{source}\nemit(b'PWNED')", *expected)


@pytest.mark.parametrize("name", PROCESSES)
async def test_there_is_no_other_process(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = PROCESSES[name]
    await assault(f"{source}\nemit(b'PWNED')", *expected)


async def test_a_shell_command_does_not_run(assault: Callable[..., Awaitable[object]]) -> None:
    await assault("import os\nif os.system('true') == 0: emit(b'PWNED')", "finished")
