"""Every page that needs no number, and one record of each kind, answers over PostgreSQL as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from kb import incidents
from kb.db import Database
from tests.conftest import People
from tests.databases import address
from tests.kb import process_samples, samples
from tests.web.conftest import Browser, open_at
from web.app import create_app


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_pages_answer(database: Database, people: People, analyzer: Analyzer, tmp_path: Path) -> None:
    site = open_at(tmp_path / "data", analyzer, database_url=address(database))
    with site.database.write() as session:
        entry = samples.published(session, site.store, people.tech, people.lead)
        waiting = samples.submitted(session, people.tech, title="机顶盒花屏的处理")
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, entry)
        problem = process_samples.problem(session, people.tech, incident.number)
        change = process_samples.change(session, people.tech)
        session.commit()
    site.rebuild(golden=False)
    app = create_app(site)
    paths = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments}
    paths |= {
        "/?q=机顶盒", "/search?q=机顶盒无信号", f"/entries/{entry.number}", f"/entries/{entry.number}/why",
        f"/reviews/{waiting.id}", f"/incidents/{incident.number}", f"/problems/{problem.number}",
        f"/changes/{change.number}", *(f"/incidents?tab={tab}" for tab in ("all", "overdue", "unreachable", "done")),
    }  # fmt: skip
    for name in ("lead", "admin"):
        browser = Browser(app, name)
        failed = {
            path: answer.status_code for path in sorted(paths) if (answer := browser.get(path)).status_code >= 500
        }
        assert failed == {}, name
    site.close()
