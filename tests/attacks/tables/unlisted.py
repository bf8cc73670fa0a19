"""Calls that are merely not on the filter's list: they fail, and the snippet goes on."""

import platform

from tests.attacks.attack import REFUSED, Attack

_NUMBERS = {  # that no filter of ours names: asm/unistd_64.h, asm-generic/unistd.h
    "x86_64": {"io_setup": 206, "set_mempolicy": 238, "mbind": 237, "move_pages": 279, "migrate_pages": 256},
    "aarch64": {"io_setup": 0, "set_mempolicy": 237, "mbind": 235, "move_pages": 239, "migrate_pages": 238},
}[platform.machine()]


def _by_number(name: str, arguments: str) -> str:
    return f"call(libc.syscall, {_NUMBERS[name]}, {arguments})"


UNLISTED = {
    "asynchronous reading": Attack(
        "Queues reads that finish without a call of their own; `io_setup` is not listed.",
        _by_number("io_setup", "1, bytes(8)"),
        REFUSED,
    ),
    "memory of another node": Attack(
        "Chooses the machine's far memory, to disturb who lives there; the policy can't be set.",
        _by_number("set_mempolicy", "0, None, 0"),
        REFUSED,
    ),
    "pages bound to a node": Attack(
        "Binds single pages, by code of the kernel that has had holes; `mbind` is not listed.",
        _by_number("mbind", "0, 0, 0, None, 0, 0"),
        REFUSED,
    ),
    "moved pages": Attack(
        "Learns where pages lie by asking to move them; `move_pages` is not listed.",
        _by_number("move_pages", "0, 0, None, None, None, 0"),
        REFUSED,
    ),
    "migrated pages": Attack(
        "Keeps the kernel busy moving all it has; `migrate_pages` is not listed.",
        _by_number("migrate_pages", "0, 0, None, None"),
        REFUSED,
    ),
    "shared memory segment": Attack(
        "Leaves System V memory that outlives it and counts for nobody; no segment can be made.",
        "call(libc.shmget, 0, 4096, 0o1600)",
        REFUSED,
    ),
    "message queue": Attack(
        "Leaves a queue for a snippet that comes later; no queue can be made.",
        "call(libc.msgget, 0, 0o1600)",
        REFUSED,
    ),
    "semaphore": Attack(
        "Uses up the machine's few sets of semaphores; none can be made.",
        "call(libc.semget, 0, 1, 0o1600)",
        REFUSED,
    ),
    "queue of messages": Attack(
        "Takes POSIX queues instead, which lie in a file system of their own; they do not open, and may hold no byte.",
        "call(libc.mq_open, b'/whyloss-x', 0o102, 0o600, None)",
        REFUSED,
    ),
    "inotify": Attack(
        "Watches which files others open; watching is not listed.",
        "call(libc.inotify_init1, 0)",
        REFUSED,
    ),
    "fanotify": Attack(
        "Watches a whole file system; that needs a call which is not listed either.",
        "call(libc.fanotify_init, 0x200, 0)",
        REFUSED,
    ),
    "timer on a descriptor": Attack(
        "Collects kernel objects by timers with descriptors; they are not listed.",
        "call(libc.timerfd_create, 0, 0)",
        REFUSED,
    ),
    "gift of pages": Attack(
        "Gives pages to a pipe and changes them after they were checked; `vmsplice` is not listed.",
        "call(libc.vmsplice, 1, None, 0, 8)",
        REFUSED,
    ),
    "splice": Attack(
        "Writes into the page cache through a pipe, as Dirty Pipe did; `splice` is not listed.",
        "call(libc.splice, 0, None, 1, None, 1, 0)",
        REFUSED,
    ),
    "eventfd": Attack(
        "Makes a counter to signal by, one of many objects of the kernel; what is not listed is refused.",
        "call(libc.eventfd, 0, 0)",
        REFUSED,
    ),
    "timer": Attack(
        "Puts off its end by an alarm of its own; timers are not listed, and the deadline is not its own.",
        "call(libc.setitimer, 0, bytes(32), None)",
        REFUSED,
    ),
    "lock memory": Attack(
        "Locks pages so that the machine can't swap them; the call is not listed and its limit is nothing.",
        "call(libc.mlockall, 1)",
        REFUSED,
    ),
    "a number that does not exist": Attack(
        "Tries numbers for a call newer than the filter; unknown numbers are refused by default.",
        "call(libc.syscall, 100000)",
        REFUSED,
    ),
}
