"""What comparisons and arithmetic of integers are in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from explainers.graph.nodes import BinaryOp, CompareOp

COMPARE: Mapping[CompareOp, Any] = MappingProxyType(
    {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
)
INTEGER: Mapping[BinaryOp, Any] = MappingProxyType(
    {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "maximum": np.maximum,
        "minimum": np.minimum,
        "clamp_min": np.maximum,
        "clamp_max": np.minimum,
    }
)
