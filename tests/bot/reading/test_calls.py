"""Bare numbers and the loss that is named beside them: the call of that loss, or what is lacking for it."""

import math

import pytest

from bot.reading import Kind, NeedsInput, NotAQuestion, Question, read

SIDE_BY_SIDE = "torch.tensor([4.0, 1.0]), torch.tensor([3.0, 1.5])"


def question(message: str) -> Question:
    reading = read(message)
    assert isinstance(reading, Question), reading
    return reading


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", "mse_loss"), ("MSE", "mse_loss"), ("Mse loss", "mse_loss"), ("mse_loss", "mse_loss"),
        ("MSELoss", "mse_loss"), ("nn.MSELoss", "mse_loss"), ("mean squared error", "mse_loss"),
        ("l1", "l1_loss"), ("L1 loss", "l1_loss"), ("L1Loss", "l1_loss"), ("mae", "l1_loss"), ("MAE", "l1_loss"),
        ("huber", "huber_loss"), ("HuberLoss", "huber_loss"), ("smooth l1", "smooth_l1_loss"),
        ("SmoothL1Loss", "smooth_l1_loss"), ("bce", "binary_cross_entropy"), ("BCELoss", "binary_cross_entropy"),
        ("binary cross-entropy", "binary_cross_entropy"),
        ("bcewithlogits", "binary_cross_entropy_with_logits"),
        ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"),
        ("bce with logits", "binary_cross_entropy_with_logits"),
        ("kl div", "kl_div"), ("KLDivLoss", "kl_div"), ("ce", "cross_entropy"), ("CE", "cross_entropy"),
        ("cross_entropy", "cross_entropy"), ("CrossEntropyLoss", "cross_entropy"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "form",
    [
        "{} of [4, 1] and [3, 1.5]",
        "{} for prediction [4, 1], target [3, 1.5]",
        "{} of pred [4, 1] with label [3, 1.5]?",
        "{}: [4, 1] vs [3, 1.5]",
        "what is {} between [4, 1] and [3, 1.5]?",
    ],
)
def test_two_lists_are_input_and_target_of_the_loss_that_is_named(name: str, function: str, form: str) -> None:
    asked = question(form.format(name))
    assert [snippet.source for snippet in asked.snippets] == [f"F.{function}({SIDE_BY_SIDE})"]
    assert "loss" not in {each.what for each in asked.snippets[0].completions}


@pytest.mark.parametrize(
    ("message", "function"),
    [
        ("[4, 1] と [3, 1.5] の平均二乗誤差は？", "mse_loss"),
        ("予測 [4, 1]、ラベル [3, 1.5] の 2乗誤差", "mse_loss"),
        ("平均絶対誤差: 予測 [4, 1] 正解 [3, 1.5]", "l1_loss"),
        ("二値交差エントロピー、予測 [4, 1]、正解 [3, 1.5]", "binary_cross_entropy"),
        ("交差エントロピー、ロジット [4, 1]、正解 [3, 1.5]", "cross_entropy"),
        ("クロスエントロピー、出力 [4, 1]、ラベル [3, 1.5]", "cross_entropy"),
    ],
)
def test_the_same_in_japanese(message: str, function: str) -> None:
    assert question(message).snippets[0].source == f"F.{function}({SIDE_BY_SIDE})"


_BINARY_AT_1 = "F.binary_cross_entropy(torch.tensor(0.8), torch.tensor(1.0))"


