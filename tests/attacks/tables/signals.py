"""Signals to others, and loosening one's own bonds."""

from tests.attacks.attack import REFUSED, Attack

SIGNALS = {
    "signal parent": Attack(
        "Kills the zygote, and with it everybody's answers; the filter lets signals go to oneself only.",
        "import os; os.kill(os.getppid(), 9)",
        REFUSED,
    ),
    "signal all": Attack(
        "Kills all that its user may kill; minus one is not its own number.",
        "import os; os.kill(-1, 9)",
        REFUSED,
    ),
    "signal group": Attack(
        "Kills the group it was born in; the filter knows no groups, and its session is its own.",
        "import os; os.killpg(0, 9)",
        REFUSED,
    ),
    "signal first": Attack(
        "Asks whether it may signal the container's first process; it may not.",
        "import os; os.kill(1, 0)",
        REFUSED,
    ),
    "tgkill another": Attack(
        "Signals a thread of the zygote, by the call the C library uses for `raise`; its process number is checked.",
        "import os; call(libc.syscall, NR['tgkill'], os.getppid(), os.getppid(), 9)",
        REFUSED,
    ),
    "signal by pidfd": Attack(
        "Holds the zygote by a descriptor, to signal through that; no such descriptor is given.",
        "import os; os.pidfd_open(os.getppid())",
        REFUSED,
    ),
    "queued signal": Attack(
        "Queues a signal with a value; the call is not on the list.",
        "import os; call(libc.sigqueue, os.getppid(), 9, 0)",
        REFUSED,
    ),
    "signals by descriptor": Attack(
        "Has the kernel signal the zygote when its pipe is ready; that `fcntl` is not among the five allowed.",
        "import fcntl, os; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
        REFUSED,
    ),
    "typing into the terminal": Attack(
        "Types commands into the operator's shell; no descriptor is a terminal, and that `ioctl` is refused.",
        "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
        ("OSError",),
    ),
    "a request that every pipe grants": Attack(
        "Makes our end of a shared pipe non-blocking; of `ioctl` only four harmless requests pass.",
        "import fcntl; fcntl.ioctl(0, 0x5421, bytes(4))",
        ("OSError",),
    ),
}

LIMITS = {
    "another's limits": Attack(
        "Gives the zygote a second to live by its CPU limit; `prlimit` only reads, and only of oneself.",
        "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        REFUSED,
    ),
    "own limits": Attack(
        "Sets its own limits anew; they are hard, and setting is refused even where it would change nothing.",
        "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
        (*REFUSED, "ValueError"),
    ),
    "affinity": Attack(
        "Pins the zygote to one core; only asking is allowed.",
        "import os; os.sched_setaffinity(os.getppid(), {0})",
        REFUSED,
    ),
    "priority": Attack(
        "Changes its priority; even to lower it is not its business.",
        "import os; os.setpriority(os.PRIO_PROCESS, 0, 19)",
        REFUSED,
    ),
    "real time": Attack(
        "Takes a core from everybody by real-time scheduling; the call is not on the list.",
        "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        REFUSED,
    ),
    "another scheduler": Attack(
        "Changes to a scheduler that the kernel grants to anybody; the filter does not.",
        "import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
        REFUSED,
    ),
    "outlive parent": Attack(
        "Cancels its death with the zygote, to stay when that is replaced; that `prctl` is refused.",
        "call(libc.prctl, 1, 0, 0, 0, 0)",
        REFUSED,
    ),
    "become dumpable": Attack(
        "Opens itself to debuggers of the same user; that can be read but not set.",
        "call(libc.prctl, 4, 1, 0, 0, 0)",
        REFUSED,
    ),
    "another filter": Attack(
        "Stacks a filter of its own that answers for the kernel; `prctl` gives names and no more.",
        "call(libc.prctl, 22, 2, 0, 0, 0)",
        REFUSED,
    ),
    "restrict itself again": Attack(
        "Reaches Landlock's code in the kernel with arguments of its own; its calls end with the lock.",
        "call(libc.syscall, NR['landlock_create_ruleset'], None, 0, 1)",
        REFUSED,
    ),
    "seccomp call": Attack(
        "Installs a filter that notifies itself and lets calls continue; the call is not listed any more.",
        "call(libc.syscall, NR['seccomp'], 0, 0, None)",
        REFUSED,
    ),
}
