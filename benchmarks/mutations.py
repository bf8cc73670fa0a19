"""How many mistakes the certificate refuses: plausible ones, put into the reference programs one at a time.

    python -m benchmarks.mutations [--largest 1000]

The mistakes and the calls are those of tests/explainers/losses/test_mutations.py, where each must be refused. One is
effective at a call where it changes the exact value or a gradient. Counted is what the value alone refuses, what value
and gradient do, and what the whole certificate does, which re-runs both in float64 and computes the steps again;
and how many right derivations it refuses.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter

from explainers.proof import Proof
from tests.explainers.losses.test_mutations import (
    CALLS,
    LOSSES,
    MUTANTS,
    differs,
    judged,
    reached,
    torchs,
    with_mistake,
)


def refused_by(proof: Proof, *names: str) -> bool:
    """Whether one of these parts of a certificate failed; a derivation of another shape has no parts at all."""
    if not proof.checks:
        return proof.verdict == "refused"
    return any(check.passed is False for check in proof.checks if check.name in names)


def main() -> None:
    """Prints the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=len(MUTANTS), help="no more than so many mistakes")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # torch's, of the legacy flags
    counts = Counter[str]()
    for name, module, old, new in MUTANTS[: asked.largest]:
        mutated = with_mistake(module, old, new)
        for call in (call for loss in reached(module) for call in CALLS[loss]):
            told = torchs(call)
            if not differs(told, mutated):
                continue
            proof = judged(told, mutated)
            counts["effective"] += 1
            counts["value"] += refused_by(proof, "value")
            counts["value and gradient"] += refused_by(proof, "value", "gradient")
            counts["whole certificate"] += proof.verdict == "refused"
            if proof.verdict != "refused":
                print(f"not refused: {name} in {call}")
    calls = [call for held in CALLS.values() for call in held]
    wrongly = [call for call in calls if not judged(torchs(call), LOSSES).certified]
    effective = counts.pop("effective")
    tried = min(asked.largest, len(MUTANTS))
    print(f"{tried} mistakes in {len(calls)} calls of {len(CALLS)} functions: {effective} change a number")
    for part, refused in counts.items():
        print(f"refused by the {part}: {refused} ({100 * refused / effective:.2f} %)")
    print(f"right derivations not certified: {len(wrongly)} of {len(calls)}", *wrongly)


if __name__ == "__main__":
    main()
