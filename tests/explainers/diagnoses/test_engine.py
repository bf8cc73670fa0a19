"""What the engine makes of rules, whatever they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from explainers.claims import Claim
from explainers.counterfactuals import trials
from explainers.diagnoses.conclusions import conclude
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial, registered
from explainers.diagnoses.edits import graph_rerun, swapped, wrapped
from explainers.diagnoses.engine import investigate, suspected_of
from explainers.diagnoses.registry import rules
from explainers.diagnoses.scene import Scene, Unrecorded
from explainers.losses.registry import registry
from explainers.messages import said
from explainers.replay import replay, rerun_source
from explainers.reruns import Edit, GraphRerun, RerunResult
from explainers.tracing import record

Diagnose = Callable[..., Any]  # the fixture

SQUARES = "import torch\nimport torch.nn.functional as F\nF.mse_loss(torch.tensor([2.0]), torch.tensor([0.0]))"
Trigger = Callable[[Scene], Suspicion | None]


def rule(slug: str, trigger: Trigger, **more: object) -> Rule:
    made = Rule(slug, "test", said(""), said(""), frozenset({"mse_loss"}), trigger, SQUARES, SQUARES)
    return replace(made, **more)


def suspecting(*edits: Callable[[Scene], Edit], at: int = 0) -> Trigger:
    def trigger(scene: Scene) -> Suspicion:
        trials = tuple(Trial(said("changed"), graph_rerun(edit(scene))) for edit in edits)
        return Suspicion(at, said(""), (), trials)

    return trigger


def halved(scene: Scene) -> Edit:
    """4 becomes 2 because half of each error's square is meant."""
    return wrapped(scene.call, "input", "torch.mul", other=2**-0.5)


def rooted(scene: Scene) -> Edit:
    """4 becomes 2 because the error itself is meant."""
    return swapped(scene.call, "torch.nn.functional.l1_loss", "input", "target", "reduction")


def unchanged(scene: Scene) -> Edit:
    return wrapped(scene.call, "input", "torch.clone")


EXPECTED_TWO = (Claim("expected", 2.0, 0.05),)


def test_a_match_by_accident_is_only_possible_and_a_second_input_tells_the_readings_apart(diagnose: Diagnose):
    both = registered((rule("half", suspecting(halved)), rule("root", suspecting(rooted))))
    road = diagnose(SQUARES, EXPECTED_TWO, both)
    assert [d.confidence for d in road.diagnoses] == ["possible", "possible"]
    seconds = [c.value for d in road.diagnoses for c in d.counterfactuals if c.role == "second-input"]
    assert seconds == [pytest.approx(0.5), pytest.approx(1.0)]


def test_alone_each_of_them_is_shown(diagnose: Diagnose):
    for edit in (halved, rooted):
        (diagnosis,) = diagnose(SQUARES, EXPECTED_TWO, registered((rule("one", suspecting(edit)),))).diagnoses
        assert diagnosis.confidence == "shown"
        assert [c.role for c in diagnosis.counterfactuals] == ["correction"]


def test_the_special_is_not_contested_by_the_general_and_comes_first(diagnose: Diagnose):
    general, special = rule("general", suspecting(halved)), rule("special", suspecting(rooted, at=9))
    special = replace(special, dominates=frozenset({"general"}))
    road = diagnose(SQUARES, EXPECTED_TWO, registered((general, special)))
    assert [(d.slug, d.confidence) for d in road.diagnoses] == [("special", "shown"), ("general", "shown")]


def test_proven_comes_before_earlier_and_earlier_before_later(diagnose: Diagnose):
    rules = (
        rule("late", suspecting(unchanged, at=5)),
        rule("early", suspecting(unchanged, at=1)),
        rule("proven", suspecting(rooted, at=9)),
    )
    assert diagnose(SQUARES, EXPECTED_TWO, registered(rules)).slugs == ["proven", "early", "late"]


def test_a_proven_general_reading_comes_before_an_unproven_special_one(diagnose: Diagnose):
    special = rule("special", suspecting(unchanged), dominates=frozenset({"general"}))
    road = diagnose(SQUARES, EXPECTED_TWO, registered((special, rule("general", suspecting(rooted)))))
    assert [(d.slug, d.confidence) for d in road.diagnoses] == [("general", "shown"), ("special", "possible")]


def test_the_trials_of_what_is_dominated_are_run_last():
    special = rule("special", suspecting(rooted), dominates=frozenset({"general"}))
    rules = registered((rule("general", suspecting(halved)), special))
    found = investigate(record(SQUARES), (), registry(), rules)
    wanted = {case.rule.slug: case.trials[0].rerun for case in found.cases}
    assert trials(found) == (wanted["special"], wanted["general"])


