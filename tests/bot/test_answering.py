"""The contract of an Answer, as a table over real runs of the whole walk."""

import asyncio
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bot.exchange import Answer, Ask, File, Wants
from bot.fleet.connection import Connection
from bot.languages import FOLDER
from explainers.locale import Translator, available

EXAMPLES = Path(__file__).parents[2] / "examples"
FENCED = (EXAMPLES / "why-0.5514.md").read_text()
UNFENCED = FENCED.replace("```py\n", "").replace("```\n", "")
JAPANESE = (EXAMPLES / "why-0.5514.ja.md").read_text()
LITERAL = "```py\nF.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))\n```"
PNG = b"\x89PNG\r\n\x1a\n"
EXPECTED_0 = [0.0, pytest.approx(9.08e-05, abs=1e-7)]


def values(answer: Answer, slug: str) -> list[Any]:
    return [c.value for d in answer.diagnoses if d.slug == slug for c in d.counterfactuals]


@pytest.mark.parametrize("text", [UNFENCED, FENCED], ids=["unfenced", "fenced"])
async def test_the_question_of_0_5514_is_explained_whole(text: str, answer: Any) -> None:
    found: Answer = await answer(text)
    assert (found.outcome, found.language, found.loss, found.error) == ("explained", "en", "cross_entropy", None)
    assert found.value == pytest.approx(0.5514447, abs=1e-7)
    assert found.proof.verdict == "certified"
    assert found.proof.enclosure is not None
    low, high = map(float, found.proof.enclosure)
    assert isinstance(found.value, float)
    assert low <= found.value <= high
    assert ("printed", 0.5514) in {(claim.kind, claim.value) for claim in found.claims}
    assert ("expected", 0.0) in {(claim.kind, claim.value) for claim in found.claims}
    (first, *_) = found.diagnoses
    assert (first.slug, first.confidence) == ("ce-probabilities-as-logits", "shown")
    assert all(value in values(found, first.slug) for value in EXPECTED_0)
    assert found.floor == pytest.approx(0.5514447, abs=1e-6)
    assert found.gradient["scores"] == (pytest.approx([-0.4238831, 0.2119416, 0.2119416], abs=1e-6),)
    assert "0.5514" in found.verdict
    assert found.text.startswith(found.verdict)
    assert found.alt_text


async def test_the_same_question_in_japanese_is_answered_in_japanese(answer: Any) -> None:
    japanese, english = await answer(JAPANESE), await answer(FENCED)
    assert (japanese.language, japanese.outcome) == ("ja", "explained")
    assert (japanese.value, japanese.diagnoses[0].slug) == (english.value, english.diagnoses[0].slug)
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese.verdict)
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese.alt_text)


@pytest.mark.parametrize(("locale", "language"), [("ja", "ja"), ("ja-JP", "ja"), ("en", "en"), ("xx", "en")])
async def test_a_locale_goes_before_the_language_of_the_message(locale: str, language: str, answer: Any) -> None:
    found: Answer = await answer(FENCED, locale=locale)
    assert found.language == language


async def test_a_language_without_a_catalogue_is_answered_in_english(answer: Any) -> None:
    found: Answer = await answer(f"{LITERAL}\n\nلماذا تساوي الخسارة 0.55 وليس صفرا هنا؟")
    assert (found.outcome, found.language) == ("explained", "en")


@pytest.mark.parametrize("locale", available(FOLDER)[1:])
async def test_the_phrases_of_every_answer_are_said_in_each_language(locale: str, answer: Any) -> None:
    found, english = [await answer(FENCED, locale=name, wants=Wants(card=True)) for name in (locale, "en")]
    assert (found.language, found.value) == (locale, english.value)
    enclosed = Translator(locale).text("value enclosed")
    assert enclosed in found.text
    assert enclosed not in english.text
    assert found.drawn.card is not None
    assert Image.open(io.BytesIO(found.drawn.card)).size == (1100, 700)


