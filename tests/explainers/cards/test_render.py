"""Pictures, really decoded: their size, ground, margins and what changes in them."""

import io
import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sympy
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from explainers.cards.card import (
    Bar,
    Bars,
    Card,
    Chain,
    Code,
    Curve,
    DiffLine,
    Facts,
    Grid,
    Mark,
    Math,
    Step,
    Strong,
    Table,
    Toned,
    Value,
)
from explainers.cards.document import document
from explainers.cards.render import Renderer
from explainers.graph.symbols import Marked, NumberLabel, Role

MakeCard = Callable[..., Card]
GROUND = {"dark": (0x1B, 0x1C, 0x21), "light": (0xFF, 0xFF, 0xFF)}
MARGIN = 20
WITHOUT_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]  # each try draws two pictures
random_pictures = settings(
    max_examples=25,
    deadline=None,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def decoded(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        return picture.convert("RGB")


def assert_sound(png: bytes, card: Card, height: int | None = 700) -> Image.Image:
    """The right size, something drawn, and nothing of it in the margins, where what overflows would be."""
    picture = decoded(png)
    assert picture.width == 1100
    assert height is None or picture.height == height
    ground = Image.new("RGB", picture.size, GROUND[card.theme])
    drawn = ImageChops.difference(picture, ground).getbbox()
    assert drawn is not None
    left, top, right, bottom = drawn
    assert left >= MARGIN
    assert top >= MARGIN
    assert right <= picture.width - MARGIN
    assert bottom <= picture.height - MARGIN
    return picture


def differing(first: bytes, second: bytes) -> tuple[int, int, int, int]:
    """The box in which two pictures differ."""
    box = ImageChops.difference(decoded(first), decoded(second)).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("locale", ["en", "ja", "pt-BR", "xx", ""])
def test_both_layouts(renderer: Renderer, make_card: MakeCard, theme: str, locale: str) -> None:
    card = make_card(theme=theme, locale=locale)
    assert_sound(renderer.draw(card), card)
    assert assert_sound(renderer.draw_full(card), card, height=None).height > 700


def test_the_same_card_gives_the_same_bytes(make_card: MakeCard) -> None:
    assert Renderer().draw(make_card()) == Renderer().draw(make_card())


def test_threads_share_a_renderer(renderer: Renderer, make_card: MakeCard) -> None:
    cards = [make_card(title=(f"Why {i}?",)) for i in range(8)]
    alone = [renderer.draw(card) for card in cards]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(renderer.draw, cards)) == alone
    assert len(set(alone)) == len(cards)


def test_each_part_is_drawn_in_its_place(renderer: Renderer, make_card: MakeCard) -> None:
    plain = renderer.draw(make_card())
    left, top, right, bottom = differing(plain, renderer.draw(make_card(title=("Why 0.5514 and not 1?",))))
    assert 380 < left < right < 520
    assert top > 60
    assert bottom < 130
    left, *_ = differing(plain, renderer.draw(make_card(value=Value("loss", "0.5515"))))
    assert left > 870
    left, top, *_ = differing(plain, renderer.draw(make_card(panels=(bars(0.9), *make_card().panels[1:]))))
    assert left > 650
    assert top > 130
    _, top, *_ = differing(plain, renderer.draw(make_card(checks=("enclosure", "other"))))
    assert top > 640


def bars(share: float) -> Bars:
    rows = [Bar(f"class {i}", part, f"{100 * part:.1f} %", i == 0) for i, part in enumerate((share, 0.212, 0.212))]
    return Bars(("Softmax of the logits",), tuple(rows))


def test_a_bar_is_as_long_as_its_share(renderer: Renderer, make_card: MakeCard) -> None:
    green = (0x5F, 0xD6, 0xA8)

    def length(share: float) -> int:
        picture = decoded(renderer.draw(make_card(panels=(bars(share),))))
        pixels = picture.load()
        assert pixels is not None
        return max(sum(pixels[x, y] == green for x in range(650, 1056)) for y in range(120, 400))

    assert length(0.8) == pytest.approx(2 * length(0.4), abs=4)
    assert length(float("nan")) < 20


def long_sum(count: int) -> Chain:
    numbers = [Marked(NumberLabel("-0.25"), Role.TARGET) if i == 17 else NumberLabel(f"{i / 10}") for i in range(count)]
    powers = [sympy.exp(number, evaluate=False) for number in numbers]
    return Chain(
        sympy.Symbol("ell"), (("=", sympy.log(sympy.Add(*powers, evaluate=False))), ("≈", NumberLabel("9.08e-05")))
    )


def matrix(rows: int, columns: int) -> Chain:
    return Chain(None, (("=", sympy.Matrix(rows, columns, lambda i, j: NumberLabel(f"{i}.{j}"))),))


SHAPES: dict[str, dict[str, Any]] = {
    "nothing at all": {"title": (), "steps": (), "panels": (), "takeaway": (), "code": "", "checks": ()},
    "no panels": {"panels": ()},
    "no steps": {"steps": ()},
    "long sums": {"steps": tuple(Step((f"Step {i}",), long_sum(30)) for i in range(8))},
    "a sum of 300": {"steps": (Step(("Sum",), long_sum(300)),), "panels": ()},
    "tall matrices": {"steps": tuple(Step(("Matrix",), matrix(12, 2)) for _ in range(8))},
    "a wide matrix": {"steps": (Step(("Matrix",), matrix(3, 40)),)},
    "sixteen steps of which the last arrives": {
        "steps": tuple(Step((f"Step {i}",), long_sum(2), arrives=i == 15) for i in range(16))
    },
    "sixteen steps": {"steps": tuple(Step((f"Step {i}",), long_sum(2)) for i in range(16))},
    "endless titles": {"title": ("word " * 400,), "steps": tuple(Step(("x" * 3000,)) for _ in range(8))},
    "endless takeaway": {"takeaway": ("損失は 0.5514 です。" * 200,), "caution": ("?" * 5000,), "footer": ("f" * 900,)},
    "endless code": {"code": "F.cross_entropy(" + "x," * 4000 + ")"},
    "a vector for a value": {"value": Value("loss" * 40, "[0.5514, 9.08e-05, nan, inf, 1.0, 2.0]")},
    "nan": {"value": Value("loss", "nan", Role.BAD)},
    "a long name": {"steps": (Step(("Name",), Chain(sympy.Symbol("very_" * 50), (("=", sympy.Symbol("x" * 500)),))),)},
    "a big grid": {"panels": (Grid(("d",), (tuple("123456789012"),) * 12, frozenset({(0, 0)}), note=("144",)),) * 3},
    "ragged grid": {"panels": (Grid(("d",), (("1",), (), ("1", "2", "3")), column_labels=("a",), row_labels=("b",)),)},
    "a wide table": {"panels": (Table((("probability",),) * 9, ((("0.123456789",),) * 9,) * 40, 3),)},
    "many bars": {"panels": (Bars(("b",), tuple(Bar("n" * 60, i / 9, "1" * 40) for i in range(40))),) * 6},
    "no bars": {"panels": (Bars((), ()), Facts((), ()), Grid((), ()), Curve((), ()))},
    "a broken curve": {"panels": (Curve(("c",), ((0, 1), (1, float("nan")), (2, float("inf")), (3, 2), (4, 3))),)},
    "a flat curve": {"panels": (Curve(("c",), ((0, 5), (1, 5)), Mark(1, 5, "a mark with a rather long text")),)},
    "a huge curve": {"panels": (Curve(("c",), tuple((x, 10.0**x) for x in range(-300, 300)), Mark(0, 1, "1")),)},
    "a mark outside": {"panels": (Curve(("c",), ((0, 0), (1, 1)), Mark(50, float("nan"), "nan")),)},
    "a long fix": {"fix": tuple(DiffLine("+" if i % 2 else "-", "y = f(x)" * 60) for i in range(60))},
    "formulas in words": {"title": (Math(sympy.Symbol("x" * 40) * sympy.Symbol("y" * 40) * sympy.Symbol("z" * 40)),)},
    "every segment": {"takeaway": ("a", Strong("b"), Toned("c", Role.BAD), Code("d" * 90), Math(sympy.pi), Code("e"))},
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.replace(" ", "-"))
def test_every_shape_keeps_to_its_page(renderer: Renderer, make_card: MakeCard, shape: str) -> None:
    card, light = make_card(**SHAPES[shape]), make_card(theme="light", **SHAPES[shape])
    assert_sound(renderer.draw(card), card)
    assert_sound(renderer.draw_full(light), light, height=None)


def test_the_step_that_arrives_at_the_value_is_never_left_out(renderer: Renderer, make_card: MakeCard) -> None:
    """Without an arrival the last of sixteen steps makes no difference to the card."""

    def drawn(last: str, *, arrives: bool) -> bytes:
        steps = [Step((f"Step {i}",), long_sum(2)) for i in range(15)]
        return renderer.draw(make_card(steps=(*steps, Step((last,), long_sum(2), arrives=arrives))))

    assert drawn("one", arrives=False) == drawn("other", arrives=False)
    assert drawn("one", arrives=True) != drawn("other", arrives=True)


def test_left_out_steps_are_told(renderer: Renderer, make_card: MakeCard) -> None:
    many = make_card(**SHAPES["sixteen steps"])
    picture = renderer.draw(many)
    counted = make_card(steps=(*many.steps, Step(("hidden",), on_card=False)))
    left, top, right, bottom = differing(picture, renderer.draw(counted))
    assert right - left < 40, "only the count of further steps changes"
    assert bottom - top < 30


@random_pictures
@given(st.text(max_size=400), st.text(max_size=200), st.sampled_from(["dark", "light"]))
@example("\U000eb8caáÉaC\U0010d352Í", "\U000eb8caáÉaC\U0010d352Í", "dark")  # two words that run into one too long
def test_any_text_draws(renderer: Renderer, make_card: MakeCard, first: str, second: str, theme: str) -> None:
    card = make_card(
        title=(first, Strong(second)), code=second, takeaway=(first, Code(second), Toned(first, Role.TARGET)),
        steps=(Step((second,), Chain(sympy.Symbol(first), (("=", sympy.Symbol(second)),)), (first,)),),
        value=Value(first, second), checks=(first,), footer=(second,), caution=(first,), theme=theme,
        panels=(Facts((first,), (((first,), (second,)),)), Bars((), (Bar(first, 0.5, second),))),
        fix=(DiffLine("+", first), DiffLine("-", second)),
    )  # fmt: skip
    assert_sound(renderer.draw(card), card)
    assert_sound(renderer.draw_full(card), card, height=None)


x = sympy.Symbol("x")
logits: Any = sympy.IndexedBase("z")
leaves = st.one_of(
    st.integers(-99, 99).map(sympy.Integer),
    st.floats().map(lambda number: NumberLabel(repr(number))),
    st.sampled_from([x, sympy.Symbol("label_smoothing"), sympy.pi, sympy.E, logits[sympy.Idx("j")]]),
)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=6)
    return st.one_of(
        st.lists(inner, min_size=2, max_size=6).map(lambda args: sympy.Add(*args, evaluate=False)),
        st.lists(inner, min_size=2, max_size=4).map(lambda args: sympy.Mul(*args, evaluate=False)),
        st.tuples(inner, inner).map(lambda pair: sympy.Pow(*pair, evaluate=False)),
        inner.map(lambda arg: sympy.log(arg, evaluate=False)),
        inner.map(lambda arg: sympy.exp(arg, evaluate=False)),
        several.map(lambda args: sympy.Function("softmax")(*args)),
        several.map(sympy.Matrix).map(sympy.Function("f")),
        inner.map(lambda arg: sympy.Piecewise((arg, x > 0), (0, True), evaluate=False)),
    )


