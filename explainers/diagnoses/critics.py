"""Losses that are no distance from anything: differences of means, minus a similarity, a loss less a constant."""

from __future__ import annotations

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, set_to, wrapped
from explainers.diagnoses.scene import Scene, is_library_loss, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call, scalar

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = "real, fake = torch.tensor([5.0, 7.5, 6.0]), torch.tensor([-2.0, 0.5, -1.5])\n"
_PAIR = "p = torch.tensor([[1.0, 2.0], [0.5, -1.0]])\nz = torch.tensor([[1.1, 1.9], [0.4, -1.2]])\n"
_FITTED = "w = torch.tensor([1.0, 2.0], requires_grad=True)\nloss = F.mse_loss(w, torch.tensor([1.5, 2.5]))"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="critic-difference-has-no-sign",
            family="critics",
            title=said("The loss of a critic is a difference of means, not a distance"),
            explanation=said(
                "The critic of a WGAN minimises mean(critic(fake)) - mean(critic(real)). A good critic scores the real "
                "ones higher, so it is normal that its loss is negative: minus the loss is the estimate of the "
                "Wasserstein distance. Scores have no zero of their own, so neither the value nor its sign has a bound "
                "or a meaning by itself; the difference nears 0 as fake and real become alike. A critic ends without a "
                "sigmoid: its scores are no probabilities, and not bounded by 1."
            ),
            words=(
                "WGAN critic loss is negative",
                "is a negative Wasserstein loss normal",
                "WGAN loss falls to minus infinity",
                "WGAN generator loss sign",
                "why is the Wasserstein loss greater than 1 and then negative, when has it converged",
            ),
            losses=frozenset(),
            trigger=_difference,
            positive=_HEAD + _SCORES + "fake.mean() - real.mean()",
            control=_HEAD + _SCORES + "F.mse_loss(fake, real)",
            about=frozenset({"wasserstein"}),
            dominates=frozenset({"negated-score"}),
            variants=(_HEAD + _SCORES + "-(real.mean() - fake.mean())", _HEAD + _SCORES + "-real.mean() + fake.mean()"),
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="negative-cosine-is-least-at-minus-one",
            family="critics",
            title=said("Minus a cosine similarity lies between -1 and 1"),
            explanation=said(
                "A cosine is 1 where two vectors have the same direction, whatever their lengths, so minus the cosine "
                "is least, -1, for aligned pairs: it is meant to be negative, and 1 - cosine, with the same gradient, "
                "is 0 there (it lies between 0 and 2: 1 for unrelated directions, 2 for opposite ones). The value "
                "cannot tell a good encoder from a collapse in which all items have one direction: look at the "
                "standard deviation of the normalised outputs over the batch."
            ),
            words=(
                "cosine similarity loss is negative",
                "SimSiam loss -1",
                "BYOL loss collapse",
                "negative cosine similarity minimum",
                "1 - cosine similarity greater than 1",
            ),
            losses=frozenset(),
            trigger=_cosine,
            positive=_HEAD + _PAIR + "-F.cosine_similarity(p, z).mean()",
            control=_HEAD + _PAIR + "1 - F.cosine_similarity(p, z).mean()",
            about=frozenset({"cosine_similarity"}),
            dominates=frozenset({"negated-score"}),
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="constant-moves-no-minimum",
            family="critics",
            title=said("A constant in the loss changes its value, not its gradient"),
            explanation=said(
                "The optimizer never looks at the value of the loss, only at the gradient: it makes the loss smaller, "
                "whether that is above or below zero. A constant offset shifts the value by the same amount "
                "everywhere, and the minimum stays where it is. A negative loss is a mistake only where the formula "
                "cannot give one."
            ),
            words=(
                "does gradient descent turn to maximization when the loss crosses zero",
                "does gradient descent aim at zero or at the minimum",
                "optimizer and a loss below zero",
                "loss minus a constant",
                "does the optimizer maximize a negative loss",
            ),
            losses=frozenset(),
            trigger=_offset,
            positive=_HEAD + _FITTED + " - 1.0\nloss.backward()\nloss",
            control=_HEAD + _FITTED + "\nloss.backward()\nloss",
            handwritten=True,
            harmless=True,
        ),
    )


def _made_subject(scene: Scene, *names: str) -> Call | None:
    """What made the subject, where that is a call of one of these names."""
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    return made if made is not None and short(made) in names else None


