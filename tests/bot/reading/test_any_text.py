"""Any text at all: no exception, values that survive the wire, spans that fit, and code in a fence verbatim."""

import ast

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.reading import Origin, Question, Reading, read

FRAGMENTS = [
    "```", "````py", "`", ">>> ", "... ", "In [1]: ", "Out[1]: ", "tensor([", "array([1., nan])", "[", "]", "(",
    ")", "'", '"', '"""', "#", "\n", "\n    ", "\t", "def f(x):", "if x:", "x = ", "-> ", "=> ", "0.5514",
    "1e999", "-inf", "9" * 400, "Traceback (most recent call last):\n", "ValueError: bad", "cross entropy",
    " CE ", "logits [1, 0]", "target 0", "expected 0", "\0", "\ud800", "“", "≤", "，", "0,5514", "%matplotlib",
    "@", "\\", "~~~", "grad_fn=<", "torch.Size([", "F.mse_loss(", "\r", "\u2028",
]  # fmt: skip
NAMES = st.sampled_from(["a", "b", "logits", "loss", "y"])
STATEMENTS = st.one_of(
    st.builds("{} = torch.tensor([{}])".format, NAMES, st.floats(-9, 9).map(repr)),
    st.builds("{} = F.cross_entropy({}, {})".format, NAMES, NAMES, NAMES),
    st.builds("print(nn.MSELoss()({}, {}))".format, NAMES, NAMES),
    st.builds("if {0} > 1:\n    {0} = -{0}  # 'flip'".format, NAMES),
    st.builds("def {}(x):\n\n    return x.log().mean()".format, NAMES),
    NAMES,
)
PROGRAMS = st.lists(STATEMENTS, min_size=1, max_size=6).map(
    lambda s: "\n".join(["import torch", "a = b = logits = loss = y = torch.ones(2)", *s, "F.mse_loss(a, b)"])
)


def check(reading: Reading) -> None:
    assert msgspec.msgpack.encode(reading)
    if not isinstance(reading, Question):
        return
    for claim in reading.claims:
        assert claim.span is None or reading.text[claim.span.start : claim.span.end] == claim.text
        assert claim.radius >= 0
    for snippet in reading.snippets:
        assert len(snippet.line_map) == snippet.source.count("\n") + 1
        assert all(1 <= line <= reading.text.count("\n") + 1 for line in snippet.line_map)
    assert reading.subject is None or reading.subject < len(reading.snippets)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(), max_size=300), st.booleans())
@example("\ud83d", True)
def test_any_text(text: str, direct: bool) -> None:
    check(read(text, direct=direct))


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join), st.booleans())
def test_any_mixture_of_forms(text: str, direct: bool) -> None:
    check(read(text, direct=direct))


@settings(max_examples=100, deadline=None)
@given(PROGRAMS, st.sampled_from(["", "py", "python", "js"]), st.booleans())
def test_code_in_a_fence_survives_verbatim(code: str, tag: str, closed: bool) -> None:
    reading = read(f"why is this loss so?\n```{tag}\n{code}\n" + "```" * closed)
    assert isinstance(reading, Question)
    assert [(s.source, s.origin) for s in reading.snippets] == [(code, Origin.FENCE)]


@settings(max_examples=100, deadline=None)
@given(PROGRAMS)
def test_the_program_is_the_same_with_and_without_a_fence(code: str) -> None:
    fenced, free = read(f"why this loss?\n```\n{code}\n```"), read(f"why this loss?\n\n{code}\n")
    assert isinstance(fenced, Question)
    assert isinstance(free, Question)
    bound = ast.parse(fenced.snippets[0].source)
    assert ast.dump(ast.parse("\n".join(s.source for s in free.snippets))) == ast.dump(bound)
    assert free.missing == fenced.missing
