"""What reading a program as a formula costs, per operation, and where symbols hand over to numbers.

    python benchmarks/replay.py [--repeats 5]

For programs of growing size: recording the torch calls, then the side of the symbols (composing their graph, bringing
it to normal form, writing the steps) and the side of the numbers (enclosing the value and all gradients), each per
call of the program. "unfolded" are the calls that the formula unfolds out of all that the loss needs; "written" is the
share of the loss's elements whose formula is written out with its numbers, the others being added up as numbers alone;
"arithmetic" is that of the certificate: Arb balls up to BALLS_UP_TO elements, midpoint-radius arrays beyond. Below the
table, for each program, up to which size it is all symbols and balls, found by doubling and then halving the interval,
and from which size the numbers cost more than the symbols.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explainers.composition import Composition, compose
from explainers.derivation import Combination, Derivation, Substitution
from explainers.derive import derivation
from explainers.differentiable import differentiable
from explainers.enclosures import enclosures
from explainers.forms import Forms, forms
from explainers.graph.balls import precise
from explainers.graph.enclosure import BALLS_UP_TO, largest_array, nodes_of
from explainers.graph.symbols import Omitted
from explainers.losses.registry import registry
from explainers.recording import Recording
from explainers.tracing import record

FOCAL = """\
torch.manual_seed(0)
x = torch.randn({n}, requires_grad=True)
bce = F.binary_cross_entropy_with_logits(x, (torch.rand({n}) > 0.5).float(), reduction="none")
pt = torch.exp(-bce)
((1 - pt) ** 2 * bce).mean()
"""
OWN_CE = """\
torch.manual_seed(0)
z = torch.randn({n}, 10, requires_grad=True)
y = torch.randint(0, 10, ({n},))
p = z.exp() / z.exp().sum(1, keepdim=True)
-p[torch.arange({n}), y].log().mean()
"""
CONTRASTIVE = """\
torch.manual_seed(0)
a, b = torch.randn({n}, 8, requires_grad=True), torch.randn({n}, 8)
sim = (a / a.norm(dim=1, keepdim=True)) @ (b / b.norm(dim=1, keepdim=True)).T / 0.1
F.cross_entropy(sim, torch.arange({n}))
"""
LOOP = """\
torch.manual_seed(0)
z = torch.randn({n}, 5, requires_grad=True)
y = torch.randint(0, 5, ({n},))
total = 0
for i in range({n}):
    total += z[i].logsumexp(0) - z[i, y[i]]
total / {n}
"""
SPECTRUM = """\
torch.manual_seed(0)
w = torch.randn({n}, {n}, requires_grad=True)
(torch.linalg.svdvals(w) - 1).square().mean() + 0.1 * w.abs().mean()
"""
CASES = (
    ("focal", FOCAL, (2, 4, 32, 256, 2048, 65536)),
    ("own cross entropy", OWN_CE, (2, 4, 32, 256, 2048)),
    ("info-nce", CONTRASTIVE, (2, 4, 16, 64)),
    ("loop over rows", LOOP, (2, 4, 32, 256)),
    ("singular values", SPECTRUM, (2, 4, 16, 64)),
)
HEAD = (
    ("program", 17), ("n", 6), ("calls", 6), ("unfolded", 9), ("record ms", 10), ("symbols ms", 11),
    ("numbers ms", 11), ("symbols µs/call", 16), ("numbers µs/call", 16), ("written", 8), ("arithmetic", 11),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one program of one size cost, in seconds, and on which side its numbers are."""

    calls: int
    unfolded: int
    record: float
    symbols: float
    numbers: float
    written: float
    balls: bool


