"""Every form that a message takes, with messages of our own: what becomes of it."""

import ast
import math

import pytest

from bot.reading import Claim, Kind, Origin, Question, read

CODE = "z = torch.tensor([[2.0, 0.5]])\ny = torch.tensor([1])\nout = nn.CrossEntropyLoss()(z, y)\nout"
WORDS = "I expected 0.2, so why 1.7014?"


def question(message: str, direct: bool = False) -> Question:
    reading = read(message, direct=direct)
    assert isinstance(reading, Question), reading
    return reading


def source(message: str) -> str:
    asked = question(message)
    assert asked.subject is not None
    return asked.snippets[asked.subject].source


def values(asked: Question, kind: str) -> list[float | str | tuple[float, ...]]:
    return [claim.value for claim in asked.claims if claim.kind == kind]


PASTED = {
    "fence": f"```\n{CODE}\n\ntensor(1.7014)\n```\n{WORDS}",
    "fence with tag": f"```python\n{CODE}\n```\n{WORDS}",
    "tag after a space": f"``` python\n{CODE}\n```\n{WORDS}",
    "wrong tag": f"```js\n{CODE}\n```\n{WORDS}",
    "four ticks": f"````py\n{CODE}\n````\n{WORDS}",
    "tildes": f"~~~\n{CODE}\n~~~\n{WORDS}",
    "unterminated": f"{WORDS}\n```py\n{CODE}\n",
    "single ticks": f"{WORDS}\n`\n{CODE}\n`",
    "output in its own fence": f"```\n{CODE}\n```\n```\ntensor(1.7014)\n```\n{WORDS}",
    "unfenced": f"{CODE}\n\ntensor(1.7014)\n\n{WORDS}",
    "unfenced, dense": f"{WORDS}\n{CODE}\ntensor(1.7014)",
    "indented": "\n".join("    " + line for line in f"{CODE}\ntensor(1.7014)".split("\n")) + f"\n\n{WORDS}",
    "grad_fn": f"{CODE}\ntensor(1.7014, grad_fn=<NllLossBackward0>)\n{WORDS}",
    "arrow": f"```\n{CODE} -> 1.7014\n```\n{WORDS}",
    "fat arrow": f"```\n{CODE} => tensor(1.7014)\n```\n{WORDS}",
    "chevrons": f"{CODE} >> 1.7014\n\n{WORDS}",
    "arrow on its own line": f"```\n{CODE}\n-> 1.7014\n```\n{WORDS}",
    "prompt before output": f"```\n{CODE}\n>>> tensor(1.7014)\n```\n{WORDS}",
    "ruler": f"{CODE}\n-----------\nout: tensor(1.7014)\n{WORDS}",
    "doctest": "\n".join(">>> " + line for line in CODE.split("\n")) + f"\ntensor(1.7014)\n\n{WORDS}",
    "ipython": "\n\n".join(f"In [{i}]: {line}" for i, line in enumerate(CODE.split("\n"), 1))
    + f"\nOut[4]: tensor(1.7014)\n\n{WORDS}",
    "carriage returns": f"```\n{CODE}\n```\n{WORDS}".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("message", PASTED.values(), ids=PASTED)
def test_the_same_question_in_every_shape_gives_the_same_program_and_claims(message: str) -> None:
    asked = question(message)
    assert ast.dump(ast.parse(source(message))) == ast.dump(ast.parse(CODE))
    assert [claim.value for claim in asked.claims if claim.kind == "printed"] == [1.7014]
    assert values(asked, "expected") == [0.2]
    assert asked.kind is Kind.PROGRAM
    assert asked.missing == ()
    assert asked.language == "en"
    assert {c.name for c in asked.snippets[0].completions} == {"torch", "nn"}
    assert asked.snippets[0].shown


@pytest.mark.parametrize("message", PASTED.values(), ids=PASTED)
def test_each_source_line_is_in_the_line_of_the_message_it_is_mapped_to(message: str) -> None:
    asked = question(message)
    snippet = asked.snippets[0]
    lines = asked.text.split("\n")
    assert len(snippet.line_map) == len(snippet.source.split("\n"))
    for line, number in zip(snippet.source.split("\n"), snippet.line_map, strict=True):
        assert line in lines[number - 1]


@pytest.mark.parametrize("message", PASTED.values(), ids=PASTED)
def test_a_claim_says_where_it_stands(message: str) -> None:
    asked = question(message)
    assert asked.claims
    for claim in asked.claims:
        assert claim.span is not None
        assert asked.text[claim.span.start : claim.span.end] == claim.text


def test_the_prelude_makes_the_snippet_run() -> None:
    snippet = question(PASTED["unfenced"]).snippets[0]
    namespace: dict[str, object] = {}
    exec(compile(f"{snippet.prelude}\n{snippet.source}", "<snippet>", "exec"), namespace)
    assert abs(float(namespace["out"]) - 1.7014) < 5e-5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("```l = F.mse_loss(torch.tensor([1.]), torch.tensor([3.]))```",
         "l = F.mse_loss(torch.tensor([1.]), torch.tensor([3.]))"),
        ("see ```py\nx = 1.5\nF.l1_loss(x, y)``` ok", "x = 1.5\nF.l1_loss(x, y)"),
        ("F.l1_loss(torch.tensor([4.0]), torch.tensor([1.0])) is 3.0 for me, why?",
         "F.l1_loss(torch.tensor([4.0]), torch.tensor([1.0]))"),
        ("with `a = torch.ones(2)` I get F.mse_loss(a, torch.zeros(2)) = 1, why?",
         "a = torch.ones(2)\nF.mse_loss(a, torch.zeros(2))"),
    ],
)  # fmt: skip
def test_code_in_a_line(message: str, expected: str) -> None:
    assert source(message) == expected


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("CE of logits [2, 1], target 1", "F.cross_entropy(torch.tensor([2.0, 1.0]), torch.tensor(1))"),
        ("cross entropy of [[2,1]] with class 1 gives 1.3133",
         "F.cross_entropy(torch.tensor([[2.0, 1.0]]), torch.tensor([1]))"),
        ("NLLLoss: scores tensor([[-0.5, -1.5]]) label tensor([0])",
         "F.nll_loss(torch.tensor([[-0.5, -1.5]]), torch.tensor([0]))"),
        ("BCE of probs [0.9, 0.2] and labels [1, 0]?",
         "F.binary_cross_entropy(torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0]))"),
        ("BCE with logits, logits [3, -1], targets [1, 0]",
         "F.binary_cross_entropy_with_logits(torch.tensor([3.0, -1.0]), torch.tensor([1.0, 0.0]))"),
        ("MSE between predictions [1.5] and targets [1]", "F.mse_loss(torch.tensor([1.5]), torch.tensor([1.0]))"),
        ("cross entropy, logits [1, 2], soft label [0.3, 0.7]",
         "F.cross_entropy(torch.tensor([1.0, 2.0]), torch.tensor([0.3, 0.7]))"),
        ("cross entropy with label smoothing 0.1 of logits [1, 2] and class 0",
         "F.cross_entropy(torch.tensor([1.0, 2.0]), torch.tensor(0), label_smoothing=0.1)"),
        ("CE, logits [1, 2], target 0, weight [3, 1]",
         "F.cross_entropy(torch.tensor([1.0, 2.0]), torch.tensor(0), weight=torch.tensor([3.0, 1.0]))"),
        ("正解は 1、出力［0，2］のクロスエントロピーは？",
         "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("logits 是 [0, 2]，标签是 1，交叉熵是多少？", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("Entropía cruzada con logits [0, 2] y clase 1", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("Entropie croisée : logits [0, 2], classe 1", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("Kreuzentropie von Logits [0, 2] und Klasse 1", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("로짓 [0, 2], 정답 클래스 1 의 크로스 엔트로피", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("Entropia cruzada: logits [0, 2], classe 1", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("Кросс-энтропия: логиты [0, 2], класс 1", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
        ("लॉजिट [0, 2], लेबल 1: क्रॉस एन्ट्रॉपी?", "F.cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor(1))"),
    ],
)  # fmt: skip
def test_literals_become_the_call(message: str, call: str) -> None:
    asked = question(message)
    assert asked.kind is Kind.LITERAL
    assert [(s.source, s.origin) for s in asked.snippets] == [(call, Origin.LITERAL)]


