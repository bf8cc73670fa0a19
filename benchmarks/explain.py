"""How long the explanation of one call takes, loss by loss, and how it grows from 10 to 1,000,000 elements.

    python benchmarks/explain.py [--largest 1000000] [--cpu] [LOSS ...]

Measured in one warm process: the plan, the reruns of the proof, the conclusion and the whole answer as text, without
tracing and drawing. What is of rows has 10 classes or features in each, and once one row of 1,000. The growth is the
time of the largest call over that of the smallest. Two yardsticks for the largest call follow: how often in that time
torch itself could run the call in float64, forward and back to its input, and how often the arguments' bytes could be
copied and hashed. With --cpu times are the process's own, which other work on the machine moves less.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from explainers.losses.registry import registry
from explainers.notebook import MOST_BYTES, explained
from explainers.tracing import record_call

WIDTH, WIDE = 10, 1_000
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
Clock = Callable[[], float]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _signs(n: int) -> torch.Tensor:
    return torch.randint(0, 2, (n,)) * 2.0 - 1


def _rows(n: int, width: int) -> torch.Tensor:
    return torch.randn(max(1, n // width), width)


def _classes(n: int, width: int) -> torch.Tensor:
    return torch.randint(0, width, (max(1, n // width),))


def _labels(n: int, width: int) -> torch.Tensor:
    """Two labels in each row, then −1."""
    found = torch.full((max(1, n // width), width), -1)
    found[:, :2] = torch.randint(0, width, (len(found), 2))
    return found


def _frames(n: int, width: int) -> Arguments:
    """Ten samples at the most, with a label for each four frames up to ten."""
    batch = max(1, min(10, n // (4 * width)))
    frames = max(4, n // (batch * width))
    spans, labels = torch.full((batch,), frames), max(1, min(10, frames // 4))
    targets = torch.randint(1, width, (batch, labels))
    scores = torch.randn(frames, batch, width).log_softmax(2)
    return (scores, targets, spans, torch.full((batch,), labels)), {}


def _clusters(n: int, width: int) -> Arguments:
    """A shortlist of a fifth of the classes, and two clusters."""
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(width, width, [width // 5, width // 2], div_value=2.0)
    return (_rows(n, width), _classes(n, width)), {"module": module}


ELEMENTWISE: Mapping[str, Callable[[int], Arguments]] = {
    "mse_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "l1_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "smooth_l1_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "huber_loss": lambda n: ((torch.randn(n), torch.randn(n)), {}),
    "binary_cross_entropy": lambda n: ((torch.rand(n), torch.rand(n).round()), {}),
    "binary_cross_entropy_with_logits": lambda n: ((torch.randn(n), torch.rand(n).round()), {}),
    "poisson_nll_loss": lambda n: ((torch.randn(n), torch.rand(n) * 5), {"full": True}),
    "gaussian_nll_loss": lambda n: ((torch.randn(n), torch.randn(n), torch.rand(n) + 0.1), {}),
    "margin_ranking_loss": lambda n: ((torch.randn(n), torch.randn(n), _signs(n)), {}),
    "hinge_embedding_loss": lambda n: ((torch.randn(n), _signs(n)), {}),
    "soft_margin_loss": lambda n: ((torch.randn(n), _signs(n)), {}),
    "sigmoid": lambda n: ((torch.randn(n),), {}),
    "logsigmoid": lambda n: ((torch.randn(n),), {}),
    "softplus": lambda n: ((torch.randn(n),), {}),
}
"""Calls of so many elements."""
OF_ROWS: Mapping[str, Callable[[int, int], Arguments]] = {
    "cross_entropy": lambda n, c: ((_rows(n, c), _classes(n, c)), {}),
    "nll_loss": lambda n, c: ((_rows(n, c).log_softmax(1), _classes(n, c)), {}),
    "kl_div": lambda n, c: ((_rows(n, c).log_softmax(1), _rows(n, c).softmax(1)), {"reduction": "batchmean"}),
    "multi_margin_loss": lambda n, c: ((_rows(n, c), _classes(n, c)), {}),
    "multilabel_margin_loss": lambda n, c: ((_rows(n, c), _labels(n, c)), {}),
    "multilabel_soft_margin_loss": lambda n, c: ((_rows(n, c), _rows(n, c).sigmoid().round()), {}),
    "cosine_embedding_loss": lambda n, c: ((_rows(n, c), _rows(n, c), _signs(max(1, n // c))), {}),
    "triplet_margin_loss": lambda n, c: ((_rows(n, c), _rows(n, c), _rows(n, c)), {}),
    "triplet_margin_with_distance_loss": lambda n, c: ((_rows(n, c), _rows(n, c), _rows(n, c)), {}),
    "linear_cross_entropy": lambda n, c: ((_rows(n, c), torch.randn(c, c), _classes(n, c)), {}),
    "AdaptiveLogSoftmaxWithLoss": _clusters,
    "ctc_loss": _frames,
    "softmin": lambda n, c: ((_rows(n, c),), {"dim": 1}),
    "softmax": lambda n, c: ((_rows(n, c),), {"dim": 1}),
    "log_softmax": lambda n, c: ((_rows(n, c),), {"dim": 1}),
    "logsumexp": lambda n, c: ((_rows(n, c),), {"dim": 1}),
    "cosine_similarity": lambda n, c: ((_rows(n, c), _rows(n, c)), {"dim": 1}),
    "pairwise_distance": lambda n, c: ((_rows(n, c), _rows(n, c)), {}),
    "normalize": lambda n, c: ((_rows(n, c),), {}),
    "one_hot": lambda n, c: ((_classes(n, c),), {"num_classes": c}),
}
"""Calls of so many elements in rows of so many classes or features."""


def arguments(name: str, n: int, width: int) -> Arguments:
    """The arguments of one call."""
    return ELEMENTWISE[name](n) if name in ELEMENTWISE else OF_ROWS[name](n, width)


def function(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """torch's function of this name, or the module among the options, which is taken out of them."""
    found = options.pop("module", None) or getattr(torch.nn.functional, name, None) or getattr(torch, name)
    assert callable(found)
    return found


