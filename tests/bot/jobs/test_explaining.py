"""What an explainer serves, called in this process: labels that children may not choose, limits, refusals."""

import msgspec
import pytest

from bot.evaluator.frames import FrameInvalid, encode
from bot.exchange import Wants
from bot.jobs import explaining, rehearsal, work
from explainers.proof import FLOAT64, TWIN, VALUE
from explainers.recording import Recording
from explainers.replay import replay_all, rerun_source
from explainers.reruns import GraphRerun, Plan, Rerun, RerunResult
from explainers.tracing import record

SOURCE = "F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(SOURCE)


def plan(recording: Recording, most: int = 8) -> tuple[Rerun, ...]:
    request = encode(work.ToPlan(encode(recording), rehearsal.CLAIMS, most))
    return msgspec.msgpack.decode(explaining.answer(request), type=Plan).reruns


def run(recording: Recording, rerun: Rerun) -> RerunResult:
    return replay_all(recording, (rerun,))[0] if isinstance(rerun, GraphRerun) else rerun_source(rerun)


def conclude(recording: Recording, results: tuple[work.Rerun, ...]) -> work.Concluded:
    request = work.ToConclude(
        id="1",
        recording=encode(recording),
        claims=rehearsal.CLAIMS,
        results=results,
        completions=(),
        stated=(),
        missing=(),
        locale="en",
        theme="dark",
        wants=Wants(),
    )
    return msgspec.msgpack.decode(explaining.answer(encode(request)), type=work.Concluded)


def test_all_reruns_together_certify(recording: Recording) -> None:
    results = tuple(work.Returned(rerun.label, encode(run(recording, rerun))) for rerun in plan(recording))
    assert conclude(recording, results).answer.proof.verdict == "certified"


def test_a_child_cannot_pass_its_result_off_as_the_proof(recording: Recording) -> None:
    """The child of an edited program says that it is the re-run of the value: it stays what we asked it for."""
    value = next(rerun for rerun in plan(recording) if rerun.label == VALUE)
    forged = work.Returned("an edit", encode(run(recording, value)))
    assert conclude(recording, (forged,)).answer.proof.verdict == "not-applicable"


def test_the_number_of_reruns_is_limited_but_those_of_the_proof_stay(recording: Recording) -> None:
    everything, nothing = plan(recording), plan(recording, most=0)
    assert {rerun.label for rerun in nothing} == {VALUE, FLOAT64, TWIN}
    assert len(plan(recording, most=1)) == 4
    assert len(everything) > 4


def test_what_was_not_run_is_not_shown(recording: Recording) -> None:
    results = tuple(work.NotRun(rerun.label, "there was no time left") for rerun in plan(recording))
    answer = conclude(recording, results).answer
    assert answer.proof.verdict == "not-applicable"
    assert all(diagnosis.confidence != "shown" for diagnosis in answer.diagnoses)
    assert all(not diagnosis.counterfactuals for diagnosis in answer.diagnoses)


@pytest.mark.parametrize("request_", [b"", b"\xc1", b"\x80", encode({"type": "conclude"}), b"\x91" * 2000])
def test_a_request_that_is_none_is_refused(request_: bytes) -> None:
    with pytest.raises(FrameInvalid):
        explaining.answer(request_)


def test_a_recording_that_is_none_is_refused() -> None:
    with pytest.raises(FrameInvalid):
        explaining.answer(encode(work.ToPlan(b"\x93nonsense", (), 8)))


def test_the_rehearsal_is_a_recording_like_a_real_one() -> None:
    real = record("F.cross_entropy(scores, label)", namespace=_names())
    call, rehearsed = real.calls[-1], rehearsal.recording().calls[-1]
    assert (call.function, call.span) == (rehearsed.function, rehearsed.span)
    assert real.subject is not None
    assert rehearsal.recording().tensors[2].data == real.tensors[real.subject].data


def _names() -> dict[str, object]:
    names: dict[str, object] = {}
    exec(
        "import torch, torch.nn.functional as F\nscores = torch.tensor([[1.0, 0, 0]])\nlabel = torch.tensor([0])", names
    )
    return names