def _difference(scene: Scene) -> Suspicion | None:
    made = _made_subject(scene, "sub", "neg", "add")
    means = _terms(scene, made) if made is not None else []
    if made is None or len(means) != 2 or scene.value is None or not all(_averages(scene, c) for c in means):
        return None
    first, second = (scalar(scene.recording.tensor(c.outputs[0])) for c in means)
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is a difference of two means, {first} and {second}: it may be negative, and has no least value.",
            value=stated(scene),
            first=number(first),
            second=number(second),
        ),
        evidence=(said("The two means are {first} and {second}.", first=number(first), second=number(second)),),
        trials=(
            Trial(
                said("with the second scores higher by 5"),
                graph_rerun(wrapped(means[1], "input", "torch.add", other=5.0)),
                "illustration",
            ),
        ),
    )


def _terms(scene: Scene, made: Call) -> list[Call]:
    """The two means of a - b, in whichever way it is written: -(b - a), a + (-b) and -b + a, too."""
    makers = [c for id in made.inputs() if (c := scene.makers.get(id)) is not None]
    match short(made), [short(c) for c in makers]:
        case "sub", ["mean", "mean"]:
            return makers
        case "neg", ["sub"]:
            return _terms(scene, makers[0])[::-1]
        case "add", [("mean" | "neg") as one, ("mean" | "neg") as other] if one != other:
            first, second = makers if one == "mean" else makers[::-1]
            taken_off = scene.makers.get(second.inputs()[0])
            return [first, taken_off] if taken_off is not None and short(taken_off) == "mean" else []
        case _:
            return []


def _averages(scene: Scene, mean: Call) -> bool:
    """Whether it is the mean of several scores as they are, none of them a term of a loss."""
    given = scene.tensor("input") if mean is scene.call else scene.recording.tensors.get(mean.inputs()[0])
    maker = scene.makers.get(mean.inputs()[0])
    return given is not None and given.elements > 1 and (maker is None or short(maker) not in ("pow", "abs", "square"))


def _cosine(scene: Scene) -> Suspicion | None:
    made = _made_subject(scene, "neg")
    similar = next((c for c in scene.needed() if short(c) == "cosine_similarity"), None)
    kept = {"cosine_similarity", "mean", "sum", "neg", "normalize", "detach"}
    after = [c for c in scene.needed() if similar is not None and c.index >= similar.index]
    if made is None or scene.value is None or not after or any(short(c) not in kept for c in after):
        return None
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is minus a cosine similarity: between -1 and 1, and least, -1, for aligned pairs.",
            value=stated(scene),
        ),
        evidence=(said("The mean cosine is {cosine}.", cosine=number(-scene.value)),),
        trials=(Trial(said("as 1 - cosine"), graph_rerun(followed_by(made, "torch.add", other=1.0)), "illustration"),),
    )


def _offset(scene: Scene) -> Suspicion | None:
    made = _made_subject(scene, "sub")
    made = _behind_mean(scene) if made is None else made
    constant = _taken_off(scene, made) if made is not None else None
    loss = scene.maker(made.ref("input")) if made is not None else None
    if made is None or not constant or loss is None or scene.value is None:
        return None
    rest = scene.held(loss.outputs[0])
    own = rest is not None and rest.size > 0 and scene.value < 0 <= rest.min() and constant > 0
    if rest is None or not (own or (is_library_loss(loss, scene.registry) and rest.size == 1)):
        return None
    edit = set_to(made, "other", 0.0) if made.ref("other") is None else wrapped(made, "other", "torch.mul", other=0.0)
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is the loss less {constant}: the gradient, and so the training, is that of the loss alone.",
            value=stated(scene),
            constant=number(constant),
        ),
        evidence=(
            said("Without the constant it is {loss}.", loss=number(float(rest.mean()))),
            *([_turns(float(rest.mean()), constant)] if own else []),
        ),
        trials=(Trial(said("with a constant of 0"), graph_rerun(edit), "illustration"),),
    )


def _turns(rest: float, constant: float) -> Message:
    return said(
        "The constant does not depend on the prediction; the loss is negative wherever the rest is smaller than it: "
        "{rest} < {constant}.",
        rest=number(rest),
        constant=number(constant),
    )


def _behind_mean(scene: Scene) -> Call | None:
    """The subtraction whose mean is the subject."""
    mean = _made_subject(scene, "mean")
    made = scene.maker(mean.ref("input")) if mean is not None else None
    return made if made is not None and short(made) == "sub" else None


def _taken_off(scene: Scene, made: Call) -> float | None:
    """The one number that a subtraction takes off: written as such, or times ones that weigh every item alike."""
    constant = made.argument("other")
    if isinstance(constant, int | float):
        return float(constant)
    product = scene.maker(made.ref("other"))
    factor = product.argument("other") if product is not None and short(product) == "mul" else None
    ones = scene.held(product.ref("input")) if product is not None else None
    if not isinstance(factor, int | float) or ones is None or not ones.size or not (ones == 1).all():
        return None
    return float(factor)
