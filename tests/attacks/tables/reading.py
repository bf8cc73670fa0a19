"""Reading what is not theirs."""

import platform

from tests.attacks.attack import REFUSED, Attack

FILES = {
    "read passwd": Attack(
        "Learns who has accounts here; Landlock opens libraries alone, and without it the filter opens nothing.",
        "open('/etc/passwd').read()",
        REFUSED,
    ),
    "read by descriptor": Attack(
        "Goes below Python's files, where a patched `open` would miss it; the kernel refuses, not Python.",
        "import os; os.read(os.open('/etc/passwd', os.O_RDONLY), 10)",
        REFUSED,
    ),
    "read in native code": Attack(
        "Calls the C library's `open`, past all of Python; the walls bind the process, whatever it runs.",
        "call(libc.open, b'/etc/passwd', 0)",
        REFUSED,
    ),
    "read with openat2": Attack(
        "Takes a newer call whose flags a filter can't see; it is said not to exist.",
        "call(libc.syscall, NR['openat2'], -100, b'/etc/passwd', bytes(24), 24)",
        ("OSError",),
    ),
    "path descriptor": Attack(
        "Holds a folder by O_PATH, which Landlock does not ask about, and reads from there; the reading is.",
        "import os; os.open('passwd', os.O_RDONLY, dir_fd=os.open('/etc', os.O_PATH))",
        REFUSED,
    ),
    "list root": Attack(
        "Looks around for something worth reading; listing a folder needs Landlock's right as well.",
        "import os; os.listdir('/')",
        REFUSED,
    ),
    "list home": Attack(
        "Looks for keys and shell histories; no home is among the folders that open.",
        "import os; os.listdir('/root')",
        REFUSED,
    ),
    "climb out of the libraries": Attack(
        "Follows the libraries' folder upwards to the root; Landlock judges the file that is met, not its name.",
        "import os; open(os.path.dirname(torch.__file__) + '/..' * 20 + '/etc/passwd').read()",
        REFUSED,
    ),
    "change folder": Attack(
        "Reads by relative names that a check of prefixes would let through; no other folder can be entered.",
        "import os; os.chdir('/etc')",
        REFUSED,
    ),
    "change folder by descriptor": Attack(
        "Enters a folder that an open descriptor stands for; that call is not on the filter's list.",
        "call(libc.fchdir, 0)",
        REFUSED,
    ),
    "file handle's name": Attack(
        "Asks for a file's handle, to open it by that later; the filter lists no such call.",
        "call(libc.name_to_handle_at, -100, b'/etc', bytes(16), bytes(4), 0)",
        REFUSED,
    ),
    "handle": Attack(
        "Opens a file by a guessed handle, the classic way out of a container; the call kills.",
        "call(libc.open_by_handle_at, -100, bytes(16), 0)",
        ("forbidden",),
    ),
    "device": Attack(
        "Wants any device at all; none lies in a folder that opens.",
        "open('/dev/zero', 'rb').read(1)",
        REFUSED,
    ),
    "terminal": Attack(
        "Wants the operator's terminal; it does not open, and the session has none.",
        "open('/dev/tty')",
        REFUSED,
    ),
    "another library": Attack(
        "Loads a system library with more in it than torch needs; only those already loaded can be called.",
        f"""
import ctypes
try:
    ctypes.CDLL('/lib/{platform.machine()}-linux-gnu/libnss_files.so.2')
except OSError as error:
    raise PermissionError if 'ermi' in str(error) else error
""",
        REFUSED,
    ),
    "a checkpoint that reads": Attack(
        "Hides code in weights, which torch.load runs; it runs behind the same walls.",
        """
import io, pickle
class Evil:
    def __reduce__(self):
        return open, ('/etc/passwd',)
torch.load(io.BytesIO(pickle.dumps(Evil())), weights_only=False)
""",
        REFUSED,
    ),
    "unpickling that reads": Attack(
        "Hides code in a pickle; we unpickle nothing, and the snippet's own gets no further than its code.",
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

SECRETS = {
    "environment": Attack(
        "Looks for a token where most bots keep it; the environment is emptied, for the C library too.",
        """
import ctypes, os
environment = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')
assert os.environ or (environment and environment[0])
""",
        ("AssertionError",),
    ),
    "descriptors": Attack(
        "Uses a socket or file that was left open; all but the job's four descriptors are closed.",
        """
import os
found = []
for number in range(1024):
    try:
        os.fstat(number)
        found.append(number)
    except OSError:
        pass
assert found != [0, 1, 2, 3], found
""",
        ("AssertionError",),
    ),
    "own environment": Attack(
        "Reads what the zygote was started with, which /proc keeps; /proc does not open.",
        "open('/proc/self/environ', 'rb').read()",
        REFUSED,
    ),
    "parent's environment": Attack(
        "Reads the zygote's variables; /proc does not open, and the zygote was given no secret.",
        "import os; open(f'/proc/{os.getppid()}/environ', 'rb').read()",
        REFUSED,
    ),
    "parent's memory": Attack(
        "Searches the zygote's memory for other questions; that file does not open either.",
        "import os; open(f'/proc/{os.getppid()}/mem', 'rb')",
        REFUSED,
    ),
    "own memory, writing": Attack(
        "Writes to pages that are read-only; the filter opens nothing for writing.",
        "open('/proc/self/mem', 'r+b')",
        REFUSED,
    ),
    "parent's program": Attack(
        "Learns where the interpreter lies; a process closed to debuggers hides its link.",
        "import os; os.readlink(f'/proc/{os.getppid()}/exe')",
        REFUSED,
    ),
    "parent's mappings": Attack(
        "Wants the zygote's addresses, to aim an exploit; the map does not open.",
        "import os; open(f'/proc/{os.getppid()}/maps')",
        REFUSED,
    ),
    "parent's descriptors": Attack(
        "Lists the zygote's descriptors, to open them anew; the folder can't be listed.",
        "import os; os.listdir(f'/proc/{os.getppid()}/fd')",
        REFUSED,
    ),
    "environments of all": Attack(
        "Tries every process for a token; the first that exists is refused as all are.",
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
}
