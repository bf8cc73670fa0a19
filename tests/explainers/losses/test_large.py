"""What a large call does not pay for: a table that nobody sees, a formula added up term by term."""

from __future__ import annotations

import torch

from explainers import explain
from explainers.derivation import MOST_TERMS, Alignments, Definition, Forward
from explainers.graph.lowering import terms


def test_a_long_recursion_has_no_table_in_its_steps() -> None:
    frames, labels = 150, 70
    scores = torch.randn(frames, 1, 20).log_softmax(-1)
    found = explain("ctc_loss", scores, torch.arange(labels)[None] % 19 + 1, [frames], [labels])
    assert found.proof.certified
    assert found.derivation is not None
    assert not any(isinstance(step, Alignments | Forward) for step in found.derivation.steps)


def test_a_short_recursion_has_both_steps() -> None:
    found = explain("ctc_loss", torch.randn(4, 1, 3).log_softmax(-1), torch.tensor([[1, 2]]), [4], [2])
    assert found.derivation is not None
    assert {type(step) for step in found.derivation.steps} >= {Alignments, Forward}


def test_a_formula_of_many_terms_is_not_added_up_one_by_one() -> None:
    target = torch.full((2, 1000), -1)
    target[:, :20] = torch.randint(0, 1000, (2, 20))
    found = explain("multilabel_margin_loss", torch.randn(2, 1000), target)
    assert found.proof.certified and found.derivation is not None
    definition = next(step for step in found.derivation.steps if isinstance(step, Definition))
    assert any(terms(form) > MOST_TERMS for form in definition.forms)
    assert len(definition.values()) < len(definition.forms)
