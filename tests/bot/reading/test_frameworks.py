"""Losses of other frameworks in torch: the numbers of their definitions, and nothing where a part is not known."""

import ast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reading import Question, read
from bot.reading.frameworks import apart, foreign_losses, translated
from bot.reading.frameworks.definitions import KERAS, KERAS_CLASSES, OTHERS

ROWS = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.floats(-4, 4, width=32), min_size=3, max_size=3), min_size=n, max_size=n),
        st.lists(st.integers(0, 2), min_size=n, max_size=n),
    )
)


def result(source: str) -> object:
    """What the last line of a program gives."""
    *before, last = source.split("\n")
    names: dict[str, object] = {"torch": torch, "F": F}
    exec("\n".join(before), names)
    return eval(last, names)


def number(source: str) -> np.ndarray:
    found = translated(source)
    assert found is not None
    return np.asarray(result(found.source))


def softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores - scores.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_losses_over_classes_are_those_of_their_definitions(rows: tuple[list[list[float]], list[int]]) -> None:
    scores, labels = np.array(rows[0]), np.array(rows[1])
    picked = -np.log(softmax(scores))[np.arange(len(labels)), labels]
    probabilities, one_hot = softmax(scores).tolist(), np.eye(3)[labels].tolist()
    programs = {
        f"tf.keras.losses.CategoricalCrossentropy()({one_hot}, {probabilities})": picked.mean(),
        f"keras.losses.CategoricalCrossentropy(from_logits=True)({one_hot}, {rows[0]})": picked.mean(),
        f"tf.keras.losses.SparseCategoricalCrossentropy()({rows[1]}, {probabilities})": picked.mean(),
        f"tf.keras.losses.sparse_categorical_crossentropy({rows[1]}, {rows[0]}, from_logits=True)": picked,
        f"tf.nn.softmax_cross_entropy_with_logits(labels={one_hot}, logits={rows[0]})": picked,
        f"tf.nn.sparse_softmax_cross_entropy_with_logits(logits={rows[0]}, labels={rows[1]})": picked,
        f"optax.softmax_cross_entropy(jnp.array({rows[0]}), jnp.array({one_hot}))": picked,
        f"optax.softmax_cross_entropy_with_integer_labels(jnp.array({rows[0]}), jnp.array({rows[1]})).mean()": (
            picked.mean()
        ),
    }
    for program, expected in programs.items():
        np.testing.assert_allclose(number(program), expected, rtol=2e-4, atol=2e-5, err_msg=program)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(0, 1)), min_size=1, max_size=5))
def test_losses_over_two_classes_are_those_of_their_definitions(pairs: list[tuple[float, int]]) -> None:
    p, y = np.array([p for p, _ in pairs]), np.array([y for _, y in pairs])
    terms = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    scores, given_p, given_y = np.log(p / (1 - p)).tolist(), p.tolist(), y.tolist()
    programs = {
        f"from sklearn.metrics import log_loss\nlog_loss({given_y}, {given_p})": terms.mean(),
        f"tf.keras.losses.BinaryCrossentropy()({given_y}, {given_p})": terms.mean(),
        f"tf.keras.losses.BinaryCrossentropy(from_logits=True)({given_y}, {scores})": terms.mean(),
        f"tf.nn.sigmoid_cross_entropy_with_logits(labels={given_y}, logits={scores})": terms,
        f"optax.sigmoid_binary_cross_entropy(jnp.array({scores}), jnp.array({given_y}))": terms,
        f"-np.log({given_p[0]})": -np.log(p[0]),
    }
    for program, expected in programs.items():
        np.testing.assert_allclose(number(program), expected, rtol=2e-4, atol=2e-5, err_msg=program)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=5))
def test_losses_of_regression_are_those_of_their_definitions(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    x, y = a.tolist(), b.tolist()
    programs = {
        f"tf.keras.losses.MeanSquaredError()({y}, {x})": ((a - b) ** 2).mean(),
        f"tf.keras.losses.mae({y}, {x})": np.abs(a - b).mean(),
        f"optax.l2_loss(jnp.array({x}), jnp.array({y}))": (a - b) ** 2 / 2,
        f"import numpy as np\nx, y = np.array({x}), np.array({y})\nnp.mean((x - y) ** 2)": ((a - b) ** 2).mean(),
        f"np.sum(np.abs(np.array({x}) - np.array({y})), axis=0)": np.abs(a - b).sum(),
    }
    for program, expected in programs.items():
        np.testing.assert_allclose(number(program), expected, rtol=2e-4, atol=2e-4, err_msg=program)


SIGNS = st.lists(st.tuples(st.floats(-4, 4), st.integers(0, 1)), min_size=2, max_size=5)
SHARES = st.lists(st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)), min_size=2, max_size=5)


