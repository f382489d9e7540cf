"""The dictionary and the golden queries on their pages: edit, preview, put in use, go back; nothing typed is lost."""

from __future__ import annotations

import re

import pytest

from indexer import workbench
from kb import golden
from kb.access import SUBSCRIBER
from tests.web.conftest import SECRET, SOLUTION, person_of
from web.pages.admin import rebuild_job

PAGE = "/admin/dictionary"


@pytest.fixture(autouse=True)
def no_shipped_queries(monkeypatch, tmp_path):
    """The shipped golden queries are those of the whole library, which this installation is not."""
    (tmp_path / "golden.tsv").write_text("", "utf-8")
    monkeypatch.setattr("web.services.Services.golden", property(lambda self: tmp_path / "golden.tsv"))


def version_on(browser) -> str:
    found = re.search(r'name="version" value="(\d+)"', browser.get(PAGE).text)
    assert found
    return found.group(1)


def edit(browser, **form):
    return browser.post(
        f"{PAGE}/edit", **{"kind": "term", "reason": "试", "do": "add", "version": version_on(browser)} | form
    )


def finish(app) -> str:
    with app.app_context():
        job = rebuild_job()
        if job.thread is not None:
            job.thread.join(60)
        return f"{job.state} {job.said}"


def test_a_pin_goes_all_the_way_and_back(app, site, browse):
    manager = browse("manager")
    assert edit(manager, kind="pin", lines=f"黑屏 => {SOLUTION}").status_code == 302
    page = manager.get(f"{PAGE}/preview").text
    assert "不需要重建索引" in page
    manager.post(f"{PAGE}/apply", reason="试", version=version_on(manager))
    assert finish(app).startswith("done")
    assert "第 1 版" in manager.get(PAGE).text
    assert ">置顶</span>" in browse("").get("/search?q=黑屏").text  # everybody gets it
    hits = browse("").get("/api/v1/search?q=黑 屏").json["hits"]
    assert hits[0]["id"] == SOLUTION and [hit["pinned"] for hit in hits][:2] == [True, False]
    manager.post(f"{PAGE}/rollback", number="0", also="1", reason="回去")
    assert finish(app).startswith("done")
    assert not any(hit["pinned"] for hit in browse("").get("/api/v1/search?q=黑屏").json["hits"])
    assert "没有本地的行" in manager.get(PAGE).text
    history = manager.get(PAGE).text
    assert "回去" in history and f"黑屏 =&gt; {SOLUTION}" in history


def test_a_pin_shows_nobody_what_they_may_not_see(app, browse):
    manager = browse("manager")
    edit(manager, kind="pin", lines=f"黑屏 => {SECRET}")
    manager.post(f"{PAGE}/apply", reason="试", version=version_on(manager))
    finish(app)
    assert SECRET in browse("tech2").get("/search?q=黑屏").text
    for name in ("", "tech", "lead"):
        assert SECRET not in browse(name).get("/search?q=黑屏").text


def test_wrong_lines_come_back_with_all_that_was_typed(browse):
    manager = browse("manager")
    refused = edit(manager, kind="synonym", lines="甲乙,丙丁\nE01,E02\n盒子,机顶盒", reason="三行")
    assert refused.status_code == 422
    assert "第 2 行" in refused.text and "第 3 行" in refused.text
    assert "甲乙,丙丁\nE01,E02\n盒子,机顶盒" in refused.text and 'value="三行"' in refused.text
    assert '<option value="synonym" selected>' in refused.text
    assert "没有本地的行" in manager.get(PAGE).text


def test_whoever_edits_second_is_told_what_changed_and_keeps_the_text(browse):
    one, two = browse("manager"), browse("admin")
    seen = version_on(one)
    assert edit(one, lines="红灯闪烁灯", version=seen).status_code == 302
    refused = edit(two, lines="蓝灯闪烁灯", version=seen)
    assert refused.status_code == 409
    assert "红灯闪烁灯" in refused.text and "蓝灯闪烁灯</textarea>" in refused.text
    again = re.search(r'name="version" value="(\d+)"', refused.text).group(1)
    assert edit(two, lines="蓝灯闪烁灯", version=again).status_code == 302


