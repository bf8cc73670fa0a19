"""What is made of a loss: its exponential, its entropy, and the factor that goes with a temperature."""

from __future__ import annotations

import math

import numpy as np

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, replaced, set_to, swapped
from explainers.diagnoses.scene import Floats, Scene, short, upstream
from explainers.diagnoses.wording import number, row, stated
from explainers.messages import Message, said
from explainers.recording import Call, Tensor, scalar

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_POLICY = "classes = 4\nlog_p = F.log_softmax({}, dim=1)\n-(log_p.exp() * log_p).sum(dim=1).mean()"
_TEACHER = (
    "student, teacher = torch.tensor([[2.0, 1.0, -1.0]]), torch.tensor([[4.0, 0.5, -2.0]])\ntemperature = 4.0\n"
    "log_q, p = F.log_softmax(student / temperature, dim=1), F.softmax(teacher / temperature, dim=1)\n"
    "kl = F.kl_div(log_q, p, reduction='batchmean')\n"
)
_MOST_BITS = 100.0
_NEAR = 0.02
_LOSSES = frozenset({"cross_entropy", "nll_loss"})
_NAMES = ("loss", "nll", "ce", "entropy")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="perplexity-is-exp-of-the-loss",
            family="transformed",
            title=said("Perplexity is e to the power of the loss"),
            explanation=said(
                "Perplexity is exp(loss) of the mean cross entropy per token, in nats, as torch gives it; of bits it "
                "is 2 to the power. A model that knows nothing has the loss ln C and the perplexity C, the size of the "
                "vocabulary. Average the loss over all tokens first: the mean of perplexities of batches is another "
                "number."
            ),
            words=(
                "perplexity from cross entropy loss",
                "what perplexity is a loss of 3.5",
                "exp of the loss perplexity",
                "perplexity of a language model",
                "loss in bits base 2 perplexity does not match exp",
                "range of perplexity between 1 and infinity",
                "perplexity larger than the number of classes",
            ),
            losses=frozenset(),
            trigger=_perplexity,
            positive=_HEAD + "loss = torch.tensor(2.5)\ntorch.exp(loss)",
            control=_HEAD + "loss = torch.tensor(2.5)\nloss * 2",
            about=frozenset({"perplexity"}),
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="entropy-at-maximum",
            family="transformed",
            title=said("The entropy of equal chances is ln C, the largest there is"),
            explanation=said(
                "The entropy of C choices lies between 0, where one of them is certain, and ln C, where all are "
                "equally likely (uniform). A policy starts near that maximum and falls as it becomes surer; a fall to "
                "0 at once means that it no longer explores. It enters the loss with a minus, so that term is negative."
            ),
            words=(
                "policy entropy starts at ln of the number of actions",
                "maximum entropy of the policy",
                "PPO entropy loss negative",
                "entropy of a uniform distribution",
                "entropy decreases during training",
            ),
            losses=frozenset(),
            trigger=_entropy,
            positive=_HEAD + _POLICY.format("torch.zeros(1, classes)"),
            control=_HEAD + _POLICY.format("torch.tensor([[2.0, 0.0, -1.0, 0.5]])"),
            about=frozenset({"entropy"}),
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="temperature-squared",
            family="transformed",
            title=said("T² makes up for what the temperature takes from the gradient"),
            explanation=said(
                "Scores divided by a temperature T have a gradient about 1/T² as large: one 1/T from the division, the "
                "other because softer distributions lie nearer to each other. The factor T² keeps it comparable with "
                "that of the hard labels, whatever T is. The value itself means nothing by its size."
            ),
            words=(
                "why multiply the distillation loss by T squared",
                "distillation loss T**2",
                "knowledge distillation temperature T*T",
                "KD loss huge with high temperature",
                "kl_div multiplied by temperature squared",
            ),
            losses=frozenset({"kl_div"}),
            trigger=_temperature,
            positive=_HEAD + _TEACHER + "kl * temperature**2",
            control=_HEAD + _TEACHER.replace("temperature = 4.0", "temperature = 1.0") + "kl",
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="temperature-not-made-up-for",
            family="transformed",
            title=said("A temperature makes the distillation loss and its gradient small"),
            explanation=said(
                "Scores divided by a temperature T give softer distributions, which lie nearer to each other: their "
                "divergence, and its gradient, is about 1/T² as large. Distillation mostly multiplies it by T² "
                "(temperature squared), so that it weighs as much as the loss of the hard labels whatever T is."
            ),
            words=(
                "distillation loss very small",
                "KD loss tiny with a temperature",
                "do I need T squared in knowledge distillation",
                "soft target loss much smaller than the hard loss",
            ),
            losses=frozenset({"kl_div"}),
            trigger=_not_made_up_for,
            positive=_HEAD + _TEACHER + "kl",
            control=_HEAD + _TEACHER.replace("temperature = 4.0", "temperature = 1.0") + "kl",
            harmless=True,
        ),
    )


def _perplexity(scene: Scene) -> Suspicion | None:
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    if made is None or short(made) != "exp" or scene.value is None:
        return None
    taken = scene.recording.tensors[made.inputs()[0]]
    maker, loss = scene.makers.get(taken.id), scalar(taken)
    named = scene.is_given(taken.id) and any(each in (taken.name or "").lower() for each in _NAMES)
    if loss is None or not (named or (maker is not None and short(maker) in _LOSSES)):
        return None
    return Suspicion(
        at=made.index,
        verdict=said(
            "{value} is the perplexity of a loss of {loss}: exp({loss}).", value=stated(scene), loss=number(loss)
        ),
        evidence=(
            said("The model is as unsure as if {value} tokens were equally likely.", value=number(scene.value)),
            said(
                "A perplexity is at least 1 = exp(0), since a cross entropy is never negative, and has no upper bound: "
                "above the number of tokens C it is worse than a uniform guess, whose loss is ln C. The model is then "
                "sure of wrong ones (confident) and gives the right ones a probability near 0."
            ),
            *_as_bits(loss),
        ),
        trials=(
            Trial(
                said("of as many bits: 2 to the power"),
                graph_rerun(swapped(made, "torch.exp2", "input")),
                "illustration",
            ),
        ),
    )


