"""Calls that refuse the dtype of an operand."""

from __future__ import annotations

import ast
from collections import Counter

from explainers.diagnoses import fixes
from explainers.diagnoses.class_axes import OF_INDICES
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, tensors, with_option
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import described
from explainers.messages import said
from explainers.recording import Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_INDEXING = frozenset(
    {"getitem", "setitem", "gather", "index_select", "take", "take_along_dim", "scatter", "scatter_add", "one_hot"}
    | {"embedding"}
)
_INDEX = ("index", "indices")
_TARGETS = OF_INDICES | {"multi_margin_loss", "multilabel_margin_loss", "ctc_loss"}
_FIRST = ("input", "x1", "input1", "anchor", "log_probs")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="integer-prediction",
            family="dtypes",
            title=said("Whole numbers where torch computes with fractions"),
            explanation=said(
                "Means, square roots, logarithms and their gradients are not whole numbers, so torch computes them in "
                "a floating dtype only. torch.tensor([1, 2]) is int64; torch.tensor([1.0, 2.0]) is float32."
            ),
            words=("not implemented for 'Long'", "could not infer output dtype", "mse_cpu not implemented"),
            losses=frozenset(),
            trigger=_integer_prediction,
            positive=_HEAD + "pred = torch.tensor([1, 2])\nF.mse_loss(pred, torch.tensor([1, 4]))",
            control=_HEAD + "F.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1, 4]))",
            concern="exception",
        ),
        Rule(
            slug="complex-operand",
            family="dtypes",
            title=said("Complex numbers where torch computes with real ones"),
            explanation=said(
                "A loss is one real number that is to fall; of complex numbers torch has no order, and most losses no "
                "version: what is compared has to be real, a magnitude or the two parts."
            ),
            words=("not implemented for 'ComplexFloat'", "Complex inputs not supported", "complex loss"),
            losses=frozenset(),
            trigger=_complex,
            positive=_HEAD + "x = torch.tensor([1 + 2j, 3 - 1j])\nF.mse_loss(x, torch.tensor([1.0, 2.0]))",
            control=_HEAD + "x = torch.tensor([1 + 2j, 3 - 1j])\nF.mse_loss(x.real, torch.tensor([1.0, 2.0]))",
            concern="exception",
            dominates=frozenset({"operand-dtypes", "index-dtype"}),
        ),
        Rule(
            slug="operand-dtypes",
            family="dtypes",
            title=said("Two operands have different dtypes"),
            explanation=said(
                "Matrix products and some losses do not convert their operands; all have to be of one dtype. numpy "
                "and Python floats become float64 (Double), the weights of a module are float32 (Float)."
            ),
            words=("must have the same dtype", "expected scalar type Float but found Double", "Double and Float"),
            losses=frozenset(),
            trigger=_operand_dtypes,
            positive=_HEAD + "torch.manual_seed(0)\nmodel = nn.Linear(2, 1)\n"
            "x = torch.ones(3, 2, dtype=torch.float64)\nmodel(x).mean()",
            control=_HEAD + "torch.manual_seed(0)\nmodel = nn.Linear(2, 1)\nmodel(torch.ones(3, 2)).mean()",
            concern="exception",
        ),
        Rule(
            slug="truth-values-in-arithmetic",
            family="dtypes",
            title=said("Truth values where torch computes with numbers"),
            explanation=said(
                "torch subtracts and negates no bool tensors, since a difference of truth values could mean two "
                "things; as floating-point numbers True is 1 and False is 0."
            ),
            words=("operator, with a bool tensor is not supported", "subtract bool tensor", "mask subtraction"),
            losses=frozenset(),
            trigger=_truth_values,
            positive=_HEAD + "x = torch.tensor([0.2, 0.9])\nF.l1_loss(x, x > 0.5)",
            control=_HEAD + "x = torch.tensor([0.2, 0.9])\nF.l1_loss(x, (x > 0.5).float())",
            concern="exception",
        ),
        Rule(
            slug="index-dtype",
            family="dtypes",
            title=said("An index is not a whole number"),
            explanation=said("What picks elements is their position, an integer (int64); torch rounds nothing here."),
            words=("expected dtype int64 for index", "one_hot is only applicable to index tensor", "float index"),
            losses=frozenset(),
            trigger=_index_dtype,
            positive=_HEAD + "x = torch.tensor([[0.1, 0.9], [0.8, 0.2]])\nindex = torch.tensor([[1.0], [0.0]])\n"
            "x.gather(1, index).mean()",
            control=_HEAD + "x = torch.tensor([[0.1, 0.9], [0.8, 0.2]])\nx.gather(1, torch.tensor([[1], [0]])).mean()",
            concern="exception",
        ),
        Rule(
            slug="integer-requires-grad",
            family="dtypes",
            title=said("Gradients are asked of whole numbers"),
            explanation=said(
                "A gradient says what a small change does, and whole numbers have no small changes: only floating "
                "tensors can require gradients."
            ),
            words=("Only Tensors of floating point dtype can require gradients", "requires_grad on integer tensor"),
            losses=frozenset(),
            trigger=_integer_requires_grad,
            positive=_HEAD + "x = torch.tensor([1, 2], requires_grad=True)\nloss = (x * x).sum()\nloss.backward()",
            control=_HEAD + "x = torch.tensor([1.0, 2.0], requires_grad=True)\nloss = (x * x).sum()\nloss.backward()",
            concern="exception",
        ),
    )  # fmt: skip