@settings(max_examples=40, deadline=None)
@given(SIGNS)
def test_hinges_are_those_of_their_definitions(pairs: list[tuple[float, int]]) -> None:
    s, y = np.array([s for s, _ in pairs]), np.array([y for _, y in pairs])
    hinge = np.maximum(0, 1 - (2 * y - 1) * s)
    scores, labels, signs = s.tolist(), y.tolist(), (2 * y - 1).tolist()
    one_hot = np.eye(2)[y[:1]].tolist()
    two = [s[:2].tolist()]
    categorical = max(0, max(0, s[1 - y[0]]) - s[y[0]] + 1)  # the right class counts as a wrong score of 0
    programs = {
        f"from sklearn.metrics import hinge_loss\nhinge_loss({labels}, {scores})": hinge.mean(),
        f"from sklearn import metrics\nmetrics.hinge_loss(y_true={signs}, pred_decision={scores})": hinge.mean(),
        f"tf.keras.losses.Hinge()({labels}, {scores})": hinge.mean(),
        f"keras.losses.SquaredHinge()({signs}, {scores})": (hinge**2).mean(),
        f"optax.hinge_loss(jnp.array({scores}), jnp.array({signs}))": hinge,
        f"keras.losses.CategoricalHinge()({one_hot}, {two})": categorical,
    }
    for program, expected in programs.items():
        np.testing.assert_allclose(number(program), expected, rtol=2e-4, atol=2e-5, err_msg=program)


@settings(max_examples=40, deadline=None)
@given(SHARES)
def test_losses_of_shares_are_those_of_their_definitions(pairs: list[tuple[float, float]]) -> None:
    p, q = np.array([p for p, _ in pairs]), np.array([q for _, q in pairs])
    relative, x, y = p * np.log(p / q), p.tolist(), q.tolist()
    cosine = (p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum())
    programs = {
        f"from scipy.special import rel_entr\nrel_entr({x}, {y}).sum()": relative.sum(),
        f"import scipy.special as sp\nsp.kl_div({x}, {y})": relative - p + q,
        f"from scipy.stats import entropy\nentropy({x}, {y})": (
            p / p.sum() * np.log(p / p.sum() / (q / q.sum()))
        ).sum(),
        f"import optax as ox\nox.kl_divergence(jnp.log(jnp.array({y})), jnp.array({x}))": relative.sum(),
        f"keras.losses.KLDivergence()([{x}], [{y}])": relative.sum(),
        f"keras.losses.Poisson()([{x}], [{y}])": (q - p * np.log(q)).mean(),
        f"keras.losses.CosineSimilarity()([{x}], [{y}])": -cosine,
        f"tf.keras.losses.MeanSquaredLogarithmicError()([{x}], [{y}])": ((np.log1p(p) - np.log1p(q)) ** 2).mean(),
        f"sklearn.metrics.mean_squared_error([{x}, {y}], [{y}, {y}])": ((p - q) ** 2).mean() / 2,
        f"keras.losses.mean_squared_error([{x}, {y}], [{y}, {y}])": [((p - q) ** 2).mean(), 0],
        f"from sklearn.metrics import brier_score_loss\nbrier_score_loss({x}, {y})": ((p - q) ** 2).mean(),
        f"tf.nn.l2_loss(tf.constant({x}))": (p**2).sum() / 2,
        f"tf.nn.log_poisson_loss({x}, {y})": np.exp(q) - p * q,
    }
    for program, expected in programs.items():
        np.testing.assert_allclose(number(program), expected, rtol=2e-4, atol=2e-5, err_msg=program)


def test_log_loss_takes_rows_of_probabilities_too() -> None:
    rows = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
    expected = -(np.log(0.7) + np.log(0.8))
    assert number(f"sklearn.metrics.log_loss([0, 2], {rows})") == pytest.approx(expected / 2)
    assert number(f"sklearn.metrics.log_loss([0, 2], {rows}, normalize=False)") == pytest.approx(expected)
    assert number(f"sklearn.metrics.log_loss([0, 2], {rows}, labels=[0, 1, 2])") == pytest.approx(expected / 2)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("'sum'", 3.0),
        ("tf.keras.losses.Reduction.NONE", [2.5, 0.5]),
        ("None", [2.5, 0.5]),
        ("'sum_over_batch_size'", 1.5),
    ],
)
def test_the_reduction_of_keras_is_kept(reduction: str, expected: float | list[float]) -> None:
    made = f"mse = tf.keras.losses.MeanSquaredError(reduction={reduction})"
    program = f"{made}\nmse([[1., 2.], [0., 1.]], [[0., 0.], [0., 0.]])"
    np.testing.assert_allclose(number(program), expected)


