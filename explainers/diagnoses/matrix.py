"""`python -m explainers.diagnoses.matrix`: every diagnosis on every other's example, with what its trials gave.

One row a rule: its positive with all slugs that fire there (a covered one in parentheses), what fires on its control,
and the value with the counterfactuals that were run. The exit status is 1 where a rule is silent on its positive or
fires on its control. `--markdown` prints the same as a table.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from explainers.claims import Claim
from explainers.counterfactuals import backward_rerun, trials
from explainers.diagnoses.conclusions import conclude
from explainers.diagnoses.diagnosis import Diagnosis, Rule, Rules
from explainers.diagnoses.engine import Investigation, investigate
from explainers.diagnoses.registry import rules as all_rules
from explainers.diagnoses.wording import number
from explainers.locale import Translator
from explainers.losses.registry import registry
from explainers.recording import Recording
from explainers.replay import replay, rerun_source
from explainers.reruns import BACKWARD, GraphRerun, Rerun, RerunResult
from explainers.tracing import record

_MOST = 4


@dataclass(frozen=True)
class Walked:
    """A program with everything that came of it."""

    recording: Recording
    investigation: Investigation
    diagnoses: tuple[Diagnosis, ...]

    @property
    def shown(self) -> str:
        """What the program shows, or what stopped it."""
        raised, subject = self.recording.raised, self.recording.subject
        if raised is not None:
            return raised.type
        held = None if subject is None else self.recording.tensor(subject)
        if held is None or held.data is None or held.elements != 1:
            return "tensor"
        return number(float(held.array().reshape(()).item()))


@dataclass(frozen=True)
class Row:
    """One rule: whether it fires where it should and is silent where it should be, and what else fires."""

    rule: Rule
    positive: Walked
    control: Walked

    @property
    def holds(self) -> bool:
        """Whether it is said first of its positive and not at all of its control."""
        first = self.positive.diagnoses[0].slug if self.positive.diagnoses else None
        return first == self.rule.slug and self.rule.slug not in [d.slug for d in self.control.diagnoses]

    @property
    def beside(self) -> str:
        """The other slugs that fire on the positive, those in parentheses that a more special one covers."""
        found = (d for d in self.positive.diagnoses if d.slug != self.rule.slug)
        return ", ".join(f"({d.slug})" if d.general else d.slug for d in found)

    @property
    def counterfactuals(self) -> str:
        """The numbers that its trials returned."""
        mine = next((d for d in self.positive.diagnoses if d.slug == self.rule.slug), None)
        found = [c for c in (mine.counterfactuals if mine else ()) if c.ran]
        return ", ".join("tensor" if c.value is None else number(c.value) for c in found[:_MOST])


def walked(source: str, claims: tuple[Claim, ...] = (), rules: Rules | None = None) -> Walked:
    """A program of ours recorded, investigated, run again with every trial, and concluded, in this process."""
    known = rules or all_rules()
    recording = record(source)
    found = investigate(recording, claims, registry(), known)
    results = {each.label: _run(each, recording) for each in (*backward_rerun(recording), *trials(found))}
    backward = results.pop(BACKWARD, None)
    gradients = backward.gradients if backward is not None and backward.value is not None else {}
    again = investigate(recording, claims, registry(), known, gradients)
    return Walked(recording, again, conclude(again, results.values()))


def matrix(rules: Rules, some: Iterable[Rule] | None = None) -> Iterator[Row]:
    """A row for every rule, or for some, in the order of the registry."""
    for rule in rules if some is None else some:
        positive = walked(rule.positive, rule.positive_claims, rules)
        yield Row(rule, positive, walked(rule.control, rule.control_claims, rules))


def main(arguments: Sequence[str] = ()) -> int:
    """Print the matrix; the exit status."""
    rows = list(matrix(all_rules()))
    broken = [row.rule.slug for row in rows if not row.holds]
    told = _markdown(rows) if "--markdown" in arguments else _plain(rows)
    sys.stdout.write("\n".join(told) + "\n")
    for slug in broken:
        sys.stderr.write(f"{slug} does not hold\n")
    return 1 if broken else 0


def _plain(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        mark = "✓" if row.holds else "✗"
        control = ", ".join(d.slug for d in row.control.diagnoses) or "silent"
        yield f"{mark} {row.rule.slug:<34} {row.positive.shown:>12} → {row.counterfactuals or '—'}"
        yield f"    beside: {row.beside or '—'}; control {row.control.shown}: {control}"
    fired = sum(len(row.positive.diagnoses) > 1 for row in rows)
    yield f"{len(rows)} diagnoses, {sum(row.holds for row in rows)} hold; another fires beside {fired}"


_HEAD: Final = """# The diagnoses

Every diagnosis on its own example: what it says, the value of the program, what its counterfactuals returned when they
were run, and what else is true of the program (in parentheses what a more special diagnosis says better). This table
is printed by `python -m explainers.diagnoses.matrix --markdown`; without the flag the command also tells what happens
on each control, and exits with 1 where a diagnosis is silent on its example or fires on its control.
"""


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    yield _HEAD
    yield "| diagnosis | what it says | value → counterfactuals | beside it |"
    yield "|---|---|---|---|"
    yield from map(line, rows)


def line(row: Row) -> str:
    """A row as a line of the table in Markdown."""
    title = row.rule.title.say(Translator())
    return f"| `{row.rule.slug}` | {title} | {row.positive.shown} → {row.counterfactuals or '—'} | {row.beside} |"


def _run(rerun: Rerun, recording: Recording) -> RerunResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch repeats its warnings when a call is replayed
        return replay(recording, rerun) if isinstance(rerun, GraphRerun) else rerun_source(rerun)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
