"""No input has a letter that a formula uses for something else, and everything speaks of it by the same letter."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from explainers.derivation import Definition, Gradient, agrees
from explainers.explanation import Explanation
from explainers.graph.balls import precise
from explainers.lettering import INDICES, is_clear, letters
from explainers.losses.registry import registry
from explainers.notebook import explained
from explainers.reading import Reading
from explainers.tracing import record

MISLEADING = (
    "e",
    "ell",
    "i",
    "j",
    "k",
    "l",
    "m",
    "n",
    "pi",
    "sigma",
    "x2",
    "z_1",
    "z_i",
    "e_in",
    "_",
    "ŷ",
    "log",
    "softmax",
)


@pytest.mark.parametrize("name", MISLEADING)
def test_a_misleading_name_is_not_shown(name: str) -> None:
    found = explanation(f"{name} = torch.tensor([1., 2.], requires_grad=True)\n({name} * {name}.exp()).sum()")
    reading = found.reading
    assert isinstance(reading, Reading) and reading.twin is not None and "x = [1.0, 2.0]" in reading.twin.source
    assert shown(found) - {"i"} == {"x"}
    assert found.proof.certified


@pytest.mark.parametrize("name", ["z", "a", "pred", "log_probs", "y_hat", "alpha", "logits", "input1"])
def test_a_clear_name_stays(name: str) -> None:
    assert is_clear(name) and letters({7: name}) == {7: name}


def test_the_letters_of_the_library_are_clear() -> None:
    for loss in registry().losses.values():
        assert all(map(is_clear, loss.symbols.values())), loss.name


@given(
    st.lists(
        st.one_of(st.sampled_from(MISLEADING), st.text(max_size=6), st.from_regex(r"[a-z]\d{0,2}", fullmatch=True))
    )
)
def test_letters_are_clear_and_differ(names: list[str]) -> None:
    wanted = dict(enumerate(dict.fromkeys(names)))
    found = letters(wanted)
    assert len(set(found.values())) == len(wanted)
    assert all(map(is_clear, found.values())) and not INDICES & set(found.values())
    assert all(found[id] == name for id, name in wanted.items() if is_clear(name))


def test_many_inputs_have_letters() -> None:
    found = letters({k: f"x{k}" for k in range(1000)})
    assert len(set(found.values())) == 1000 and all(map(is_clear, found.values()))


def test_two_tensors_of_one_letter_are_told_apart_without_a_digit() -> None:
    source = """\
z = torch.tensor([[1.0, 2.0]], requires_grad=True)
y = torch.tensor([1])
F.cross_entropy(z, y) + F.cross_entropy(torch.tensor([[3.0, 5.0]]), torch.tensor([0]))"""
    found = explanation(source)
    assert not any(letter[-1].isdigit() for letter in shown(found))
    with precise():
        assert all(agrees(step) for step in found.derivation.steps)


def test_no_index_has_the_letter_of_an_input() -> None:
    ones = "torch.ones(2, 2, 2, 2, 2, 2, 2"
    found = explanation(f"a = {ones}, requires_grad=True)\nb = {ones})\n(a * b).sum()")
    for step in found.derivation.steps:
        if isinstance(step, Definition):
            assert not {str(letter) for letter in step.letters} & {"a", "b"}
    assert found.proof.certified


def explanation(source: str) -> Explanation:
    return explained(record(source))


def shown(found: Explanation) -> set[str]:
    names: set[str] = set()
    for step in found.derivation.steps:
        forms = (
            step.forms
            if isinstance(step, Definition)
            else (step.formula,)
            if isinstance(step, Gradient) and step.formula
            else ()
        )
        for form in forms:
            names |= {str(getattr(atom, "label", atom)) for atom in form.atoms(sympy.Symbol, sympy.IndexedBase)}
    return names
