"""What reading a program as a formula costs, per operation, and where symbols hand over to numbers.

    python benchmarks/replay.py [--repeats 5]

For programs of growing size: recording the torch calls, composing their graph, bringing it to normal form, writing the
steps, and enclosing the value and all gradients; each also per call of the program and per element of its inputs. The
last two columns say whether formulas are written with all their numbers (symbols) and in which arithmetic the
certificate is computed: Arb balls up to BALLS_UP_TO elements, midpoint-radius arrays beyond.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from explainers.composition import Composition, compose
from explainers.derivation import Substitution
from explainers.derive import derivation
from explainers.differentiable import differentiable
from explainers.enclosures import enclosures
from explainers.forms import forms
from explainers.graph.balls import precise
from explainers.graph.enclosure import BALLS_UP_TO, largest_array, nodes_of
from explainers.losses.registry import registry
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
CASES = (
    ("focal", FOCAL, (4, 32, 256, 2048, 65536)),
    ("own cross entropy", OWN_CE, (4, 32, 256, 2048)),
    ("info-nce", CONTRASTIVE, (4, 16, 64)),
    ("loop over rows", LOOP, (4, 32, 256)),
)
HEAD = ("program", "n", "calls", "record", "compose", "normal", "steps", "enclose", "µs/call", "µs/element")


def main() -> None:
    """Print the table, in milliseconds unless it says so."""
    parser = argparse.ArgumentParser(description="cost of reading programs as formulas")
    parser.add_argument("--repeats", type=int, default=5)
    repeats: int = parser.parse_args().repeats
    print(" ".join(f"{title:>17}" for title in (*HEAD, "symbols", "arithmetic")))
    for name, program, sizes in CASES:
        for n in sizes:
            print(" ".join(f"{cell:>17}" for cell in row(name, program.format(n=n), n, repeats)))


def row(name: str, source: str, n: int, repeats: int) -> list[str]:
    """One line of the table: medians over the repeats."""
    recording, recorded = timed(lambda: record(source), repeats)
    assert recording.raised is None and recording.subject is not None, recording.raised
    known = registry()
    composition, composed = timed(lambda: compose(recording, recording.subject, known), repeats)
    assert isinstance(composition, Composition), composition
    values, real = composition.values(recording), differentiable(recording, composition, known)
    with precise():
        found, normal = timed(lambda: forms(composition, values, real, real), repeats)
        page, written = timed(lambda: derivation(found, values, None), repeats)
        _, enclosed = timed(lambda: enclosures(found, values), repeats)
    elements = sum(np.asarray(v).size for v in values.values())
    total = composed + normal + written + enclosed
    put = any(isinstance(step, Substitution) and step.forms for step in page.steps)
    balls = largest_array(nodes_of((composition.root, *found.as_run.values()))) <= BALLS_UP_TO
    times = [f"{1e3 * t:.1f}" for t in (recorded, composed, normal, written, enclosed)]
    per = [f"{1e6 * total / len(recording.calls):.0f}", f"{1e6 * enclosed / elements:.1f}"]
    return [
        name,
        str(n),
        str(len(recording.calls)),
        *times,
        *per,
        "yes" if put else "no",
        "balls" if balls else "arrays",
    ]


def timed(job: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """What the job gives, and the median of its times in seconds; the first run only warms up."""
    result, times = job(), list[float]()
    for _ in range(repeats):
        started = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - started)
    return result, statistics.median(times)


if __name__ == "__main__":
    main()
