"""Programs made up for a pasted message raise that very message, and are explained like any other."""

from __future__ import annotations

import pytest
import torch

from explainers.diagnoses.engine import investigate
from explainers.diagnoses.registry import rules
from explainers.losses.registry import registry
from explainers.standins import stand_in
from explainers.tracing import record

MESSAGES = [
    ("ValueError", "Expected input batch_size (32) to match target batch_size (16).", "batch-sizes-differ"),
    ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (64x512 and 784x10)", "matmul-sizes"),
    (
        "ValueError",
        "Using a target size (torch.Size([64])) that is different to the input size (torch.Size([64, 1])) is "
        "deprecated. Please ensure they have the same size.",
        "bce-sizes-differ",
    ),
    (
        "ValueError",
        "Target size (torch.Size([8])) must be the same as input size (torch.Size([8, 1]))",
        "bce-sizes-differ",
    ),
    (
        "RuntimeError",
        "The size of tensor a (80) must match the size of tensor b (500) at non-singleton dimension 2",
        "shapes-do-not-broadcast",
    ),
    ("RuntimeError", "Expected target size [2, 3], got [2, 5]", "ce-class-dim-last"),
    (
        "RuntimeError",
        "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
        "torch.Size([50, 1]), input2: torch.Size([50, 1]), target: torch.Size([50]) ",
        "dimensions-differ",
    ),
    *(
        ("TypeError", f"{call}(): argument '{name}' (position {at}) must be Tensor, not {kind}", "not-a-tensor")
        for call, name, at, kind in [
            ("binary_cross_entropy_with_logits", "pos_weight", 4, "numpy.float64"),
            ("cross_entropy_loss", "target", 2, "list"),
            ("cross_entropy_loss", "input", 1, "tuple"),
            ("cross_entropy_loss", "weight", 3, "list"),
            ("nll_loss_nd", "target", 2, "numpy.ndarray"),
        ]
    ),
    (
        "ValueError",
        "Target size (torch.Size([1])) must be the same as input size (torch.Size([]))",
        "bce-sizes-differ",
    ),
    ("RuntimeError", "input_lengths must be of size batch_size", "ctc-lengths-unlike"),
    (
        "TypeError",
        "huber_loss(): argument 'delta' (position 4) must be float, not Tensor",
        "argument-of-another-type",
    ),
    ("IndexError", "Target 10 is out of bounds.", "ce-target-out-of-range"),
    ("IndexError", "Target -1 is out of bounds.", "ce-target-out-of-range"),
    ("RuntimeError", "shape '[32, 784]' is invalid for input of size 3072", "reshape-impossible"),
    ("RuntimeError", "all elements of input should be between 0 and 1", "bce-on-logits"),
    ("RuntimeError", "all elements of target should be between 0 and 1", "bce-target-outside-01"),
    ("RuntimeError", "Expected target size [16, 100], got [16]", "ce-target-lacks-axis"),
    (
        "RuntimeError",
        "only batches of spatial targets supported (3D tensors) but got targets of dimension: 4",
        "ce-target-column",
    ),
    (
        "RuntimeError",
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
        "numpy-of-grad",
    ),
]


@pytest.mark.parametrize(("kind", "message", "slug"), MESSAGES)
def test_the_stand_in_raises_the_message_and_is_diagnosed(kind: str, message: str, slug: str):
    source = stand_in(f"{message}\n")
    assert source is not None
    recording = record(source)
    assert recording.raised is not None
    assert (recording.raised.type, recording.raised.message.strip()) == (kind, message.strip())
    fired = [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]
    assert slug in fired


