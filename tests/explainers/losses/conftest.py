"""A strategy of calls per registered loss: every argument torch has, and the numbers that hurt."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.explainers.losses.calls import (
    activations,
    binary,
    classes,
    distances,
    likelihood,
    margins,
    regression,
    sequences,
)
from tests.explainers.losses.calls.strategies import Calls

FAMILIES = (classes, regression, binary, likelihood, margins, distances, sequences, activations)


@pytest.fixture(scope="session")
def calls() -> Calls:
    return {name: calls for family in FAMILIES for name, calls in family.calls().items()}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Any:
    """Small calls on one thread: waking the others costs more than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
