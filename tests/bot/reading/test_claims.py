"""What people say a number is, in ten languages, and what they only mention."""

import pytest

from bot.reading import Question, read

CODE = "```\nprint(F.mse_loss(a, b))\n```\n"


def claims(message: str) -> dict[str, list[object]]:
    reading = read(CODE + message)
    assert isinstance(reading, Question)
    found: dict[str, list[object]] = {"printed": [], "expected": [], "behaviour": []}
    for claim in reading.claims:
        found[claim.kind].append(claim.value)
    return found


@pytest.mark.parametrize(
    "sentence",
    [
        "I get 0.4321 but expected 0.",
        "shouldn't this be 0? it prints 0.4321",
        "why 0.4321 and not 0?",
        "Returns 0.4321 instead of zero.",
        "why isn't the loss 0? got 0.4321",
        "I was hoping for something like 0, it says 0.4321",
        "0 になると思っていましたが、0.4321 と表示されます。",
        "なぜ 0.4321 で、0 ではないのですか？",
        "期待値は 0 なのに 0.4321 になります。",
        "ゼロのはずですが 0.4321 です。",
        "我以为应该是 0，结果是 0.4321",
        "为什么是 0.4321 而不是 0？",
        "Esperaba 0 pero da 0.4321, ¿por qué?",
        "esperaba 0 y me sale 0,4321",
        "¿Por qué da 0,4321 en vez de 0?",
        "J'attendais 0 mais j'obtiens 0,4321.",
        "Pourquoi 0.4321 au lieu de 0 ?",
        "Ich habe 0 erwartet, bekomme aber 0,4321.",
        "Warum 0.4321 statt 0?",
        "Das Ergebnis ist 0,4321, obwohl ich 0 erwarte.",
        "0이 나올 줄 알았는데 0.4321이 나와요",
        "0을 기대했는데 0.4321이 나와요",
        "왜 0이 아니라 0.4321인가요?",
        "Eu esperava 0 mas deu 0,4321",
        "Por que dá 0.4321 em vez de 0?",
        "Я ожидал 0, но получаю 0,4321",
        "Почему 0.4321, а не 0?",
        "मुझे 0 की उम्मीद थी लेकिन 0.4321 मिला",
    ],
)
def test_expected_and_printed_are_told_apart(sentence: str) -> None:
    assert claims(sentence) == {"printed": [0.4321], "expected": [0.0], "behaviour": []}


@pytest.mark.parametrize(
    "sentence",
    [
        "the loss does not go below 0.4321",
        "it never gets under 0.4321",
        "der Loss geht nicht unter 0,4321",
        "loss 一直降不到 0.4321",
        "la pérdida no baja de 0,4321",
    ],
)
def test_what_a_loss_does_not_go_below_is_where_it_is(sentence: str) -> None:
    assert claims(sentence)["printed"] == [0.4321]


def test_what_a_loss_should_not_go_below_is_expected() -> None:
    assert claims("I thought the loss could not go below 0, I get 0.4321")["expected"] == [0.0]


@pytest.mark.parametrize(
    "sentence",
    [
        "with lr=0.001 and margin 0.5 over 32 samples, 10 classes",
        "accuracy is 99.25% after 12 epochs on torch 2.1.0",
        "the log of 0.125 and 85,000 rows",
        "x[3] != 4 and KL must be >= 0",
        "label smoothing 0.125, alpha=0.25, version 1.13.1",
    ],
)
def test_arguments_are_no_claims(sentence: str) -> None:
    assert claims(sentence) == {"printed": [], "expected": [], "behaviour": []}


@pytest.mark.parametrize(
    ("sentence", "behaviour"),
    [
        ("why is the loss negative?", "negative"),
        ("loss is always below zero", "negative"),
        ("損失が負になります", "negative"),
        ("损失是负的", "negative"),
        ("la pérdida sale negativa", "negative"),
        ("손실이 음수예요", "negative"),
        ("der Verlust ist negativ", "negative"),
        ("потери отрицательные", "negative"),
        ("my loss becomes NaN", "nan"),
        ("loss goes to infinity", "inf"),
        ("the loss is not decreasing", "not-decreasing"),
        ("損失が下がりません", "not-decreasing"),
        ("loss 降不下去", "not-decreasing"),
        ("it is stuck", "always-same"),
        ("the loss prints the same value each epoch", "always-same"),
        ("損失がずっと同じです", "always-same"),
        ("loss 一直不变", "always-same"),
        ("a different loss every time", "random"),
        ("毎回違う値です", "random"),
    ],
)
def test_behaviours(sentence: str, behaviour: str) -> None:
    assert behaviour in claims(sentence)["behaviour"]