@random_pictures
@given(st.lists(st.recursive(leaves, grown, max_leaves=25), min_size=1, max_size=4))
def test_any_formula_draws(renderer: Renderer, make_card: MakeCard, formulas: list[Any]) -> None:
    chain = Chain(sympy.Symbol("ell"), tuple(("=", formula) for formula in formulas))
    card = make_card(steps=(Step(("Formula",), chain), Step((Math(chain),), chain)))
    assert_sound(renderer.draw(card), card)
    assert_sound(renderer.draw_full(card), card, height=None)


# ---- no empty boxes: typst names no missing glyph, so its outlines are looked for in the vector drawing


def outlines(renderer: Renderer, data: dict[str, Any]) -> set[str]:
    """The shapes of all drawn glyphs, as path commands without their numbers."""
    inputs = {"card": json.dumps({**data, "measured": False})}
    pages = renderer.compiler().compile(renderer.templates["card"], format="svg", sys_inputs=inputs)
    drawn = b"".join([page or b"" for page in (pages if isinstance(pages, list) else [pages])]).decode()
    symbols = re.findall(r'<symbol id="[^"]*"[^>]*>.*?</symbol>', drawn, re.DOTALL)
    return {re.sub(r"[-\d.\s]+", "", path) for symbol in symbols for path in re.findall(r' d="([^"]*)"', symbol)}


