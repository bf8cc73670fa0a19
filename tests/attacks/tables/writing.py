"""Leaving something behind."""

from tests.attacks.attack import REFUSED, Attack
from tests.attacks.places import OWN

WRITING = {
    "write tmp": Attack(
        "Leaves a note for the next snippet; the filter opens nothing for writing.",
        "open('/tmp/whyloss-x', 'w').write('x')",
        REFUSED,
    ),
    "append tmp": Attack(
        "Adds to what is there instead of writing anew; appending counts as writing.",
        "open('/tmp/whyloss-x', 'a')",
        REFUSED,
    ),
    "write shm": Attack(
        "Fills the machine's memory by files in /dev/shm; they do not open.",
        "open('/dev/shm/whyloss-x', 'w')",
        REFUSED,
    ),
    "truncate by open": Attack(
        "Empties a file that it opens only for reading; the flag that truncates counts as writing.",
        f"import os; os.open({OWN!r}, os.O_RDONLY | os.O_TRUNC)",
        REFUSED,
    ),
    "truncate": Attack(
        "Empties a file by its name, without opening it; the call is not on the list.",
        f"import os; os.truncate({OWN!r}, 0)",
        REFUSED,
    ),
    "temporary file": Attack(
        "Lets the library find a place where writing works; it finds none.",
        "import tempfile; tempfile.TemporaryFile()",
        ("FileNotFoundError", "PermissionError"),
    ),
    "nameless file": Attack(
        "Fills the disk by a file that no listing shows; O_TMPFILE counts as writing.",
        "import os; os.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
        REFUSED,
    ),
    "creat": Attack(
        "Makes a file by the call from before there were flags; the list has no `creat`.",
        "call(libc.creat, b'/tmp/whyloss-x', 0o600)",
        REFUSED,
    ),
    "library folder": Attack(
        "Changes torch for everybody who comes later; its files open for reading only.",
        "open(torch.__file__, 'a')",
        REFUSED,
    ),
    "torch.save": Attack(
        "Saves a checkpoint, in good faith or not; torch's own writer is native and is refused as well.",
        "torch.save(torch.ones(1), '/tmp/whyloss-x')",
        ("RuntimeError",),
    ),
    "database": Attack(
        "Keeps state between questions in SQLite; its file can't be made.",
        "import sqlite3; sqlite3.connect('/tmp/whyloss-x').execute('create table t (x)')",
        ("OperationalError",),
    ),
    "mkdir": Attack(
        "Uses up the disk's inodes with folders; no call that makes one is listed.",
        "import os; os.mkdir('/tmp/whyloss-x')",
        REFUSED,
    ),
    "symlink": Attack(
        "Sets a trap for a program that writes to /tmp; links can't be made.",
        "import os; os.symlink('/etc/passwd', '/tmp/whyloss-x')",
        REFUSED,
    ),
    "hard link": Attack(
        "Keeps a file alive by a second name; `link` is not listed.",
        f"import os; os.link({OWN!r}, {OWN + '2'!r})",
        REFUSED,
    ),
    "rename": Attack(
        "Puts one file in another's place; `rename` is not listed.",
        f"import os; os.rename({OWN!r}, {OWN + '2'!r})",
        REFUSED,
    ),
    "unlink": Attack(
        "Destroys a file of the user it runs as; `unlink` is not listed.",
        f"import os; os.unlink({OWN!r})",
        REFUSED,
    ),
    "chmod": Attack(
        "Locks others out of a file of its user; `chmod` is not listed.",
        f"import os; os.chmod({OWN!r}, 0)",
        REFUSED,
    ),
    "owner": Attack(
        "Gives a file to itself, which its owner may; `chown` is not listed.",
        f"import os; os.chown({OWN!r}, os.getuid(), os.getgid())",
        REFUSED,
    ),
    "times": Attack(
        "Signals to another snippet by a file's date; `utimensat` is not listed.",
        f"import os; os.utime({OWN!r})",
        REFUSED,
    ),
    "extended attribute": Attack(
        "Stores bytes beside a file's content, which needs no opening; `setxattr` is not listed.",
        f"import os; os.setxattr({OWN!r}, 'user.whyloss', b'x')",
        REFUSED,
    ),
    "node": Attack(
        "Makes a file by the call for devices, which open's flags do not guard; `mknod` is not listed.",
        "import os, stat; os.mknod('/tmp/whyloss-x', stat.S_IFREG | 0o600)",
        REFUSED,
    ),
    "mkfifo": Attack(
        "Waits at a named pipe for a second snippet, to talk to it; none can be made.",
        "import os; os.mkfifo('/tmp/whyloss-x')",
        REFUSED,
    ),
    "folder for a compiled extension": Attack(
        "Has torch compile C++ and load it; it has nowhere to put it, and no compiler starts.",
        """
import os
os.environ['TORCH_EXTENSIONS_DIR'] = '/tmp/whyloss-x'
import torch.utils.cpp_extension as c
c._get_build_directory('x', False)
""",
        # an interpreter in a folder that only root may enter has no module left to import
        (*REFUSED, "ModuleNotFoundError"),
    ),
}
