"""The named-axis array-op graph and its walks: a formula is written once, everything else is a walk over it."""
