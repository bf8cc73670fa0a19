from __future__ import annotations

import msgspec

from explainers.claims import Claim
from explainers.counterfactuals import MOST, plan, proof_reruns, trials
from explainers.diagnoses.engine import investigate
from explainers.diagnoses.registry import rules
from explainers.losses.registry import registry
from explainers.notebook import explained
from explainers.reruns import GraphRerun, Plan, SourceRerun
from explainers.tracing import record

SEED = "scores = torch.tensor([[1.0, 0.0, 0.0]])\nlabel = torch.tensor([0])\nnn.CrossEntropyLoss()(scores, label)"


def test_a_plan_begins_with_the_two_reruns_of_the_proof():
    made = plan(record(SEED), (), registry(), (0,))
    assert made.reruns[:2] == proof_reruns((0,))
    value, double = made.reruns[:2]
    assert isinstance(value, GraphRerun) and (value.label, value.edits, value.gradients) == ("value", (), (0,))
    assert isinstance(double, GraphRerun) and (double.label, double.float64, double.gradients) == (
        "float64",
        True,
        (0,),
    )


def test_corrections_come_before_illustrations_and_the_fix_comes_last():
    reruns = plan(record(SEED), (Claim("expected", 0.0),), registry()).reruns[2:]
    assert [len(r.edits) if isinstance(r, GraphRerun) else "fix" for r in reruns] == [2, 1, "fix"]
    assert isinstance(reruns[-1], SourceRerun) and "nll_loss" in reruns[-1].source


def test_a_program_without_suspicions_wants_the_proof_only():
    assert len(plan(record("F.mse_loss(torch.zeros(2), torch.ones(2))"), (), registry()).reruns) == 2


def test_a_program_without_a_subject_wants_the_proof_only():
    assert len(plan(record("x = 1"), (), registry()).reruns) == 2


def test_no_program_makes_a_plan_of_more_than_eight_trials_and_none_twice():
    many = "p = torch.eye(3)\nt = torch.arange(3)\ntotal = 0.0\n"
    many += "for k in range(9):\n    total = total + F.cross_entropy(p, t)\ntotal"
    found = investigate(record(many), (), registry(), rules())
    assert len(found.cases) == 9
    reruns = trials(found)
    assert len(reruns) == MOST == len({rerun.label for rerun in reruns})


def test_no_fix_is_told_whose_value_would_be_up_to_chance():
    noisy = "z = torch.randn(1, 3).softmax(1)\nF.cross_entropy(z, torch.tensor([0]))"
    found = explained(record("import torch\nimport torch.nn.functional as F\n" + noisy))
    assert found.diagnoses and found.diagnoses[0].fix is not None
    assert all(c.role not in ("fix", "check") for d in found.diagnoses for c in d.counterfactuals)


def test_a_plan_crosses_to_a_child_as_plain_data():
    made = plan(record(SEED), (), registry(), (0, 1))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Plan) == made
