"""Making processes, threads and programs."""

from tests.attacks.attack import REFUSED, Attack

PROCESSES = {
    "fork": Attack(
        "Starts a fork bomb; the first fork is refused.",
        "import os; os.fork()",
        REFUSED,
    ),
    "native fork": Attack(
        "Forks in the C library, which Python's hooks do not see; the filter does.",
        "call(libc.fork)",
        REFUSED,
    ),
    "native vfork": Attack(
        "Takes fork's older sister; it is refused by its own number.",
        "call(libc.vfork)",
        REFUSED,
    ),
    "raw clone": Attack(
        "Makes a process by the call under fork; its number is refused.",
        "call(libc.syscall, NR['clone'], 17, 0, 0, 0, 0)",
        REFUSED,
    ),
    "raw clone3": Attack(
        "Makes one by the newest call, whose flags lie where a filter can't look; it is said not to exist.",
        "call(libc.syscall, NR['clone3'], bytes(64), 64)",
        ("OSError",),
    ),
    "clone as a thread": Attack(
        "Asks for a thread by flags that an explainer may use; a snippet's filter has no such rule.",
        "call(libc.syscall, NR['clone'], 0x10900, 0, 0, 0, 0)",
        REFUSED,
    ),
    "thread": Attack(
        "Computes beside its own deadline; no thread starts.",
        "import threading; threading.Thread(target=print).start()",
        ("RuntimeError",),
    ),
    "native thread": Attack(
        "Starts a thread that Python does not know of; the C library is refused it too.",
        "import ctypes; assert libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, libc.getpid, None) == 0",
        ("AssertionError",),
    ),
    "subprocess": Attack(
        "Runs a program of the image, a shell for instance; neither pipe nor process is granted.",
        "import subprocess; subprocess.run(['/bin/true'])",
        REFUSED,
    ),
    "shell": Attack(
        "Hands a line to the shell; none starts, and `system` says so by its status.",
        "import os; assert os.system('true') == 0",
        ("AssertionError",),
    ),
    "exec": Attack(
        "Becomes another program, free of Python's state; executing is refused.",
        "import os; os.execv('/bin/true', ['true'])",
        REFUSED,
    ),
    "program relative to a folder": Attack(
        "Executes by the call that takes a descriptor instead of a path; it is refused as well.",
        "call(libc.syscall, NR['execveat'], -100, b'/bin/true', None, None, 0)",
        REFUSED,
    ),
    "posix_spawn": Attack(
        "Starts a program in one step, without a visible fork; under it lies one all the same.",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        REFUSED,
    ),
    "file in memory": Attack(
        "Puts a program of its own into memory to execute it from there; such files do not exist here.",
        "import os; os.memfd_create('x')",
        ("OSError",),
    ),
    "pool": Attack(
        "Takes every core with a pool of workers; its semaphores and pipes are refused first.",
        "import multiprocessing; multiprocessing.Pool(2)",
        REFUSED,
    ),
    "data loader": Attack(
        "Loads data with workers, as honest training does; no worker starts, and the snippet is told.",
        """
from torch.utils.data import DataLoader
list(DataLoader([1, 2, 3], num_workers=1))
""",
        REFUSED,
    ),
    "pseudoterminal": Attack(
        "Makes a terminal, to drive a program that asks for one; /dev/ptmx does not open for writing.",
        "import os; os.openpty()",
        REFUSED,
    ),
    "fork with a terminal": Attack(
        "Makes terminal and process in one step; it gets neither.",
        "import os; os.forkpty()",
        REFUSED,
    ),
    "pipe": Attack(
        "Uses up the kernel's memory with the buffers of pipes; none can be made.",
        "import os; os.pipe()",
        REFUSED,
    ),
}
