"""Reading what is not theirs, and leaving something behind."""

from collections.abc import Awaitable, Callable

import pytest

from tests.attacks.places import OWN

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = ("PermissionError",)
ABSENT = ("PermissionError", "FileNotFoundError")

ATTACKS = {
    "read passwd": ("open('/etc/passwd').read()", REFUSED),
    "read by descriptor": ("import os; os.read(os.open('/etc/passwd', os.O_RDONLY), 10)", REFUSED),
    "read in native code": ("call(libc.open, b'/etc/passwd', 0)", REFUSED),
    "read with openat2": ("call(libc.syscall, NR['openat2'], -100, b'/etc/passwd', bytes(24), 24)", ("OSError",)),
    "path descriptor": ("import os; os.open('/etc', os.O_PATH | os.O_WRONLY)", REFUSED),
    "list root": ("import os; os.listdir('/')", REFUSED),
    "list home": ("import os; os.listdir('/root')", REFUSED),
    "own environment": ("open('/proc/self/environ', 'rb').read()", REFUSED),
    "parent's environment": ("import os; open(f'/proc/{os.getppid()}/environ', 'rb').read()", REFUSED),
    "parent's memory": ("import os; open(f'/proc/{os.getppid()}/mem', 'rb')", REFUSED),
    "own memory, writing": ("open('/proc/self/mem', 'r+b')", REFUSED),
    "parent's program": ("import os; os.readlink(f'/proc/{os.getppid()}/exe')", REFUSED),
    "parent's mappings": ("import os; open(f'/proc/{os.getppid()}/maps')", REFUSED),
    "parent's descriptors": ("import os; os.listdir(f'/proc/{os.getppid()}/fd')", REFUSED),
    "environments of all": (
        """
import os
for number in range(1, 300):
    try:
        open(f'/proc/{number}/environ', 'rb').read()
    except FileNotFoundError:
        continue
""",
        REFUSED,
    ),
    "write tmp": ("open('/tmp/whyloss-x', 'w').write('x')", REFUSED),
    "append tmp": ("open('/tmp/whyloss-x', 'a')", REFUSED),
    "write shm": ("open('/dev/shm/whyloss-x', 'w')", REFUSED),
    "truncate by open": (f"import os; os.open({OWN!r}, os.O_RDONLY | os.O_TRUNC)", REFUSED),
    "truncate": (f"import os; os.truncate({OWN!r}, 0)", REFUSED),
    "temporary file": ("import tempfile; tempfile.TemporaryFile()", ("FileNotFoundError", "PermissionError")),
    "nameless file": ("import os; os.open('/tmp', os.O_TMPFILE | os.O_RDWR)", REFUSED),
    "creat": ("call(libc.creat, b'/tmp/whyloss-x', 0o600)", REFUSED),
    "library folder": ("open(torch.__file__, 'a')", REFUSED),
    "torch.save": ("torch.save(torch.ones(1), '/tmp/whyloss-x')", ("RuntimeError", "PermissionError")),
    "mkdir": ("import os; os.mkdir('/tmp/whyloss-x')", REFUSED),
    "symlink": ("import os; os.symlink('/etc/passwd', '/tmp/whyloss-x')", REFUSED),
    "hard link": (f"import os; os.link({OWN!r}, {OWN + '2'!r})", REFUSED),
    "rename": (f"import os; os.rename({OWN!r}, {OWN + '2'!r})", REFUSED),
    "unlink": (f"import os; os.unlink({OWN!r})", REFUSED),
    "chmod": (f"import os; os.chmod({OWN!r}, 0)", REFUSED),
    "owner": (f"import os; os.chown({OWN!r}, os.getuid(), os.getgid())", REFUSED),
    "times": (f"import os; os.utime({OWN!r})", REFUSED),
    "extended attribute": (f"import os; os.setxattr({OWN!r}, 'user.whyloss', b'x')", REFUSED),
    "node": ("import os, stat; os.mknod('/tmp/whyloss-x', stat.S_IFREG | 0o600)", REFUSED),
    "database": (
        "import sqlite3; sqlite3.connect('/tmp/whyloss-x').execute('create table t (x)')",
        ("OperationalError",),
    ),
    "change root's folder by descriptor": ("call(libc.fchdir, 0)", REFUSED),
    "file handle's name": ("call(libc.name_to_handle_at, -100, b'/etc', bytes(16), bytes(4), 0)", REFUSED),
    "mkfifo": ("import os; os.mkfifo('/tmp/whyloss-x')", REFUSED),
    "change folder": ("import os; os.chdir('/etc')", REFUSED),
    "device": ("open('/dev/zero', 'rb').read(1)", ABSENT),
    "terminal": ("open('/dev/tty')", (*ABSENT, "OSError")),
    "another library": ("import ctypes; ctypes.CDLL('/lib/x86_64-linux-gnu/libnss_files.so.2')", ("OSError",)),
    "handle": ("call(libc.open_by_handle_at, -100, bytes(16), 0)", ("forbidden",)),
    "a checkpoint that reads": (
        """
import io, pickle
class Evil:
    def __reduce__(self):
        return open, ('/etc/passwd',)
torch.load(io.BytesIO(pickle.dumps(Evil())), weights_only=False)
""",
        REFUSED,
    ),
    "unpickling that reads": (
        """
import pickle
class Evil:
    def __reduce__(self):
        return open, ('/etc/passwd',)
pickle.loads(pickle.dumps(Evil()))
""",
        REFUSED,
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_files_stay_out_of_reach(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = ATTACKS[name]
    await assault(f"{source}\nemit(b'PWNED')", *expected)


async def test_there_is_no_environment(assault: Callable[..., Awaitable[object]]) -> None:
    source = """
import ctypes, os
environment = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')
if os.environ or (environment and environment[0]):
    emit(b'PWNED')
"""
    await assault(source, "finished")


async def test_there_are_four_descriptors(assault: Callable[..., Awaitable[object]]) -> None:
    source = """
import os
found = []
for number in range(1024):
    try:
        os.fstat(number)
        found.append(number)
    except OSError:
        pass
if found != [0, 1, 2, 3]:
    emit(b'PWNED')
"""
    await assault(source, "finished")
