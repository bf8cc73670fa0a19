"""Which example of ours a question in words is answered from, and the arguments that go into it."""

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.examples import adapted, examples
from bot.jobs.explaining import listed
from bot.jobs.work import Example
from bot.reading import Question, Stated, read
from bot.reading.topics import topics_of

ARGUMENTS = {"cross_entropy": ("input", "target", "weight", "reduction", "label_smoothing")}
ROWS = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"


def example(slug: str, losses: str, *phrases: str) -> Example:
    return Example(slug, losses, tuple(losses.split()), (), tuple(tuple(topics_of(each)) for each in phrases), (), ())


CHOICE = examples(
    (
        example("twice", "cross_entropy", "softmax twice", "last layer is softmax"),
        example("pad", "cross_entropy", "padding tokens are counted", "ignore_index for padding"),
        example("negative", "nll_loss", "nll is negative"),
        example("blank", "ctc_loss", "repeated labels need a blank", "ctc is infinite"),
        example("half", "", "float16 overflow"),
    )
)


def slug(message: str) -> str | None:
    reading = read(message)
    assert isinstance(reading, Question), reading
    best = CHOICE.best(reading)
    return best.slug if best else None


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("my network ends in a softmax layer and I train with CrossEntropyLoss, it learns slowly", "twice"),
        ("モデルの最後がソフトマックスで CrossEntropyLoss を使っています。損失が下がりません", "twice"),
        ("模型最后一层是 softmax，损失用 CrossEntropyLoss，训练很慢", "twice"),
        ("la última capa es softmax y uso entropía cruzada, ¿está mal?", "twice"),
        ("CrossEntropyLoss over padded sentences: are the pad tokens counted in the loss?", "pad"),
        ("CrossEntropyLoss でパディングのトークンも損失に数えられますか", "pad"),
        ("why is NLLLoss negative during training", "negative"),
        ("NLLLoss 为什么是负数", "negative"),
        ("ctc_loss is inf when the target repeats a label", "blank"),
        ("half precision: my training loss becomes inf, overflow?", "half"),
    ],
)
def test_the_example_is_the_one_that_the_words_are_about(message: str, wanted: str) -> None:
    assert slug(message) == wanted


def test_words_about_nothing_of_it_choose_none() -> None:
    assert slug("what does HuberLoss do for far outliers?") is None


def test_the_loss_that_is_named_outweighs_words_that_others_share() -> None:
    assert slug("is NLLLoss after a softmax fine, why negative?") == "negative"


@given(st.floats(0.01, 0.5), st.integers(2, 40))
def test_the_arguments_that_are_named_are_in_the_program(smoothing: float, classes: int) -> None:
    stated = (Stated("label_smoothing", repr(smoothing)), Stated("classes", str(classes)), Stated("margin", "1.0"))
    told = adapted(ROWS + "nn.CrossEntropyLoss()(logits, target)", stated, ARGUMENTS)
    tree = ast.parse(told)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.keywords]
    assert [(word.arg, ast.literal_eval(word.value)) for call in calls for word in call.keywords] == [
        ("label_smoothing", smoothing)
    ]
    row = told.split("torch.tensor(", 1)[1].split(")\ntarget")[0]
    assert [len(each) for each in eval(row)] == [classes, classes]


def test_an_argument_that_is_there_already_is_replaced() -> None:
    source = "F.cross_entropy(logits, target, label_smoothing=0.3)"
    assert adapted(source, (Stated("label_smoothing", "0.1"),), ARGUMENTS).endswith("label_smoothing=0.1)")


def test_weights_become_a_tensor_and_there_are_as_many_classes() -> None:
    source = "F.cross_entropy(torch.tensor([[2.0, 0.5, -1.0]]), target)"
    told = adapted(source, (Stated("weight", "[1.0, 2.0]"),), ARGUMENTS)
    assert told == "F.cross_entropy(torch.tensor([[2.0, 0.5]]), target, weight=torch.tensor([1.0, 2.0]))"


def test_a_program_is_left_alone_where_nothing_that_it_takes_is_named() -> None:
    assert adapted("# ours\nF.mse_loss(a, b)", (Stated("margin", "2.0"),), ARGUMENTS) == "# ours\nF.mse_loss(a, b)"


def test_rarity_is_greater_for_what_fewer_examples_are_about() -> None:
    assert CHOICE.rarity["padding"] == pytest.approx(math.log(6 / 1))
    assert CHOICE.rarity["softmax"] > 0


def test_a_stated_number_goes_where_the_example_binds_its_name() -> None:
    source = "loss = torch.tensor(2.5)\ntorch.exp(loss)"
    assert adapted(source, (Stated("loss", "3.28"),), ARGUMENTS) == "loss = torch.tensor(3.28)\ntorch.exp(loss)"
    pairs = "batch = 4\nlogits = torch.zeros(2 * batch, 2 * batch)"
    assert adapted(pairs, (Stated("batch", "64.0"),), ARGUMENTS).startswith("batch = 64\n")
    assert adapted(pairs, (Stated("batch", "65536.0"),), ARGUMENTS) == pairs


def test_an_example_of_any_loss_does_not_outdo_that_of_the_loss_by_name() -> None:
    known = (example("loop", "", "loss does not decrease learning rate"), example("pairs", "info_nce", "SimCLR stuck"))
    reading = read("my contrastive loss does not decrease, learning rate 0.1")
    assert isinstance(reading, Question)
    best = examples(known).best(reading)
    assert best is not None
    assert best.slug == "pairs"


def test_what_an_example_claims_is_marked_as_ours_whichever_way_it_is_chosen() -> None:
    claims = [claim for each in listed().examples for claim in each.claims]
    assert claims and all(claim.ours for claim in claims)


def test_an_example_that_uses_the_argument_whose_value_is_stated_goes_before_one_that_does_not() -> None:
    words = "two classes, one sigmoid output. I set pos_weight = torch.tensor([.6, .4]) for the classes"
    reading = read(words)
    assert isinstance(reading, Question)
    best = examples(listed().examples).best(reading)
    assert best is not None and "pos_weight" in best.source
