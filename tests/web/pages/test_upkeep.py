"""What waits for the knowledge manager, each with the way there."""

from __future__ import annotations

import datetime as dt

from indexer import workbench
from kb import clock, dictionary, doubts, entries, golden
from kb.dictionary_lines import LineKind
from kb.golden import Outcome
from tests.kb import samples
from tests.web.conftest import SOLUTION, person_of


def test_what_waits_is_counted_and_leads_to_where_it_is_done(site, browse, stopped_clock):
    manager = person_of(site, "manager")
    with site.database.write() as session:
        samples.submitted(session, person_of(site, "tech"), title="机顶盒画面卡顿的处理")
        entry = entries.find(session, manager, SOLUTION)
        entry.valid_until = clock.today() + dt.timedelta(days=3)
        doubts.question(session, person_of(site, "tech2"), entry, "现场不是这样")
        dictionary.add(
            session, manager, LineKind.TERM, "光猫灯", reason="试", known=workbench.known(session, site.generations)
        )
        golden.keep(session, [Outcome("机顶盒黑屏", SOLUTION, 3, None)], occasion="hand", basis="x")
        session.commit()
    stopped_clock.advance(days=8)
    for name in ("manager", "admin"):
        page = browse(name).get("/").text
        assert "知识管理待办" in page
    page = browse("manager").get("/admin/upkeep").text.split("<h2>知识管理待办</h2>")[1]
    for place, count in (
        ("/admin/dictionary#use", 1),
        ("/admin/golden", 1),
        ("/reviews?tab=all#doubts", 1),
        ("/reviews?tab=all", 1),
    ):
        assert f'<a href="{place}">' in page and f">{count}</span>" in page.split(f'<a href="{place}">')[1][:120]
    assert "机顶盒黑屏" in page and "最早的已 8 天，逾期 1 件" in page
    stopped_clock.advance(days=-8)
    assert f"/entries/{SOLUTION}" in browse("manager").get("/admin/upkeep").text.split('id="expiring"')[1]


def test_only_operators_see_it(browse):
    for name in ("", "tech", "lead"):
        assert "知识管理待办" not in browse(name).get("/").text
        assert browse(name).get("/admin/upkeep").status_code in (302, 401, 403)
