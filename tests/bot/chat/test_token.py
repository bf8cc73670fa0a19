"""The token: where it is read from, and that it does not stay in the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.chat import token


def test_the_environment_goes_before_the_file_and_holds_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("of the file\n")
    monkeypatch.setenv(token.VARIABLE, " of the environment\n")
    assert token.taken(file) == "of the environment"
    assert token.VARIABLE not in os.environ
    assert token.taken(file) == "of the file"


@pytest.mark.parametrize("content", ["", "  \n", None])
def test_without_one_it_says_where_it_may_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.delenv(token.VARIABLE, raising=False)
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(token.NoToken, match=r"DISCORD_TOKEN.*token_file"):
        token.taken(tmp_path / "token")


def test_a_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(token.VARIABLE, raising=False)
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(token.NoToken, match="can't be read"):
        token.taken(tmp_path / "token")


def test_others_of_the_same_user_cannot_read_the_process(tmp_path: Path) -> None:
    """Its /proc belongs to root from then on."""
    script = (
        "import ctypes, sys; from pathlib import Path; from bot.chat import token\n"
        "token.taken(Path(sys.argv[1])); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    environment = {**os.environ, token.VARIABLE: "secret"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n", "PR_GET_DUMPABLE"
