"""What torch needs so that it works in a forked, locked child. Imported by the zygote only, and only by name.

Facts behind it (torch 2.13, CPU): with more than one thread, matrix products, convolutions and backward passes hang
after a fork; the first optimizer, checkpoint or `torch.func` call imports `torch._dynamo`, which a locked child
cannot; `torch.seed` opens /dev/urandom, which a child without Landlock cannot; libgomp calls exit() when
`set_num_threads` asks for threads that the jail refuses; `torch.compile` wants a compiler and a cache folder;
generators are copied by a fork, so every child would draw the same unseeded numbers.
"""

import os
import random
from collections.abc import Callable
from typing import Any, Final

SEED: Final = 0
"""The seed of torch, numpy and random in every child, so that a snippet without a seed gives the same answer twice."""


def warm_up() -> None:
    """Runs in the zygote: one thread, common kernels once, and a stand-in for what cannot work in a child."""
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    _exercise()
    _replace_what_cannot_work()


def rehearse() -> None:
    """Runs in a locked child while it waits: touches the pages that a loss touches."""
    import torch

    logits = torch.ones(2, 3, requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    str(logits.grad)


def prepare() -> None:
    """Runs in a locked child before its job: seeds the three generators."""
    import numpy as np
    import torch

    torch.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)


def _exercise() -> None:
    import torch

    rehearse()
    square = torch.randn(64, 64)
    (square @ square).sum().item()
    torch.nn.functional.conv2d(torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3))
    torch.linalg.svd(square[:8, :8])
    torch.nn.functional.softmax(square, 0)


def _replace_what_cannot_work() -> None:
    import torch

    torch.set_num_threads = torch.set_num_interop_threads = _ignore_thread_count
    torch.compile = _uncompiled
    torch.seed = torch.random.seed = _seed_anew


def _ignore_thread_count(_count: int) -> None:
    """Stands for `torch.set_num_threads`: a snippet has one thread."""


def _uncompiled(model: Callable[..., Any] | None = None, **_options: object) -> Callable[..., Any]:
    """Stands for `torch.compile`, which may not change what a program computes: it gives the function back as it is."""
    return _uncompiled if model is None else model


def _seed_anew() -> int:
    """Stands for `torch.seed`, which opens a device: the kernel gives the same bytes by a call."""
    import torch

    number = int.from_bytes(os.urandom(8), "little") >> 1
    torch.manual_seed(number)
    return number
