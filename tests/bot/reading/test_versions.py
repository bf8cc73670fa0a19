"""What changed between two programs, and each change alone."""

import pytest

from bot.reading.versions import Change, changes

BASE = "x = torch.tensor([1.0, 2.0])\nF.mse_loss(x, torch.zeros(2), reduction='sum')"


def told(first: str, second: str) -> list[tuple[str, str]]:
    return [(each.before, each.after) for each in changes(first, second)]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (BASE.replace(", reduction='sum'", ""), [("reduction='sum'", "")]),
        (BASE.replace("'sum'", "'mean'"), [("reduction='sum'", "reduction='mean'")]),
        (BASE.replace("mse_loss", "l1_loss"), [("F.mse_loss", "F.l1_loss")]),
        (BASE.replace("2.0]", "3.0]"), [("[1.0, 2.0]", "[1.0, 3.0]")]),
        ("import torch\n" + BASE.replace("F.mse", "print(F.mse") + ")", []),
        (
            BASE.replace("mse_loss", "huber_loss").replace("reduction='sum'", "delta=2.0"),
            [("F.mse_loss", "F.huber_loss"), ("reduction='sum'", ""), ("", "delta=2.0")],
        ),
        (BASE.replace("\nF", "\nx = x / 2\nF"), [("", "x = x / 2")]),
        (BASE, []),
        ("for i in range(3):\n    print('hello', i)", []),
        ("x = (", []),
    ],
)
def test_changes_are_the_least_that_differ(second: str, expected: list[tuple[str, str]]) -> None:
    assert told(BASE, second) == expected


def test_each_change_is_made_alone() -> None:
    second = BASE.replace("mse_loss", "l1_loss").replace("'sum'", "'mean'")
    assert [each.source for each in changes(BASE, second)] == [
        BASE.replace("mse_loss", "l1_loss"),
        BASE.replace("'sum'", "'mean'"),
    ]


def test_a_change_within_a_function_is_found() -> None:
    first = "def loss(x, y):\n    d = x - y\n    return (d ** 2).sum()\nloss(a, b)"
    second = first.replace("sum", "mean").replace("x - y", "y - x")
    assert told(first, second) == [("x", "y"), ("y", "x"), ("(d ** 2).sum", "(d ** 2).mean")]


def test_too_many_changes_are_two_programs() -> None:
    first = "\n".join(f"value_{n} = compute({n})" for n in range(6))
    assert changes(first, first.replace("compute(", "compute(1")) == ()


def test_changing_back_and_forth_meets() -> None:
    second = BASE.replace("'sum'", "'mean'")
    (there,), (back,) = changes(BASE, second), changes(second, BASE)
    assert (there.before, there.after) == (back.after, back.before)
    assert back == Change(there.after, there.before, BASE)
