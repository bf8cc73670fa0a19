"""What is said of the question this house began with: each fact, in both languages, from runs and not by heart."""

from __future__ import annotations

import io
import math

import pytest
import torch
from PIL import Image

from explainers.cards.render import Renderer
from explainers.claims import Claim
from explainers.explanation import Explanation, conclude, plan
from explainers.losses.registry import registry
from explainers.notebook import explained
from explainers.replay import replay, rerun_source
from explainers.reruns import GraphRerun
from explainers.telling import Context, Told, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
ROAD = HEAD + (
    "scores = torch.tensor([[1.0, 0.0, 0.0]])\nlabel = torch.tensor([0])\ncriterion = nn.CrossEntropyLoss()\n"
    "value = criterion(scores, label)\nvalue"
)
CLAIMS = (Claim("printed", 0.5514, 5e-5, "0.5514"), Claim("expected", 0.0, 0.0, "0"))


@pytest.fixture(scope="module")
def road() -> Explanation:
    return explained(record(ROAD, claims=((0.5514, 5e-5),)), CLAIMS)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def test_the_road_says_every_fact_of_its_question(road: Explanation) -> None:
    said = tell(road, Context()).text
    for fact in (
        "0.5514 is correct",
        "raw scores",
        "not as probabilities",
        "−log(e¹/(e¹ + e⁰ + e⁰))",
        "log(2 + e) − 1 ≈ 0.5514",
        "read as probabilities",
        ": 0, the value you expected",
        "9.08e-05",
        "softmax(z) − 1_y",
        "never reaches it",
        "The least value (the minimum) for inputs within [0, 1] is 0.5514.",
    ):
        assert fact in said, fact


def test_its_numbers_are_torchs_own(road: Explanation) -> None:
    scores, label = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True), torch.tensor([0])
    loss = torch.nn.functional.cross_entropy(scores, label)
    loss.backward()
    assert road.value == loss.item()
    assert road.proof.certified
    assert scores.grad is not None
    assert torch.tensor(road.gradient["scores"]).allclose(scores.grad, atol=1e-7)
    floor = road.diagnoses[0].floor
    assert floor is not None and math.isclose(floor.value, math.log(2 + math.e) - 1, rel_tol=1e-9)
    tenfold = torch.nn.functional.cross_entropy(10 * scores, label).item()
    assert tenfold in [c.value for c in road.diagnoses[0].counterfactuals]


def test_japanese_says_the_same_numbers_in_japanese(road: Explanation) -> None:
    english, japanese = tell(road, Context()), tell(road, Context(locale="ja"))
    assert "期待された値" in japanese.text and "ロジット" in japanese.verdict
    for number in ("0.5514", "9.08e-05", "log(2 + e) − 1"):
        assert english.text.count(number) == japanese.text.count(number)
    assert "expected" not in japanese.text


