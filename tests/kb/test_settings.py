"""Every setting is documented, comes from the environment, and is refused when it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from kb.settings import Settings

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert f"`KB_{name.upper()}`" in readme, name
        assert field.description, name


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_DATA_DIR", "/tmp/x")
    monkeypatch.setenv("PORT", "9000")
    assert (Settings().data_dir, Settings().port) == (Path("/tmp/x"), 9000)
    monkeypatch.setenv("KB_PORT", "9001")
    assert Settings().port == 9001
    monkeypatch.setenv("KB_PORT", "99999")
    with pytest.raises(ValidationError):
        Settings()


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "d")
    key = settings.secret_key()
    assert len(key) > 40 and settings.secret_key() == key
    assert (tmp_path / "d" / "secret.key").stat().st_mode & 0o077 == 0
