"""An operator reads an inbox from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from kb.db import Database
from tests.conftest import People
from tests.kb import samples
from web.cli import main


def test_an_inbox_is_listed_and_marked_read(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_DATA_DIR", str(database.path.parent))
    with database.write() as session:
        samples.submitted(session, people.tech)
        session.commit()

    def inbox(*more: str) -> str:
        result = CliRunner().invoke(main, ["inbox", "--user", "lead", *more])
        assert result.exit_code == 0, result.output
        return result.stdout

    [notice] = json.loads(inbox("--json"))
    assert (notice["action"], notice["read"]) == ("review_assigned", False)
    assert inbox("--mark-read").startswith("* ")
    assert inbox().startswith("  ")
    assert inbox("--unread") == ""
    assert CliRunner().invoke(main, ["inbox", "--user", "nobody"]).exit_code == 1