@pytest.mark.parametrize("locale", ["en", "ja"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_road_is_drawn(road: Explanation, renderer: Renderer, locale: str, theme: str) -> None:
    told = tell(road, Context(locale=locale, theme="dark" if theme == "dark" else "light"))
    card = Image.open(io.BytesIO(renderer.draw(told.card)))
    full = Image.open(io.BytesIO(renderer.draw_full(told.card)))
    assert card.size == (1100, 700) and full.size[0] == 1100 and full.size[1] > 700
    corner = card.convert("L").getpixel((2, 2))
    assert isinstance(corner, int) and (corner < 64) == (theme == "dark")
    assert len(told.alt_text) <= 1024 and "0.5514" in told.alt_text


def test_the_files_are_whole(road: Explanation) -> None:
    sources = tell(road, Context()).sources
    printed: list[str] = []
    exec(compile(sources["derivation.py"], "derivation.py", "exec"), {"print": printed.append})
    assert math.isclose(float(printed[0]), math.log(2 + math.e) - 1, rel_tol=1e-15)
    assert "\\begin{document}" in sources["derivation.tex"]
    assert "log(2 + e) − 1" in sources["derivation.txt"]


def _told(snippet: str, *claims: Claim) -> Told:
    return tell(explained(record(HEAD + snippet), claims), Context(completions=("import torch",)))


@pytest.mark.parametrize("loss", list(registry().losses))
def test_every_registered_loss_is_told_and_drawn(loss: str, renderer: Renderer) -> None:
    told = _told(registry()[loss].example)
    assert registry()[loss].reading.text.replace("−", "-") in told.text
    assert "✓ value enclosed" in told.text and "✓ float64 re-run" in told.text
    assert Image.open(io.BytesIO(renderer.draw(told.card))).size == (1100, 700)


def test_a_completed_snippet_is_said_to_be() -> None:
    assert "Added to your snippet: import torch." in _told("F.mse_loss(torch.ones(2), torch.zeros(2))").text


def test_a_number_that_the_run_does_not_give_is_named() -> None:
    told = _told("F.cross_entropy(torch.tensor([[2.0, 1.0]]), torch.tensor([0]))", Claim("printed", 7.5, 0.05, "7.5"))
    assert told.verdict.startswith("This code gives 0.3133, not the 7.5 that you show")


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_a_number_that_is_not_finite_and_that_the_run_does_not_give_is_named(word: str) -> None:
    snippet = "F.cross_entropy(torch.tensor([[2.0, 1.0]]), torch.tensor([0]))"
    told = _told(snippet, Claim("printed", word, 0.0, word))
    assert told.verdict.startswith(f"This code gives 0.3133, not the {word} that you show")


def test_an_exception_names_line_arguments_and_shapes() -> None:
    told = _told("x = torch.zeros(4, 3)\nF.cross_entropy(x, torch.tensor([0, 1, 2, 3]))")
    assert told.verdict.startswith("IndexError in line 5: ")
    assert "F.cross_entropy(x, torch.tensor([0, 1, 2, 3])) (line 5) stops with IndexError" in told.text
    assert "x is float32 of shape (4, 3)." in told.text


def test_the_card_of_an_exception_says_where_it_stops_and_on_what(renderer: Renderer) -> None:
    told = _told("x, t = torch.zeros(8, 20, 50), torch.zeros(8, 20).long()\nF.cross_entropy(x, t)")
    steps = ["".join(str(part) for part in step.title) for step in told.card.steps]
    assert "stops with RuntimeError" in steps[0]
    assert steps[1:3] == ["x is float32 of shape (8, 20, 50).", "t is int64 of shape (8, 20)."]
    assert all(step in told.alt_text for step in steps)
    assert Image.open(io.BytesIO(renderer.draw(told.card))).size == (1100, 700)


def test_what_the_table_lacks_is_said_and_not_guessed() -> None:
    told = _told("torch.special.airy_ai(torch.tensor(0.5))")
    assert "beyond our table" in told.verdict and "✓" not in told.text
    assert "Not certified" in told.text


def test_a_rounding_failure_is_told_with_both_numbers() -> None:
    told = _told("F.nll_loss(torch.log(torch.softmax(torch.tensor([[200.0, 0.0]]), 1)), torch.tensor([1]))")
    assert told.verdict == "inf: a softmax was rounded to 0 (underflow), and log 0 is -inf."
    assert "Without any rounding your formula gives 200 for these inputs." in told.text


def test_a_loss_that_draws_unseeded_numbers_says_so() -> None:
    assert "without a seed" in _told("F.mse_loss(torch.rand(3), torch.zeros(3))").text


def _rerun(snippet: str) -> Told:
    """With the changed programs run too."""
    recording = record(HEAD + snippet)
    reruns = plan(recording, ()).reruns
    results = [replay(recording, each) if isinstance(each, GraphRerun) else rerun_source(each) for each in reruns]
    return tell(conclude(recording, (), tuple(results)), Context())


@pytest.mark.parametrize("draw", ["torch.rand(4, 3)", "torch.from_numpy(np.random.rand(4, 3)).float()"])
def test_what_a_fixed_program_draws_is_said_to_be_one_draw(draw: str) -> None:
    program = f"import numpy as np\nx = {draw}\nF.mse_loss(nn.Linear(3, 1)(x), torch.zeros(4, 1), reduction='men')"
    told = _rerun(program)
    assert told.verdict.startswith("ValueError in line 6")
    assert "is one draw, yours will differ" in told.text
    assert "in one draw: no seed is set" in "".join(map(str, told.card.takeaway))
    seeded = _rerun("torch.manual_seed(0)\nimport numpy as np\nnp.random.seed(0)\n" + program)
    assert "one draw" not in seeded.text + "".join(map(str, seeded.card.takeaway))


def test_where_two_computations_part_is_said_beside_another_diagnosis() -> None:
    source = "a, b = torch.tensor([1.5, 2.0, 4.0]), torch.tensor([0.5, 2.5, 1.0])\nprint(F.mse_loss(a, b))\n"
    told = _rerun(f"{source}own = ((a - b.unsqueeze(1)) ** 2).mean()\nprint(own)")
    part = "part in line 6: a - b.unsqueeze(1) is [1, 1.5, 3.5], not [1, -0.5, 3]: broadcast to 9 pairs"
    assert "part in line" not in told.verdict
    assert part in told.text
    assert "part in line 6" in "".join(map(str, told.card.takeaway))
