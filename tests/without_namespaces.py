"""The command line where the kernel allows no namespaces, as under Docker's default profile: level B at best.

python -m tests.without_namespaces ARGUMENTS...
"""

import errno
import struct
import sys

from bot.cli import main
from bot.evaluator import kernel, seccomp, syscalls

LOAD_NUMBER, EQUAL, RETURN = 0x20, 0x15, 0x06
REFUSE, ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000
PR_SET_NO_NEW_PRIVS = 38


def refuse_namespaces() -> None:
    """For this process and all that come of it."""
    number = syscalls.architecture().numbers["unshare"]
    steps = ((LOAD_NUMBER, 0, 0, 0), (EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW))
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(seccomp.Filter(b"".join(struct.pack("<HBBI", *step) for step in steps), ()))


if __name__ == "__main__":
    refuse_namespaces()
    sys.exit(main(sys.argv[1:]))