def test_several_literals_are_several_programs_and_share_the_target() -> None:
    asked = question(
        "label is 1. logits [0, 1] give a cross entropy of 0.3133, logits [0, 50] give 0. I expected 0 twice"
    )
    assert [snippet.source for snippet in asked.snippets] == [
        "F.cross_entropy(torch.tensor([0.0, 1.0]), torch.tensor(1))",
        "F.cross_entropy(torch.tensor([0.0, 50.0]), torch.tensor(1))",
    ]
    assert values(asked, "printed") == [0.3133, 0.0]
    assert values(asked, "expected") == [0.0]


def test_printed_tensors_in_prose_are_data_and_the_printed_loss_is_a_claim() -> None:
    asked = question(
        "preds tensor([[0.7],\n        [0.2]], grad_fn=<SigmoidBackward>)\nlabels tensor([[1.], [0.]])\n"
        "loss tensor(0.2899, grad_fn=<BinaryCrossEntropyBackward>)\nhow?"
    )
    assert asked.snippets[0].source == (
        "F.binary_cross_entropy(torch.tensor([[0.7], [0.2]]), torch.tensor([[1.0], [0.0]]))"
    )
    assert values(asked, "printed") == [0.2899]


def test_a_statement_that_raised_at_the_prompt_is_left_out_where_others_follow() -> None:
    asked = question(
        ">>> t = torch.tensor([3.])\n>>> nn.BCELoss()(t, t)\nTraceback (most recent call last):\n"
        '  File "<stdin>", line 1, in <module>\nRuntimeError: all elements of input should be between 0 and 1\n'
        ">>> nn.BCEWithLogitsLoss()(t, t)\ntensor(-5.9514)\n\nnegative??"
    )
    assert asked.snippets[0].source == "t = torch.tensor([3.])\nnn.BCEWithLogitsLoss()(t, t)"
    assert [c.code for c in asked.snippets[0].completions if c.what == "left-out"] == ["nn.BCELoss()(t, t)"]
    assert asked.traceback is not None
    assert asked.traceback.type == "RuntimeError"
    assert values(asked, "behaviour") == ["negative"]