async def test_what_was_printed_before_a_stop_is_kept(answer: Any) -> None:
    found: Answer = await answer("```py\nprint('epoch one')\nF.mse_loss\nwhile True: pass\n```\nwhy is my loss 3?")
    assert found.outcome == "timed-out"
    assert "epoch one" in found.text


async def test_a_second_mistake_behind_the_first_is_explained_and_both_fixes_are_run(answer: Any) -> None:
    code = (
        "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
        "loss = F.cross_entropy(logits, torch.tensor([[0], [1]]))\n"
        "error = F.mse_loss(logits.argmax(1), torch.tensor([0.0, 1.0]).long())\nprint(loss + error)"
    )
    found: Answer = await answer(f"```py\n{code}\n```\nwhy does it raise?")
    assert found.outcome == "failed"
    assert "multi-target" in (found.error.message if found.error else "")
    fixes = [each.text for each in found.paragraphs if each.kind == "fix"]
    assert len(fixes) == 2
    assert any(line.startswith("- error") for line in fixes[1].splitlines())
    assert "0.27383" in found.text, "what both fixes together give"


async def test_an_error_of_torch_is_explained(answer: Any) -> None:
    found: Answer = await answer(
        "```py\nF.cross_entropy(torch.ones(1, 3), torch.tensor([5]))\n```\nwhy does my loss raise?"
    )
    assert found.outcome == "failed"
    assert found.error is not None
    assert (found.error.type, "out of bounds" in found.error.message) == ("IndexError", True)
    assert found.value is None


async def test_missing_names_are_listed(answer: Any) -> None:
    found: Answer = await answer("```py\nloss = criterion(output, target)\nprint(loss)\n```\nwhy is my loss 2.3?")
    assert (found.outcome, found.missing) == ("needs-input", ("criterion", "output", "target"))


async def test_lines_of_the_asker_keep_their_numbers_beside_what_we_supply(answer: Any) -> None:
    found: Answer = await answer(
        "```py\n\nx = torch.ones(1, 3)\ny = torch.tensor([7])\nF.cross_entropy(x, y)\n```\nwhy?"
    )
    assert found.outcome == "failed"
    assert "import torch" in found.text
    assert "3" in found.verdict.split(":")[0]  # the third line of the program, with nothing of ours before it


async def test_every_program_of_a_message_gets_its_value(answer: Any) -> None:
    found: Answer = await answer(
        "F.cross_entropy(torch.tensor([[0., 0, 0, 1]]), torch.tensor([3]))\ngives 0.7437, but\n\n"
        "F.cross_entropy(torch.tensor([[0., 0, 0, 100]]), torch.tensor([3]))\n\ngives 0. why?"
    )
    assert found.value == pytest.approx(0.7436684, abs=1e-6)
    (other,) = found.others
    assert (other.loss, other.value, other.proof.verdict) == ("cross_entropy", 0.0, "certified")
    assert "100" in other.expression


async def test_a_question_in_words_is_answered_with_an_example_that_is_said_to_be_ours(answer: Any) -> None:
    found: Answer = await answer("why is the cross entropy of a perfect one-hot not 0?")
    assert (found.outcome, found.loss) == ("explained", "cross_entropy")
    assert found.text.startswith("Your message holds no code")


@pytest.mark.parametrize(
    ("comment", "encoding"),
    [("", "utf-8"), ("# für größere", "cp1252"), ("# これは損失です", "cp932"), ("# 这是损失函数", "gb18030")],
)
async def test_a_file_is_read_like_a_message(answer: Any, comment: str, encoding: str) -> None:
    source = (
        f"{comment}\nimport torch\nimport torch.nn.functional as F\nprint(F.mse_loss(torch.ones(2), torch.zeros(2)))\n"
    )
    code = source.encode(encoding)
    found: Answer = await answer("why is the loss not 0?", files=(File("train.py", code),))
    assert (found.outcome, found.loss, found.value) == ("explained", "mse_loss", 1.0)


GOOD = "p, t = torch.tensor([[1.], [2.], [3.]]), torch.tensor([[1.], [2.], [3.]])\nprint(F.mse_loss(p, t))"
BAD = GOOD.replace("torch.tensor([[1.], [2.], [3.]])\n", "torch.tensor([1., 2., 3.])\n")


