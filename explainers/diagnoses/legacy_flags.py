"""The flags size_average and reduce, by name or by position, which older code gives."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reduced_by
from explainers.diagnoses.reductions import AVERAGED, counts
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import of_call
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_PAIRS = "a = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 3.0]])\nb = torch.zeros(2, 4)\n"
_SIZE_AVERAGE = {
    **dict.fromkeys(("KLDivLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "SoftMarginLoss", "MultiLabelMarginLoss"), 0),
    **dict.fromkeys(("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"), 1),
    **dict.fromkeys(("HingeEmbeddingLoss", "CosineEmbeddingLoss", "MarginRankingLoss"), 1),
    "PoissonNLLLoss": 2,
    "MultiMarginLoss": 3,
    "TripletMarginLoss": 4,
}
"""Where size_average stands among the arguments of a module of torch.nn."""
_MEANT = {"reduce": "none", "none": "none", "sum": "sum", "mean": "mean"}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="deprecated-size-average",
            family="reductions",
            title=said("Old flags for the reduction"),
            explanation=said(
                "size_average and reduce are deprecated, and 'elementwise_mean' was renamed to 'mean': newer "
                "versions of torch take reduction='mean', 'sum' or 'none'. The value is the same."
            ),
            words=(
                "size_average deprecated",
                "reduce=False deprecated",
                "elementwise_mean",
                "size_average and reduce args will be deprecated",
            ),
            losses=frozenset(AVERAGED),
            trigger=_old_flags,
            positive=_HEAD + _PAIRS + "F.mse_loss(a, b, size_average=False)",
            control=_HEAD + _PAIRS + "F.mse_loss(a, b, reduction='sum')",
            harmless=True,
        ),
    )


def _flags_of_module(scene: Scene) -> list[str]:
    """The flags that a module was built with: it has turned them into a reduction, with a warning, before its call."""
    warned = any("size_average and reduce args" in each.message for each in scene.recording.warnings)
    if not warned or not any(each.startswith("nn.") for each in scene.call.scope):
        return []
    built = [node for node in Source(scene.recording.source).calls() if last_name(node.func).endswith("Loss")]
    given = (each for node in built for each in node.keywords if each.arg in ("size_average", "reduce"))
    named = [f"{each.arg}={ast.unparse(each.value)}" for each in given]
    placed = [f"size_average={ast.unparse(value)}" for node in built if (value := _by_position(node)) is not None]
    return list(dict.fromkeys([*named, *placed]))


def _by_position(built: ast.Call) -> ast.expr | None:
    """What a module is built with where size_average stands, without its name."""
    place = _SIZE_AVERAGE.get(last_name(built.func))
    return built.args[place] if place is not None and place < len(built.args) else None


def _taken_for_another(scene: Scene) -> tuple[tuple[Message, ...], str | None]:
    """That a flag without its name is size_average, and the program with the reduction that was probably meant."""
    source = Source(scene.recording.source)
    placed = [(node, value) for node in source.calls() if (value := _by_position(node)) is not None]
    if not placed or not any(each.startswith("nn.") for each in scene.call.scope):
        return (), None
    node, value = placed[0]
    name = last_name(node.func)
    note = said(
        "{code} has no name, so it is the argument {place} of {module}, which is size_average; reduce and reduction "
        "come behind it and are best given by name.",
        code=ast.unparse(value),
        place=_SIZE_AVERAGE[name] + 1,
        module=name,
    )
    meant = _MEANT.get(ast.unparse(value).strip("'\""))
    return (note,), None if meant is None else source.replaced(source.piece(value), f'reduction="{meant}"')


def _old_flags(scene: Scene) -> Suspicion | None:
    flags = [
        f"{name}={scene.call.argument(name)}"
        for name in ("size_average", "reduce")
        if scene.call.argument(name) is not None
    ]
    flags += ["reduction='elementwise_mean'"] if scene.call.argument("reduction") == "elementwise_mean" else []
    flags = flags or _flags_of_module(scene)
    if not flags or is_spoiled(scene.recording.known(scene.call.outputs[0])):
        return None
    by_position, meant = _taken_for_another(scene)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is right: {flags} means reduction='{reduction}'.",
            value=of_call(scene),
            flags=", ".join(flags),
            reduction=scene.reduction,
        ),
        evidence=(
            said(
                "The call holds {elements} elements: with 'mean' the number of elements is the divisor.",
                elements=max(counts(scene)),
            ),
            *by_position,
        ),
        trials=(
            Trial(
                said("with reduction='{reduction}'", reduction=scene.reduction),
                graph_rerun(*reduced_by(scene.call, scene.reduction)),
                "equivalent",
            ),
        ),
        fix=None if meant is None else fixes.fix(scene, meant, "likely", said("Give the reduction by its name.")),
    )
