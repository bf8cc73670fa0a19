"""Where two computations of one number part: the line, and how one value there follows from the other."""

from __future__ import annotations

import pytest

from explainers.diagnoses.diagnosis import Diagnosis
from explainers.diagnoses.matrix import Walked, walked
from explainers.diagnoses.own_values import rivals, twice
from explainers.diagnoses.scene import scenes
from explainers.locale import Translator
from explainers.losses.registry import registry
from explainers.parting.fused import with_insides
from explainers.parting.library import unfolded
from explainers.parting.parting import Parting, either_parting, parting
from explainers.parting.written import computation
from explainers.replay import rerun_source
from explainers.reruns import SourceRerun
from explainers.tracing import record
from tests.explainers.parting.pairs import HEAD, PAIRS, SAME, UNRELATED

SLUG = "own-computation-differs"


def _line(source: str) -> int:
    return next(k for k, line in enumerate(source.splitlines(), start=1) if line.endswith("# <-"))


def _parting(source: str) -> Parting | None:
    """What is found without a diagnosis around it."""
    recording = record(source)
    scene = scenes(recording, (), registry())[0]
    notes = rerun_source(SourceRerun("notes", source, noted=True)).notes
    assert notes is not None and notes.complete
    if (found := twice(scene)) is not None:
        own, other = computation(notes, found.own, found.radius, found.line), unfolded(recording, found.id, registry())
    else:
        pair = rivals(scene)
        assert pair is not None and pair.own.number is not None and pair.first.number is not None
        own = computation(notes, pair.own.number, 0.0, pair.own.line)
        other = computation(notes, pair.first.number, 0.0, pair.first.line)
        assert own is not None and other is not None
        return either_parting(with_insides(own), with_insides(other))[0]
    assert own is not None and other is not None
    return parting(own, other)


def _told(found: Walked) -> Diagnosis:
    assert found.investigation.broken == ()
    return next(d for d in found.diagnoses if d.slug == SLUG)


@pytest.mark.parametrize("name", PAIRS)
def test_the_first_line_where_two_computations_part_is_found_with_what_it_does(name: str) -> None:
    source, kind = HEAD + PAIRS[name][0], PAIRS[name][1]
    found = _parting(source)
    assert found is not None
    assert found.mine.line == _line(source)
    assert (None if found.relation is None else found.relation.kind) == kind
    assert found.last is not None, "the same numbers go in"


@pytest.mark.parametrize("name", PAIRS)
def test_the_answer_names_that_line_both_values_there_and_what_both_have_before_it(name: str) -> None:
    source = HEAD + PAIRS[name][0]
    told = _told(walked(source))
    sentences = [each for each in (told.verdict, *told.evidence) if "code" in each.named]
    assert _line(source) in [each.named["line"] for each in sentences]
    assert any("are the same" in each.text or "start from" in each.text for each in told.evidence)
    japanese = Translator("ja")
    assert all(each.say(japanese) != each.say(Translator()) for each in sentences)


@pytest.mark.parametrize("name", SAME)
def test_two_computations_that_agree_do_not_part(name: str) -> None:
    found = walked(HEAD + SAME[name])
    assert SLUG not in [d.slug for d in found.diagnoses]


@pytest.mark.parametrize("name", UNRELATED)
def test_another_number_beside_a_loss_is_not_held_against_it(name: str) -> None:
    found = walked(HEAD + UNRELATED[name])
    assert SLUG not in [d.slug for d in found.diagnoses]


def test_each_agreeing_computation_is_the_others_value_by_value() -> None:
    """So that the pairs above do not part for want of reading them."""
    source = HEAD + SAME["softmax by hand"]
    notes = rerun_source(SourceRerun("notes", source, noted=True)).notes
    recording = record(source)
    assert notes is not None and recording.shown[1].number is not None
    own = computation(notes, recording.shown[1].number, 1e-6, recording.shown[1].line)
    library = unfolded(recording, recording.shown[0].tensor or 0, registry())
    assert own is not None and library is not None
    assert parting(own, library) is None
