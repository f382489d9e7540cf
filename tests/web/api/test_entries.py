"""Doubts, minor corrections and old revisions for programs: the rules are those of the pages."""

from __future__ import annotations

from kb import entries
from tests.web.conftest import SECRET, SOLUTION, entry_of, person_of

PLACE = f"/api/v1/entries/{SOLUTION}"


def _text(site) -> str:
    with site.database.read() as session:
        return entries.text_of(site.store, entries.find(session, person_of(site, "tech"), SOLUTION).published)


def test_a_doubt_marks_the_entry(site, browse):
    tech = browse("tech")
    assert "evidence" in tech.send(f"{PLACE}/question", evidence=" ").json["fields"]
    assert browse("").send(f"{PLACE}/question", evidence="不对").status_code == 401
    assert tech.send(f"/api/v1/entries/{SECRET}/question", evidence="不对").status_code == 404
    first = tech.send(f"{PLACE}/question", evidence="新款机顶盒没有这个灯")
    assert (first.status_code, first.json["revision"], first.json["evidence"]) == (200, 1, "新款机顶盒没有这个灯")
    assert tech.send(f"{PLACE}/question", evidence="新款机顶盒没有这个灯").json == first.json
    assert entry_of(site, SOLUTION).questioned_at is not None


def test_a_slip_of_the_pen_is_put_right_and_no_more(site, browse):
    lead, text = browse("lead"), _text(site)
    more = lead.send(f"{PLACE}/correct", body=text.replace("。", "！改写了很多很多。", 1), base=1)
    assert (more.status_code, "body" in more.json["fields"]) == (422, True)
    slip = text.replace("。", "，", 1)
    assert browse("tech").send(f"{PLACE}/correct", body=slip, base=1).status_code == 403
    made = lead.send(f"{PLACE}/correct", body=slip.replace("\n", "\r\n"), base=1)
    assert made.json == {"number": SOLUTION, "revision": 2, "state": "approved"}
    assert _text(site) == slip
    stale = lead.send(f"{PLACE}/correct", body=text, base=1)
    assert (stale.status_code, stale.json["latest"]) == (409, 2)


def test_an_earlier_revision_becomes_a_draft(site, browse):
    tech = browse("tech")
    made = tech.send(f"{PLACE}/revisions/1/restore")
    assert made.json == {"number": SOLUTION, "revision": 2, "state": "draft"}
    assert tech.send(f"{PLACE}/revisions/1/restore").status_code == 409
    assert tech.send(f"{PLACE}/revisions/9/restore").status_code == 404
    assert browse("").send(f"{PLACE}/revisions/1/restore").status_code == 401
    assert _text(site)  # what is published stays
