"""The trail on a page and as a table."""

from __future__ import annotations

import csv
import io

from kb import audit, entries
from tests.web.conftest import SOLUTION, person_of


def test_rows_are_found_and_lead_to_their_records(browse):
    browser = browse("manager")
    page = browser.get(f"/admin/audit?subject={SOLUTION}").text
    assert f'href="/entries/{SOLUTION}/revisions/1"' in page and "内容审核通过" in page
    assert "没有这样的记录" in browser.get("/admin/audit?subject=SOL-999999").text
    wrong = browser.get("/admin/audit?since=昨天&actor=某人")
    assert wrong.status_code == 422
    assert 'id="since-problem"' in wrong.text and 'value="某人"' in wrong.text


def test_pages_go_back_in_time_and_keep_what_was_asked(browse, monkeypatch):
    monkeypatch.setattr("web.pages.audit.PAGE_SIZE", 2)
    browser = browse("admin")
    page = browser.get("/admin/audit?action=create").text
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "action=create" in older and "before=" in older
    assert "回到最新" in browser.get(older).text


def test_the_table_opens_in_a_spreadsheet_and_runs_nothing(site, browse):
    manager = person_of(site, "manager")
    with site.database.write() as session:
        audit.record(session, manager, entries.find(session, manager, SOLUTION), "question", reason='=1+1,"引号"')
        session.commit()
    answer = browse("manager").get(f"/admin/audit/table.csv?subject={SOLUTION}&action=question")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    head, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert head[:3] == ["时间", "谁", "对象"]
    assert row[1:5] == ["manager", "词条", SOLUTION, "存疑"] and row[-1] == '\'=1+1,"引号"'


def test_operators_alone(browse):
    for name in ("tech", "lead"):
        for path in ("/admin/audit", "/admin/audit/table.csv"):
            assert browse(name).get(path).status_code == 403
