"""How long the explanation of one call takes, loss by loss, and how it grows from 10 to 1,000,000 elements.

    python benchmarks/explain.py [--largest 1000000] [--cpu] [LOSS ...]

Measured in one warm process: the plan, the reruns of the proof and the conclusion, without tracing and drawing. The
growth is the time of the largest call over that of the smallest. Two yardsticks for the largest call follow: how often
in that time torch itself could run the call in float64, forward and back to its input, and how often the arguments'
bytes could be copied and hashed. With --cpu times are the process's own, which other work on the machine moves less.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from explainers.notebook import MOST_BYTES, explained
from explainers.tracing import record_call

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
Clock = Callable[[], float]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _signs(n: int) -> torch.Tensor:
    return torch.randint(0, 2, (n,)) * 2.0 - 1


def _rows(n: int, width: int = 10) -> torch.Tensor:
    return torch.randn(max(1, n // width), width)


def _classes(n: int) -> torch.Tensor:
    return torch.randint(0, 10, (max(1, n // 10),))


CALLS: Mapping[str, Callable[[int], Arguments]] = {
    "mse_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "l1_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "smooth_l1_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "huber_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "cross_entropy": lambda n: ((_rows(n), _classes(n)), {}),
    "nll_loss": lambda n: ((_rows(n).log_softmax(1), _classes(n)), {}),
    "binary_cross_entropy": lambda n: ((torch.rand(n), torch.rand(n).round()), {}),
    "binary_cross_entropy_with_logits": lambda n: ((torch.randn(n), torch.rand(n).round()), {}),
    "poisson_nll_loss": lambda n: ((torch.randn(n), torch.rand(n) * 5), {"full": True}),
    "gaussian_nll_loss": lambda n: ((torch.randn(n), torch.randn(n), torch.rand(n) + 0.1), {}),
    "kl_div": lambda n: ((_rows(n).log_softmax(1), _rows(n).softmax(1)), {"reduction": "batchmean"}),
    "margin_ranking_loss": lambda n: ((torch.randn(n), torch.randn(n), _signs(n)), {}),
    "hinge_embedding_loss": lambda n: ((torch.randn(n), _signs(n)), {}),
    "soft_margin_loss": lambda n: ((torch.randn(n), _signs(n)), {}),
    "multi_margin_loss": lambda n: ((_rows(n), _classes(n)), {}),
    "multilabel_soft_margin_loss": lambda n: ((_rows(n), _rows(n).sigmoid().round()), {}),
    "cosine_embedding_loss": lambda n: ((_rows(n), _rows(n), _signs(max(1, n // 10))), {}),
    "triplet_margin_loss": lambda n: ((_rows(n), _rows(n), _rows(n)), {}),
    "linear_cross_entropy": lambda n: ((_rows(n), torch.randn(10, 10), _classes(n)), {}),
}


def seconds(name: str, n: int, clock: Clock) -> tuple[float, str]:
    """The time of one explanation of so many elements, and its verdict."""
    args, kwargs = CALLS[name](n)
    recording = record_call(name, *args, max_bytes=MOST_BYTES, **kwargs)
    start = clock()
    found = explained(recording)
    return clock() - start, found.proof.verdict


def of_torch(name: str, n: int, clock: Clock) -> float:
    """The time that torch takes for the same call in float64, forward and back to its input, the best of three."""
    args, kwargs = CALLS[name](n)
    leaves = [arg.double() if arg.is_floating_point() else arg for arg in args]
    asked, loss = leaves[0].requires_grad_(), getattr(torch.nn.functional, name)

    def run() -> None:
        torch.autograd.grad(loss(*leaves, **kwargs), asked)

    return best(run, clock)


def of_reading(name: str, n: int, clock: Clock) -> float:
    """The time of copying and hashing the bytes of the arguments, the best of three."""
    args, _ = CALLS[name](n)
    return best(lambda: [hashlib.sha256(arg.numpy().tobytes()).digest() for arg in args], clock)


def best(run: Callable[[], object], clock: Clock) -> float:
    """The shortest of three times."""

    def once() -> float:
        start = clock()
        run()
        return clock() - start

    return min(once() for _ in range(3))


def main() -> None:
    """Prints one line per loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("losses", nargs="*", default=list(CALLS))
    asked = parser.parse_args()
    clock = time.process_time if asked.cpu else time.perf_counter
    torch.manual_seed(0)
    sizes = [n for n in SIZES if n <= asked.largest]
    print(f"{'ms':34}" + "".join(f"{n:>11,}" for n in sizes) + "   growth   torch ×   bytes ×  verdicts")
    for name in asked.losses:
        seconds(name, sizes[0], clock)  # warm
        found = [seconds(name, n, clock) for n in sizes]
        last, times = found[-1][0], "".join(f"{1000 * taken:11.1f}" for taken, _ in found)
        marks = (last / found[0][0], *(last / of(name, sizes[-1], clock) for of in (of_torch, of_reading)))
        verdicts = ", ".join(sorted({verdict for _, verdict in found}))
        print(name.ljust(34) + times + "".join(f"{mark:9.1f}" for mark in marks) + f"  {verdicts}", flush=True)


if __name__ == "__main__":
    main()
