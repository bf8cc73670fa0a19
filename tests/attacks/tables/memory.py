"""Using up memory and output, and crashing."""

from tests.attacks.attack import Attack

MEMORY = {
    "one huge tensor": Attack(
        "Asks for four terabytes at once; the limit on address space refuses them.",
        "torch.empty(10**12)",
        ("RuntimeError", "memory"),
    ),
    "growing tensors": Attack(
        "Keeps tensors until the machine has no memory left; its own limit comes first.",
        "kept = []\nwhile True: kept.append(torch.ones(10**6))",
        ("RuntimeError", "memory"),
    ),
    "growing bytes": Attack(
        "Does the same by Python's memory; all allocators meet one limit.",
        "kept = []\nwhile True: kept.append(bytearray(10**6))",
        ("memory",),
    ),
    "growing dictionary": Attack(
        "Grows by small objects; small ones lie in the same address space.",
        "kept = {}\nwhile True: kept[len(kept)] = len(kept)",
        ("memory", "cpu"),
    ),
    "huge string": Attack(
        "Repeats a letter ten billion times; Python is refused the memory and says so.",
        "'x' * 10**10",
        ("memory",),
    ),
    "outer product": Attack(
        "Makes forty gigabytes of two small vectors; what broadcasts is allocated, and refused.",
        "torch.ones(10**5)[:, None] * torch.ones(10**5)",
        ("RuntimeError", "memory"),
    ),
    "shared pages": Attack(
        "Maps shared pages, which no limit on data counts; they count as address space.",
        "import mmap; kept = [mmap.mmap(-1, 2**28, flags=mmap.MAP_SHARED | 0x8000) for _ in range(8)]",
        ("OSError", "memory"),
    ),
    "shared memory": Attack(
        "Makes memory that stays when it is gone; /dev/shm does not open for writing.",
        "import multiprocessing.shared_memory as m; m.SharedMemory(create=True, size=2**20)",
        ("PermissionError",),
    ),
    "shared tensor": Attack(
        "Shares a tensor, for which torch makes a file; the file is refused.",
        "torch.ones(1000).share_memory_()",
        ("RuntimeError",),
    ),
    "no elements' size": Attack(
        "Overflows the number of elements, to get a small block for a large tensor; torch checks the product.",
        "torch.empty(2**40, 2**40)",
        ("RuntimeError",),
    ),
    "expanded and copied": Attack(
        "Expands one number without cost and copies the result; the copy meets the limit.",
        "torch.ones(()).expand(10**10).clone()",
        ("RuntimeError", "memory"),
    ),
    "growing tuple of constants": Attack(
        "Doubles a tuple until nothing is left; the doubling that is too much fails.",
        "x = (1,)\nwhile True: x = x * 2",
        ("memory",),
    ),
    "numpy": Attack(
        "Takes numpy's allocator instead of torch's; it is told the same.",
        "np.ones(10**10)",
        ("memory",),
    ),
    "mapped pages": Attack(
        "Maps private pages that it never touches; they count when they are mapped.",
        "import mmap; kept = [mmap.mmap(-1, 2**28) for _ in range(8)]",
        ("OSError", "memory"),
    ),
    "descriptors": Attack(
        "Copies a descriptor until the kernel's table is full; its own table is small.",
        "import os\nwhile True: os.dup(1)",
        ("OSError",),
    ),
}

OUTPUT = {
    "stdout": Attack(
        "Prints until the bot has no memory; what is over the cap ends it.",
        "while True: print('x' * 1000)",
        ("too much stdout",),
    ),
    "stderr": Attack(
        "Writes errors instead; they have a cap of their own.",
        "import sys\nwhile True: sys.stderr.write('x' * 1000)",
        ("too much stderr",),
    ),
    "stdout at once": Attack(
        "Writes a megabyte in one call, past Python's buffers; the reader counts bytes, not calls.",
        "import os; os.write(1, b'x' * 10**6)",
        ("too much stdout",),
    ),
    "many frames": Attack(
        "Sends results for ever, each of them small enough; their sum has a cap.",
        "while True: emit(bytes(10**6))",
        ("too much result",),
    ),
    "announced frame": Attack(
        "Announces two gigabytes and sends none, so that room is made for them; the number alone is refused.",
        "import os; os.write(3, b'\\xff\\xff\\xff\\x7f')\nwhile True: pass",
        ("too much frame",),
    ),
}

CRASHES = {
    "a tensor past the end of its memory": Attack(
        "Reads beyond its memory by a forged stride; it crashes in a process of its own.",
        "torch.from_numpy(np.lib.stride_tricks.as_strided(np.ones(1), (10**9,), (8,))).sum()",
        ("signal 11",),
    ),
    "a parser's stack": Attack(
        "Exhausts the compiler's stack by a million signs; compiling happens in the child.",
        "eval('-' * 10**6 + '1')",
        ("memory", "RecursionError"),
    ),
    "nested brackets": Attack(
        "Nests brackets until the parser gives up; that is an error, or too long to show.",
        "eval('(' * 10**5 + ')' * 10**5)",
        ("SyntaxError", "too much stderr"),
    ),
    "segmentation fault": Attack(
        "Reads address zero to take the service down; only the child dies.",
        "import ctypes; ctypes.string_at(0)",
        ("signal 11",),
    ),
    "written over": Attack(
        "Writes where nothing is mapped; it dies of that alone.",
        "import ctypes; ctypes.memset(0x1000, 0, 10**6)",
        ("signal 11",),
    ),
    "abort": Attack(
        "Aborts, to fill the disk with cores; a core may hold no byte.",
        "import os; os.abort()",
        ("signal 6",),
    ),
    "leave": Attack(
        "Leaves as if all were well, without an answer; only a frame says that a job ended.",
        "import os; os._exit(0)",
        ("status 0",),
    ),
    "leave with a number": Attack(
        "Leaves with a status that could mean something to us; it is shown as its own.",
        "import os; os._exit(42)",
        ("status 42",),
    ),
    "recursion": Attack(
        "Calls itself until the stack ends; Python counts the depth.",
        "def f(): f()\nf()",
        ("RecursionError",),
    ),
    "stack in C": Attack(
        "Nests lists until showing them overflows the C stack; that depth is counted as well.",
        "x = []\nfor _ in range(10**5): x = [x]\nrepr(x)",
        ("RecursionError",),
    ),
}
