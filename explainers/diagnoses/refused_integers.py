"""Whole numbers where a divergence or a likelihood computes with fractions, and negative ones where classes are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import described, number
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SHARES = _HEAD + "x = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]]).log_softmax(1)\n"
_FRACTIONS: Mapping[str, str] = MappingProxyType({"kl_div": "target", "gaussian_nll_loss": "var"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="integer-shares-or-variances",
            family="refused-integers",
            title=said("Whole numbers where the loss wants shares or variances"),
            explanation=said(
                "kl_div takes its target, and gaussian_nll_loss its variance, in a floating dtype only: of whole "
                "numbers torch would have to make fractions, and it refuses that."
            ),
            words=("kl_div: Integral inputs not supported", "can't be cast to the desired output type long int"),
            losses=frozenset(_FRACTIONS),
            trigger=_whole,
            positive=_SHARES + "F.kl_div(x, torch.tensor([[1, 0, 0], [0, 1, 0]]), reduction='sum')",
            control=_SHARES + "F.kl_div(x, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), reduction='sum')",
            concern="exception",
        ),
        Rule(
            slug="one-hot-negative",
            family="refused-integers",
            title=said("A negative number where one_hot wants a class"),
            explanation=said(
                "one_hot counts classes from 0 on and knows no ignore_index: a label such as −1 or −100 that marks "
                "what is to be left out has no column of its own."
            ),
            words=("Class values must be non-negative", "one_hot negative label", "one_hot ignore_index"),
            losses=frozenset({"one_hot"}),
            trigger=_negative,
            positive=_HEAD + "y = torch.tensor([0, -1, 2])\nF.one_hot(y, 3).float().mean()",
            control=_HEAD + "y = torch.tensor([0, 1, 2])\nF.one_hot(y, 3).float().mean()",
            concern="exception",
            dominates=frozenset({"index-out-of-range"}),
        ),
        Rule(
            slug="one-hot-without-classes",
            family="refused-integers",
            title=said("one_hot without a number of classes"),
            explanation=said(
                "one_hot makes as many columns as num_classes says, and counts up to the largest label where it says "
                "nothing: of no labels at all it cannot, and with 0 there is no column."
            ),
            words=("Can not infer total number of classes from empty tensor", "one_hot num_classes 0"),
            losses=frozenset({"one_hot"}),
            trigger=_no_classes,
            positive=_HEAD + "y = torch.tensor([0, 2])\nF.one_hot(y, num_classes=0).float().mean()",
            control=_HEAD + "y = torch.tensor([0, 2])\nF.one_hot(y, num_classes=3).float().mean()",
            concern="exception",
            dominates=frozenset({"index-out-of-range"}),
        ),
    )


def _no_classes(scene: Scene) -> Suspicion | None:
    labels, given, count = scene.array("input"), scene.given("input"), scene.call.argument("num_classes")
    counted = not isinstance(count, int) or count == -1
    if given.floating or (labels.size and (counted or count != 0)) or (not labels.size and not counted):
        return None
    name, wanted = known_as(scene, "input"), int(labels.max()) + 1 if labels.size else 1
    verdict = (
        said("{name} is empty, so one_hot cannot count its classes.", name=name)
        if not labels.size
        else said(
            "num_classes=0 leaves no class, but {name} holds {value}.", name=name, value=number(float(labels.max()))
        )
    )
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(described(name, given),),
        trials=(),
        fix=fixes.fix(scene, fixes.with_option(scene, scene.call, "num_classes", str(wanted), 1), "choose",
                      said("Name the number of classes that there are.")),
    )  # fmt: skip


def _whole(scene: Scene) -> Suspicion | None:
    argument, raised = _FRACTIONS[scene.name], scene.recording.raised
    number_given = scene.call.argument(argument)
    if isinstance(number_given, int):
        return _whole_number(scene, argument, number_given)
    given = scene.given(argument)
    elsewhere = scene.name == "kl_div" and not scene.given("input").floating
    if given.floating or elsewhere or raised is None or raised.type != "RuntimeError":
        return None
    name = known_as(scene, argument)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}; {function} needs floating-point numbers.",
                     name=name, dtype=given.dtype, function=scene.name),
        evidence=(described(name, given),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{argument: "{}.float()"}), "safe", said("Make the numbers float.")),
    )  # fmt: skip


def _whole_number(scene: Scene, argument: str, value: int) -> Suspicion | None:
    """One variance for all items as a Python int, which torch takes for a tensor."""
    raised = scene.recording.raised
    if raised is None or raised.type != "TypeError" or value < 0:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is {dtype}; {function} needs floating-point numbers.",
                     name=known_as(scene, argument), dtype="int", function=scene.name),
        evidence=(),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{argument: str(float(value))}), "safe",
                      said("Make the numbers float.")),
    )  # fmt: skip


def _negative(scene: Scene) -> Suspicion | None:
    labels, given = scene.array("input"), scene.given("input")
    if given.floating or not (labels < 0).any():
        return None
    name = known_as(scene, "input")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {value}: one_hot counts classes from 0 on.",
                     name=name, value=number(float(labels.min()))),
        evidence=(
            described(name, given),
            said("{count} of {all} numbers of {name} are below 0.",
                 count=int((labels < 0).sum()), all=labels.size, name=name),
        ),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, input="{}.clamp(min=0)"), "choose",
                      said("If they mark what to leave out: clamp them here, and mask their rows in the loss.")),
    )  # fmt: skip