@pytest.mark.parametrize(
    ("first", "second", "asked", "value", "slugs"),
    [
        (GOOD, BAD, "works, 0: {} broken, 1.3333: {}", 4 / 3, ["regression-broadcast"]),
        (BAD, GOOD, "this gives 1.3333 {} and this 0 {} why?", 4 / 3, ["regression-broadcast"]),
        (GOOD, GOOD.replace("mse", "l1"), "{} or {}?", 0.0, []),
    ],
)
async def test_of_two_programs_the_one_with_something_wrong_is_asked_about(
    answer: Any, first: str, second: str, asked: str, value: float, slugs: list[str]
) -> None:
    found: Answer = await answer(asked.format(*(f"\n```py\n{each}\n```\n" for each in (first, second))))
    assert (found.value, [each.slug for each in found.diagnoses]) == (pytest.approx(value), slugs)
    assert [each.value for each in found.others] == [0.0]
    assert "older version" not in found.text, "what the other program gives is no number of this one"


async def test_non_finite_numbers_are_words(answer: Any) -> None:
    code = "F.mse_loss(torch.tensor([float('inf')]), torch.tensor([float('inf')]))"
    found: Answer = await answer(f"```py\n{code}\n```\nwhy is it nan?")
    assert found.value == "nan"


async def test_large_gradients_are_cut(answer: Any) -> None:
    code = "torch.manual_seed(0)\nx = torch.randn(40, 40, requires_grad=True)\nF.mse_loss(x, torch.zeros(40, 40))"
    found: Answer = await answer(f"```py\n{code}\n```\nwhy is my loss not 0?")
    rows = found.gradient["x"]
    assert isinstance(rows, tuple)
    assert sum(len(row) for row in rows) == 1000


async def test_pictures_and_sources_come_only_when_wanted(answer: Any) -> None:
    drawn = (await answer(FENCED, wants=Wants(card=True, full=True, sources=True))).drawn
    assert drawn.card.startswith(PNG)
    assert drawn.full.startswith(PNG)
    assert set(drawn.sources) == {"derivation.tex", "derivation.py", "derivation.txt"}
    bare = (await answer(FENCED)).drawn
    assert (bare.card, bare.full, bare.sources) == (None, None, {})


async def test_timings_add_up(answer: Any) -> None:
    timings = (await answer(FENCED, wants=Wants(card=True))).timings_ms
    stages = (timings.read, timings.evaluate, timings.explain, timings.draw)
    assert all(stage > 0 for stage in stages)
    assert sum(stages) == pytest.approx(timings.total, rel=0.05)


async def test_a_deadline_ends_the_walk_with_an_answer(answer: Any) -> None:
    found: Answer = await answer("```py\nwhile True: pass\nF.mse_loss\n```\nwhy is my loss 0?", deadline=0.3)
    assert (found.outcome, found.language) == ("timed-out", "en")


async def test_questions_at_the_same_time_get_their_own_answers(connection: Connection) -> None:
    asks = [
        Ask(
            id=str(n),
            text=f"```py\nF.mse_loss(torch.tensor([{n}.0]), torch.tensor([0.0]))\n```\nwhy is my loss {n * n}?",
        )
        for n in range(6)
    ]
    found = await asyncio.gather(*(connection.answer(ask, lambda _news: None) for ask in asks))
    assert [(each.id, each.value) for each in found] == [(str(n), float(n * n)) for n in range(6)]


async def test_the_catalogue_names_what_is_supported(connection: Connection) -> None:
    losses = {loss.name: loss for loss in connection.catalogue.losses}
    assert losses["cross_entropy"].arguments[:2] == ("input", "target")
    assert losses["cross_entropy"].module == "CrossEntropyLoss"
    assert connection.catalogue.torch.startswith("2.")
    titles = {kind.slug: kind.titles for kind in connection.catalogue.diagnoses}
    assert {"en", "ja"} <= titles["ce-probabilities-as-logits"].keys()


