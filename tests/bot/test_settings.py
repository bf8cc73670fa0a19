"""Where settings come from, which goes before which, and what is said of bad ones."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.settings import PREFIX, Settings, SettingsError, environment_of, load

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and none of our variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "LIMITS", "LIMITS__WALL_SECONDS", "EVALUATOR__SOCKET"):
        monkeypatch.delenv(PREFIX + name, raising=False)


def written(path: Path, seconds: float) -> Path:
    path.write_text(f"[limits]\nwall_seconds = {seconds}\n")
    return path


def test_the_example_holds_every_setting_with_its_default() -> None:
    switched_on = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    example = tomllib.loads(switched_on)
    assert Settings(**example) == Settings()
    assert {name: set(section) for name, section in example.items()} == {
        name: set(section) for name, section in Settings().model_dump().items()
    }


def test_the_example_as_it_stands_sets_what_no_file_sets() -> None:
    """A socket that is named has the bot connect to it and start no evaluator, so it may not be named there."""
    assert load(EXAMPLE) == Settings()
    assert load(EXAMPLE).evaluator.model_fields_set <= {"sandbox_floor"}


def test_without_any_file_defaults_hold() -> None:
    assert load() == Settings()


def test_sources_go_before_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "config.toml", 1)
    assert load().limits.wall_seconds == 1
    monkeypatch.setenv("WHYLOSS_CONFIG", str(written(tmp_path / "named.toml", 2)))
    assert load().limits.wall_seconds == 2
    assert load(written(tmp_path / "given.toml", 3)).limits.wall_seconds == 3
    monkeypatch.setenv("WHYLOSS_LIMITS__WALL_SECONDS", "4")
    assert load(tmp_path / "given.toml").limits.wall_seconds == 4
    assert load(tmp_path / "given.toml").limits.cpu_seconds == Settings().limits.cpu_seconds


def test_a_variable_with_one_underscore_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYLOSS_LIMITS_WALL_SECONDS", "4")
    with pytest.raises(SettingsError, match="WHYLOSS_LIMITS__WALL_SECONDS"):
        load()


def test_settings_cross_to_another_process_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYLOSS_LIMITS__WALL_SECONDS", "1.5")
    monkeypatch.setenv("WHYLOSS_EVALUATOR__SOCKET", "/elsewhere/x.sock")
    settings = load()
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WHYLOSS_LIMITS__WALL_SECONDS")
    monkeypatch.delenv("WHYLOSS_EVALUATOR__SOCKET")
    assert load() == settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[limits]\nwall_seconds = 'long'\n", "limits.wall_seconds"),
        ("[limits]\nwal_seconds = 3\n", "limits.wal_seconds"),
        ("[limits]\nwall_seconds = -1\n", "limits.wall_seconds"),
        ("[limits]\nmessage_kb = 1000\n", "limits.message_kb"),
        ("[evaluator]\nsandbox_floor = 'Z'\n", "evaluator.sandbox_floor"),
        ("[limit]\n", "limit"),
        ("limits = 3\n", "limits"),
        ("[limits\n", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(SettingsError, match=said) as error:
        load(tmp_path / "bad.toml")
    assert "bad.toml" in str(error.value)
    assert "config.example.toml" in str(error.value)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml can't be read"):
        load(tmp_path / "absent.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"bad\.toml can't be read"):
        load(tmp_path / "bad.toml")


@pytest.mark.parametrize("variable", ["WHYLOSS_LIMITS__WALL_SECONDS", "WHYLOSS_LIMITS"])
def test_a_bad_variable_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "{")
    with pytest.raises(SettingsError, match="limits"):
        load()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().limits.wall_seconds = 3


def test_what_is_the_bots_alone_does_not_reach_the_evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYLOSS_DISCORD__TOKEN_FILE", "/elsewhere/token")
    monkeypatch.setenv("WHYLOSS_STORE__URL", "sqlite+aiosqlite:///elsewhere.sqlite3")
    assert "elsewhere" not in str(environment_of(load()))


def test_forums_are_named_by_id_or_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[discord]\nforum_channels = [123456789012345678, "help"]\n')
    assert load().discord.forum_channels == (123456789012345678, "help")


def test_the_guide_names_every_setting_of_the_bot() -> None:
    guide = (EXAMPLE.parent / "docs" / "self-hosting.md").read_text()
    sections = Settings().model_dump()
    assert [name for part in ("discord", "store") for name in sections[part] if f"`{part}.{name}`" not in guide] == []
    assert [part for part in sections if part not in guide] == []
