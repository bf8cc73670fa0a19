from __future__ import annotations

import msgspec
import pytest

from explainers.diagnoses.scene import Scene, Unrecorded, scenes, short
from explainers.losses.registry import registry
from explainers.tracing import record


def scene(source: str) -> Scene:
    return scenes(record(source), (), registry())[0]


@pytest.mark.parametrize(
    "views",
    [
        "p",
        "p.view(2, 3)",
        "p.unsqueeze(0).squeeze(0)",
        "p.T.T",
        "p.to(torch.float64).float()",
        "p.clone().detach()",
        "p[:]",
    ],
)
def test_provenance_looks_through_views(views: str):
    found = scene(f"p = torch.ones(2, 3).softmax(1)\nF.cross_entropy({views}, torch.tensor([0, 1]))")
    maker = found.nearest("input")
    assert maker is not None and short(maker) == "softmax"


def test_provenance_stops_at_what_computes():
    maker = scene("p = torch.ones(2, 3).softmax(1) * 2\nF.cross_entropy(p, torch.tensor([0, 1]))").nearest("input")
    assert maker is not None and short(maker) == "mul"


def test_what_was_handed_in_has_no_maker():
    assert scene("F.mse_loss(torch.tensor([1.0]), torch.tensor([2.0]))").nearest("target") is None


def test_the_origin_is_the_first_tensor_of_the_line():
    found = scene("z = torch.tensor([[2.0, 1.0]])\nF.cross_entropy((z * 2).softmax(1), torch.tensor([0]))")
    assert found.origin("input") == found.recording.names["z"]


def test_each_loss_upstream_of_the_subject_is_a_scene_and_so_is_what_made_the_subject():
    source = (
        "x, y = torch.tensor([1.0]), torch.tensor([0.0])\nunused = F.l1_loss(x, y)\n"
        "a = F.mse_loss(x, y)\nb = F.huber_loss(x, y)\na + b"
    )
    found = [s for s in scenes(record(source), (), registry()) if s.concern == "value"]
    assert [(s.name, s.whole) for s in found] == [("mse_loss", False), ("huber_loss", False), ("add", True)]


def test_without_a_library_loss_the_scene_is_what_made_the_subject():
    found = scenes(record("x = torch.tensor([3.0])\n(x ** 2).mean()"), (), registry())
    assert [(s.concern, s.name, s.value) for s in found] == [
        ("value", "mean", 9.0),
        ("non-finite", "mean", 9.0),
        ("gradient", "mean", 9.0),
    ]


def test_a_scene_is_where_numbers_stopped_being_finite():
    found = scenes(record("x = torch.tensor([1.0, 0.0])\ny = x.log()\nz = y * x\nz.sum() + 1"), (), registry())
    assert [(s.concern, s.name) for s in found] == [("value", "add"), ("non-finite", "log"), ("gradient", "add")]


def test_a_program_that_stopped_outside_torch_has_a_scene_too():
    (only,) = scenes(record("x = torch.zeros(2)\nF.mse_los(x, x)"), (), registry())
    assert (only.concern, only.name) == ("exception", "")
    assert only.call.span is not None and only.call.span.text == "F.mse_los"


def test_where_the_program_raised_the_scene_is_the_call_that_did():
    recording = record("x = torch.zeros(2, 3)\nF.mse_loss(x, x)\nF.cross_entropy(x, torch.tensor([0, 9]))")
    assert recording.raised is not None
    assert [s.name for s in scenes(recording, (), registry())] == ["cross_entropy"]


def test_a_value_of_several_elements_is_no_number():
    assert scene("F.mse_loss(torch.zeros(2), torch.ones(2), reduction='none')").value is None


def test_missing_values_are_said_to_be_missing():
    found = scene("F.mse_loss(torch.tensor([1.0]), torch.tensor([2.0]))")
    tensors = {id: msgspec.structs.replace(t, data=None) for id, t in found.recording.tensors.items()}
    bare = scenes(msgspec.structs.replace(found.recording, tensors=tensors), (), registry())[0]
    for missing in ("input", "weight"):
        with pytest.raises(Unrecorded):
            bare.array(missing)
