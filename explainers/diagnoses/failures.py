"""The families about programs that stop, numbers that are not finite, and gradients that are cut or dead."""

from __future__ import annotations

from explainers.diagnoses import (
    adaptive_arguments,
    argmax_inputs,
    argument_types,
    backward_errors,
    calling,
    changed_in_place,
    class_target_shapes,
    class_targets,
    containers,
    ctc_arguments,
    ctc_shapes,
    cut_gradients,
    empty_reductions,
    flat_steps,
    ignored_probabilities,
    infinite_scores,
    leaf_gradients,
    left_out,
    linear_shapes,
    literal_overflows,
    logarithms,
    masked_losses,
    missing_arguments,
    missing_values,
    modules,
    named_pairs,
    naming,
    no_tensors,
    operand_dtypes,
    operand_shapes,
    overflows,
    paired_shapes,
    plain_errors,
    quotients,
    refitting,
    refused_binary,
    refused_gradients,
    refused_integers,
    refused_labels,
    refused_options,
    refused_variances,
    repeated_backward,
    saturation,
    silent_gradients,
    spoiled_gradients,
    stable_logarithms,
    stable_roots,
    undefined_values,
    zero_times_log,
    zero_weights,
)
from explainers.diagnoses.diagnosis import Rule

_CLASSES = (
    argmax_inputs,
    ignored_probabilities,
    adaptive_arguments,
    class_targets,
    class_target_shapes,
    linear_shapes,
    refused_labels,
)
_LOSSES = (
    *_CLASSES,
    ctc_arguments,
    ctc_shapes,
    refused_binary,
    refused_options,
    refused_variances,
    refused_integers,
    refused_gradients,
)
_REFUSED = (
    calling,
    argument_types,
    missing_arguments,
    naming,
    missing_values,
    plain_errors,
    modules,
    *_LOSSES,
    operand_dtypes,
    named_pairs,
    no_tensors,
    containers,
    operand_shapes,
    paired_shapes,
    refitting,
)
_BACKWARD = (backward_errors, changed_in_place, repeated_backward)


_NOT_FINITE = (
    saturation,
    logarithms,
    zero_times_log,
    literal_overflows,
    overflows,
    stable_logarithms,
    stable_roots,
    quotients,
    undefined_values,
    empty_reductions,
    zero_weights,
    infinite_scores,
    left_out,
    masked_losses,
    spoiled_gradients,
    silent_gradients,
    cut_gradients,
    leaf_gradients,
    flat_steps,
)


def rules() -> tuple[Rule, ...]:
    """The rules of all these families."""
    return tuple(rule for family in (*_REFUSED, *_BACKWARD, *_NOT_FINITE) for rule in family.rules())
