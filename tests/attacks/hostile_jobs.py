"""Entries of the jobs that the tests of the evaluator run. Importable by name inside a zygote, through its python_path."""

import traceback
from collections.abc import Callable


def execute(source: bytes, emit: Callable[[bytes], None]) -> None:
    """Runs the source with `emit`, `torch`, `nn`, `F` and `np` at hand; an exception becomes a frame `error: ...`."""
    import numpy as np
    import torch

    names: dict[str, object] = {
        "__name__": "__main__",
        "emit": emit,
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "np": np,
    }
    try:
        exec(compile(source, "<snippet>", "exec"), names)
    except MemoryError:
        raise
    except BaseException as error:
        emit(f"error: {type(error).__name__}: {error}"[:500].encode(errors="replace"))
        traceback.print_exc()
