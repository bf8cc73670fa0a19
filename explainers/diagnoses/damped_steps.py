"""Training loops whose steps are held back: by weight decay, by clipping that leaves little, or clipped too late."""

from __future__ import annotations

import ast

from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.expectations import behaves
from explainers.diagnoses.loops import Loop
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import argument, last_name
from explainers.diagnoses.training import CONTROL, RIGHT, loop_of, program, suspected
from explainers.diagnoses.wording import number, stated
from explainers.messages import said

_CLIPS = frozenset({"clip_grad_norm_", "clip_grad_norm", "clip_grad_value_"})
_STRONG = 0.1
_WEAK = 0.01
_LITTLE = 0.1
_NEVER_BY_PLACE = 99
_AFTER = RIGHT.replace("    opt.step()\n", "    nn.utils.clip_grad_norm_(model.parameters(), {})\n    opt.step()\n")
_TOO_EARLY = RIGHT.replace(
    "    loss.backward()\n", "    nn.utils.clip_grad_norm_(model.parameters(), {})\n    loss.backward()\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="weight-decay-too-strong",
            family="training",
            title=said("Weight decay holds the parameters near 0"),
            explanation=said(
                "weight_decay is no part of the loss that is printed: in every step the optimizer pulls each "
                "parameter towards 0, by the learning rate times weight_decay times the parameter, as the penalty "
                "½ · weight_decay · ‖w‖² would. Where the pull balances the gradient the loss stands still above its "
                "least value, an underfit that more epochs do not mend."
            ),
            words=(
                "weight_decay too large loss does not decrease",
                "weight decay AdamW loss plateau",
                "is weight decay part of the loss",
                "L2 regularization weight_decay loss does not go below",
                "weight decay cannot overfit",
            ),
            losses=frozenset(),
            trigger=_decayed,
            positive=program("SGD(model.parameters(), lr=0.1, weight_decay=2.0)"),
            control=CONTROL,
        ),
        Rule(
            slug="gradients-clipped-to-little",
            family="training",
            title=said("Gradients are clipped to so little that the steps are tiny"),
            explanation=said(
                "clip_grad_norm_ leaves the loss as it is and scales all gradients by max_norm / norm where their "
                "norm is above max_norm. With SGD no step is then longer than the learning rate times max_norm: with "
                "a tiny max_norm the loss hardly falls. It is meant against gradients that explode, with a max_norm "
                "like 1 to 5."
            ),
            words=(
                "gradient clipping loss decreases very slowly",
                "what does clip_grad_norm_ do to the loss",
                "gradient clipping max_norm too small",
                "does gradient clipping change the loss",
                "need gradient clipping nan",
            ),
            losses=frozenset(),
            trigger=_clipped,
            positive=program("SGD(model.parameters(), lr=0.1)", _AFTER.format("0.01")),
            control=program("SGD(model.parameters(), lr=0.1)", _AFTER.format("100.0")),
        ),
        Rule(
            slug="clipped-before-backward",
            family="training",
            title=said("The gradients are clipped where there are none to clip"),
            explanation=said(
                "clip_grad_norm_ scales the gradients that are there when it is called. backward() makes them and "
                "step() uses them, so that it takes effect between the two alone: before backward(), or after "
                "step(), it clips nothing that a step follows."
            ),
            words=(
                "gradient clipping has no effect",
                "clip_grad_norm_ before backward or after step",
                "clip gradients but loss still explodes",
                "where to call clip_grad_norm_",
            ),
            losses=frozenset(),
            trigger=_clipped_elsewhere,
            positive=program("SGD(model.parameters(), lr=0.4)", _TOO_EARLY.format("1.0")),
            control=program("SGD(model.parameters(), lr=0.4)", _AFTER.format("1.0")),
            dominates=frozenset({"learning-rate-too-large"}),
        ),
    )  # fmt: skip


def _decayed(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    written = argument(loop.built, _NEVER_BY_PLACE, "weight_decay") if loop else None
    decay = _constant(written)
    least = _WEAK if behaves(scene, "not-decreasing", "always-same") else _STRONG
    if loop is None or written is None or decay is None or decay <= least or not loop.steps:
        return None
    return suspected(
        scene,
        said("{value}: a weight_decay of {decay} pulls the parameters towards 0 in each step.",
             value=stated(scene), decay=number(decay)),
        loop.source.replaced(loop.source.piece(written), "0.0"),
        said("with weight_decay=0"),
        said("Take a smaller weight_decay, such as 0.0001 to 0.01."),
        sure=False,
    )  # fmt: skip


def _clipped(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    clip = next(iter(_clips(loop)), None) if loop else None
    if loop is None or clip is None or not _takes_effect(loop, clip):
        return None
    most = _constant(argument(_call(clip), 1, "max_norm"))
    if most is None or most > _LITTLE:
        return None
    return suspected(
        scene,
        said("{value}: line {line} clips the gradients to a norm of {most}, so that every step is tiny.",
             value=stated(scene), line=clip.lineno, most=number(most)),
        loop.source.without_lines(clip),
        said("without clipping"),
        said("Clip at a larger norm, such as 1, or not at all."),
        sure=False,
    )  # fmt: skip


def _clipped_elsewhere(scene: Scene) -> Suspicion | None:
    loop = loop_of(scene)
    clip = next(iter(_clips(loop)), None) if loop else None
    if loop is None or clip is None or not loop.steps or loop.scaled or _takes_effect(loop, clip):
        return None
    return suspected(
        scene,
        said("{value}: line {line} clips no gradient that a step follows.", value=stated(scene), line=clip.lineno),
        loop.moved_after(clip, loop.backward) if clip.lineno < loop.backward.lineno
        else loop.moved_before(clip, loop.steps[0]),
        said("with the clipping between backward() and step()"),
        said("Clip after backward() and before step()."),
        sure=True,
    )  # fmt: skip


def _clips(loop: Loop) -> list[ast.Expr]:
    """The statements of the loop that clip gradients."""
    found = (n for n in ast.walk(loop.body) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call))
    return [node for node in found if last_name(_call(node).func) in _CLIPS]


def _call(statement: ast.Expr) -> ast.Call:
    assert isinstance(statement.value, ast.Call)
    return statement.value


def _takes_effect(loop: Loop, clip: ast.Expr) -> bool:
    return any(loop.backward.lineno < clip.lineno < step.lineno for step in loop.steps)


def _constant(node: ast.expr | None) -> float | None:
    match node:
        case ast.Constant(value=float() | int() as given):
            return float(given)
        case _:
            return None