def test_positives_are_weighted_as_in_tensorflow() -> None:
    program = "tf.nn.weighted_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.5, 0.5], pos_weight=3.0)"
    expected = [3 * np.log1p(np.exp(-0.5)), np.log1p(np.exp(0.5))]
    np.testing.assert_allclose(number(program), expected, rtol=1e-5)


def test_keras_clips_where_torch_does_not() -> None:
    program = "tf.keras.losses.BinaryCrossentropy()([1.0], [0.0])"
    assert number(program) == pytest.approx(-np.log(1e-7), rel=1e-5)
    found = translated(program)
    assert found is not None
    assert float(result(found.torch)) == 100  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*KERAS, *KERAS_CLASSES, *OTHERS])
def test_every_definition_runs_and_so_does_what_torch_has_for_it(name: str) -> None:
    definition = OTHERS.get(name) or KERAS[KERAS_CLASSES.get(name, name)]
    indexed = "sparse" in name.lower() or "integer" in name or name == "log_loss"
    values = {
        "y_true": "[0, 1]"
        if indexed
        else "[[0.8, 0.2], [0.1, 0.9]]"
        if "rel" in name or "kl" in name or name == "scipy.entropy"
        else "[[1.0, 0.0], [0.0, 1.0]]",
        "y_pred": "[[0.7, 0.3], [0.4, 0.6]]",
        "pos_weight": "3.0",
    }
    if name == "sklearn.hinge_loss":
        values = {"y_true": "[0, 1, 1]", "y_pred": "[0.7, 0.3, -0.4]"}
    made = f"keras.losses.{name}()" if name in KERAS_CLASSES else name if "." in name else f"tf.{name}"
    found = translated(f"{made}({', '.join(values[each] for each in definition.arguments)})")
    assert found is not None
    assert found.losses == (name.rpartition(".")[2],)
    for source in filter(None, (found.source, found.torch)):
        assert torch.isfinite(torch.as_tensor(result(source))).all()
    assert len(found.line_map) == found.source.count("\n") + 1
    assert found.torch == "" or len(found.torch_lines) == found.torch.count("\n") + 1


@pytest.mark.parametrize(
    "source",
    [
        "model = tf.keras.Sequential()\nmodel.compile(loss='mse')",
        "x = np.fft.fft(np.array([1.0]))",
        "import numpy as np\nimport torch\nx = torch.tensor(np.array([1.0]))",
        "x = 1",
        "np.log(",
        "tf.keras.losses.CategoricalCrossentropy()(y)",
        "tf.keras.losses.MeanSquaredError()([1.0], [0.0], sample_weight=[2.0])",
        "tf.keras.losses.MeanSquaredError()([1.0], [0.0], [2.0])",
        "tf.keras.losses.CategoricalCrossentropy(axis=0)([[1.0]], [[1.0]])",
        "tf.keras.losses.MeanSquaredError(reduction='other')([1.0], [0.0])",
        "sklearn.metrics.log_loss([0, 1], [0.1, 0.9], sample_weight=[1, 2])",
        "sklearn.metrics.log_loss([0, 1], [[0.1, 0.9], [0.2, 0.8]], labels=[1, 0])",
        "sklearn.metrics.log_loss([0, 1], [[0.1, 0.9], [0.2, 0.8]], labels=classes)",
        "def hinge(a, b):\n    return a\nx = np.median(hinge([1.0], [2.0]))",
    ],
)
def test_what_is_not_known_whole_is_left_alone(source: str) -> None:
    assert translated(source) is None


def test_a_program_of_keras_is_read_in_torch_and_torchs_own_loss_stands_beside_it() -> None:
    asked = read(
        "keras gives 0.0513\n```python\nimport tensorflow as tf\ncce = tf.keras.losses.CategoricalCrossentropy()\n"
        "print(cce([[0., 1.]], [[0.05, 0.95]]).numpy())\n```\nwhat does torch give?"
    )
    assert isinstance(asked, Question)
    assert asked.subject == 0
    assert [{c.what for c in s.completions} >= {"framework"} for s in asked.snippets] == [True, True]
    assert asked.snippets[1].source.endswith("F.cross_entropy(y_pred, y_true.float())")
    assert [each.difference for each in asked.foreign] == ["keras-probabilities"]
    assert all(set(s.line_map) <= {3, 4, 5} for s in asked.snippets)