def test_a_statement_that_a_warning_was_printed_for_is_kept() -> None:
    asked = question(
        ">>> nn.MSELoss()(a, b)\nUserWarning: Using a target size (torch.Size([2])) that is different to the input size"
        "\ntensor(0.1184)\n>>> nn.MSELoss()(a, b.unsqueeze(1))\ntensor(0.0631)\nwhy?"
    )
    assert asked.snippets[0].source == "nn.MSELoss()(a, b)\nnn.MSELoss()(a, b.unsqueeze(1))"
    assert values(asked, "printed") == [0.1184, 0.0631]


def test_output_behind_the_words_that_the_program_prints_is_claimed() -> None:
    code = "print('small', F.mse_loss(a, b))\nprint(\"big\", f(b))\nprint(f'half: {f(c)}')\nsmall = 3"
    asked = question(f"```\n{code}\n```\n```\nsmall 0.6931\nbig   0.0\nhalf: 0.25\n```\nshouldn't they be equal?")
    assert asked.snippets[0].source == code
    assert values(asked, "printed") == [0.6931, 0.0, 0.25]


def test_an_exception_in_a_comment_is_reported() -> None:
    asked = question(
        "```\nF.mse_loss(a, b)\n# RuntimeError: input and target shapes do not match: [5, 1], [5, 9]\n```\nwhy?"
    )
    assert asked.traceback is not None
    assert asked.traceback.type == "RuntimeError"
    assert asked.traceback.message.startswith("input and target shapes do not match")


def test_a_traceback_alone_is_an_error_to_explain() -> None:
    asked = question(
        'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    loss = crit(x, y)\n'
        "IndexError: Target 7 is out of bounds.\nwhat now?"
    )
    assert asked.kind is Kind.ERROR
    assert asked.traceback is not None
    assert asked.traceback.message == "Target 7 is out of bounds."
    assert asked.snippets == ()


def test_comments_behind_code_are_printed_claims_and_stay_in_the_source() -> None:
    code = "l = nn.L1Loss(reduction='none')\nprint(l(a, a))  # tensor([1., 1.])\nprint(l(a, b))  # 0.25, 3 classes"
    asked = question(f"```\nimport torch\na = b = torch.ones(1)\n{code}\n```")
    assert code in asked.snippets[0].source
    assert values(asked, "printed") == [(1.0, 1.0), 0.25]


def test_a_snippet_is_joined_with_the_one_it_needs() -> None:
    asked = question(
        "my loss\n```\ndef my_loss(a, b):\n    return ((a - b) ** 2).sum()\n```\nand I call\n"
        "```\nprint(my_loss(torch.ones(3), torch.zeros(3)))\n```\nwhy is the loss 3?"
    )
    assert len(asked.snippets) == 1
    assert asked.missing == ()
    assert asked.snippets[0].line_map == (3, 4, 7) or asked.snippets[0].line_map == (3, 4, 8)