def test_lines_are_taken_out_imported_and_exported(browse):
    manager = browse("manager")
    edit(manager, lines="红灯闪烁灯\n蓝灯闪烁灯")
    assert edit(manager, lines="红灯闪烁灯\n机顶盒", do="remove").status_code == 302
    text = manager.get(f"{PAGE}/export").text
    assert "蓝灯闪烁灯" in text and "-机顶盒" in text and "红灯" not in text
    assert edit(manager, lines="从来没有的", do="remove").status_code == 404
    answer = manager.post(f"{PAGE}/import", file="[词语]\n坏 词\n", reason="表")
    assert answer.status_code == 422 and "坏 词" in answer.text
    assert manager.post(f"{PAGE}/import", file=text.replace("蓝灯", "绿灯"), reason="表").status_code == 302
    assert "绿灯闪烁灯" in manager.get(PAGE).text


def test_applying_nothing_or_without_a_reason_is_refused(browse):
    manager = browse("manager")
    assert manager.post(f"{PAGE}/apply", reason="试", version=version_on(manager)).status_code == 409
    edit(manager, lines="红灯闪烁灯")
    assert manager.post(f"{PAGE}/apply", reason="", version=version_on(manager)).status_code == 422
    assert manager.post(f"{PAGE}/rollback", number="9", reason="试").status_code == 404
    assert manager.post(f"{PAGE}/rollback", number="9" * 30, reason="试").status_code == 404


def test_what_failed_searches_speak_for_is_offered_and_fills_in_the_form(site, browse):
    for asker in ("a", "b", "c"):
        site.searches.record(SUBSCRIBER, asker, "黢麻屏", hits=0)
    site.searches.record(SUBSCRIBER, "d", "黑屏", hits=9)
    site.searches.flush()
    manager = browse("manager")
    link = re.search(r'href="([^"]+)#edit">黢麻屏<', manager.get(PAGE).text).group(1)
    assert ">\n黢麻屏</textarea>" in manager.get(link.replace("&amp;", "&")).text
    edit(manager, kind="pin", lines=f"黑屏 => {SOLUTION}")
    assert "<td>黑屏" in manager.get(f"{PAGE}/preview").text  # recent queries are compared too


def test_others_may_not(browse):
    for name in ("", "tech", "lead"):
        browser = browse(name)
        for path in (PAGE, f"{PAGE}/preview", f"{PAGE}/export", "/admin/golden"):
            assert browser.get(path).status_code in (302, 403)
        assert browser.post(f"{PAGE}/edit", kind="term", lines="红灯闪烁灯", reason="x").status_code in (302, 401, 403)


def test_a_golden_query_from_a_hit_blocks_a_worse_dictionary_and_turns_health_red(app, site, browse):
    manager = browse("manager")
    assert "/admin/golden?query=" in manager.get("/search?q=黑屏").text
    assert "/admin/golden" not in browse("tech").get("/search?q=黑屏").text
    first = manager.get("/api/v1/search?q=黑屏").json["hits"][0]["id"]
    assert first in manager.get(f"/admin/golden?query=黑屏&entry={first}").text
    assert manager.post("/admin/golden", query="黑屏", entry="SOL-X-9", lowest="1").status_code == 422
    assert manager.post("/admin/golden", query="黑屏", entry=first, lowest="1").status_code == 302
    assert manager.post("/admin/golden", query="黑屏", entry=first, lowest="1").status_code == 409
    manager.post("/admin/golden/run")
    assert manager.get("/health").json["checks"]["golden"] == "green"

    edit(manager, kind="pin", lines=f"黑屏 => {SECRET}")
    assert "金标查询会不通过" in manager.get(f"{PAGE}/preview").text
    manager.post(f"{PAGE}/apply", reason="试", version=version_on(manager))
    assert finish(app).startswith("failed")
    assert workbench.version_in_use(site.database, site.generations) == 0

    with site.database.write() as session:
        golden.add(session, person_of(site, "manager"), "黑屏", SECRET, 1)
        session.commit()
    manager.post("/admin/golden/run")
    health = manager.get("/health")
    assert health.status_code == 503 and health.json["checks"]["golden"] == "red"
    assert "「黑屏」" in manager.get("/admin").text and "黑屏" not in health.text
    manager.post("/admin/golden/remove", query="黑屏", entry=SECRET)
    manager.post("/admin/golden/run")
    assert manager.get("/health").status_code == 200
