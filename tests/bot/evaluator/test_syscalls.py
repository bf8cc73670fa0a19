"""The tables of system calls against the kernel's own headers (Debian's linux-libc-dev, which has both architectures').

aarch64 takes its numbers from the generic table, which every machine's headers hold.
"""

import re
from pathlib import Path

import pytest

from bot.evaluator.syscalls import architecture

INCLUDE = Path("/usr/include")
HEADERS = {
    "x86_64": INCLUDE / "x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": INCLUDE / "asm-generic/unistd.h",
}
ABSENT_ON_AARCH64 = {
    *("access", "fork", "getpgrp", "ioperm", "iopl", "lstat", "modify_ldt", "open", "poll", "readlink", "select"),
    *("stat", "time", "vfork"),
}
DEFINED = re.compile(r"^\s*#\s*define\s+(\w+)\s+(\w+)", re.MULTILINE)


def defined(header: Path) -> dict[str, int]:
    """The constants that a header gives numbers to, directly or through another of its names."""
    words = dict(DEFINED.findall(header.read_text()))
    found: dict[str, int] = {}
    for name, value in words.items():
        last = words.get(value, value)
        if re.fullmatch(r"\d+|0x[0-9a-fA-F]+", last):
            found[name] = int(last, 0)
    return found


def header(machine: str) -> dict[str, int]:
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not there: apt-get install linux-libc-dev")
    return defined(HEADERS[machine])


@pytest.mark.parametrize("machine", HEADERS)
def test_every_number_is_the_kernel_s(machine: str) -> None:
    kernel = header(machine)
    table = architecture(machine).numbers
    assert {name: kernel.get(f"__NR_{name}") for name in table} == dict(table)


def test_what_aarch64_has_not_is_not_in_its_table() -> None:
    kernel = header("aarch64")
    left_out = architecture("x86_64").numbers.keys() - architecture("aarch64").numbers.keys()
    assert left_out == ABSENT_ON_AARCH64
    assert not [name for name in left_out if f"__NR_{name}" in kernel]


@pytest.mark.parametrize(("machine", "elf"), [("x86_64", "EM_X86_64"), ("aarch64", "EM_AARCH64")])
def test_the_names_of_the_architectures_are_the_kernel_s(machine: str, elf: str) -> None:
    header(machine)
    machines, audit = defined(INCLUDE / "linux/elf-em.h"), defined(INCLUDE / "linux/audit.h")
    assert architecture(machine).audit == machines[elf] | audit["__AUDIT_ARCH_64BIT"] | audit["__AUDIT_ARCH_LE"]


def test_x32_begins_where_the_kernel_says() -> None:
    assert architecture("x86_64").foreign_from == 0x40000000
    header("x86_64")
    assert "0x40000000" in (HEADERS["x86_64"].parent / "unistd.h").read_text()
