"""What an asker says that the run does not show is not passed over; what it does show is not denied."""

from __future__ import annotations

import pytest

from explainers.claims import Claim
from explainers.contradictions import contradicted
from explainers.disagreements import disagreement, entry_otherwise
from explainers.notebook import explained
from explainers.telling import Context, tell
from explainers.tracing import record
from explainers.verdict import verdict

TRAINING = """\
import torch
torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
opt = torch.optim.SGD([w], lr={rate})
for i in range(5):
    opt.zero_grad()
    loss = (w**2).sum()
    loss.backward()
    opt.step()
"""
SQUARES = "import torch\nx = torch.tensor([1.0, 2.0])\nprint(((x - 3) ** 2).mean())"


def behaving(word: str) -> Claim:
    return Claim("behaviour", word, 0.0, word)


@pytest.mark.parametrize("word", ["always-same", "not-decreasing"])
@pytest.mark.parametrize(("rate", "moves"), [("0.1", True), ("1e-4", False)])
def test_a_course_is_denied_only_where_it_is_another(word: str, rate: str, moves: bool):
    found = explained(record(TRAINING.format(rate=rate)), (behaving(word),))
    assert found.diagnoses == ()
    said = verdict(found).named
    assert ("first" in said) == moves
    if moves:
        assert said["first"] == "7.2079" and said["last"] == "1.2093"


def test_a_loss_that_grows_is_not_said_to_decrease():
    upwards = TRAINING.format(rate="0.1, maximize=True")
    grown = explained(record(upwards), (behaving("not-decreasing"),))
    held = explained(record(SQUARES), (behaving("not-decreasing"),))
    assert verdict(held).named.get("first") is None
    assert grown.recording.losses[-1] > grown.recording.losses[0]
    assert contradicted(grown) is None


@pytest.mark.parametrize(("word", "denied"), [("negative", True), ("nan", True), ("inf", True), ("random", False)])
def test_a_value_is_held_against_what_is_said_of_it(word: str, denied: bool):
    without, found = (explained(record(SQUARES), claims) for claims in ((), (behaving(word),)))
    assert (verdict(found) != verdict(without)) == denied
    assert "2.5" in verdict(found).named.values()


@pytest.mark.parametrize(("word", "shift"), [("negative", "- 3"), ("nan", "* float('nan')"), ("inf", "/ 0")])
def test_what_is_so_is_not_denied(word: str, shift: str):
    source = f"import torch\nx = torch.tensor([1.0, 2.0])\nprint(x.mean() {shift})"
    assert "not" not in tell(explained(record(source), (behaving(word),)), Context()).verdict.split()


def test_a_number_that_a_change_gives_is_no_disagreement():
    program = (
        "import torch, torch.nn.functional as F\np = torch.tensor([[0.7, 0.2, 0.1]])\n"
        "F.cross_entropy(p, torch.tensor([0]))"
    )
    recording = record(program)
    shown = explained(recording, (Claim("printed", 0.3567, 5e-5, "0.3567"),))
    other = explained(recording, (Claim("printed", 0.4321, 5e-5, "0.4321"),))
    assert disagreement(shown) is None
    assert disagreement(other) is not None


def test_a_number_that_another_line_shows_is_no_disagreement():
    both = f"{SQUARES}\nprint(0.125 + 0.25)\nprint(x.sum() / 3)"
    assert disagreement(explained(record(both), (Claim("printed", 0.375, 5e-4, "0.375"),))) is None
    assert disagreement(explained(record(both), (Claim("printed", 0.376, 5e-4, "0.376"),))) is not None


def test_a_loop_is_ended_at_the_same_round_each_time():
    long = TRAINING.format(rate="0.01").replace("range(5)", "range(500)")
    first, second = (record(long) for _ in range(2))
    assert first.cut is not None
    assert first.cut == second.cut
    assert first.losses == second.losses


@pytest.mark.parametrize(("dtype", "compared"), [("float16", False), ("float32", True)])
def test_what_overflowed_is_not_so_many_times_as_much(dtype: str, compared: bool):
    sums = f"import torch\nx = torch.ones(70000, dtype=torch.{dtype})\nprint(x.sum(), (x * x).sum() / 70000)"
    (other,) = explained(record(sums)).others
    assert (other.relation is not None) == compared


KEPT = "import torch\nx = torch.tensor([0.5, 1.0, 2.0])\nprint(x ** 2)"


@pytest.mark.parametrize("printed", [(0.25, 1.0, "nan"), (0.25, 1.0, 3.9)])
def test_the_one_entry_of_a_printed_tensor_that_torch_does_not_give_is_named(printed: tuple[float | str, ...]):
    entry = entry_otherwise(explained(record(KEPT), (Claim("printed", printed, 5e-4, str(printed)),)))
    assert entry is not None
    assert (entry.place, entry.claimed, entry.value) == ("[2]", f"{printed[2]}", "4")


@pytest.mark.parametrize("printed", [(0.25, 1.0, 4.0), (7.0, 8.0, 4.0), (0.25, 1.0)])
def test_a_tensor_as_it_is_or_another_one_is_no_disagreement(printed: tuple[float, ...]):
    assert entry_otherwise(explained(record(KEPT), (Claim("printed", printed, 5e-4, str(printed)),))) is None


SLOPES = """\
import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
loss = ((x - 3) ** 2).mean()
loss.backward()
print(x.grad)
"""


def test_a_gradient_that_was_expected_is_not_held_against_the_loss():
    claims = ((), (Claim("expected", -1.0, 5e-4, "-1"),), (Claim("expected", 5.0, 5e-4, "5"),))
    plain, of_slope, of_loss = (tell(explained(record(SLOPES), each), Context()).card.title for each in claims)
    assert of_slope == plain
    assert of_loss != plain
