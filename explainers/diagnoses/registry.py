"""The single list of diagnoses: help, docs and the generic tests all follow from it."""

from __future__ import annotations

import functools

from explainers.diagnoses import (
    accumulations,
    alignments,
    batch_axes,
    binary_inputs,
    binary_softmax,
    binary_targets,
    class_labels,
    class_weights,
    collapse,
    confidence,
    cross_entropy_activations,
    cross_entropy_inputs,
    definitions,
    densities,
    divergence_readings,
    divergences,
    failures,
    focal_terms,
    margin_targets,
    negated_scores,
    nll_inputs,
    overlaps,
    own_computations,
    positive_weights,
    precision,
    reductions,
    shapes,
    soft_labels,
    softmax_axes,
    target_dtypes,
    training,
)
from explainers.diagnoses.diagnosis import Rules, registered


@functools.cache
def rules() -> Rules:
    """Every diagnosis, made once in the life of a process. Raises ValueError where a slug is registered twice."""
    families = (
        cross_entropy_inputs,
        cross_entropy_activations,
        nll_inputs,
        binary_inputs,
        binary_targets,
        positive_weights,
        binary_softmax,
        class_weights,
        margin_targets,
        alignments,
        class_labels,
        batch_axes,
        soft_labels,
        densities,
        divergences,
        divergence_readings,
        negated_scores,
        shapes,
        softmax_axes,
        reductions,
        accumulations,
        training,
        own_computations,
        focal_terms,
        definitions,
        overlaps,
        collapse,
        confidence,
        precision,
        target_dtypes,
        failures,
    )
    return registered(tuple(rule for family in families for rule in family.rules()))
