"""What is said of a message's programs: where each came from, and what changed between them."""

import pytest

from bot.claims import about, are_apart
from bot.comparing import Compared, told, versions
from bot.exchange import Error, Other, Proof
from bot.languages import translators
from bot.places import sources
from bot.reading import File, Question, Snippet, read
from bot.remarks import remarks

ENGLISH = translators()["en"]
FIRST = "x = torch.tensor([1., 2.])\nF.mse_loss(x, torch.zeros(2), reduction='sum')"


def asked(text: str, *files: File) -> tuple[Question, Snippet]:
    found = read(text, files)
    assert isinstance(found, Question)
    assert found.subject is not None
    return found, found.snippets[found.subject]


def other(value: float) -> Other:
    return Other("loss", "mse_loss", value, Proof("not-applicable"))


def pair(second: str) -> tuple[Question, Snippet]:
    return asked(f"why do these differ?\n```py\n{FIRST}\n```\nand\n```py\n\n{second}\n```")


def test_one_change_is_what_moved_the_value() -> None:
    question, explained = pair(FIRST.replace(", reduction='sum'", ""))
    (version,) = versions(question, explained, 3)
    assert version.alone == ()
    said = [each.say(ENGLISH) for each in told(question, explained, 5.0, Compared(version, other(2.5), ()))]
    assert said == [
        "From the code in block 1, line 1 to that in block 2, line 2, reduction='sum' was left out: "
        "that alone takes the value from 5 to 2.5 (−2.5)."
    ]


def test_of_several_changes_each_is_run_alone() -> None:
    question, explained = pair(FIRST.replace("mse", "l1").replace("'sum'", "'none'"))
    (version,) = versions(question, explained, 3)
    assert [each.source.count("l1_loss") for each in version.alone] == [1, 0]
    found = Compared(version, other(1.5), (other(3.0), None))
    assert [each.say(ENGLISH) for each in told(question, explained, 5.0, found)] == [
        "From the code in block 1, line 1 to that in block 2, line 2:",
        "- F.mse_loss became F.l1_loss: this alone takes the value from 5 to 3 (−2).",
        "- reduction='sum' became reduction='none': this alone gives no value.",
        "All together takes the value from 5 to 1.5 (−3.5).",
    ]


def test_programs_that_have_nothing_in_common_are_not_compared() -> None:
    question, explained = pair("for row in rows:\n    print(nn.KLDivLoss()(row, q))")
    (version,) = versions(question, explained, 3)
    assert list(told(question, explained, 5.0, Compared(version, other(1.0), ()))) == []


@pytest.mark.parametrize(
    ("text", "files", "places"),
    [
        (f"```\n{FIRST}\n```\nwhy?", (), []),
        ("cross entropy of [1., 2.] and class 1?", (), ["I wrote this program from line 1 of your message: F.cross_"]),
        ("why?", (File("a.py", FIRST.encode()),), ["I took the program from the file a.py."]),
        (
            "y is [1, 0] and\n```\nF.mse_loss(x, y)\n```\n1.0?",
            (File("x.csv", b"0.5\n0.25\n"),),
            ["I took the program from block 1, line 1; x from the file x.csv; y from line 1 of your message."],
        ),
    ],
)
def test_where_a_program_and_its_values_came_from(text: str, files: tuple[File, ...], places: list[str]) -> None:
    said = [each.say(ENGLISH) for each in sources(*asked(text, *files))]
    assert len(said) == len(places)
    assert all(told.startswith(place) for told, place in zip(said, places, strict=True)), said


@pytest.mark.parametrize(
    ("code", "repair"),
    [
        ("print(F.l1_loss(x, y)", "(a missing or surplus bracket ))"),
        ("print(F.l1_loss(x, y, reduction=“sum”))", "(characters that Python does not know: “”)"),
        ("print F.l1_loss(x, y)", "(print without brackets)"),
    ],
)
def test_repairs_are_named(code: str, repair: str) -> None:
    question, snippet = asked(f"```\nx, y = torch.ones(2), torch.zeros(2)\n{code}\n```\nwhy?")
    (said,) = [each.say(ENGLISH) for each in remarks(question, snippet)]
    assert repair in said
    assert said.endswith(snippet.source.split("\n")[-1])


def test_a_version_that_stops_is_told_with_what_made_it_stop() -> None:
    question, explained = pair(FIRST.replace("zeros(2)", "zeros(3)"))
    (version,) = versions(question, explained, 3)
    stops = Other("loss", None, None, Proof("not-applicable"), Error("RuntimeError", "sizes 2 and 3"))
    said = [each.say(ENGLISH) for each in told(question, explained, 5.0, Compared(version, stops, (), "2 is not 3."))]
    assert said == [
        "From the code in block 1, line 1 to that in block 2, line 2, 2 became 3: "
        "that alone makes it stop with RuntimeError.",
        "The code in block 2, line 2: 2 is not 3.",
    ]


def test_a_version_that_gives_nan_is_told_with_its_own_answer() -> None:
    question, explained = pair(FIRST.replace("zeros", "full").replace("2)", "2, nan)"))
    (version,) = versions(question, explained, 3)
    found = Compared(version, Other("loss", "mse_loss", "nan", Proof("certified")), (), "nan is what it gets.")
    first, second = [each.say(ENGLISH) for each in told(question, explained, 5.0, found)]
    assert first.endswith("takes the value from 5 to nan.")
    assert second.endswith("nan is what it gets.")


def test_a_step_behind_a_call_is_one_change() -> None:
    question, explained = asked(
        "v1\n```\nx = torch.tensor([[2., 1.]])\nF.cross_entropy(x, torch.tensor([0]))\n```\n"
        "v2\n```\nx = torch.tensor([[2., 1.]]).softmax(1)\nF.cross_entropy(x, torch.tensor([0]))\n```\nwhy?"
    )
    (version,) = versions(question, explained, 3)
    assert [(each.before, each.after) for each in version.changes] == [
        ("torch.tensor([[2.0, 1.0]])", "torch.tensor([[2.0, 1.0]]).softmax(1)")
    ]


@pytest.mark.parametrize(
    ("between", "told"),
    [
        (", expected 3\nQ2: F.l1_loss(torch.tensor([3.]), torch.tensor([1.])) gives 2, expected 5", True),
        (", expected 3, and F.l1_loss(torch.tensor([3.]), torch.tensor([1.])) gives 2", False),
    ],
)
def test_an_expectation_of_each_program_makes_two_questions(between: str, told: bool) -> None:
    question = read(f"Q1: F.mse_loss(torch.tensor([3.]), torch.tensor([1.])) gives 4{between}")
    assert isinstance(question, Question)
    assert are_apart(question) is told
    hoped = [[each.value for each in about(question, one) if each.kind == "expected"] for one in question.snippets]
    assert hoped == ([[3.0], [5.0]] if told else [[3.0], [3.0]])
