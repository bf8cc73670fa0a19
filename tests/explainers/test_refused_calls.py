"""A call that torch refuses, written as a person would and mended by a fix that ran."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from explainers import explain, explain_error
from explainers.failure import written

SCORES, LABELS = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]]), torch.tensor([0, 1])
NUMBERS = torch.tensor([1.0, 2.0])

STEPS, TEXT = SCORES[:, None].log_softmax(2), LABELS[None, 1:]

CALLS: list[tuple[Callable[..., Any] | str, tuple[Any, ...], dict[str, Any], str]] = [
    ("cross_entropy", (SCORES, LABELS), {"reduction": "avg"}, "F.cross_entropy(input, target, reduction='avg')"),
    ("huber_loss", (NUMBERS, NUMBERS), {"delta": -1.0}, "F.huber_loss(input, target, delta=-1.0)"),
    ("logsumexp", (SCORES, 5), {}, "torch.logsumexp(input, 5)"),
    (torch.nn.functional.nll_loss, (SCORES, LABELS.float()), {}, "F.nll_loss(input, target)"),
    (torch.nn.functional.logsigmoid, (LABELS,), {}, "F.logsigmoid(input)"),
    (nn.MSELoss(reduction="avg"), (NUMBERS, NUMBERS), {}, "nn.MSELoss(reduction='avg')(input, target)"),
    (nn.SmoothL1Loss(beta=-1.0), (NUMBERS, NUMBERS), {}, "nn.SmoothL1Loss(beta=-1.0)(input, target)"),
    (nn.NLLLoss(weight=torch.ones(4)), (SCORES, LABELS), {}, "nn.NLLLoss(weight=weight)(input, target)"),
    ("KLDivLoss", (SCORES, SCORES), {"reduction": "avg"}, "nn.KLDivLoss(reduction='avg')(input, target)"),
    (nn.CrossEntropyLoss, (SCORES, LABELS), {}, "nn.CrossEntropyLoss(input, target)"),
    ("ctc_loss", (STEPS, TEXT, (3,), (1,)), {}, "F.ctc_loss(log_probs, targets, (3,), (1,))"),
]


@pytest.mark.parametrize(
    ("function", "args", "options", "source"), CALLS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_refused_call_is_written_out_and_mended(
    function: Callable[..., Any] | str, args: tuple[Any, ...], options: dict[str, Any], source: str
) -> None:
    with pytest.raises(Exception) as caught:
        explain(function, *args, **options)
    alone = written(caught.value)
    assert alone is not None and alone[0] == source
    found = explain_error(caught.value).explanation
    assert found is not None and found.diagnoses[0].confidence == "shown"
    fix = found.diagnoses[0].fix
    assert fix is not None and fix.diff[0] == f"- {source}"


@pytest.mark.filterwarnings("ignore:size_average")
def test_a_class_that_takes_input_and_target_for_its_options_is_mended() -> None:
    with pytest.raises(TypeError) as caught:
        explain(nn.CrossEntropyLoss, SCORES[:1], LABELS[:1])
    found = explain_error(caught.value).explanation
    assert found is not None and found.diagnoses[0].confidence == "shown"
    fix = found.diagnoses[0].fix
    assert fix is not None and fix.diff[1] == "+ nn.CrossEntropyLoss()(input, target).detach()"


def test_a_module_with_parameters_is_not_built_anew() -> None:
    adaptive = nn.AdaptiveLogSoftmaxWithLoss(3, 5, cutoffs=[2], div_value=1.0)
    with pytest.raises(RuntimeError) as caught:
        explain(adaptive, SCORES, torch.tensor([0, 5]))
    alone = written(caught.value)
    assert alone is not None and alone[0] == "criterion(input, target)" and alone[1]["criterion"] is adaptive


def test_a_script_that_imports_numpy_is_explained_from_its_own_line(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("F.mse_loss(predicted, wanted, reduction='avg')\n")
    linecache.checkcache(str(script))
    names = {"__name__": "script", "np": np, "torch": torch, "F": torch.nn.functional}
    with pytest.raises(ValueError, match="avg") as caught:
        exec(compile(script.read_text(), script, "exec"), {**names, "predicted": NUMBERS, "wanted": NUMBERS})
    failure = explain_error(caught.value)
    assert failure.tensors == {"predicted": "float32 of shape (2,)", "wanted": "float32 of shape (2,)"}
    assert failure.explanation is not None and failure.explanation.diagnoses[0].confidence == "shown"
