"""CTC as people follow it: its alignments, the forward table as a picture, and the sum, in every form of an answer."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from explainers.cards.card import Grid, Table
from explainers.cards.plain import plain_text
from explainers.cards.render import Renderer
from explainers.locale import translator
from explainers.notebook import explained
from explainers.telling import Context, Told, tell
from explainers.tracing import record

HEAD = "import torch\nimport torch.nn.functional as F\ntorch.manual_seed(3)\n"
SHORT = (
    "p = torch.tensor([[0.6, 0.4], [0.5, 0.5], [0.3, 0.7]])\n"
    "F.ctc_loss(p.log(), torch.tensor([1]), torch.tensor(3), torch.tensor(1))"
)
LONG = (
    "z = torch.randn({steps}, 2, 12).log_softmax(2)\n"
    "F.ctc_loss(z, torch.arange(1, 11), ({steps}, {steps}), (6, 4), reduction='sum')"
)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def told(snippet: str, **context: str) -> Told:
    return tell(explained(record(HEAD + snippet)), Context(**context))  # pyright: ignore[reportArgumentType] - a theme


def table(found: Told) -> Grid:
    return next(step.extra for step in found.card.steps if isinstance(step.extra, Grid))


def test_a_short_target_shows_every_alignment_the_table_and_the_sum() -> None:
    found = told(SHORT)
    assert "P(1) = P(εε1) + P(ε11) + P(111) + … ≈ 0.21 + 0.21 + 0.14 + 0.21 ≈ 0.77" in found.text
    assert "ℓ ≈ −log(0.21 + 0.56) ≈ 0.2614" in found.text
    listed = next(step.extra for step in found.card.steps if isinstance(step.extra, Table))
    assert {str(row[0][0]) for row in listed.rows} == {"εε1", "ε11", "111", "ε1ε", "11ε", "1εε"}
    picture = table(found)
    assert picture.rows == (("0.6", "0.3", "0.09"), ("0.4", "0.5", "0.56"), ("0", "0.2", "0.21"))
    assert picture.marked == {(1, 2), (2, 2)}
    assert picture.highlighted == {(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2)}
    assert picture.row_labels == ("ε", "1", "ε")


def test_the_table_is_in_the_text_and_in_the_words_for_who_hears_the_card() -> None:
    found = told(SHORT)
    assert "  1  0.4    0.5  0.56" in found.text.splitlines()
    assert "1 0.4 0.5 0.56" in found.alt_text and len(found.alt_text) < 1024
    assert plain_text(found.card, translator("en")).count("Forward table (label by time step)") == 1


def test_what_is_said_does_not_grow_with_the_time_steps() -> None:
    short, long = told(LONG.format(steps=12)), told(LONG.format(steps=60))
    assert len(short.card.steps) == len(long.card.steps)
    assert len(long.text) < 1.5 * len(short.text)
    picture = table(long)
    assert len(picture.rows) == 9 and {len(row) for row in picture.rows} == {8}
    assert "alignments say 7 8 9 10 in 60 time steps" in plain_text(long.card, translator("en"))
    assert "✓ steps recomputed" in long.text


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("locale", ["en", "ja"])
def test_both_pictures_are_drawn(theme: str, locale: str, renderer: Renderer) -> None:
    card = told(LONG.format(steps=20), theme=theme, locale=locale).card
    assert Image.open(io.BytesIO(renderer.draw(card))).size == (1100, 700)
    assert Image.open(io.BytesIO(renderer.draw_full(card))).size[0] == 1100


def test_labels_without_an_alignment_and_no_labels() -> None:
    lengths = "tensor(3), torch.tensor(1)"
    impossible = told(SHORT.replace("[1])", "[1, 1])").replace(lengths, "tensor(2), torch.tensor(2)"))
    assert "No alignment says 11 in 2 time steps" in plain_text(impossible.card, translator("en"))
    assert "ℓ = −(log 0)/2 = inf" in impossible.text
    no_labels = SHORT.replace("[1])", "[], dtype=torch.long)")
    empty = told(no_labels.replace(lengths, "tensor(3), torch.tensor(0)"))
    assert "P(∅) = P(εεε) ≈ 0.09" in empty.text
