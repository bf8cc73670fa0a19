"""A running torch program as a Recording: the calls the user wrote, their tensors, what was shown and raised.

`record` runs a snippet, `watch` follows code of the same process, `record_call` makes one call. All three only look:
values, exceptions and their texts are those of the program run without them.
"""

from explainers.tracing.program import record
from explainers.tracing.watching import Run, record_call, watch

__all__ = ["Run", "record", "record_call", "watch"]