@pytest.mark.parametrize("grown", ["", ", grad_fn=<AddmmBackward0>"])
async def test_a_tensor_that_is_cut_off_is_asked_for_whole(grown: str, answer: Any) -> None:
    shown = f"preds = tensor([[0.1, 0.2], ..., [0.3, 0.4]]{grown})"
    found: Answer = await answer(f"{shown}\nF.cross_entropy(preds, torch.tensor([1, 0])) = 0.9, why?")
    assert "cut off" in found.text
    assert "preds" in found.text


async def test_what_changed_between_two_programs_is_run_and_told(answer: Any) -> None:
    code = "x = torch.tensor([1., 2.])\nloss = F.mse_loss(x, torch.zeros(2), reduction='sum')\nprint(loss)"
    other = code.replace("mse", "l1").replace("'sum'", "'mean'")
    found: Answer = await answer(f"```py\n{code}\n```\nagainst\n```py\n{other}\n```\nwhy so different?")
    assert found.value == 5.0
    assert "F.mse_loss became F.l1_loss: this alone takes the value from 5 to 3 (−2)" in found.text
    assert "reduction='sum' became reduction='mean': this alone takes the value from 5 to 2.5 (−2.5)" in found.text
    assert "All together takes the value from 5 to 1.5 (−3.5)" in found.text


async def test_code_that_nobody_can_run_is_answered_with_an_example_of_what_the_words_are_about(answer: Any) -> None:
    code = "logits = model(batch)\nprobs = torch.softmax(logits, dim=1)\nloss = F.cross_entropy(probs, labels)"
    found: Answer = await answer(f"softmax twice? my loss is stuck\n```py\n{code}\n```")
    assert (found.outcome, found.missing) == ("explained", ("model", "batch", "labels"))
    assert found.diagnoses[0].slug == "ce-double-softmax"
    assert "model, batch, labels" in found.text.split("\n")[0]


@pytest.mark.parametrize(
    ("text", "form", "slug"),
    [
        ("why is my loss 0.7437?", "ln(1 + 3/e)", "ce-probabilities-as-logits"),
        ("loss stuck at 2.3026 since the first epoch, why?", "ln 10", "chance-level-ln-c"),
        ("my BCE loss is 16.118, where does that come from?", "−ln 1e-07", "keras-clipped-probabilities"),
        ("margin ranking loss is exactly 0.5 (margin=0.5) on every batch", "0 + 0.5", "ranking-margin-at-tie"),
        ("triplet loss exactly 0.3 with margin 0.3", "0 − 0 + 0.3", "triplet-margin-at-collapse"),
    ],
)
async def test_a_number_without_data_is_recognised_and_asked_about(
    text: str, form: str, slug: str, answer: Any
) -> None:
    found: Answer = await answer(text)
    preface = [each.text for each in found.paragraphs if each.kind == "preface"]
    asks = "margin" not in text  # a margin that is stated is not asked back
    assert any(form in each and each.rstrip().endswith("?") == asks for each in preface)
    assert {each.confidence for each in found.diagnoses} <= {"possible"}
    assert slug in {each.slug for each in found.diagnoses} or slug == "keras-clipped-probabilities"
    assert found.proof.verdict == "certified"


@pytest.mark.parametrize(
    ("losses", "classes", "form"),
    [((2.3086, 2.2973, 2.3083, 2.3027), "10 classes", "ln 10"), ((1.1012, 1.0931, 1.0978), "3 classes", "ln 3")],
)
async def test_losses_that_stay_around_a_number_are_recognised_together(
    losses: tuple[float, ...], classes: str, form: str, answer: Any
) -> None:
    log = "\n".join(f"epoch {at} loss = {each}" for at, each in enumerate(losses))
    found: Answer = await answer(f"my loss does not decrease, {classes}\n{log}")
    preface = next(each.text for each in found.paragraphs if each.kind == "preface" and form in each.text)
    assert all(f"{each:.4g}" in preface for each in (min(losses), max(losses)))
    assert (found.diagnoses[0].slug, found.diagnoses[0].confidence) == ("chance-level-ln-c", "possible")