def _as_bits(loss: float) -> tuple[Message, ...]:
    """What the same number means to base 2, as some tools print losses."""
    if not loss < _MOST_BITS:
        return ()
    return (
        said(
            "Were {loss} in bits (logarithms to base 2, as fairseq for example prints them), it would be {loss} · ln 2 "
            "= {nats} in the nats of cross_entropy, and the perplexity 2^{loss} = {perplexity}.",
            loss=number(loss),
            nats=number(loss * math.log(2)),
            perplexity=number(2**loss),
        ),
    )


def _entropy(scene: Scene) -> Suspicion | None:
    for call in scene.needed():
        p = _weighs_its_logarithm(scene, call)
        rows = p.reshape(-1, p.shape[-1]) if p is not None and p.ndim else None
        if rows is None or scene.value is None or rows.shape[1] < 2:
            continue
        count = rows.shape[1]
        if np.abs(rows * count - 1).max() > _NEAR or abs(abs(scene.value) - math.log(count)) > _NEAR * math.log(count):
            continue
        scores = next((c for c in scene.needed() if short(c) in ("softmax", "log_softmax")), None)
        held = scene.recording.tensors.get(scores.inputs()[0]) if scores is not None else None
        surer = replaced(held, _first_raised(held)) if held is not None and held.data is not None else None
        return Suspicion(
            at=(scores or call).index,
            verdict=said(
                "{value} is ln {count}, the largest entropy of {count} choices: all are equally likely.",
                value=stated(scene),
                count=count,
            ),
            evidence=(said("Row 0 of the probabilities is {row}.", row=row(rows[0])),),
            trials=(Trial(said("with the first score raised by 5"), graph_rerun(surer), "illustration"),)
            if surer
            else (),
        )
    return None


def _first_raised(scores: Tensor) -> Floats:
    x = scores.array().astype(np.float64)
    x[..., 0] += 5.0
    return x


def _weighs_its_logarithm(scene: Scene, call: Call) -> Floats | None:
    """The probabilities p of a product p · log p, None where a call is none."""
    if short(call) != "mul" or len(call.inputs()) != 2:
        return None
    held = [scene.recording.tensors[id] for id in call.inputs()]
    if any(each.data is None or not each.elements for each in held):
        return None
    one, other = (each.array().astype(np.float64) for each in held)
    for p, log in ((one, other), (other, one)):
        if p.shape == log.shape and (p > 0).all() and np.allclose(np.log(p), log, atol=1e-5):
            return p
    return None


def _temperature(scene: Scene) -> Suspicion | None:
    if not scene.whole:
        return None
    factors = [c for c in scene.needed() if short(c) == "mul" and isinstance(c.argument("other"), int | float)]
    after = [c for c in factors if _follows_divergence(scene, c)]
    divided = [c.argument("other") for c in scene.needed() if short(c) == "div"]
    whole = math.prod(float(_number(c)) for c in after)
    by = next((float(d) for d in divided if isinstance(d, int | float)), 1.0)
    if not after or by == 1 or scene.value is None or not math.isclose(whole, by * by, rel_tol=1e-6):
        return None
    return Suspicion(
        at=after[0].index,
        verdict=said(
            "{value} holds the factor T² = {factor}: it makes up for scores divided by T = {by}.",
            value=stated(scene),
            factor=number(whole),
            by=number(by),
        ),
        evidence=(said("Without the factor it is {plain}.", plain=number(scene.value / whole)),),
        trials=(
            Trial(said("without the factor"), graph_rerun(*(set_to(c, "other", 1.0) for c in after)), "illustration"),
        ),
    )


def _not_made_up_for(scene: Scene) -> Suspicion | None:
    """Both sides of a divergence divided by the same temperature, and no factor behind it."""
    if scene.name != "kl_div" or scene.value is None:
        return None
    made = {name: upstream(scene.call.ref(name), scene.makers) for name in ("input", "target")}
    by = {name: {c.argument("other") for c in calls if short(c) == "div"} for name, calls in made.items()}
    softened = [t for t in by["input"] & by["target"] if isinstance(t, int | float) and t > 1]
    scaled = any(c.index > scene.call.index and short(c) in ("mul", "rmul") for c in scene.needed())
    if len(softened) != 1 or scaled:
        return None
    by_squared = float(softened[0]) ** 2
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{value} is of scores divided by T = {by}, without the factor T² = {factor} that makes up for it.",
            value=stated(scene),
            by=number(float(softened[0])),
            factor=number(by_squared),
        ),
        evidence=(said("Times T² it is {whole}.", whole=number(scene.value * by_squared)),),
        trials=(
            Trial(
                said("times T² = {factor}", factor=number(by_squared)),
                graph_rerun(followed_by(scene.call, "torch.mul", other=by_squared)),
                "illustration",
            ),
        ),
    )


def _number(call: Call) -> float:
    value = call.argument("other")
    return float(value) if isinstance(value, int | float) else 1.0


def _follows_divergence(scene: Scene, call: Call) -> bool:
    made = upstream(call.inputs()[0], scene.makers)
    return any(short(c) == "kl_div" for c in made)
