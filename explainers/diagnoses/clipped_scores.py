"""Raw scores that are cut to [0, 1] for a loss of probabilities, where sigmoid belongs."""

from __future__ import annotations

from explainers.diagnoses import fixes
from explainers.diagnoses.binary_inputs import of_scores
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source, operand
from explainers.diagnoses.wording import code_of, number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_SCORES = "scores = torch.tensor([3.0, -2.0, 0.7, -0.4])\ntarget = torch.tensor([1.0, 0.0, 0.0, 1.0])\n"
_CLIPS = frozenset({"clamp", "clip", "hardtanh"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="bce-scores-clipped",
            family="binary-inputs",
            title=said("Raw scores cut to [0, 1] are no probabilities"),
            explanation=said(
                "binary_cross_entropy wants probabilities. Raw scores (logits) that are cut to [0, 1] become 0 or 1 "
                "wherever they lie outside, so that a wrong one costs as much as the cut allows (16.1 for 1e-7) and "
                "gets no gradient. Keras does the same with BinaryCrossentropy() on a last layer without activation: "
                "from_logits=False is its default. Sigmoid makes probabilities of scores; "
                "BCEWithLogitsLoss, as from_logits=True, applies it by itself."
            ),
            words=(
                "keras BinaryCrossentropy from_logits False without activation",
                "last layer without sigmoid keras binary crossentropy",
                "from_logits default False raw outputs keras",
                "clip outputs to 0 and 1 instead of sigmoid BCELoss",
                "clamp logits before BCELoss",
            ),
            losses=frozenset({"binary_cross_entropy"}),
            about=frozenset({"binary_cross_entropy_with_logits"}),
            trigger=_clipped,
            positive=_HEAD + _SCORES + "F.binary_cross_entropy(scores.clamp(1e-7, 1 - 1e-7), target)",
            control=_HEAD + _SCORES + "F.binary_cross_entropy(scores.sigmoid().clamp(1e-7, 1 - 1e-7), target)",
        ),
    )


def _clipped(scene: Scene) -> Suspicion | None:
    clip = scene.nearest("input")
    scores = scene.held(clip.inputs()[0]) if clip is not None and short(clip) in _CLIPS else None
    if clip is None or scores is None or not scores.size:
        return None
    outside = int(((scores < 0) | (scores > 1)).sum())
    if not outside:
        return None
    return Suspicion(
        at=clip.index,
        verdict=said(
            "{value}: {count} of {all} scores lie outside [0, 1] and are cut, where sigmoid belongs.",
            value=stated(scene),
            count=outside,
            all=scores.size,
        ),
        evidence=(
            said("Before the cut they lie between {low} and {high}.", low=number(float(scores.min())),
                 high=number(float(scores.max()))),
            said("{code} in line {line} cuts them; what is cut gets no gradient.", code=code_of(clip),
                 line=line_of(clip)),
        ),
        trials=(of_scores(scene, clip),),
        fix=fixes.fix(
            scene,
            fixes.logits_instead(scene, clip) or _sigmoid_instead(scene, clip),
            "safe",
            said("Give the raw scores to BCEWithLogitsLoss."),
        ),
    )  # fmt: skip


def _sigmoid_instead(scene: Scene, clip: Call) -> str | None:
    """The program with sigmoid where it cuts."""
    source = Source(scene.recording.source)
    written, inner = source.call_at(clip.span), operand(source, clip)
    if written is None or inner is None:
        return None
    return source.replaced(source.piece(written), f"torch.sigmoid({source.written(inner)})")
