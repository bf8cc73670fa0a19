"""What askers worked out themselves is what they expect; what they wrote on paper is no program."""

from __future__ import annotations

import pytest

from bot.reading import Question, read

CODE = "z = torch.tensor([[2.0, 1.0, 0.1]])\ny = torch.tensor([0])\n{}\n{}"
CALL = "nn.CrossEntropyLoss()(z, y)"


def question(text: str) -> Question:
    found = read(text)
    assert isinstance(found, Question)
    return found


@pytest.mark.parametrize(
    "sentence",
    [
        "My own formula gives 0.4170 + 0.2771 + 0.1038 = 0.7980",
        "By hand I get 0.7980, why?",
        "我手算 (0.2+0.5962) = 0.7980, 为什么不一样?",
        "手計算では 0.7980 になります",
        "Von Hand: 0.7980",
    ],
)
def test_what_somebody_worked_out_is_expected_and_its_terms_are_not_stated(sentence: str) -> None:
    found = question(CODE.format(CALL, sentence))
    assert [claim.value for claim in found.claims if claim.kind == "expected"] == [0.798]
    assert [claim for claim in found.claims if claim.kind == "printed"] == []


@pytest.mark.parametrize("arrow", ["-->", "->", "==>", "=>", "→"])
def test_an_arrow_in_front_of_a_comment_is_no_part_of_the_line(arrow: str) -> None:
    found = question(
        CODE.format(f"loss = nn.CrossEntropyLoss()\nprint(loss(z, y)) {arrow} # 得出结果tensor(0.4170)", "?")
    )
    assert found.snippets[0].source.splitlines()[-1].startswith("print(loss(z, y))")
    assert [claim.value for claim in found.claims] == [0.417]


def test_labels_of_cells_on_lines_of_their_own_do_not_part_the_program() -> None:
    lines = CODE.format("In [101]:\nloss = nn.CrossEntropyLoss()\nIn [102]:\nloss(z, y)\ntensor(0.4170)", "why?")
    (snippet,) = question(lines).snippets
    assert snippet.source.startswith("z = torch.tensor")
    assert snippet.source.endswith("loss(z, y)")


def test_every_reduction_that_is_named_is_run_and_the_last_one_is_meant() -> None:
    data = "pred = torch.tensor([[0.2, 0.3, 0.5], [0.5, 0.2, 0.3]])\ny = torch.tensor([2, 1])\n"
    named = 'reduction="none" gives tensor([0.9, 1.2])\nbut cross entropy with reduction="mean" gives tensor(1.0598)'
    found = question(f"{data}\n{named}\nExpected: mean((5.6390, 4.9593)) = 5.29915")
    reductions = [snippet.source.rpartition("reduction=")[2] for snippet in found.snippets]
    assert reductions == ['"mean")', '"none")']
    assert found.subject == 0


def test_a_label_in_front_of_a_call_and_its_value_is_no_program() -> None:
    call = "F.poisson_nll_loss(torch.tensor([2.5]), torch.tensor([3.0]), log_input=False)"
    found = question(f"scipy: -stats.poisson.logpmf(3, 2.5) = 1.5428\ntorch: {call}\n-> tensor(-0.2489)")
    assert [snippet.source for snippet in found.snippets] == [call]
