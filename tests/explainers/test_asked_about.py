"""Which of several values of a program is explained, where the message leaves it open."""

from __future__ import annotations

import pytest

from explainers.asked_about import about_what_is_wrong
from explainers.claims import Claim
from explainers.diagnoses.registry import rules
from explainers.losses.registry import registry
from explainers.recording import scalar
from explainers.tracing import record

_DATA = "y = torch.tensor([0.0551, 0.2665])\nx = torch.tensor([[0.0961], [0.6194]])\n"
_BOTH = _DATA + "nn.MSELoss()(y, x)\nnn.MSELoss()(y.view(-1, 1), x)"


@pytest.mark.parametrize(
    ("printed", "value"),
    [((0.1184, 0.0631), 0.1184), ((0.0631,), 0.0631), ((), 0.0631)],
)
def test_of_values_that_a_prompt_showed_the_one_that_something_is_wrong_with_is_meant(
    printed: tuple[float, ...], value: float
) -> None:
    claims = tuple(Claim("printed", x, 5e-5) for x in printed)
    recording = record(_BOTH, claims=[(x, 5e-5) for x in printed])
    chosen = about_what_is_wrong(recording, claims, registry(), rules())
    assert chosen.subject is not None
    assert scalar(chosen.tensor(chosen.subject)) == pytest.approx(value, abs=5e-5)
