"""A number as it stands in a sentence or a formula: four decimals as torch prints them, more where it is small."""

from __future__ import annotations

import math


def shown(x: float) -> str:
    """0.5514, 0.05514, 12.3457, 2.5, 9.08e-05, nan, inf."""
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    size = abs(x)
    if size and (size < 1e-3 or size >= 1e6):
        return f"{x:.3g}"
    decimals = max(4, 3 - math.floor(math.log10(size))) if size else 1
    text = f"{x:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
