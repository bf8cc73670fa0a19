"""A value that adds up along an axis where the other averages over it is told as such, with the axis' own length."""

from __future__ import annotations

import pytest

from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record

TERMS = "import torch\nx = torch.tensor([[0.5, -1.0, 2.0], [0.2, 0.3, 1.0]]).square()\n"


@pytest.mark.parametrize("size", [2, 3])
def test_a_sum_along_an_axis_is_its_length_times_the_mean(size: int):
    inner = "x" if size == 3 else "x.T"
    source = f"{TERMS}print({inner}.mean(1).mean())\nprint({inner}.sum(1).mean())"
    said = tell(explained(record(source)), Context()).text
    assert f"axis of length {size}" in said


def test_other_ratios_are_no_axes():
    said = tell(explained(record(f"{TERMS}print(x.mean())\nprint(0.7 * x.mean())")), Context()).text
    assert "axis of length" not in said