def seconds(name: str, n: int, clock: Clock, width: int = WIDTH) -> tuple[float, str]:
    """The time of one explanation of so many elements, and its verdict."""
    args, kwargs = arguments(name, n, width)
    recording = record_call(function(name, kwargs), *args, max_bytes=MOST_BYTES, **kwargs)
    start = clock()
    found = explained(recording)
    assert str(found)
    return clock() - start, found.proof.verdict


def of_torch(name: str, n: int, clock: Clock) -> float:
    """The time that torch takes for the same call in float64, forward and back to its input, the best of three."""
    args, kwargs = arguments(name, n, WIDTH)
    loss = function(name, kwargs)
    leaves = [arg.double() if arg.is_floating_point() else arg for arg in args]
    asked = leaves[0].requires_grad_() if leaves[0].is_floating_point() else None
    if isinstance(loss, torch.nn.Module):
        loss = loss.double()

    def run() -> None:
        found = loss(*leaves, **kwargs)
        value = getattr(found, "loss", found)
        if asked is not None:
            torch.autograd.grad(value.sum(), asked)

    return best(run, clock)


def of_reading(name: str, n: int, clock: Clock) -> float:
    """The time of copying and hashing the bytes of the arguments, the best of three."""
    args, _ = arguments(name, n, WIDTH)
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
    parser.add_argument("losses", nargs="*", default=list(registry().losses))
    asked = parser.parse_args()
    clock = time.process_time if asked.cpu else time.perf_counter
    torch.manual_seed(0)
    sizes = [n for n in SIZES if n <= asked.largest]
    heads = "".join(f"{n:>11,}" for n in sizes)
    print(f"{'ms':34}{heads}{'1,000 wide':>11}   growth   torch ×   bytes ×  verdicts")
    for name in asked.losses:
        seconds(name, sizes[0], clock)  # warm
        found = [seconds(name, n, clock) for n in sizes]
        last, times = found[-1][0], "".join(f"{1000 * taken:11.1f}" for taken, _ in found)
        wide = seconds(name, WIDE, clock, WIDE) if name in OF_ROWS else None
        times += " " * 11 if wide is None else f"{1000 * wide[0]:11.1f}"
        marks = (last / found[0][0], *(last / of(name, sizes[-1], clock) for of in (of_torch, of_reading)))
        verdicts = ", ".join(sorted({verdict for _, verdict in (*found, *([wide] if wide else []))}))
        print(name.ljust(34) + times + "".join(f"{mark:9.1f}" for mark in marks) + f"  {verdicts}", flush=True)


if __name__ == "__main__":
    main()
