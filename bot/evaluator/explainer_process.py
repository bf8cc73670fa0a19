"""The life of an explainer: lock in, warm up, then answer one request after another until it is replaced.

The lock comes before the warm-up, because Landlock and the filter bind the calling thread and what it starts later: the
threads that a compiler starts at its first use inherit the lock, threads from before would not have it.
"""

import os
import traceback
from typing import NoReturn

from bot.evaluator import jail, orders
from bot.evaluator.entries import call_hook, entry
from bot.evaluator.frames import encode, read_frame, write_frame
from bot.evaluator.limits import ExplainerLimits


def live_as_explainer(cell: jail.Jail, order: orders.ForkExplainer) -> NoReturn:
    """Runs in the forked process and never returns; ends at the end of its requests or out of memory."""
    status = orders.EXIT_RAISED
    try:
        jail.lock_in(cell)
        call_hook(order.warm_up)
        _send(orders.Warm(), order.limits)
        _serve(order.entry, order.limits)
        status = 0
    except jail.JailFailed as error:
        status = orders.EXIT_JAIL
        os.write(jail.STDERR, f"{error}\n".encode())
    except MemoryError:
        status = orders.EXIT_MEMORY
    except BaseException:
        os.write(jail.STDERR, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(status)


def _serve(entry_name: str, limits: ExplainerLimits) -> None:
    answer = entry(entry_name)
    while (request := read_frame(jail.REQUEST, limits.frame_bytes)) is not None:
        try:
            message = orders.Answered(answer(request))
        except MemoryError:  # what is left of the heap is not worth keeping
            raise
        except Exception:
            message = orders.Raised(traceback.format_exc())
        _send(message, limits)


def _send(message: orders.FromExplainer, limits: ExplainerLimits) -> None:
    write_frame(jail.RESULT, encode(message), limits.frame_bytes)