def test_separate_snippets_stay_separate() -> None:
    asked = question(
        "```\nF.l1_loss(torch.ones(1), torch.zeros(1))\n```\nbut\n```\nF.mse_loss(torch.ones(1), torch.zeros(1))\n```"
    )
    assert [s.source[:9] for s in asked.snippets] == ["F.l1_loss", "F.mse_los"]


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("loss = F.mse_loss(model(x), y)\nloss", ("model", "x", "y")),
        ("nn.MSELoss()(input, torch.zeros(1))", ("input",)),
        ("def f(a):\n    return F.mse_loss(a, a)\nf(a)", ("a",)),
        ("from mylosses import FocalLoss\nprint(FocalLoss()(torch.ones(1)))", ("FocalLoss",)),
        ("x = [F.mse_loss(t, t) for t in map(torch.ones, (1, 2))]\nprint(x, math.pi, np.e)", ()),
    ],
)
def test_missing_names(code: str, missing: tuple[str, ...]) -> None:
    assert question(f"why this loss?\n```\n{code}\n```").missing == missing


@pytest.mark.parametrize(
    ("code", "mended", "what"),
    [
        ("x = torch.tensor([1.])\nprint(F.mse_loss(x, x)",
         "x = torch.tensor([1.])\nprint(F.mse_loss(x, x))", "parenthesis"),
        ("l = nn.MSELoss(reduction=“sum”)\nl(a, a)", 'l = nn.MSELoss(reduction="sum")\nl(a, a)', "character"),
        ("l =\xa0nn.MSELoss（）\nl(a, a)", "l = nn.MSELoss()\nl(a, a)", "character"),
        ("def f(a):\n\tb = a\n        return F.mse_loss(a, b)",
         "def f(a):\n        b = a\n        return F.mse_loss(a, b)", "tab"),
        ("loss = nn.MSELoss()(a, a)\nprint loss", "loss = nn.MSELoss()(a, a)\nprint(loss)", "print"),
        ("l = nn.MSELoss(reduction='sum)\nl(a, a)", "l = nn.MSELoss(reduction='sum')\nl(a, a)", "quote"),
        ("F.l1_loss(torch.tensor([[1., 2.]), torch.zeros(1, 2))",
         "F.l1_loss(torch.tensor([[1., 2.]]), torch.zeros(1, 2))", "parenthesis"),
        ("F.l1_loss(torch.tensor([1., 2.], torch.tensor([0., 0.]))",
         "F.l1_loss(torch.tensor([1., 2.]), torch.tensor([0., 0.]))", "parenthesis"),
        ("F.l1_loss(torch.tensor([1.], torch.tensor([0.])",
         "F.l1_loss(torch.tensor([1.]), torch.tensor([0.]))", "parenthesis"),
    ],
)  # fmt: skip
def test_what_is_almost_python_is_mended_and_said(code: str, mended: str, what: str) -> None:
    asked = question(f"why this loss?\n```\n{code}\n```")
    assert asked.snippets[0].source == mended
    assert what in {c.what for c in asked.snippets[0].completions}


def test_typographic_signs_in_code_that_parses_are_left_alone() -> None:
    code = 'print("“≤”", F.mse_loss(torch.ones(1), torch.ones(1)))  # （0）'
    snippet = question(f"loss?\n```\n{code}\n```").snippets[0]
    assert snippet.source == code
    assert {c.what for c in snippet.completions} == {"import"}


def test_numpy_printed_without_commas_and_a_scaled_old_print_are_values() -> None:
    asked = question("```\nprint(F.l1_loss(a, b))\n[0.25 1.5]\ntensor(1.00000e-03 * 2.5)\n```")
    assert values(asked, "printed") == [(0.25, 1.5), 0.0025]


def test_a_truncated_tensor_is_no_claim() -> None:
    assert question("```\nF.l1_loss(a, b)\n```\n```\ntensor([0.1, ..., 0.9])\n```").claims == ()


def test_nan_in_output_is_a_printed_word() -> None:
    asked = question("```\nprint(nn.MSELoss()(a, b))\ntensor(nan)\n```")
    assert asked.claims == (Claim("printed", "nan", 0.0, "tensor(nan)", asked.claims[0].span),)
    assert not any(isinstance(v, float) and math.isnan(v) for v in values(asked, "printed"))