def _integer_prediction(scene: Scene) -> Suspicion | None:
    first = next((name for name in _FIRST if scene.tensor(name) is not None), "input")
    found = scene.tensor(first)
    if found is None or found.floating or found.dtype.startswith("complex") or scene.name in _INDEXING:
        return None
    if scene.recording.raised is None or not _wants_floats(scene):
        return None
    name = known_as(scene, first)
    whole = [k for k, t in tensors(scene).items() if not t.floating and t.dtype != "bool"]
    every = None if scene.name in _TARGETS else replaced(scene, **dict.fromkeys(whole, "{}.float()"))
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype}; {function} needs floating-point numbers.",
            name=name,
            dtype=found.dtype,
            function=scene.name,
        ),
        evidence=(said("{function} has no version for whole numbers.", function=scene.name),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{first: "{}.float()"}), "safe", said("Make the numbers float.")),
        alternatives=(
            fixes.fix(scene, every, "safe", said("Make the numbers float.")),
        ),
    )  # fmt: skip


def _complex(scene: Scene) -> Suspicion | None:
    raised, parts = scene.recording.raised, {k: t for k, t in tensors(scene).items() if t.dtype.startswith("complex")}
    if raised is None or not parts or "Complex" not in raised.message or scene.name in _INDEXING:
        return None
    if scene.name in _TARGETS and set(parts) <= {"target", "targets"}:
        return None
    name = known_as(scene, next(iter(parts)))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}; {function} needs real numbers.",
                     name=name, dtype=next(iter(parts.values())).dtype, function=scene.name),
        evidence=tuple(described(known_as(scene, k), t) for k, t in parts.items()),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **dict.fromkeys(parts, "{}.abs()")), "choose",
                      said("Compare the magnitudes; .real and .imag are the two parts.")),
    )  # fmt: skip


def _truth_values(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    bools = {name: tensor for name, tensor in tensors(scene).items() if tensor.dtype == "bool"}
    if raised is None or not bools or "bool tensor" not in raised.message:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds truth values (bool); {function} computes with numbers.",
                     name=known_as(scene, next(iter(bools))), function=scene.name),
        evidence=tuple(described(known_as(scene, name), tensor) for name, tensor in bools.items()),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **dict.fromkeys(bools, "{}.float()")), "likely",
                      said("Make the numbers float.")),
    )  # fmt: skip


