"""The life of a snippet's process: lock in, rehearse while no job comes, prepare, run the one job, end.

Standard input is the request's pipe: once the job is read it is at its end, so `input()` raises EOFError.
"""

import contextlib
import os
import select
import sys
import traceback
from typing import Final, NoReturn

import msgspec

from bot.evaluator import jail, orders, seccomp
from bot.evaluator.attempts import announce
from bot.evaluator.entries import call_hook, entry
from bot.evaluator.frames import decode, encode, read_frame, write_frame
from bot.evaluator.limits import Limits

_IDLE_SECONDS: Final = 0.02


def live_as_snippet(cell: jail.Jail, settings: orders.ZygoteSettings, limits: Limits) -> NoReturn:
    """Runs in the forked child and never returns."""
    status = orders.EXIT_RAISED
    try:
        jail.lock_in(cell)
        _prepare(settings)
        _run_job(limits)
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


def _prepare(settings: orders.ZygoteSettings) -> None:
    """A child whose job comes at once, as while many are asked, saves the time of a rehearsal."""
    write_frame(jail.RESULT, encode(orders.Prepared()), orders.ENVELOPE_BYTES)
    if not select.select([jail.REQUEST], [], [], _IDLE_SECONDS)[0]:
        call_hook(settings.rehearse)
    call_hook(settings.prepare)


def _run_job(limits: Limits) -> None:
    payload = read_frame(jail.REQUEST, limits.request_bytes + orders.ENVELOPE_BYTES)
    if payload is None:  # never used: the supervisor closed its end
        return
    job = decode(payload, msgspec.msgpack.Decoder(orders.Job))

    def emit(emitted: bytes) -> None:
        write_frame(jail.RESULT, encode(orders.Emitted(emitted)), limits.frame_bytes + orders.ENVELOPE_BYTES)

    announce(seccomp.FATAL, _tell)
    entry(job.entry)(job.request, emit)
    # what is printed must be in its pipe before the end is announced; a snippet may have broken the streams
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    write_frame(jail.RESULT, encode(orders.Ended()), orders.ENVELOPE_BYTES)


def _tell(call: str) -> None:
    with contextlib.suppress(OSError):  # a snippet may have closed its pipe
        write_frame(jail.RESULT, encode(orders.Calling(call)), orders.ENVELOPE_BYTES)