@pytest.mark.parametrize(("loss", "classes"), [("10.9", 50257), ("4.7", 100)])
async def test_a_first_loss_near_the_level_of_chance_is_said_to_be_near(loss: str, classes: int, answer: Any) -> None:
    found: Answer = await answer(
        f"my language model's first loss is {loss} with a vocabulary of {classes}. is that ok?"
    )
    assert f"{loss} is near ln {classes}" in found.text
    assert found.value == pytest.approx(math.log(classes), rel=1e-5)


async def test_a_loss_far_from_the_level_of_chance_is_not_said_to_be_near(answer: Any) -> None:
    found: Answer = await answer("my language model's first loss is 7.5 with a vocabulary of 50257. is that ok?")
    assert "is near" not in found.text


async def test_losses_that_fall_are_not_taken_for_one_that_stays(answer: Any) -> None:
    found: Answer = await answer(
        "is this good?\nepoch 0 loss = 2.3086\nepoch 1 loss = 1.6\nepoch 2 loss = 1.1\n10 classes"
    )
    assert "ln 10" not in "".join(each.text for each in found.paragraphs if each.kind == "preface")


async def test_a_loss_that_is_built_of_its_data_is_said_to_compute_nothing(answer: Any) -> None:
    code = "loss = nn.CrossEntropyLoss(torch.tensor([[2.0, 1.0]]), torch.tensor([0]))\nprint(loss)"
    found: Answer = await answer(f"```py\n{code}\n```\nit prints CrossEntropyLoss() and no number")
    assert "nn.CrossEntropyLoss()(torch.tensor([[2.0, 1.0]]), torch.tensor([0]))" in found.text


async def test_what_an_example_of_ours_states_is_not_said_to_be_expected_by_who_asks(answer: Any) -> None:
    found: Answer = await answer("is the MSE of 4 predictions that are all off by 0.5 halved in torch?")
    assert found.diagnoses[0].slug == "mse-no-half"
    assert found.diagnoses[0].confidence == "consistent"
    assert "you expect" not in found.text


async def test_a_number_with_its_data_is_not_guessed_at(answer: Any) -> None:
    found: Answer = await answer(
        "why is the loss 0.7437?\n```py\nF.mse_loss(torch.tensor([0.8624]), torch.zeros(1))\n```"
    )
    assert not [each for each in found.paragraphs if "ln(1 + 3/e)" in each.text]


async def test_an_example_keeps_what_it_shows_where_a_named_argument_would_take_it(answer: Any) -> None:
    found: Answer = await answer("ctc_loss is inf with a repeated label, should I set zero_infinity=True?")
    assert found.value == "inf"
    assert found.diagnoses[0].slug == "ctc-input-too-short"


async def test_a_loss_out_of_a_module_that_is_not_here_is_answered_with_an_example(answer: Any) -> None:
    code = "from losses import SupConLoss\nimport torch\nprint(SupConLoss()(torch.ones(2, 1, 3), torch.tensor([0, 1])))"
    found: Answer = await answer(f"```py\n{code}\n```\nSupCon loss is nan, there are no positives in the batch")
    assert (found.outcome, found.missing) == ("explained", ("SupConLoss",))
    assert found.diagnoses[0].slug == "zero-over-zero"


async def test_arrays_in_files_are_read_inside_the_jail(answer: Any) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, scores=np.array([[0.0, 2.0]]), labels=np.array([1]))
    files = (File("batch.npz", packed.getvalue()),)
    found: Answer = await answer("```py\nF.cross_entropy(scores, labels)\n```\nwhy is the loss so small?", files=files)
    assert found.outcome == "explained"
    assert found.value == pytest.approx(math.log1p(math.exp(-2)))


async def test_stand_ins_of_stated_shapes_that_do_not_raise_the_reported_error_are_not_the_answer(answer: Any) -> None:
    error = "RuntimeError: expected scalar type Long but found Float"
    found: Answer = await answer(f"{error}\n\n    loss = F.cross_entropy(out, label)\n\nout is (16, 4), label is (16,)")
    assert found.error is not None
    assert found.diagnoses[0].slug == "ce-target-float-indices"