def _wants_floats(scene: Scene) -> bool:
    """Whether torch's reason was the dtype: it has no kernel, or cannot say what the result would be."""
    raised = scene.recording.raised
    assert raised is not None
    said_so = ("not implemented for", "could not infer output dtype", "floating", "Integral", "std and var",
               "desired output type")  # fmt: skip
    return any(words in raised.message for words in said_so) and scene.name not in ("tensor", "requires_grad")


def _operand_dtypes(scene: Scene) -> Suspicion | None:
    given = tensors(scene)
    checked = {k: t for k, t in given.items() if k not in ("target", *_INDEX) or scene.name not in _TARGETS}
    dtypes = {t.dtype for t in checked.values()}
    if len(dtypes) < 2 or scene.recording.raised is None or "dtype" not in _dtype_words(scene.recording.raised.message):
        return None
    odd = _odd_one(scene)
    if odd is None:
        return None
    rest = next(t for k, t in checked.items() if k != odd and t.dtype != given[odd].dtype)
    method = {"float64": "double()", "float16": "half()", "float32": "float()"}.get(rest.dtype)
    change = replaced(scene, **{odd: f"{{}}.{method}"}) if method else None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype}, but {other} is {wanted}.",
            name=known_as(scene, odd),
            dtype=given[odd].dtype,
            other=known_as(scene, next(k for k, t in checked.items() if t is rest)),
            wanted=rest.dtype,
        ),
        evidence=(said("{function} takes operands of one dtype only.", function=scene.name),),
        trials=(),
        fix=fixes.fix(scene, change, "safe", said("Convert it to {dtype}.", dtype=rest.dtype)),
    )


def _dtype_words(message: str) -> str:
    return "dtype" if "dtype" in message or "scalar type" in message else ""


def _odd_one(scene: Scene) -> str | None:
    """The operand to convert: one that is no float, else one that is of another dtype than a module's weight."""
    given = {k: t for k, t in tensors(scene).items() if k not in _INDEX}
    if "weight" in given and "input" in given and given["input"].dtype != given["weight"].dtype:
        return "input" if given["weight"].requires_grad else "weight"
    whole = [k for k, t in given.items() if not t.floating and not (k == "target" and scene.name in _TARGETS)]
    if whole:
        return whole[0]
    given = {k: t for k, t in given.items() if t.floating}
    wide = next((k for k, t in given.items() if t.dtype == "float64"), None)
    counts = Counter(t.dtype for t in given.values()).most_common()
    if wide is not None or len(counts) < 2:
        return wide
    (most, times), (_, less), *_ = counts
    return "input" if times == less and "input" in given else next(k for k, t in given.items() if t.dtype != most)


def _index_dtype(scene: Scene) -> Suspicion | None:
    name = next((k for k in (*_INDEX, "input") if (t := scene.tensor(k)) is not None and _no_index(scene, t)), None)
    if scene.name not in _INDEXING or name is None or (name == "input" and scene.name not in ("one_hot", "embedding")):
        return None
    tensor = scene.given(name)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} is {dtype}, but an index has to be int64.", name=known_as(scene, name), dtype=tensor.dtype
        ),
        evidence=(said("It is the index of {function}.", function=scene.name),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{name: "{}.long()"}), "safe", said("Make the index whole numbers.")),
    )


def _no_index(scene: Scene, given: Tensor) -> bool:
    """Whether a tensor holds fractions, or integers too narrow for a function that says that it wants int64."""
    raised = scene.recording.raised
    asked = raised is not None and any(words in raised.message for words in ("int64", "LongTensor"))
    return given.floating or (asked and given.dtype != "int64")


def _integer_requires_grad(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or "require gradients" not in raised.message:
        return None
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    changed = None
    if scene.name == "tensor":
        changed = with_option(scene, "", "dtype", "torch.float32")
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        changed = replaced(scene, input="{}.float()")
    return Suspicion(
        at=scene.call.index,
        verdict=said("Whole numbers cannot require gradients; only floating-point tensors can."),
        evidence=(said("torch.tensor makes int64 of whole numbers without a decimal point."),),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", said("Make the numbers float.")),
    )
