"""Regression targets of another dtype than the prediction, which older versions of torch refuse in backward()."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.operands import known_as
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_NAMES = {"int64": "Long", "int32": "Int", "float64": "Double", "float32": "Float", "float16": "Half"}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="regression-target-dtype",
            family="dtypes",
            title=said("Prediction and target have different dtypes"),
            explanation=said(
                "A difference of two dtypes is computed in the wider one. This version of torch goes back through it; "
                "older ones raise in backward(): the gradient has the dtype of the difference, not that of the "
                "prediction. Cast the target to the prediction's dtype."
            ),
            words=(
                "Found dtype Double but expected Float",
                "Found dtype Long but expected Float",
                "MSELoss int64 target",
                "smooth l1 loss long target",
                "numpy float64 target mse loss",
            ),
            losses=frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}),
            trigger=_differs,
            positive=_HEAD + "pred = torch.tensor([0.5, 2.0], requires_grad=True)\n"
            "loss = F.mse_loss(pred, torch.tensor([1, 2]))\nloss.backward()",
            control=_HEAD + "pred = torch.tensor([0.5, 2.0], requires_grad=True)\n"
            "loss = F.mse_loss(pred, torch.tensor([1.0, 2.0]))\nloss.backward()",
            harmless=True,
        ),
    )


def _differs(scene: Scene) -> Suspicion | None:
    input, target = scene.given("input"), scene.given("target")
    if input.dtype == target.dtype or not input.floating or not {input.dtype, target.dtype} <= _NAMES.keys():
        return None
    names = {"target": known_as(scene, "target"), "input": known_as(scene, "input")}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value}: {target} is {its} and {input} {ours}; older versions of torch refuse that in backward().",
            value=stated(scene),
            its=target.dtype,
            ours=input.dtype,
            **names,
        ),
        evidence=(
            said(
                "The message there is: Found dtype {theirs} but expected {wanted}.",
                theirs=_NAMES[target.dtype],
                wanted=_NAMES[input.dtype],
            ),
        ),
        trials=(
            Trial(
                said("with the target in the dtype of the prediction"),
                graph_rerun(wrapped(scene.call, "target", "torch.Tensor.float")),
                "equivalent",
            ),
        )
        if input.dtype == "float32"
        else (),
        fix=fixes.fix(
            scene,
            fixes.followed(scene, "target", _cast(input.dtype)),
            "safe",
            said("Cast the target to the same dtype."),
        ),
    )


def _cast(dtype: str) -> str:
    return {"float32": "float()", "float64": "double()"}.get(dtype, "half()")