def main() -> None:
    """Print the table and where the sides change."""
    parser = argparse.ArgumentParser(description="cost of reading programs as formulas")
    parser.add_argument("--repeats", type=int, default=5)
    repeats: int = parser.parse_args().repeats
    print(" ".join(f"{title:>{width}}" for title, width in HEAD))
    found = {name: [(n, cost(program.format(n=n), repeats)) for n in sizes] for name, program, sizes in CASES}
    for name, rows in found.items():
        for n, it in rows:
            print(" ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells(name, n, it), HEAD, strict=True)))
    print()
    for name, program, sizes in CASES:
        print(f"{name}: {'; '.join(changes(program, found[name], sizes[-1]))}")


def cells(name: str, n: int, it: Cost) -> list[str]:
    """One line of the table."""
    times = [f"{1e3 * t:.1f}" for t in (it.record, it.symbols, it.numbers)]
    per_call = [f"{1e6 * t / it.calls:.0f}" for t in (it.symbols, it.numbers)]
    share, arithmetic = f"{it.written:.1%}", "balls" if it.balls else "arrays"
    return [name, str(n), str(it.calls), f"{it.unfolded}/{it.calls}", *times, *per_call, share, arithmetic]


def cost(source: str, repeats: int) -> Cost:
    """Medians over the repeats."""
    recording, recorded = timed(lambda: record(source), repeats)
    composition, composed = timed(lambda: composition_of(recording), repeats)
    values, real = composition.values(recording), differentiable(recording, composition, registry())
    with precise():
        found, normal = timed(lambda: forms(composition, values, real, real), repeats)
        page, written = timed(lambda: derivation(found, values, None), repeats)
        _, enclosed = timed(lambda: enclosures(found, values), repeats)
    unfolded = len(composition.calls)
    calls = unfolded + sum(call.function.rsplit(".", 1)[-1] not in _MADE for call in composition.given)
    return Cost(calls, unfolded, recorded, composed + normal + written, enclosed, share(page), in_balls(found))


def composition_of(recording: Recording) -> Composition:
    """The graph of what the program computes last."""
    assert recording.raised is None and recording.subject is not None, recording.raised
    composition = compose(recording, recording.subject, registry())
    assert isinstance(composition, Composition), composition
    return composition


def in_balls(found: Forms) -> bool:
    """Whether the certificate is computed in Arb balls."""
    return largest_array(nodes_of((found.composition.root, *found.as_run.values()))) <= BALLS_UP_TO


def share(page: Derivation) -> float:
    """The share of the loss's elements that are written out with their numbers."""
    put = [step for step in page.steps if isinstance(step, Substitution) and step.forms]
    whole = next((step for step in page.steps if isinstance(step, Combination)), None)
    if whole is None:
        return float(bool(put) and not any(form.atoms(Omitted) for step in put for form in step.forms))
    return len(put) / (len(whole.parts) + whole.rest_count)


def changes(program: str, rows: list[tuple[int, Cost]], most: int) -> list[str]:
    """Up to which sizes formulas are written whole and the certificate is in balls, and from which size of the table on
    the numbers cost more than the symbols."""
    dearer = next((f"numbers cost more than symbols from n = {n}" for n, it in rows if it.numbers > it.symbols), None)
    told = {
        "every element is written out": lambda n: cost(program.format(n=n), 1).written == 1,
        "the certificate is in balls": lambda n: cost(program.format(n=n), 1).balls,
    }
    found = [f"{what} up to n = {last(holds, most)}" for what, holds in told.items()]
    return [*found, dearer or "symbols cost more than numbers throughout"]


def last(holds: Callable[[int], bool], most: int) -> int:
    """The largest size up to which it holds, 1 where it does not at 2."""
    low, high = 1, 2
    while high <= most and holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def timed(job: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """What the job gives, and the median of its times in seconds; the first run only warms up."""
    result, times = job(), list[float]()
    for _ in range(repeats):
        started = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - started)
    return result, statistics.median(times)


_MADE = frozenset({"tensor", "randn", "rand", "randint", "arange", "manual_seed", "zeros", "ones"})


if __name__ == "__main__":
    main()