@pytest.mark.parametrize(
    ("message", "source"),
    [
        ("予測が0.8、ラベルが1のとき、BCELossは0.2231です。なぜ？", _BINARY_AT_1),
        ("BCELoss pour une prédiction de 0,8 et une cible de 1 donne 0,2231, pourquoi ?", _BINARY_AT_1),
        ("예측값은 0.8이고 정답이 1일 때 BCELoss가 0.2231인 이유는?", _BINARY_AT_1),
        ("预测值是0.8，标签是1，BCELoss是0.2231，为什么？", _BINARY_AT_1),
        ("a saída do modelo foi 0,8 e o alvo 1, e a BCELoss deu 0,2231", _BINARY_AT_1),
        ("my model outputs 0.8 for the right class with BCELoss and the loss is 0.2231", _BINARY_AT_1),
        ("Das Netz gibt der richtigen Klasse 70 %, die Kreuzentropie ist 0,3567", "-torch.log(torch.tensor(0.7))"),
        ("正解クラスの確率が0.25のとき、クロスエントロピーは1.3863", "-torch.log(torch.tensor(0.25))"),
        (
            "logits 2, 1 et 0,1, la vraie classe est la première, l'entropie croisée vaut 0,417, pourquoi ?",
            "F.cross_entropy(torch.tensor([2.0, 1.0, 0.1]), torch.tensor(0))",
        ),
        (
            "Los logits son 1,5, 0,2 y -1, clase 0, la entropía cruzada da 0,3041",
            "F.cross_entropy(torch.tensor([1.5, 0.2, -1.0]), torch.tensor(0))",
        ),
    ],
)
def test_numbers_in_sentences_of_other_languages_are_arguments_and_no_claims(message: str, source: str) -> None:
    asked = question(message)
    assert [snippet.source for snippet in asked.snippets] == [source]
    assert len(asked.claims) == 1


@pytest.mark.parametrize(
    "table",
    [
        "| pred | target |\n|---|---|\n| 0.2 | 0 |\n| 0.9 | 1 |",
        "pred | target\n0.2 | 0\n0.9 | 1",
        "```\npred,target\n0.2,0\n0.9,1\n```",
    ],
)
def test_a_table_in_the_message_holds_the_arguments(table: str) -> None:
    asked = question(f"{table}\n\nBCELoss 0.1643 why")
    assert [claim.value for claim in asked.claims] == [0.1643]
    assert asked.snippets[0].source == "F.binary_cross_entropy(pred, target.float())"
    assert "pred = torch.tensor([0.2, 0.9])" in asked.snippets[0].prelude


@pytest.mark.parametrize("name", ["nll", "NLL", "nll_loss", "NLLLoss", "F.nll_loss", "negative log likelihood"])
def test_scores_and_an_index(name: str) -> None:
    asked = question(f"{name} of [-0.3, -1.4], target 1")
    assert asked.snippets[0].source == "F.nll_loss(torch.tensor([-0.3, -1.4]), torch.tensor(1))"


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("mse of 3 and 5", 4.0),
        ("l1 between 2 and 4.5?", 2.5),
        ("mse: prediction 2.5, target 1", 2.25),
        ("3 と 5 の二乗誤差は？", 4.0),
        ("nll of [0.25, 0.75], target 1", -0.75),
        ("huber of [3, 0], label [0, 0]", 1.25),
        ("bcewithlogits of [0, 0], target [1, 0]", math.log(2)),
        ("logits [0, 0, 0, 0], class 2", math.log(4)),
    ],
)
def test_the_call_computes_what_is_asked(message: str, value: float) -> None:
    snippet = question(message).snippets[0]
    namespace: dict[str, object] = {}
    exec(compile(f"{snippet.prelude}\nout = {snippet.source}", "<snippet>", "exec"), namespace)
    assert float(namespace["out"]) == pytest.approx(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    ["logits [2, 0, 1], target 0", "softmax output [0.9, 0.1] and label 0", "logits [2, 1], one-hot [1, 0]"],
)
def test_classification_without_a_name_is_taken_to_be_cross_entropy_and_said(message: str) -> None:
    snippet = question(message).snippets[0]
    assert snippet.source.startswith("F.cross_entropy(")
    assert [each.name for each in snippet.completions if each.what == "loss"] == ["cross_entropy"]


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("mse of [1, 2, 3]", "target"),
        ("mse of [1, 2, 3], I expected 0", "target"),
        ("why is the cross entropy negative for [0.4, 0.6]?", "target"),
        ("mse with target [1, 2]", "input"),
        ("mse of [1, 2, 3] and [1, 2]", "target"),
        ("bce of [0.4, 0.6, 0.5], labels [1, 0]", "target"),
        ("nll of [0.4, 0.6], target [0, 1]", "target"),
        ("cross entropy of [1, 2, 3], targets [0, 1]", "target"),
        ("focal loss of [1, 2], target 1", "code"),
        ("triplet loss of [1, 2], [2, 3]", "code"),
        ("model prediction [0.9, 0.2], target [1, 0]", "loss"),
        ("logits [2, 1], target 5", "loss"),
        ("my accuracy list is [0.5, 0.6], what loss has target 1", "loss"),
        ("RMSE loss, prediction [1, 2], target [1, 4]", "loss"),
    ],
)
def test_what_is_lacking_is_named_and_nothing_else_is_run(message: str, what: str) -> None:
    reading = read(message)
    assert isinstance(reading, NeedsInput), reading
    assert (reading.what, reading.missing) == (what, (what,))