@pytest.mark.parametrize(("input", "target"), [((4, 1), (4,)), ((2, 1, 8, 8), (2, 8, 8))])
def test_a_warning_of_sizes_is_raised_with_the_sizes_that_it_names(input: tuple[int, ...], target: tuple[int, ...]):
    message = (
        f"Using a target size ({torch.Size(target)}) that is different to the input size ({torch.Size(input)}). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
    )
    source = stand_in(message)
    assert source is not None
    recording = record(source)
    assert recording.raised is None
    assert [warning.message for warning in recording.warnings] == [message]
    assert "regression-broadcast" in [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss", "MSELoss", "BCEWithLogitsLoss"])
def test_a_class_called_like_a_function_is_told_from_other_questions_of_truth(name: str):
    message = "Boolean value of Tensor with more than one value is ambiguous"
    source = stand_in(message, f"loss = nn.{name}(logits, target) gives RuntimeError: {message}")
    assert source is not None
    recording = record(source)
    assert recording.raised is not None and recording.raised.message == message
    fired = [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]
    assert "loss-class-called-like-function" in fired
    assert stand_in(message, f"if loss > best: gives RuntimeError: {message}") is None


OLDER = [
    ("input and target shapes do not match: input [60 x 1], target [60] at ../generic/MSECriterion.c:13",
     None, "regression-broadcast"),
    ("input and target shapes do not match: input [1 x 10], target [10]  at ../generic/MSECriterion.c:12",
     None, "regression-target-lacks-axis"),
    ("input and target shapes do not match: input [64 x 1024], target [64 x 1 x 32 x 32] at ../AbsCriterion.cu:15",
     "The size of tensor a (1024) must match the size of tensor b (32)", "shapes-do-not-broadcast"),
    ("multi-target not supported at ../ClassNLLCriterion.c:20", "multi-target not supported", "ce-target-column"),
    ("Assertion `THIndexTensor_(size)(target, 0) == batch_size' failed. at ../ClassNLLCriterion.c:54",
     "batch_size (4) to match target batch_size (8)", "batch-sizes-differ"),
    ("Assertion `cur_target >= 0 && cur_target < n_classes' failed.", "Target 5 is out of bounds",
     "ce-target-out-of-range"),
    ("Expected object of type torch.LongTensor but found type torch.FloatTensor for argument #2 'target'",
     "Long", "ce-target-float-indices"),
    ("Expected object of scalar type Long but got scalar type Int for argument #2 'target'",
     "Long or Byte, but got Int", "ce-target-float-indices"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "today", "slug"), OLDER)
def test_what_only_older_versions_said_is_shown_by_what_is_said_today(message: str, today: str | None, slug: str):
    source = stand_in(f"{message}\n")
    assert source is not None
    recording = record(source)
    assert (recording.raised is None) == (today is None)
    assert today is None or (recording.raised is not None and today in recording.raised.message)
    assert slug in [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]


def test_an_older_words_for_it_is_the_same_program():
    old = stand_in("size mismatch, m1: [64 x 512], m2: [784 x 10] at /pytorch/aten/src/TH/generic/THTensorMath.cpp:41")
    assert old == stand_in("mat1 and mat2 shapes cannot be multiplied (64x512 and 784x10)")


@pytest.mark.parametrize(
    "message",
    ["", "list index out of range", "mat1 and mat2 shapes cannot be multiplied (9999999x512 and 784x10)"],
)
def test_what_is_not_known_or_too_large_has_none(message: str):
    assert stand_in(message) is None


@pytest.mark.parametrize(
    "message",
    [
        "expected scalar type Long but found Float",
        "expected scalar type Long but found Double",
        "Expected object of scalar type Long but got scalar type Float for argument #2 'target'",
    ],
)
def test_a_dtype_that_older_versions_refused_in_other_words_is_refused(message: str):
    source = stand_in(message)
    assert source is not None
    recording = record(source)
    assert recording.raised is not None and "Long" in recording.raised.message
    fired = [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]
    assert "ce-target-float-indices" in fired


@pytest.mark.parametrize(
    ("message", "slug"),
    [
        ("\"nll_loss_forward_reduce_cuda_kernel_2d_index\" not implemented for 'Int'", "ce-target-float-indices"),
        (
            "only batches of spatial targets supported (3D tensors) but got targets of size: : [2, 1, 8, 8]",
            "ce-target-column",
        ),
        ("1only batches of spatial targets supported (3D tensors) but got targets of size: : [16, 900, 900, 3]", None),
    ],
)
def test_what_a_gpu_or_an_older_version_refuses_stops_here_too(message: str, slug: str | None):
    source = stand_in(message)
    assert source is not None
    recording = record(source)
    assert recording.raised is not None
    fired = [case.rule.slug for case in investigate(recording, (), registry(), rules()).cases]
    assert slug is None or slug in fired


def test_an_assertion_of_a_gpu_is_shown_with_the_label_and_the_classes_that_the_text_names():
    message = "CUDA error: device-side assert triggered"
    told = stand_in(message, f"{message}: I have 19 classes and 255 is void")
    assert told is not None and "randn(2, 19)" in told and "[0, 255]" in told
    plain = stand_in(message)
    assert plain is not None
    assert record(plain).raised is not None


def test_a_half_that_older_versions_had_no_loss_for_is_no_label():
    assert stand_in("\"nll_loss_out_frame\" not implemented for 'Half'") is None