def data_of(renderer: Renderer, card: Card) -> dict[str, Any]:
    return document(card, renderer.coverage, renderer.words("en"), full=False)


@pytest.fixture(scope="session")
def boxes(renderer: Renderer, make_card: MakeCard) -> set[str]:
    """What a missing glyph looks like, provoked behind the check in each of the three fonts."""
    data = data_of(renderer, make_card())
    lacking = "\U0001f600"
    formula = [{"math": f'upright("{lacking}")', "aligned": False}]
    provoked: Iterable[dict[str, Any]] = (
        {"title": [lacking]},
        {"code": lacking},
        {"steps": [{"title": [], "formula": formula}]},
    )
    found = {outline for change in provoked for outline in outlines(renderer, {**data, **change})}
    return found - outlines(renderer, data)


def test_a_missing_glyph_would_be_seen(boxes: set[str]) -> None:
    assert len(boxes) == 3


NO_RECTANGLES = st.characters(codec="utf-8", exclude_categories=["Lo", "So"])  # 口 and □ are rectangles by right


@random_pictures
@given(st.text(NO_RECTANGLES, max_size=60))
def test_no_text_leaves_an_empty_box(renderer: Renderer, make_card: MakeCard, boxes: set[str], text: str) -> None:
    steps = (Step((text,), Chain(sympy.Symbol(text), ())),)
    card = make_card(title=(text,), code=text, takeaway=(Strong(text), Code(text)), steps=steps, panels=())
    assert not outlines(renderer, data_of(renderer, card)) & boxes


def test_japanese_leaves_no_empty_box(renderer: Renderer, make_card: MakeCard, boxes: set[str]) -> None:
    words = "損失が無限大になる理由：確率が零なので対数が負の無限大、ヴェクトルの正規化。"
    card = make_card(locale="ja", title=(words,), takeaway=(Strong(words),), steps=(Step((words,)),), panels=())
    assert not outlines(renderer, data_of(renderer, card)) & boxes