@pytest.mark.parametrize(
    "message",
    ["rmse of [1, 2] and [1, 4]", "can L1 regularization keep my weights small?", "das ist ce que je veux: [1, 2]"],
)
def test_lists_without_a_loss_are_not_ours(message: str) -> None:
    assert isinstance(read(message), NotAQuestion)


def test_what_is_said_before_the_name_of_a_loss_is_of_something_else() -> None:
    asked = question("p=0.9, y=1 gives 0.1054, y=0 gives 2.3026, but BCELoss of [0.9, 0.1], [1, 0] gives 0.1054")
    assert [each.source for each in asked.snippets] == [
        "F.binary_cross_entropy(torch.tensor([0.9, 0.1]), torch.tensor([1.0, 0.0]))"
    ]


def test_a_size_is_no_input() -> None:
    asked = question("CE loss with images of shape [32, 3, 224, 224] becomes nan")
    assert asked.snippets == ()


@pytest.mark.parametrize(
    "said",
    [
        "0 か小さい値になると思いました",
        "0 になるはずです",
        "ほぼ 0 を期待していました",
        "it should be close to 0",
        "I thought it would be 0 or so",
    ],
)
@pytest.mark.parametrize(
    "asked", ["クロスエントロピー、ロジット [1, 0, 0]、正解 0。", "CE of logits [1, 0, 0], target 0: "]
)
def test_what_was_expected_is_told_from_the_target_beside_it(asked: str, said: str) -> None:
    reading = question(asked + said)
    assert [(claim.kind, claim.value) for claim in reading.claims] == [("expected", 0.0)]
    assert reading.snippets[0].source == "F.cross_entropy(torch.tensor([1.0, 0.0, 0.0]), torch.tensor(0))"


@pytest.mark.parametrize(
    "message",
    [
        "what is the minimum of cross entropy with label smoothing?",
        "what does label smoothing do to the least value?",
        "ラベルスムージングの最小値は？",
        "why is cross entropy of a perfect one-hot not 0?",
        "クロスエントロピーの最小値は 0 ではないのですか？",
        "what do weights [1, 2] do to cross entropy?",
    ],
)
def test_a_named_loss_without_numbers_is_a_question_in_words(message: str) -> None:
    asked = question(message)
    assert asked.kind is Kind.WORDS
    assert asked.loss_words == ("cross_entropy",)
    assert asked.snippets == ()


@pytest.mark.parametrize("truth", ["truth", "ground truth", "y_true", "targets"])
def test_numbers_in_a_row_are_one_tensor(truth: str) -> None:
    found = question(f"predicted 3 5 2, {truth} 1 5 4. MSELoss prints 2.6667").snippets
    source = "F.mse_loss(torch.tensor([3.0, 5.0, 2.0]), torch.tensor([1.0, 5.0, 4.0]))"
    assert [each.source for each in found] == [source]


def test_of_numbers_in_a_row_none_is_read_alone() -> None:
    reading = read("the labelling said target 1 5 4 of predicted 3. MSELoss prints 2.6667")
    assert not isinstance(reading, Question) or not reading.snippets


@pytest.mark.parametrize(
    ("printed", "source"),
    [
        ("0.0101", "F.kl_div(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.4, 0.6]))"),
        ("0.0102", "F.kl_div(torch.tensor([0.4, 0.6]).log(), torch.tensor([0.5, 0.5]))"),
        ("-0.5966", "F.kl_div(torch.tensor([0.4, 0.6]), torch.tensor([0.5, 0.5]))"),
        ("0.7", "F.kl_div(torch.tensor([0.4, 0.6]), torch.tensor([0.5, 0.5]))"),
    ],
)
def test_a_divergence_is_read_so_that_it_returns_what_was_printed(printed: str, source: str) -> None:
    found = question(f"P = [0.4, 0.6] and Q = [0.5, 0.5], kl_div printed {printed}, why?").snippets
    assert source in [each.source for each in found]
