"""The single list of diagnoses: help, docs and the generic tests all follow from it."""

from __future__ import annotations

from explainers.diagnoses import binary_inputs, class_targets, cross_entropy_inputs, nll_inputs, shapes
from explainers.diagnoses.diagnosis import Rules, registered


def rules() -> Rules:
    """Every diagnosis. Raises ValueError where a slug is registered twice."""
    families = (cross_entropy_inputs, nll_inputs, binary_inputs, shapes, class_targets)
    return registered(tuple(rule for family in families for rule in family.rules()))