def test_numbers_in_prose_are_given_to_keras_loss_too() -> None:
    asked = read("logits [[2, 0]], one-hot [[1, 0]]: keras CategoricalCrossentropy on softmax against torch's CE?")
    assert isinstance(asked, Question)
    own, keras = asked.snippets
    assert ast.parse(own.source)
    assert float(result(keras.source)) == pytest.approx(float(result(own.source)))  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["", "(from_logits=True)"])
def test_the_line_that_is_written_in_torch_gives_its_value_of_what_was_given(option: str) -> None:
    asked = read(f"keras SparseCategoricalCrossentropy{option} with logits [[2., 1., 0.1]] and label [0]: 0.417?")
    assert isinstance(asked, Question)
    keras = asked.snippets[1].source
    assert keras.count("y_pred =") == 1
    assert float(result(keras)) == pytest.approx(0.4170, abs=1e-4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prose", "difference"),
    [
        ("sklearn's mean_squared_error is 2, torch's too", "same-mean"),
        ("keras mean_squared_error is 2", "keras-mean"),
        ("optax.huber_loss", "per-row"),
        ("keras' huber", "keras-mean"),
        ("tf.keras.losses.CategoricalCrossentropy(from_logits=True)([[0., 1.]], [[40., 0.]])", "keras-scores"),
        ("binary_crossentropy(tf.constant([1.]), tf.constant([2.]), from_logits=True)", "keras-scores"),
        ("should keras CategoricalCrossentropy be used with from_logits=True?", "keras-probabilities"),
    ],
)
def test_a_name_that_several_frameworks_have_is_that_of_the_one_named(prose: str, difference: str) -> None:
    assert [each.difference for each in foreign_losses(prose)] == [difference]


@pytest.mark.parametrize(
    ("prose", "names"),
    [
        ("keras' binary_crossentropy", ["binary_crossentropy"]),
        ("sklearn log_loss says 0.14", ["log_loss"]),
        ("the log loss of sklearn", ["log_loss"]),
        ("my log_loss in torch", []),
        ("optax.l2_loss", ["l2_loss"]),
        ("the huber of torch", []),
        ("xgboost logloss 0.31 vs BCELoss", ["logloss"]),
        ("eval mlogloss of my xgboost model", ["mlogloss"]),
        ("scipy.special.kl_div", ["kl_div"]),
        ("rel_entr of scipy against F.kl_div", ["rel_entr"]),
        ("sklearn hinge_loss", ["hinge_loss"]),
        ("scipy.stats.entropy(p, q) is 0.5", ["scipy.stats.entropy"]),
        ("the entropy of scipy's samples", []),
    ],
)
def test_names_of_other_frameworks_in_prose(prose: str, names: list[str]) -> None:
    assert [each.name for each in foreign_losses(prose)] == names


BESIDE = """x = [[0.1, 0.8, 0.1]]
y = [1]
tf.keras.losses.SparseCategoricalCrossentropy()(y, x)
F.cross_entropy(torch.tensor(x), torch.tensor(y))"""


def test_lines_of_torch_and_of_another_framework_are_a_program_each() -> None:
    both = apart(BESIDE)
    assert both is not None
    assert [each.lines for each in both] == [(0, 1, 3), (0, 1, 2)]
    question = read(f"```python\n{BESIDE}\n```\nwhy do they differ?", (), True)
    assert isinstance(question, Question) and question.subject == 0
    assert question.missing == ()
    probabilities = torch.tensor([[0.1, 0.8, 0.1]])
    ours, theirs = (result(each.source) for each in question.snippets)
    assert ours == F.cross_entropy(probabilities, torch.tensor([1]))
    assert float(np.asarray(theirs)) == pytest.approx(-np.log(0.8))


def test_a_name_imported_from_another_framework_is_of_that_framework() -> None:
    both = apart("from sklearn.metrics import log_loss\nx = [0.8]\nlog_loss([1], x)\nF.l1_loss(a, b)")
    assert both is not None and [each.lines for each in both] == [(1, 3), (0, 1, 2)]


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nF.mse_loss(torch.tensor(np.ones(2)), torch.zeros(2))",
        "F.mse_loss(torch.tensor(tf.ones(2).numpy()), torch.zeros(2))",
        "keras.losses.MSE([1.0], [2.0])",
    ],
)
def test_a_program_of_one_framework_stays_whole(source: str) -> None:
    assert apart(source) is None
