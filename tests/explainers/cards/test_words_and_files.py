"""The twins of the picture: plain text, alt text, LaTeX and the files of a derivation."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explainers.cards.alt import LIMIT, alt_text
from explainers.cards.card import Card, Chain, Code, DiffLine, Facts, Grid, Math, Step, Table, Value
from explainers.cards.fonts import Coverage, columns
from explainers.cards.latex import latex_document
from explainers.cards.plain import plain_text
from explainers.cards.source import write_source
from explainers.locale import Translator

ENGLISH, JAPANESE = Translator("en"), Translator("ja")
MakeCard = Callable[..., Card]


def test_plain_text_says_everything_in_order(make_card: MakeCard) -> None:
    card = make_card(
        fix=(DiffLine("-", "old(x)"), DiffLine("+", "new(x)")), caution=("No seed was given.",), footer=("float32",)
    )
    text = plain_text(card, ENGLISH)
    expected = [
        "Why 0.5514 and not 0?", "F.cross_entropy", "loss: 0.5514", "57.6 %", "1. Definition",
        "ℓ = −log(e^(z_y)/(Σ_j e^(z_j)))", "4. Gradient", "∇_z ℓ ≈ (−0.424, 0.212, 0.212)", "class 0  −0.4239",
        "Softmax of the logits", "- old(x)", "+ new(x)", "No seed was given.", "✓ enclosure", "float32",
    ]  # fmt: skip
    places = [text.index(part) for part in expected]
    assert places == sorted(places)


def test_columns_stay_aligned_beside_wide_letters(make_card: MakeCard) -> None:
    table = Table((("クラス",), ("p",)), ((("猫",), ("0.5",)), (("dog",), ("0.25",))))
    text = plain_text(make_card(panels=(table,)), JAPANESE)
    lines = [line for line in text.splitlines() if line.endswith((" p", " 0.5", " 0.25"))]
    starts = {columns(line[: max(line.rfind(" p"), line.rfind(" 0."))]) for line in lines}
    assert len(lines) == 3
    assert len(starts) == 1


def test_alt_text_holds_the_verdict_and_the_steps(make_card: MakeCard) -> None:
    text = alt_text(make_card(), ENGLISH)
    assert text.startswith("Why 0.5514 and not 0?\nloss: 0.5514\n")
    assert "3. Value: ℓ ≈ 0.5514" in text
    assert "class 1 21.2 %" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=3000), st.integers(0, 40))
def test_alt_text_never_exceeds_what_chat_services_take(make_card: MakeCard, words: str, count: int) -> None:
    steps = tuple(Step((words,), Chain(None, (("=", sympy.Symbol("x")),))) for _ in range(count))
    text = alt_text(make_card(title=(words,), takeaway=(words,), steps=steps), ENGLISH)
    assert len(text) <= LIMIT
    assert "loss: 0.5514" in text


def test_the_words_of_cases_are_translated(make_card: MakeCard) -> None:
    x = sympy.Symbol("x")
    cases = sympy.Piecewise((x, x > 0), (0, True))
    steps = (Step(("f",), Chain(None, (("=", cases),))),)
    assert "{ x if x > 0; 0 otherwise }" in plain_text(make_card(steps=steps), ENGLISH)
    japanese = plain_text(make_card(steps=steps), JAPANESE)
    assert "otherwise" not in japanese
    assert "それ以外" in japanese


def hard_card(make_card: MakeCard) -> Card:
    """Texts with every character that LaTeX reads as a command, and blocks within steps."""
    extras = (
        Grid(("difference",), (("0", "-1"), ("1", "0")), note=("a & b",)),
        Facts(("What if",), ((("10 %",), ("9.08e-05",)),)),
    )
    steps = tuple(
        Step(
            ("50 % of #1 & {x_y} ~ ^ \\ $5 α ∇ ₀ ² ✓",), Chain(None, (("=", sympy.Symbol("a_%b")), ("≈", sympy.pi))),
            ("see ", Code("x[:, 0] % 2 #"), " or ", Math(Chain(sympy.Symbol("z"), (("→", sympy.oo),)))), extra,
        )
        for extra in extras
    )  # fmt: skip
    return make_card(steps=(*make_card().steps, *steps), value=Value("loss_%", "nan"), caution=("#",))


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs a LaTeX installation")
def test_the_latex_file_compiles(make_card: MakeCard, tmp_path: Path) -> None:
    tex, _, _ = write_source(tmp_path, hard_card(make_card), "", ENGLISH)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", tex.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "derivation.pdf").stat().st_size > 1000


def test_latex_escapes_what_it_would_read_as_commands(make_card: MakeCard) -> None:
    text = latex_document(hard_card(make_card), ENGLISH, Coverage.shipped())
    assert r"50 \% of \#1 \& \{x\_y\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$5" in text
    assert r"\ell &\approx \loss{0.5514}" in text.replace(r"\loss{\ell}", r"\ell")
    assert "luatexja" not in text
    assert text.count(r"\begin{") == text.count(r"\end{")


def test_japanese_latex_asks_for_a_japanese_engine(make_card: MakeCard) -> None:
    text = latex_document(make_card(title=("なぜ 0 ではないのか",)), JAPANESE, Coverage.shipped())
    assert text.startswith("% lualatex derivation.tex\n")
    assert r"\usepackage{luatexja}" in text


def test_files_are_written_and_the_script_runs(make_card: MakeCard, tmp_path: Path) -> None:
    twin = "import math\nprint(math.log(math.e + 2) - 1)\n"
    tex, script, text = write_source(tmp_path / "new" / "folder", make_card(), twin, ENGLISH)
    assert script.read_text(encoding="utf-8") == twin
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert float(run.stdout) == pytest.approx(0.5514, abs=1e-4)
    assert "0.5514" in tex.read_text(encoding="utf-8")
    assert text.read_text(encoding="utf-8") == plain_text(make_card(), ENGLISH)
