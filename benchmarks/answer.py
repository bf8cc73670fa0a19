"""How long an answer takes, stage by stage, and against two yardsticks measured in the same run.

    python benchmarks/answer.py [--answers 200]

(a) a fresh interpreter that imports torch and sympy, computes the loss and its gradient, simplifies the formula and
    draws it with matplotlib (or, where that is not installed, only imports and computes: said in the output);
(b) the bare sum, in one warm process, of the same torch work (the call, its gradient, the float64 re-run and the
    counterfactuals), the same sympy work (derivation, proof and words) and the same compile of the card.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

from bot.exchange import Answer, Ask, Wants
from bot.fleet.local import LocalFleet
from bot.settings import Settings
from explainers.cards.render import Renderer
from explainers.claims import Claim
from explainers.explanation import conclude, plan
from explainers.replay import replay_all, rerun_source
from explainers.reruns import GraphRerun, SourceRerun
from explainers.telling import Context, tell
from explainers.tracing import record

SNIPPET = """scores = torch.tensor([[1.0, 0.0, 0.0]])
label = torch.tensor([0])
criterion = nn.CrossEntropyLoss()

value = criterion(scores, label)
value
"""
WORDS = "the prediction is exactly right, so I expected 0 or something tiny. where does 0.5514 come from?"
CLAIMS = (Claim("printed", 0.5514, 5e-5, "0.5514"), Claim("expected", 0.0, 0.0, "0"))
STAGES = ("read", "evaluate", "explain", "draw", "total")

FRESH = """
import io, sympy, torch
from torch import nn
scores = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
loss = nn.CrossEntropyLoss()(scores, torch.tensor([0]))
loss.backward()
z = sympy.symbols("z0:3")
formula = sympy.log(sum(sympy.exp(s) for s in z)) - z[0]
exact = formula.subs(dict(zip(z, (1, 0, 0))))
text = [sympy.latex(formula), sympy.latex(exact), *(sympy.latex(sympy.diff(formula, s)) for s in z)]
if DRAW:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure = pyplot.figure(figsize=(11, 7))
    for k, line in enumerate(text):
        figure.text(0.05, 0.9 - 0.15 * k, f"${line}$", fontsize=16)
    figure.savefig(io.BytesIO(), format="png", dpi=100)
"""


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def milliseconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


async def warm_answers(count: int) -> list[Answer]:
    """The same question again and again, each with its card, one after another."""
    fleet = await LocalFleet.started(Settings())
    try:
        for k in range(10):
            await fleet.answer(_ask(f"warm{k}"), lambda _progress: None)
        return [await fleet.answer(_ask(str(k)), lambda _progress: None) for k in range(count)]
    finally:
        await fleet.close()


def _ask(id: str) -> Ask:
    """A question that was never asked before: a name makes it another program, so that nothing can be remembered."""
    code = SNIPPET.replace("scores", f"scores_{id}")
    return Ask(id=id, text=f"```py\n{code}\ntensor(0.5514)\n```\n\n{WORDS}\n", wants=Wants(card=True))


def bare_sum(renderer: Renderer, id: str) -> dict[str, float]:
    """The same work without reading, tracing, children, frames and service, for a question never met before."""
    source = "import torch\nfrom torch import nn\n" + SNIPPET.replace("scores", f"scores_{id}")
    recording = record(source, claims=((0.5514, 5e-5),))
    wanted = plan(recording, CLAIMS).reruns
    graphs = [rerun for rerun in wanted if isinstance(rerun, GraphRerun)]
    rest = tuple(rerun_source(rerun) for rerun in wanted if isinstance(rerun, SourceRerun))
    start = time.perf_counter()
    replayed = replay_all(recording, graphs)
    torch_done = time.perf_counter()
    told = tell(conclude(recording, CLAIMS, (*replayed, *rest)), Context())
    sympy_done = time.perf_counter()
    renderer.draw(told.card)
    end = time.perf_counter()
    return {
        "torch": 1e3 * (torch_done - start),
        "sympy": 1e3 * (sympy_done - torch_done),
        "compile": 1e3 * (end - sympy_done),
    }


def fresh_interpreter() -> float:
    """One cold run, from starting Python to its end."""
    code = f"DRAW = {find_spec('matplotlib') is not None}\n{FRESH}"
    return milliseconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def main() -> None:
    """Measures all three and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=200)
    count: int = parser.parse_args().answers
    answers = asyncio.run(warm_answers(count))
    print(f"{count} warm answers with a card, ms ({answers[-1].outcome}, {answers[-1].proof.verdict})")
    for stage in STAGES:
        taken = [getattr(answer.timings_ms, stage) for answer in answers]
        print(f"  {stage:9} p50 {percentile(taken, 0.5):7.1f}   p99 {percentile(taken, 0.99):7.1f}")
    total = statistics.median(answer.timings_ms.total for answer in answers)
    renderer = Renderer()
    sums = [bare_sum(renderer, f"bare{k}") for k in range(60)][10:]
    parts = {name: statistics.median(s[name] for s in sums) for name in sums[0]}
    bare = statistics.median(sum(s.values()) for s in sums)
    fresh = statistics.median(fresh_interpreter() for _ in range(5))
    drawn = "drawing with matplotlib" if find_spec("matplotlib") else "without drawing: matplotlib is not installed"
    print(f"(a) fresh interpreter, {drawn}: {fresh:.0f} ms = {fresh / total:.1f} answers (goal: at least 25)")
    print(f"(b) bare sum {bare:.1f} ms {json.dumps({k: round(v, 1) for k, v in parts.items()})}")
    print(f"    an answer takes {total / bare:.2f} times that (goal: at most 2)")


if __name__ == "__main__":
    main()
