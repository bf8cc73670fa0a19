"""The two terms of an ELBO, written by hand: a reconstruction error and a divergence from the prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reduced_by, wrapped
from explainers.diagnoses.scene import Scene, is_library_loss, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call, scalar

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_IMAGES = "x = torch.linspace(0.1, 0.9, 40).reshape(2, 20)\nrecon = x.flip(1)\n"
_CODE = "mu, logvar = torch.tensor([[0.5, -1.0], [1.5, 0.2]]), torch.tensor([[-0.5, 0.3], [0.1, -1.0]])\n"
_PRIOR = "mu, logvar = torch.full((2, 2), 0.01), torch.full((2, 2), -0.01)\n"
_KLD = "kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\n"
_SUM = "bce = F.binary_cross_entropy(recon, x, reduction='sum')\n"
_MEAN = "bce = F.binary_cross_entropy(recon, x)\n"
_AT_PRIOR = 1e-3
_ABOUT = frozenset({"elbo"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="elbo-terms-on-different-scales",
            family="elbos",
            title=said("One term of the ELBO is a mean, the other a sum"),
            explanation=said(
                "The ELBO adds, per item, the reconstruction error summed over all elements (pixels) and the KL "
                "divergence summed over the code. With a mean of one and a sum of the other their weight depends on "
                "the sizes: a mean over pixels makes the KL term that many times too strong, and the code collapses to "
                "the prior."
            ),
            words=(
                "VAE KL loss huge compared with reconstruction loss",
                "VAE mean or sum of the reconstruction loss",
                "KLD dominates reconstruction",
                "VAE reconstruction loss much smaller than KL",
                "scale of reconstruction and KL",
            ),
            losses=frozenset(),
            trigger=_unlike,
            positive=_HEAD + _IMAGES + _CODE + _MEAN + _KLD + "bce + kld",
            control=_HEAD + _IMAGES + "bce = F.binary_cross_entropy(recon, x)\nbce",
            about=_ABOUT,
            handwritten=True,
        ),
        Rule(
            slug="elbo-is-a-sum",
            family="elbos",
            title=said("The ELBO is a sum over elements, so it is large"),
            explanation=said(
                "A sum over pixels and items is in the hundreds or thousands by its size alone (784 pixels at 0.1 each "
                "are 78), and it does not go to 0: binary cross entropy of grey values keeps their entropy, and the KL "
                "term is what the code costs. Compare it per item, that is divided by the batch size, and only with "
                "the same data and reduction."
            ),
            words=(
                "VAE loss is very large",
                "VAE loss value more than 100",
                "VAE loss in the thousands",
                "ELBO value how large is normal",
                "VAE loss does not go to zero",
            ),
            losses=frozenset(),
            trigger=_large,
            positive=_HEAD + _IMAGES + _CODE + _SUM + _KLD + "bce + kld",
            control=_HEAD + _IMAGES + "bce = F.binary_cross_entropy(recon, x, reduction='sum')\nbce",
            about=_ABOUT,
            handwritten=True,
            harmless=True,
        ),
        Rule(
            slug="posterior-at-prior",
            family="elbos",
            title=said("The KL term is 0: posterior collapse"),
            explanation=said(
                "The KL term is 0 exactly where mu is 0 and logvar is 0 for every item, the prior N(0, 1): the code "
                "then holds nothing of the input, and the decoder does without it (posterior collapse). Weigh the KL "
                "term less at first (beta, annealing, free bits), and see that both terms are sums per item."
            ),
            words=(
                "VAE KL loss goes to zero",
                "KL term is almost 0 posterior collapse",
                "KL vanishing VAE",
                "KL loss 1e-6 during whole training reconstruction",
                "KL collapses reconstruction the same for every input",
            ),
            losses=frozenset(),
            trigger=_collapsed,
            positive=_HEAD + _IMAGES + _PRIOR + _SUM + _KLD + "bce + kld",
            control=_HEAD + _IMAGES + _PRIOR + "bce = F.binary_cross_entropy(recon, x)\nbce",
            about=_ABOUT,
            dominates=frozenset({"elbo-is-a-sum", "elbo-terms-on-different-scales"}),
            handwritten=True,
            harmless=True,
        ),
    )


@dataclass(frozen=True)
class _Terms:
    """The call of the reconstruction error with its elements, and the value of the divergence with its last call."""

    reconstruction: Call
    reduction: str
    elements: int
    divergence: Call
    error: float
    cost: float


def _terms(scene: Scene) -> _Terms | None:
    """The two terms whose sum is the subject, the divergence maybe weighed."""
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    parts = [scene.makers.get(id) for id in made.inputs()] if made is not None and short(made) == "add" else []
    libraries = [c for c in parts if c is not None and is_library_loss(c, scene.registry)]
    others = [c for c in parts if c is not None and c not in libraries and _is_divergence(scene, c)]
    if len(libraries) != 1 or len(others) != 1:
        return None
    library, other = libraries[0], others[0]
    given = scene.recording.known(library.ref("input"))
    error, cost = (scalar(scene.recording.tensor(c.outputs[0])) for c in (library, other))
    if given is None or error is None or cost is None:
        return None
    return _Terms(library, str(library.argument("reduction") or "mean"), given.elements, other, error, cost)


def _is_divergence(scene: Scene, call: Call) -> bool:
    """Whether it is written as 1 + log σ² − μ² − σ², summed: an exponential and a square of what nobody computed."""
    made = [short(c) for c in upstream(call.outputs[0], scene.makers)]
    return "exp" in made and bool({"pow", "square"} & set(made)) and bool({"sum", "mean"} & set(made))


def _sums(scene: Scene, found: _Terms) -> bool:
    return "sum" in [short(c) for c in upstream(found.divergence.outputs[0], scene.makers)]


def _unlike(scene: Scene) -> Suspicion | None:
    found = _terms(scene)
    if found is None or found.reduction != "mean" or found.elements < 2 or not _sums(scene, found):
        return None
    return Suspicion(
        at=found.reconstruction.index,
        verdict=said(
            "{value} adds a mean over {count} elements, {error}, to a sum, {cost}: the two are on different scales.",
            value=stated(scene),
            count=found.elements,
            error=number(found.error),
            cost=number(found.cost),
        ),
        evidence=(
            said(
                "Summed like the KL term, the reconstruction error is {whole}.",
                whole=number(found.error * found.elements),
            ),
        ),
        trials=(
            Trial(
                said("with the reconstruction error summed too"), graph_rerun(*reduced_by(found.reconstruction, "sum"))
            ),
        ),
        fix=fixes.fix(
            scene,
            fixes.with_option(scene, found.reconstruction, "reduction", "'sum'"),
            "likely",
            said("Sum both, and divide by the batch size."),
        ),
    )


def _large(scene: Scene) -> Suspicion | None:
    found = _terms(scene)
    if found is None or found.reduction != "sum" or found.elements < 2 or not _sums(scene, found):
        return None
    return Suspicion(
        at=found.reconstruction.index,
        verdict=said(
            "{value} is a sum over {count} elements, {error}, and the KL term, {cost}.",
            value=stated(scene),
            count=found.elements,
            error=number(found.error),
            cost=number(found.cost),
        ),
        evidence=(said("Per element the first is {each}.", each=number(found.error / found.elements)),),
        trials=(
            Trial(
                said("with the mean over the elements instead of the sum"),
                graph_rerun(*reduced_by(found.reconstruction, "mean")),
                "illustration",
            ),
        ),
    )


def _collapsed(scene: Scene) -> Suspicion | None:
    found = _terms(scene)
    divergence = found.divergence if found is not None else _alone(scene)
    mean = _square_of(scene, divergence) if divergence is not None else None
    cost = scalar(scene.recording.tensor(divergence.outputs[0])) if divergence is not None else None
    if mean is None or cost is None or not abs(cost) <= _AT_PRIOR:
        return None
    held = scene.recording.tensors[mean.inputs()[0]]
    largest = float(np.abs(held.array().astype(np.float64)).max()) if held.data is not None and held.elements else 0.0
    return Suspicion(
        at=mean.index,
        verdict=said(
            "{value}: its KL term is {cost}, so the code is that of the prior whatever the input.",
            value=stated(scene),
            cost=number(cost),
        ),
        evidence=(
            said(
                "No entry of {name} is further from 0 than {largest}.", name=held.name or "mu", largest=number(largest)
            ),
        ),
        trials=(
            Trial(
                said("with every {name} higher by 1", name=held.name or "mu"),
                graph_rerun(wrapped(mean, "input", "torch.add", other=1.0)),
                "illustration",
            ),
        ),
    )


def _alone(scene: Scene) -> Call | None:
    """The call that made the subject, where that is a divergence and nothing else."""
    made = scene.makers.get(scene.recording.subject) if scene.recording.subject is not None else None
    subtracted = made is not None and any(short(c) in ("sub", "rsub") for c in upstream(made.outputs[0], scene.makers))
    return made if made is not None and subtracted and _is_divergence(scene, made) else None


def _square_of(scene: Scene, divergence: Call) -> Call | None:
    made = upstream(divergence.outputs[0], scene.makers)
    return next((c for c in made if short(c) in ("pow", "square") and c.inputs()), None)