def test_of_a_line_of_a_log_only_the_losses_are_claimed() -> None:
    log = "2023-12-14,08:40:01 | Epoch: 3 [60/90] | Loss: 0.1250 | Acc: 99.125 | LR: 0.000004 | kl_loss: 0.0310"
    assert claims(f"why is it so low?\n{log}")["printed"] == [0.125, 0.031]


@pytest.mark.parametrize(
    "sentence",
    [
        "the negative log likelihood",
        "more negative samples than positive",
        "負の対数尤度",
        "负样本",
        "beta must be non-negative",
        "Do both formulas give the same value?",
    ],
)
def test_negative_is_not_always_a_behaviour(sentence: str) -> None:
    assert claims(sentence)["behaviour"] == []


@pytest.mark.parametrize(
    ("printed", "radius"),
    [("0.5", 0.05), ("0.5514", 5e-5), ("1.50e-03", 5e-6), ("tensor(2.)", 0.0), ("7.000", 5e-4)],
)
def test_the_radius_is_half_a_unit_of_the_last_digit(printed: str, radius: float) -> None:
    reading = read(f"```\nprint(F.mse_loss(a, b))\n{printed}\n```")
    assert isinstance(reading, Question)
    assert [c.radius for c in reading.claims] == [pytest.approx(radius)]


@pytest.mark.parametrize(
    "sentence",
    [
        "it is stuck at exactly 0.3",
        "BCELoss gibt genau 0.3 zurück, warum?",
        "BCELoss 0.3 क्यों दे रहा है?",
    ],
)
def test_a_number_said_to_be_exact_is_printed(sentence: str) -> None:
    assert claims(sentence)["printed"] == [0.3]


@pytest.mark.parametrize("bound", ["0.3133", "0,3133"])
def test_what_is_not_below_a_fraction_is_not_negative(bound: str) -> None:
    found = claims(f"the loss never goes below {bound}")
    assert found == {"printed": [0.3133], "expected": [], "behaviour": []}
    assert claims("the loss goes below 0.")["behaviour"] == ["negative"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Keras sparse_categorical_crossentropy gives 0.3567 for this. Why is torch different?", 0.3567),
        ("sklearn.metrics.log_loss gives 0.1643 but torch something else", 0.1643),
        ("numpy gives 0.2899, torch differs", 0.2899),
        ("numpyでは0.2899", 0.2899),
    ],
)
def test_what_another_library_gives_is_compared_with(text: str, value: float):
    assert claims(text) | {"behaviour": []} == {"printed": [], "expected": [value], "behaviour": []}


def test_the_line_of_a_file_is_no_value() -> None:
    assert claims("../native/cuda/Loss.cu:242: block: [0,0,0] Assertion failed, loss is 0.4321")["printed"] == [0.4321]


@pytest.mark.parametrize(
    "sentence",
    [
        "cross entropy starts at 6.9, 1000 classes, is that normal?",
        "CrossEntropyLoss startet bei 6.9, 1000 Klassen, normal?",
        "La perte d'entropie croisée commence à 6.9, 1000 classes, normal ?",
        "La entropía cruzada empieza en 6.9, 1000 clases, ¿es normal?",
        "A entropia cruzada começa em 6.9, 1000 classes, é normal?",
        "Кросс-энтропия начинается с 6.9, 1000 классов, это нормально?",
        "交叉熵损失一开始是 6.9，1000 类，这正常吗？",
        "交差エントロピーが 6.9 から始まります。1000クラスです。正常ですか？",
        "크로스 엔트로피 손실이 6.9에서 시작해요. 1000개 클래스인데 정상인가요?",
        "क्रॉस एंट्रॉपी लॉस 6.9 से शुरू होता है, 1000 क्लास हैं, क्या यह सामान्य है?",
        "das Vokabular hat 1000 Tokens und die Kreuzentropie startet bei 6.9, normal?",
    ],
)
def test_where_a_loss_starts_is_printed_and_what_is_counted_is_stated(sentence: str) -> None:
    reading = read(sentence)
    assert isinstance(reading, Question)
    assert [claim.value for claim in reading.claims if claim.kind == "printed"] == [6.9]
    assert {each.name: each.value for each in reading.stated}["classes"] == "1000"


@pytest.mark.parametrize(
    ("sentence", "printed"),
    [
        ("my dice loss is 1 − 2/3. why?", [1 / 3]),
        ("dice loss is 1 - 2/3 = 0.3333, ok?", [0.3333]),
        ("the loss is 0.4321 at epoch 3/10", [0.4321]),
        ("the loss stays between 0-1, it is 0.4321", [0.4321]),
    ],
)
def test_written_arithmetic_is_what_it_comes_to(sentence: str, printed: list[float]) -> None:
    assert claims(sentence)["printed"] == pytest.approx(printed)
