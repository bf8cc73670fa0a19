"""Training loops that do not learn: no step, gradients cleared too early or never, a wrong optimizer or rate."""

from __future__ import annotations

from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.expectations import behaves
from explainers.diagnoses.loops import Loop, training_loop, uncleared
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "x = torch.tensor([[0.5], [-1.0], [2.0]])\ny = torch.tensor([[1.0], [-2.0], [4.0]])\n"
_MODEL = "model = nn.Linear(1, 1)\nnn.init.constant_(model.weight, 0.5)\nnn.init.zeros_(model.bias)\n"
_OTHER = "other = nn.Linear(1, 1)\n"
_LOOP = "for epoch in range(8):\n    loss = F.mse_loss(model(x), y)\n{}print(loss)"
RIGHT = "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"


def program(optimizer: str, steps: str = RIGHT, models: str = _MODEL) -> str:
    """A training loop of eight rounds with this optimizer, and with `steps` in each round."""
    return _HEAD + "torch.manual_seed(0)\n" + _DATA + models + f"opt = torch.optim.{optimizer}\n" + _LOOP.format(steps)


CONTROL = program("SGD(model.parameters(), lr=0.1)")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="optimizer-not-stepped",
            family="training",
            symptoms=(Symptom("stuck", 3),),
            title=said("The optimizer never makes a step"),
            explanation=said(
                "backward() only computes gradients. It is the optimizer's step() that changes the parameters: without "
                "it every round sees the same ones."
            ),
            words=("loss does not change", "forgot optimizer.step", "training loss constant", "weights not updated"),
            losses=frozenset(),
            trigger=_not_stepped,
            positive=program("SGD(model.parameters(), lr=0.1)", "    opt.zero_grad()\n    loss.backward()\n"),
            control=CONTROL,
        ),
        Rule(
            slug="zero-grad-before-step",
            family="training",
            symptoms=(Symptom("stuck", 4),),
            title=said("The gradients are cleared before the step that needs them"),
            explanation=said(
                "step() takes the gradients that backward() left. zero_grad() between the two throws them away, so the "
                "step changes nothing: it belongs before backward() or after step()."
            ),
            words=("zero_grad after backward", "loss not decreasing zero_grad order", "zero_grad before step"),
            losses=frozenset(),
            trigger=_cleared_early,
            positive=program(
                "SGD(model.parameters(), lr=0.1)", "    loss.backward()\n    opt.zero_grad()\n    opt.step()\n"
            ),
            control=CONTROL,
        ),
        Rule(
            slug="gradients-never-cleared",
            family="training",
            title=said("The gradients are never cleared"),
            explanation=said(
                "backward() adds to the gradients that are there. Without zero_grad() each step follows the sum over "
                "all rounds so far: it overshoots, and the loss swings or grows."
            ),
            words=("forgot zero_grad", "loss oscillates", "gradients accumulate over epochs", "loss increases"),
            losses=frozenset(),
            trigger=_never_cleared,
            positive=program("SGD(model.parameters(), lr=0.1)", "    loss.backward()\n    opt.step()\n"),
            control=CONTROL,
            dominates=frozenset({"grad-accumulation-not-divided"}),
        ),
        Rule(
            slug="optimizer-of-other-parameters",
            family="training",
            title=said("The optimizer holds other parameters than the loss depends on"),
            explanation=said(
                "An optimizer changes the parameters that it was given when it was built. A model that is built anew "
                "afterwards, or another one, is not among them."
            ),
            words=("optimizer wrong model parameters", "model recreated after optimizer", "loss does not change"),
            losses=frozenset(),
            trigger=_of_another,
            positive=program("SGD(other.parameters(), lr=0.1)", models=_MODEL + _OTHER),
            control=program("SGD(model.parameters(), lr=0.1)", models=_MODEL + _OTHER),
        ),
        Rule(
            slug="loss-made-anew",
            family="training",
            title=said("The loss is made anew, without a history"),
            explanation=said(
                "torch.tensor makes a new tensor of numbers; requires_grad=True gives it a gradient of its own, and "
                "backward() ends there. What the numbers were computed from gets none, so nothing is learnt."
            ),
            words=("torch.tensor(loss, requires_grad=True)", "loss.requires_grad = True", "wrap the loss in a tensor"),
            losses=frozenset(),
            trigger=_made_anew,
            positive=program(
                "SGD(model.parameters(), lr=0.1)",
                "    loss = torch.tensor(loss.item(), requires_grad=True)\n" + RIGHT,
            ),
            control=CONTROL,
            dominates=frozenset({"gradient-cut-silently"}),
        ),
        Rule(
            slug="parameters-frozen",
            family="training",
            symptoms=(Symptom("stuck", 9),),
            title=said("The parameters are frozen"),
            explanation=said(
                "With requires_grad = False a parameter gets no gradient, and the optimizer leaves it as it is. That "
                "is meant for layers that are not to learn."
            ),
            words=("requires_grad False loss constant", "frozen layers", "froze all parameters"),
            losses=frozenset(),
            trigger=_frozen,
            positive=program(
                "SGD(model.parameters(), lr=0.1)",
                models=_MODEL + "for p in model.parameters():\n    p.requires_grad = False\n",
            )
            .replace("F.mse_loss(model(x), y)", "F.mse_loss(model(x), y) * scale")
            .replace("opt = ", "scale = torch.tensor(1.0, requires_grad=True)\nopt = "),
            control=CONTROL,
        ),
    )