def test_an_illustration_that_returns_the_expected_number_is_no_proof(diagnose: Diagnose):
    seed = "F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))"
    (diagnosis,) = diagnose(seed, (Claim("expected", 9.0833e-05, 5e-10),)).diagnoses
    agreeing = [c.role for c in diagnosis.counterfactuals if c.agrees]
    assert (agreeing, diagnosis.confidence) == (["illustration"], "consistent")


def test_non_finite_values_come_before_finite_ones_and_those_before_gradients(diagnose: Diagnose):
    rules = (
        rule("gradient", suspecting(unchanged), concern="gradient"),
        rule("value", suspecting(rooted)),
        rule("nan", suspecting(unchanged, at=3), concern="non-finite"),
        rule("raises", suspecting(unchanged, at=7), concern="exception"),
    )
    assert diagnose(SQUARES, EXPECTED_TWO, registered(rules)).slugs == ["nan", "value", "gradient"]


def test_only_what_is_about_exceptions_is_tried_on_a_program_that_stopped(diagnose: Diagnose):
    stops = "import torch\nimport torch.nn.functional as F\nF.mse_loss(torch.zeros(2), torch.zeros(3))"
    rules = (rule("value", suspecting(rooted)), rule("raises", suspecting(), concern="exception"))
    assert diagnose(stops, (), registered(rules)).slugs == ["raises"]


def test_the_first_fix_with_which_a_stopped_program_runs_is_given(diagnose: Diagnose):
    head = "import torch\nimport torch.nn.functional as F\n"
    sources = [f"{head}F.mse_loss(torch.zeros(2), torch.{ones})" for ones in ("zeros(3)", "ones(4)", "ones(2)")]

    def trigger(_: Scene) -> Suspicion:
        tried = [Fix(("+ x",), "likely", said(""), source) for source in sources[1:]]
        return Suspicion(0, said(""), (), (), tried[0], alternatives=(tried[1],))

    (found,) = diagnose(sources[0], (), registered((rule("raises", trigger, concern="exception"),))).diagnoses
    assert found.fix is not None and found.fix.source == sources[2]
    assert found.confidence == "shown"
    assert [c.value for c in found.counterfactuals] == [1.0]


HEAD = "import torch\nimport torch.nn.functional as F\n"


@pytest.mark.parametrize(
    ("fixed", "holds"),
    [
        ("F.l1_loss(torch.tensor([2.0]), torch.tensor([0.0]))", True),
        ("F.l1_loss(torch.tensor([2.5]), torch.tensor([0.0]))", False),
        ("F.l1_loss(torch.tensor([2.0]), torch.tensor([0.0]), 1, 2, 3, 4)", False),
        ("F.l1_loss(torch.tensor([2.0, 2.0]), torch.zeros(2), reduction='none')", False),
    ],
)
def test_a_fix_that_raises_or_gives_another_number_than_its_correction_is_not_offered(
    fixed: str, holds: bool, diagnose: Diagnose
):
    def trigger(scene: Scene) -> Suspicion:
        fix = Fix(("+ x",), "likely", said("a note"), HEAD + fixed)
        return Suspicion(0, said(""), (), (Trial(said("rooted"), graph_rerun(rooted(scene))),), fix)

    (found,) = diagnose(SQUARES, (), registered((rule("fixed", trigger),))).diagnoses
    assert found.fix is not None and found.fix.note.text == "a note"
    assert bool(found.fix.source) == holds
    assert [c.value for c in found.counterfactuals] == [2.0] * (2 if holds else 1)


@pytest.mark.parametrize(("exact", "holds"), [(200.0, True), (27.631, False), (None, True)])
def test_a_fix_of_what_rounding_made_infinite_gives_the_exact_value(exact: float | None, holds: bool):
    source = HEAD + "x = torch.tensor([[-200.0, 0.0]])\np = torch.softmax(x, 1)\n-torch.log(p[0, 0])"
    recording = record(source)
    found = investigate(recording, (), registry(), rules())
    ran = [replay(recording, r) if isinstance(r, GraphRerun) else rerun_source(r) for r in trials(found)]
    (diagnosis,) = [d for d in conclude(found, ran, exact=exact) if d.slug == "log-softmax-underflow"]
    assert diagnosis.fix is not None and bool(diagnosis.fix.source) == holds
    assert [c.value for c in diagnosis.counterfactuals if c.role == "fix"] == ([200.0] if holds else [])


def test_a_correction_that_changes_nothing_proves_nothing_and_says_so(diagnose: Diagnose):
    (diagnosis,) = diagnose(SQUARES, (), registered((rule("same", suspecting(unchanged)),))).diagnoses
    assert diagnosis.confidence == "possible"
    assert any("cannot tell" in message.text for message in diagnosis.evidence)


def test_an_expectation_that_the_program_meets_already_proves_nothing(diagnose: Diagnose):
    claims = (Claim("expected", 4.0),)
    (diagnosis,) = diagnose(SQUARES, claims, registered((rule("same", suspecting(unchanged)),))).diagnoses
    assert diagnosis.confidence == "possible"


