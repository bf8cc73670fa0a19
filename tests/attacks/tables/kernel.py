"""Calls that no honest snippet makes: each ends the process."""

import platform

from tests.attacks.attack import Attack


def _fatal(story: str, source: str) -> Attack:
    return Attack(story, source, ("forbidden",))


_ANYWHERE = {
    "ptrace": _fatal(
        "Asks to be traced, the first step of many ways out; the call kills whatever it asks.",
        "libc.ptrace(0, 0, 0, 0)",
    ),
    "attach to parent": _fatal(
        "Takes the zygote over as its debugger; it is dead before the kernel looks whether it may.",
        "import os; libc.ptrace(16, os.getppid(), 0, 0)",
    ),
    "read parent's memory": _fatal(
        "Copies the zygote's memory without any file; reading another's memory kills.",
        "import os; libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    ),
    "write parent's memory": _fatal(
        "Patches torch in the zygote, for all who come later; writing another's memory kills.",
        "import os; libc.process_vm_writev(os.getppid(), None, 0, None, 0, 0)",
    ),
    "steal a descriptor": _fatal(
        "Takes a descriptor out of another process; the call for it kills.",
        "libc.syscall(NR['pidfd_getfd'], 3, 0, 0)",
    ),
    "io_uring": _fatal(
        "Has files opened by a ring of requests that no filter sees; no ring is set up.",
        "libc.syscall(NR['io_uring_setup'], 8, bytes(120))",
    ),
    "bpf": _fatal(
        "Loads a program into the kernel, by way of a verifier with a history; `bpf` kills.",
        "libc.syscall(NR['bpf'], 0, bytes(64), 64)",
    ),
    "perf": _fatal(
        "Counts events of the processor to spy on others; performance counters kill.",
        "libc.syscall(NR['perf_event_open'], bytes(128), 0, -1, -1, 0)",
    ),
    "userfaultfd": _fatal(
        "Stops the kernel in the middle of a copy, to win a race in it; the call that could kills.",
        "libc.syscall(NR['userfaultfd'], 0)",
    ),
    "add a key": _fatal(
        "Leaves data in the kernel's key ring, which outlives the process; adding a key kills.",
        "libc.syscall(NR['add_key'], b'user', b'x', b'y', 1, -3)",
    ),
    "keys": _fatal(
        "Looks for keys that others left in the ring; asking for them kills.",
        "libc.syscall(NR['keyctl'], 0, -3, 0)",
    ),
    "user namespace": _fatal(
        "Becomes root in a user namespace of its own, which opens much of the kernel; `unshare` kills.",
        "libc.unshare(0x10000000)",
    ),
    "network namespace": _fatal(
        "Gets a network stack of its own to attack; it takes the same call and the same end.",
        "libc.unshare(0x40000000)",
    ),
    "enter a namespace": _fatal(
        "Steps into another's namespace by a descriptor; `setns` kills.",
        "libc.setns(3, 0)",
    ),
    "mount": _fatal(
        "Lays a file system over an honest one; `mount` kills, capability or not.",
        "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    ),
    "new mount calls": _fatal(
        "Mounts by the calls that older filters forget; they are in this one's list.",
        "libc.syscall(NR['fsopen'], b'tmpfs', 0)",
    ),
    "move a mount": _fatal(
        "Moves what is mounted out of the way; of the new calls this one kills as well.",
        "libc.syscall(NR['move_mount'], -100, b'', -100, b'', 0)",
    ),
    "chroot": _fatal(
        "Breaks out of a root folder by entering a second; `chroot` kills.",
        "libc.chroot(b'/tmp')",
    ),
    "personality": _fatal(
        "Switches off the random layout of memory to make an exploit certain; `personality` kills.",
        "libc.personality(0x0040000)",
    ),
    "set the clock": _fatal(
        "Sets the machine's clock, so that certificates expire; setting it kills.",
        "libc.clock_settime(0, bytes(16))",
    ),
    "adjust the clock": _fatal(
        "Lets the clock drift instead of setting it; adjusting kills as well.",
        "libc.adjtimex(bytes(208))",
    ),
    "become root": _fatal(
        "Takes back root from an unsafe change of user; asking for any user kills.",
        "libc.setuid(0)",
    ),
    "groups": _fatal(
        "Drops groups, which lifts what is denied to a group; changing them kills.",
        "libc.setgroups(0, None)",
    ),
    "capabilities": _fatal(
        "Sets its capabilities, in case that some are left; there are none, and the call kills.",
        "libc.syscall(NR['capset'], bytes(8), bytes(24))",
    ),
    "compare with the parent": _fatal(
        "Orders the kernel's pointers by comparing descriptors, to guess its layout; `kcmp` kills.",
        "import os; libc.syscall(NR['kcmp'], os.getpid(), os.getppid(), 0, 0, 0)",
    ),
    "pages of another": _fatal(
        "Pages another process out, to slow it or to time it; advice about others' memory kills.",
        "libc.syscall(NR['process_madvise'], 3, bytes(16), 1, 4, 0)",
    ),
    "quota": _fatal(
        "Changes the quotas of the disk; the call kills.",
        "libc.syscall(NR['quotactl'], 0, None, 0, None)",
    ),
    "accounting": _fatal(
        "Has the kernel write its accounts to a file of its choice; `acct` kills.",
        "libc.acct(b'/tmp/whyloss-x')",
    ),
    "secret memory": _fatal(
        "Takes memory that the kernel itself can't read and no limit on data counts; asking for it kills.",
        "libc.syscall(NR['memfd_secret'], 0)",
    ),
    "kernel log": _fatal(
        "Reads the kernel's messages for addresses; the log's call kills.",
        "libc.klogctl(10, None, 0)",
    ),
    "load a module": _fatal(
        "Loads code into the kernel; nobody could without privilege, and here the call alone kills.",
        "libc.syscall(NR['init_module'], b'', 0, b'')",
    ),
    "reboot": _fatal(
        "Restarts the machine, or in a namespace the container; `reboot` kills.",
        "libc.reboot(0)",
    ),
    "swap": _fatal(
        "Turns a file into swap to read pages of others from it; `swapon` kills.",
        "libc.swapon(b'/tmp/whyloss-x', 0)",
    ),
}

NATIVE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
page.write(bytes.fromhex({code!r}))
run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
assert run() > 0
"""

_FOREIGN = {
    "segments": _fatal(
        "Makes segments for 16-bit code, an old source of holes; the call kills.",
        "libc.syscall(NR['modify_ldt'], 0, bytes(16), 16)",
    ),
    # mov eax, 41; syscall (socket); ret: gives a negative errno
    "machine code": Attack(
        "Writes machine code and makes a socket with it; the code runs, and is refused like everybody.",
        NATIVE.format(code="b829000000bf02000000be01000000ba000000000f05c3"),
        ("AssertionError",),
    ),
    # mov eax, 20; int 0x80 (getpid for i386); ret
    "calls of i386": _fatal(
        "Calls by the 32-bit convention, where a number means another call; a foreign convention kills.",
        NATIVE.format(code="b814000000cd80c3"),
    ),
    "calls of x32": _fatal(
        "Sets the bit of the x32 convention, so that no number matches; numbers from there on kill.",
        "libc.syscall(0x40000000 + 39)",
    ),
}
"""What only x86-64 has."""

FATAL = _ANYWHERE | (_FOREIGN if platform.machine() == "x86_64" else {})