def loop_of(scene: Scene) -> Loop | None:
    """The program's training loop, where its optimizer is known and the loss was seen more than once."""
    return training_loop(scene.recording.source) if len(scene.recording.losses) > 1 else None


def suspected(scene: Scene, verdict: Message, changed: str, what: Message, note: Message, sure: bool) -> Suspicion:
    """A loop that is to learn again with one change, which is run."""
    losses = scene.recording.losses
    course = said("Loss by round: {losses}.", losses=", ".join(map(number, losses[:6])))
    trial = Trial(what, source_rerun(changed))
    value = scene.value
    if value is not None and behaves(scene, "not-decreasing", "always-same"):
        trial = replace(trial, proves=lambda found: found < value)
    fix = fixes.fix(scene, changed, "likely" if sure else "choose", note)
    return Suspicion(scene.call.index, verdict, (course,), (trial,), fix)


def _not_stepped(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    if loop is None or loop.steps or loop.scaled:
        return None
    step = f"{loop.optimizer}.step()"
    return suspected(
        scene,
        said("{value}, round after round: nothing calls {step}, so no parameter changes.",
             value=stated(scene), step=step),
        loop.after(loop.backward, step),
        said("with {step} after backward()", step=step),
        said("Make a step after each backward()."),
        sure=True,
    )  # fmt: skip


def _cleared_early(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    clear = loop.cleared_early if loop else None
    if loop is None or clear is None:
        return None
    return suspected(
        scene,
        said("{value}: zero_grad() in line {line} clears the gradients before step() could use them.",
             value=stated(scene), line=clear.lineno),
        loop.moved_before(clear, loop.backward),
        said("with zero_grad() before backward()"),
        said("Clear the gradients before backward()."),
        sure=True,
    )  # fmt: skip


def _never_cleared(scene: Scene) -> Suspicion | None:
    loop = uncleared(scene.recording.source) if len(scene.recording.losses) > 1 else None
    if loop is None:
        return None
    clear = f"{loop.optimizer}.zero_grad()"
    return suspected(
        scene,
        said("{value}: nothing clears the gradients, so each step follows the sum over all rounds.",
             value=stated(scene)),
        loop.cleared,
        said("with {clear} before backward()", clear=clear),
        said("Clear the gradients in each round."),
        sure=True,
    )  # fmt: skip


def _of_another(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    changed = loop.with_used_model() if loop and loop.steps else None
    if loop is None or changed is None:
        return None
    return suspected(
        scene,
        said("{value}: {optimizer} holds the parameters of {held}, which the loss does not depend on.",
             value=stated(scene), optimizer=loop.optimizer, held=changed[0]),
        changed[1],
        said("with an optimizer of the parameters that are trained"),
        said("Build the optimizer after the model, from the model that the loss uses."),
        sure=True,
    )  # fmt: skip


def _made_anew(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    made = loop.made_anew if loop else None
    if loop is None or made is None:
        return None
    return suspected(
        scene,
        said("{value}, round after round: line {line} makes the loss anew, so no parameter gets a gradient.",
             value=stated(scene), line=made.lineno),
        loop.from_history,
        said("without a new tensor in line {line}", line=made.lineno),
        said("Go backward from the loss itself."),
        sure=True,
    )  # fmt: skip


def _frozen(scene: Scene) -> Suspicion | None:
    loop, losses = loop_of(scene), scene.recording.losses
    frozen = loop.frozen if loop else None
    if loop is None or frozen is None or not loop.steps or len(set(losses)) > 1:
        return None
    return suspected(
        scene,
        said("{value}, round after round: line {line} freezes the parameters.",
             value=stated(scene), line=frozen.lineno),
        loop.source.replaced(loop.source.piece(frozen), "True"),
        said("with requires_grad = True"),
        said("Let those parameters learn that are to change."),
        sure=False,
    )  # fmt: skip
