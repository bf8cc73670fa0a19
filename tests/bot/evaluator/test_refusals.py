import errno

import pytest

from bot.evaluator.refusals import is_out_of_memory, refused_by_jail


def wrapped(inner: BaseException, *, hidden: bool = False) -> BaseException:
    try:
        try:
            raise inner
        except BaseException:
            if hidden:
                raise ValueError("outer") from None
            raise ValueError("outer")  # noqa: B904 - an implicit context is what is tested
    except ValueError as outer:
        return outer


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOSYS])
def test_a_refusal_is_found_also_inside_a_wrapper(number: int) -> None:
    refusal = OSError(number, "no")
    assert refused_by_jail(refusal) is refusal
    assert refused_by_jail(wrapped(refusal)) is refusal


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "no file"), ValueError("x"), RuntimeError("shape")])
def test_an_ordinary_error_is_none(error: BaseException) -> None:
    assert refused_by_jail(error) is None
    assert not is_out_of_memory(error)


def test_what_was_deliberately_hidden_is_not_looked_for() -> None:
    assert refused_by_jail(wrapped(PermissionError(errno.EACCES, "no"), hidden=True)) is None


def test_memory_by_python_and_by_torch() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(wrapped(MemoryError()))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"))


def test_a_ring_of_causes_ends() -> None:
    first, second = ValueError(1), ValueError(2)
    first.__context__, second.__context__ = second, first
    assert refused_by_jail(first) is None
