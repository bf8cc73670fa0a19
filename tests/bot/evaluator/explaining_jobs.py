"""What the explainers of the tests serve: one entry that does what the request's first word says."""

import ctypes
import os
import signal
import threading
import time

from bot.evaluator.syscalls import architecture


def warm_up() -> None:
    """Compiles once, as a real explainer does, and so starts the compiler's threads after the lock."""
    import typst

    typst.compile(b"= warm", format="png")


def answer(request: bytes) -> bytes:
    word, _, rest = request.decode().partition(" ")
    match word:
        case "echo":
            return rest.encode()
        case "process":
            return str(os.getpid()).encode()
        case "page":
            return _page(rest)
        case "die":
            os._exit(3)
        case "sleep":
            time.sleep(float(rest))
            return b"slept"
        case "fill":
            return str(len(bytearray(int(rest)))).encode()
        case "in-thread":
            return _in_thread(rest)
        case "in-every-thread":
            return _in_every_thread(*map(int, rest.split()))
        case _:
            raise ValueError(f"no such request: {word}")


def _page(markup: str) -> bytes:
    import typst

    page = typst.compile(markup.encode(), format="png")
    assert isinstance(page, bytes)
    return page


def _in_thread(attempt: str) -> bytes:
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(_attempted(attempt)))
    thread.start()
    thread.join()
    return results[0].encode()


def _attempted(attempt: str) -> str:
    try:
        exec(attempt, {})
    except Exception as error:
        return type(error).__name__
    return "done"


def _in_every_thread(*threads: int) -> bytes:
    """The number of each thread and the errno with which it was refused to open /etc/passwd, 0 where it was not.

    A signal has each thread run a handler, also the compiler's own, which run no code of ours otherwise.
    """
    libc, numbers = ctypes.CDLL(None, use_errno=True), architecture().numbers
    found: dict[int, int] = {}

    def handle(_signal: int) -> None:
        opened = libc.open(b"/etc/passwd", os.O_RDONLY)
        found[libc.syscall(numbers["gettid"])] = 0 if opened >= 0 else ctypes.get_errno()

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(handle)
    libc.signal(signal.SIGUSR1, handler)
    for thread in threads:
        libc.syscall(numbers["tgkill"], os.getpid(), thread, signal.SIGUSR1)
    deadline = time.monotonic() + 30
    while len(found) < len(threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    libc.signal(signal.SIGUSR1, None)
    return " ".join(f"{thread}:{error}" for thread, error in found.items()).encode()