def test_a_nested_expectation_is_compared_element_by_element(diagnose: Diagnose):
    source = "import torch\nimport torch.nn.functional as F\n"
    source += "F.mse_loss(torch.tensor([[2.0, 3.0]]), torch.tensor([[0.0, 0.0]]), reduction='none')"
    rules = registered((rule("root", suspecting(rooted)),))
    right, wrong = Claim("expected", ((2.0, 3.0),), 0.05), Claim("expected", ((2.0, 3.5),), 0.05)
    assert diagnose(source, (right,), rules).diagnoses[0].confidence == "shown"
    assert diagnose(source, (wrong,), rules).diagnoses[0].confidence == "possible"


def test_what_was_not_run_is_not_shown():
    rules = registered((rule("root", suspecting(rooted)),))
    found = investigate(record(SQUARES), EXPECTED_TWO, registry(), rules)
    (label,) = [trial.rerun.label for trial in found.cases[0].trials]
    assert conclude(found, ())[0].confidence == "possible"
    (diagnosis,) = conclude(found, (RerunResult(label, not_run="late"),))
    assert (diagnosis.confidence, diagnosis.counterfactuals[0].not_run) == ("possible", "late")


def test_a_rule_that_lacks_values_is_neither_fired_nor_clear():
    def lacking(scene: Scene) -> Suspicion | None:
        raise Unrecorded("input")

    rules = registered((rule("lacking", lacking), rule("silent", lambda scene: None)))
    found = investigate(record(SQUARES), (), registry(), rules)
    assert (found.cases, found.clear, found.undecided) == ((), ("silent",), ("lacking",))


def test_values_left_out_of_a_recording_make_every_rule_undecided_that_needs_them():
    from explainers.diagnoses.registry import rules

    recording = record("F.cross_entropy(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))")
    bare = {id: msgspec.structs.replace(t, data=None) for id, t in recording.tensors.items()}
    found = investigate(msgspec.structs.replace(recording, tensors=bare), (), registry(), rules())
    assert (found.cases, found.undecided) == ((), found.undecided)
    assert "ce-probabilities-as-logits" in found.undecided


def test_what_shapes_and_provenance_tell_is_told_without_values():
    from explainers.diagnoses.registry import rules

    for slug in ("regression-broadcast", "ce-double-softmax", "bcewl-double-sigmoid"):
        recording = record(rules()[slug].positive)
        bare = {id: msgspec.structs.replace(t, data=None) for id, t in recording.tensors.items()}
        found = investigate(msgspec.structs.replace(recording, tensors=bare), (), registry(), rules())
        assert [case.rule.slug for case in found.cases] == [slug]
        assert any(trial.role == "correction" for trial in found.cases[0].trials)


def test_every_loss_of_a_sum_is_looked_at(diagnose: Diagnose):
    source = (
        "p = torch.tensor([[1.0, 0.0]])\na = F.cross_entropy(p, torch.tensor([0]))\n"
        "b = F.mse_loss(torch.zeros(3), torch.ones(3, 1))\na + 2 * b"
    )
    road = diagnose(source)
    assert road.slugs == ["ce-probabilities-as-logits", "regression-broadcast"]
    corrected = [c.value for d in road.diagnoses for c in d.counterfactuals if c.role == "correction"]
    assert corrected == [pytest.approx(2.0), pytest.approx(road.value)]


def test_equal_edits_have_one_label():
    recording = record(SQUARES)
    call = recording.calls[-1]
    one, two = (graph_rerun(wrapped(call, "input", "torch.log")) for _ in range(2))
    other = graph_rerun(wrapped(call, "input", "torch.exp"))
    assert isinstance(one, GraphRerun) and one.label == two.label != other.label


def test_an_illustration_that_shrinks_is_nobodys_expected_0(diagnose: Diagnose):
    """Scores made ever larger come as near to an expected 0 as one likes, which says nothing of the asker's 0."""
    road = diagnose("F.cross_entropy(torch.tensor([[2.2, 0., 0.]]), torch.tensor([0]))", (Claim("expected", 0.0),))
    illustrations = [c for d in road.diagnoses for c in d.counterfactuals if c.role == "illustration"]
    assert any(c.value is not None and c.value < 5e-5 for c in illustrations)
    assert not any(c.agrees or c.expected for c in illustrations)


def test_nothing_is_said_of_the_gradients_of_a_further_value():
    """The second value passes a root of 0, whose slope only a backward pass would show."""
    source = (
        "import torch\nx = torch.tensor([0.0, 4.0], requires_grad=True)\n"
        "root = torch.special.entr(x).sum()\nprint(root)\nloss = (x * x).sum()\nprint(loss)"
    )
    recording = record(source)
    (further,) = (id for id in recording.others if recording.tensors[id].name == "root")
    assert "gradient-not-finite" not in {
        rule.slug for rule, _ in suspected_of(recording, further, (), registry(), rules())
    }