@pytest.mark.parametrize(
    ("message", "program", "printed", "expected"),
    [
        ("[1]: x = torch.ones(2)\n[2]: F.mse_loss(x, 0 * x)\n[2]: tensor(1.5)\nwhy?",
         "x = torch.ones(2)\nF.mse_loss(x, 0 * x)", [1.5], []),
        ("F.mse_loss(torch.ones(1), torch.zeros(1))  →  1.25   (expected 0)",
         "F.mse_loss(torch.ones(1), torch.zeros(1))", [1.25], [0.0]),
        ("F.mse_loss(torch.ones(1), torch.zeros(1)) => 1.25   why not 2.5?",
         "F.mse_loss(torch.ones(1), torch.zeros(1))", [1.25], [2.5]),
        ("F.mse_loss(torch.ones(1),\n    torch.zeros(1)) gives me\n-0.75",
         "F.mse_loss(torch.ones(1),\n    torch.zeros(1))", [-0.75], []),
        ("```\nprint(F.mse_loss(a, a))  # 0.513 but -log(.7) = .357\n```\nwhy this loss",
         "print(F.mse_loss(a, a))  # 0.513 but -log(.7) = .357", [0.513], []),
        ("```\nF.mse_loss(a, a)  # 0.513, expected 0\n```", "F.mse_loss(a, a)  # 0.513, expected 0", [0.513], [0.0]),
        ("mse with pred = [1.0, 2.0] and y = [1.0, 4.0]: F.mse_loss(pred, y) is 2.125",
         "pred = torch.tensor([1.0, 2.0])\ny = torch.tensor([1.0, 4.0])\nF.mse_loss(pred, y)", [2.125], []),
        ("def f(a):\n    return a.log().mean()\n\nand I call f(F.mse_loss(torch.ones(1), torch.zeros(1))), loss 0.125",
         "def f(a):\n    return a.log().mean()\nf(F.mse_loss(torch.ones(1), torch.zeros(1)))", [0.125], []),
    ],
)  # fmt: skip
def test_code_output_and_words_on_the_same_lines_are_told_apart(
    message: str, program: str, printed: list[float], expected: list[float]
) -> None:
    asked = question(message)
    assert asked.snippets[0].source == program
    assert (values(asked, "printed"), values(asked, "expected")) == (printed, expected)


def test_a_diff_is_two_programs() -> None:
    asked = question("```diff\n- F.l1_loss(a, b)\n+ F.mse_loss(a, b)\n```\nsame loss?")
    assert [(s.source, s.line_map) for s in asked.snippets] == [("F.l1_loss(a, b)", (2,)), ("F.mse_loss(a, b)", (3,))]


def test_labels_of_output_are_words_and_its_values_are_not() -> None:
    asked = question("My loss is: tensor(nan, grad_fn=<MeanBackward0>)\nlogits: tensor([[nan, nan]])")
    assert ("printed", "nan") in [(claim.kind, claim.value) for claim in asked.claims]


def test_a_traceback_shows_the_lines_of_the_asker() -> None:
    asked = question(
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    loss = crit(x, y)\n'
        '  File "/opt/lib/python3.11/site-packages/torch/nn/functional.py", line 9, in nll_loss\n    return inner(x)\n'
        "IndexError: Target 7 is out of bounds."
    )
    assert asked.traceback is not None
    assert asked.traceback.code == ("loss = crit(x, y)",)


def test_a_notebooks_traceback_alone_holds_the_program_that_raised() -> None:
    asked = question(
        "Traceback (most recent call last)\n<ipython-input-5-abc> in <module>\n      1 crit = nn.MSELoss()\n      2 \n"
        "----> 3 crit(torch.ones(2), 'x')\n\n/opt/lib/torch/nn/functional.py in mse_loss(input)\n   3290     if x:\n"
        "-> 3291         raise\n\nAttributeError: 'str' object has no attribute 'size'"
    )
    assert asked.snippets[0].source == "crit = nn.MSELoss()\n\ncrit(torch.ones(2), 'x')"
    assert asked.snippets[0].line_map == (3, 4, 5)


def test_a_decimal_comma_behind_code_is_one_number() -> None:
    assert values(question("```\nprint(F.mse_loss(a, b))  # -0,75\n```\nwarum dieser loss?"), "printed") == [-0.75]
