"""What one process may use before it is stopped. Seconds are real seconds, mb are 2**20 bytes."""

import msgspec

KIB = 1024
MIB = 1024 * KIB


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one snippet.

    `cpu_seconds` is exceeded by one second at most, by a snippet that catches SIGXCPU. `memory_mb` comes on top of what
    the warmed zygote already maps. `output_bytes` holds for standard output and for standard error each; `frame_bytes`
    for one emitted frame, `result_bytes` for all frames of a job together.
    """

    wall_seconds: float = 5.0
    cpu_seconds: int = 4
    memory_mb: int = 512
    request_bytes: int = 2 * MIB
    output_bytes: int = 16 * KIB
    frame_bytes: int = 8 * MIB
    result_bytes: int = 16 * MIB


class ExplainerLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one explainer: a long-lived process of ours that works on strangers' numbers.

    It is replaced after `jobs` requests, and on a request that takes over `patience_seconds`, which it may still
    finish. `warm_up_seconds` is the time from its fork until it must be ready to serve.
    """

    memory_mb: int = 1024
    frame_bytes: int = 16 * MIB
    stderr_bytes: int = 16 * KIB
    jobs: int = 300
    patience_seconds: float = 1.0
    warm_up_seconds: float = 60.0
