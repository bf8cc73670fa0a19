"""The entry of the attacks. Importable by name inside a zygote, through its python_path."""

import ctypes
import os
import traceback
from collections.abc import Callable

from bot.evaluator.syscalls import architecture


def execute(source: bytes, emit: Callable[[bytes], None]) -> None:
    """Runs the source; an exception becomes a frame `error: Type: message`.

    At hand are `emit`, `torch`, `F` and `np`, and for native code `libc`, `call` (raises OSError where the call gives a
    negative result) and `NR` (system call numbers).
    """
    import numpy as np
    import torch

    libc = ctypes.CDLL(None, use_errno=True)
    names: dict[str, object] = {
        "__name__": "__main__",
        "emit": emit,
        "torch": torch,
        "F": torch.nn.functional,
        "np": np,
        "libc": libc,
        "call": _call,
        "NR": architecture().numbers,
    }
    try:
        exec(compile(source, "<snippet>", "exec"), names)
    except MemoryError:
        raise
    except BaseException as error:
        emit(f"error: {type(error).__name__}: {error}"[:500].encode(errors="replace"))
        traceback.print_exc()


def _call(function: Callable[..., int], *arguments: object) -> int:
    result = function(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
