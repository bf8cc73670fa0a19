from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from explainers.diagnoses import matrix
from explainers.diagnoses.diagnosis import registered
from explainers.diagnoses.registry import rules


def few():
    table = rules()
    return [replace(table[slug], dominates=frozenset()) for slug in ("mse-no-half", "shift-invariance")]


def test_every_rule_has_a_row_that_holds():
    rows = list(matrix.matrix(registered(tuple(few()))))
    assert [(row.rule.slug, row.holds) for row in rows] == [("mse-no-half", True), ("shift-invariance", True)]
    assert (rows[0].positive.shown, rows[0].counterfactuals, rows[0].beside) == ("9", "4.5, 4.5", "")


def test_a_rule_that_fires_on_its_control_does_not_hold():
    rule, _ = few()
    swapped = replace(rule, control=rule.positive, control_claims=rule.positive_claims)
    silent = replace(rule, positive=rule.control, positive_claims=rule.control_claims)
    assert [row.holds for row in matrix.matrix(registered((swapped,)))] == [False]
    assert [row.holds for row in matrix.matrix(registered((silent,)))] == [False]


@pytest.mark.parametrize(("arguments", "mark"), [((), "✓ mse-no-half"), (("--markdown",), "| `mse-no-half` |")])
def test_the_command_prints_the_matrix(
    arguments: tuple[str, ...], mark: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(matrix, "all_rules", lambda: registered(tuple(few())))
    assert matrix.main(arguments) == 0
    assert mark in capsys.readouterr().out


def test_its_exit_status_names_what_does_not_hold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    rule, _ = few()
    monkeypatch.setattr(matrix, "all_rules", lambda: registered((replace(rule, positive_claims=()),)))
    assert matrix.main() == 1
    assert "mse-no-half does not hold" in capsys.readouterr().err


def test_the_docs_name_every_diagnosis_and_no_other():
    page = (Path(__file__).parents[3] / "docs" / "diagnoses.md").read_text()
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert named == [rule.slug for rule in rules()]


def test_the_docs_say_what_the_runs_of_today_give():
    """Of every twenty-fifth rule: all of them take minutes."""
    some = {rule.slug: rule for rule in list(rules())[::25]}
    page = (Path(__file__).parents[3] / "docs" / "diagnoses.md").read_text()
    written = [line for line in page.splitlines() if line.startswith("| `") and line.split("`")[1] in some]
    assert written == [matrix.line(each) for each in matrix.matrix(rules(), some.values())]
