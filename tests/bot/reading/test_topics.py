"""What words are about, whatever the language; arguments that are said in words; numbers that give one away."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reading import Claim, Question, read
from bot.reading.stated import classes_of, stated
from bot.reading.topics import topics_of, topics_of_values


@pytest.mark.parametrize(
    "text",
    [
        "softmax twice, stuck",
        "ソフトマックスが2回で変わらない",
        "softmax 两次，一直卡在那里",
        "softmax dos veces, estancado",
        "softmax deux fois, bloqué",
        "softmax zweimal, hängt",
        "소프트맥스 두 번, 멈췄어요",
        "softmax duas vezes, travada",
        "софтмакс дважды, застрял",
        "सॉफ्टमैक्स दो बार, अटक गया",
    ],
)
def test_the_same_words_in_ten_languages_are_the_same_topics(text: str) -> None:
    assert topics_of(text) >= {"softmax", "twice", "stuck"}


def test_names_of_losses_are_no_topics() -> None:
    assert topics_of("negative log likelihood of CrossEntropyLoss") == frozenset()


def test_other_english_words_count_by_their_stem() -> None:
    assert topics_of("a teapot boiled") == topics_of("teapots, boiling")


@pytest.mark.parametrize(
    ("prose", "expected"),
    [
        ("label smoothing 0.1 and 10 classes", {"label_smoothing": "0.1", "classes": "10"}),
        ("label_smoothing=0.2", {"label_smoothing": "0.2"}),
        ("ラベルスムージング 0.1 で 10 クラス", {"label_smoothing": "0.1", "classes": "10"}),
        ("标签平滑 0.1，100 个类", {"label_smoothing": "0.1", "classes": "100"}),
        ("the vocabulary size is 50,257", {"classes": "50257"}),
        ("margin of 1 and delta=.5", {"margin": "1.0", "delta": "0.5"}),
        ("pos_weight = torch.FloatTensor([.6, .4])", {"pos_weight": "[0.6, 0.4]"}),
        ("weight=[1, 2.5, 3] and reduction='sum'", {"weight": "[1.0, 2.5, 3.0]", "reduction": "'sum'"}),
        ("ignore_index=-1", {"ignore_index": "-1"}),
        ("zero_infinity=True", {"zero_infinity": "True"}),
        ("I have 3 questions and 2 cats", {}),
    ],
)
def test_arguments_in_words(prose: str, expected: dict[str, str]) -> None:
    assert {each.name: each.value for each in stated(prose)} == expected


@given(st.integers(2, 5000), st.integers(3, 7))
def test_a_logarithm_of_a_whole_number_gives_it_away_or_leaves_it_open(classes: int, digits: int) -> None:
    shown = f"{math.log(classes):.{digits}f}"
    found = classes_of(Claim("printed", float(shown), 0.5 * 10.0**-digits, shown, None))
    assert found in (classes, None)
    assert found == classes or 0.5 * 10.0**-digits * 10 * classes >= 1


@given(st.floats(0.55, 13, allow_nan=False))
def test_other_numbers_give_nothing_away(value: float) -> None:
    found = classes_of(Claim("printed", value, 5e-5, str(value), None))
    assert found is None or abs(math.log(found) - value) <= 5e-5


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("F.kl_div(a, b) comes out as tensor(-6.8904), what is wrong with my loss?", "negative"),
        ("my BCE loss: tensor(nan)", "nan"),
        ("the CTC loss shows tensor(inf)", "infinite"),
    ],
)
def test_a_value_that_is_shown_is_a_topic_though_no_word_names_it(message: str, topic: str) -> None:
    reading = read(message)
    assert isinstance(reading, Question)
    assert topic in topics_of_values(reading.claims)


def test_a_positive_number_is_no_topic() -> None:
    assert topics_of_values((Claim("printed", 0.6931, 5e-5, "0.6931", None),)) == frozenset()


@pytest.mark.parametrize(
    ("text", "classes"),
    [("resnet on ImageNet, loss 6.9", "1000"), ("cifar-10 cross entropy", "10"), ("CIFAR100 loss", "100")],
)
def test_the_classes_of_well_known_data_are_known(text: str, classes: str) -> None:
    assert {each.name: each.value for each in stated(text)}["classes"] == classes


def test_a_stated_number_of_classes_goes_before_that_of_the_data() -> None:
    assert {each.name: each.value for each in stated("imagenet with 20 classes")}["classes"] == "20"
