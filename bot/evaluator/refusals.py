"""Recognises, inside a jailed child, an exception that the jail caused."""

import errno
from collections.abc import Iterator
from typing import Final

JAIL_ERRNOS: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSYS, errno.EFBIG, errno.EMFILE})
"""What the layers answer: Landlock EACCES, the filter EACCES, EPERM and ENOSYS, the resource limits EFBIG and
EMFILE.
"""

_NO_THREAD: Final = "can't start new thread"
_ALLOCATOR: Final = "can't allocate memory"


def refused_by_jail(error: BaseException) -> OSError | RuntimeError | None:
    """The exception in the chain of `error` with which the jail refused something, None where it refused nothing.

    A library often wraps what it met (URLError around PermissionError), so causes and contexts are looked through.
    """
    for link in _chain(error):
        if isinstance(link, OSError) and link.errno in JAIL_ERRNOS:
            return link
        if isinstance(link, RuntimeError) and _NO_THREAD in str(link):
            return link
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the exception says that the memory limit was met: Python's MemoryError, or torch's allocator."""
    return any(isinstance(link, MemoryError) or _allocator_failed(link) for link in _chain(error))


def _allocator_failed(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and _ALLOCATOR in str(error)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
