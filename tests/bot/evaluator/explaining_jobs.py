"""What the explainers of the tests serve: one entry that does what the request's first word says."""

import os
import threading
import time


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
