"""The single list of diagnoses: help, docs and the generic tests all follow from it."""

from __future__ import annotations

from explainers.diagnoses import (
    alignments,
    binary_inputs,
    binary_targets,
    class_labels,
    class_weights,
    collapse,
    cross_entropy_activations,
    cross_entropy_inputs,
    definitions,
    densities,
    divergences,
    failures,
    margin_targets,
    nll_inputs,
    overlaps,
    precision,
    reductions,
    shapes,
    softmax_axes,
)
from explainers.diagnoses.diagnosis import Rules, registered


def rules() -> Rules:
    """Every diagnosis. Raises ValueError where a slug is registered twice."""
    families = (
        cross_entropy_inputs,
        cross_entropy_activations,
        nll_inputs,
        binary_inputs,
        binary_targets,
        class_weights,
        margin_targets,
        alignments,
        class_labels,
        densities,
        divergences,
        shapes,
        softmax_axes,
        reductions,
        definitions,
        overlaps,
        collapse,
        precision,
        failures,
    )
    return registered(tuple(rule for family in families for rule in family.rules()))
