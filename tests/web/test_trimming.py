"""Does anything of a restricted entry reach somebody outside its group, on any page?"""

from __future__ import annotations

import pytest

from kb import entries, incidents
from tests.kb import samples
from tests.web.conftest import SECRET, SECRET_WORDS, SOLUTION, person_of

OUTSIDERS = ("", "tech", "lead")
INSIDERS = ("tech2", "lead2", "manager", "admin")
PLACES = (
    "/", "/search?q=金库钥匙", "/search?q=机顶盒&device=金库", "/search?audience=restricted", "/search?kind=policy",
    "/search?q=jinkuyaoshi", f"/search?q={SECRET}", "/entries", "/entries?kind=policy", f"/entries/{SOLUTION}",
    f"/entries/{SECRET}", f"/entries/{SECRET}/revisions/1", f"/entries/{SECRET}/revisions/1/attachments/钥匙.txt",
    f"/entries/{SECRET}/why?q=金库", f"/api/v1/search/explain?q=金库&id={SECRET}", "/suggest?q=核心", "/suggest?q=hexin", "/api/v1/suggest?q=核心机房", "/entries/new?q=金库钥匙",
    "/api/v1/search?q=金库钥匙&facet=kind,category,device,audience", f"/api/v1/entries/{SECRET}", f"/api/v1/entries/{SOLUTION}",
)  # fmt: skip
GIVE_AWAY = (SECRET_WORDS, "值班长抽屉", "抽屉密码", f'"{SECRET}"', f"/entries/{SECRET}")


@pytest.mark.parametrize("name", OUTSIDERS)
def test_outsiders_meet_it_nowhere(browse, name):
    browser = browse(name)
    for path in PLACES:
        answer = browser.get(path)
        # a number in the address comes back with the answer, whether there is such an entry or not
        found = [word for word in GIVE_AWAY if word in answer.text and not (SECRET in word and SECRET in path)]
        assert not found, (path, found)


@pytest.mark.parametrize("name", OUTSIDERS)
def test_outsiders_are_told_the_same_as_of_what_does_not_exist(browse, name):
    browser = browse(name)
    for rest in ("", "/why?q=金库", "/revisions/1", "/revisions/1/attachments/钥匙.txt", "/revisions/7"):
        there, nowhere = (browser.get(f"/entries/{number}{rest}") for number in (SECRET, "POL-000099"))
        # whoever is not signed in is led to the login, whatever the number
        assert there.status_code == nowhere.status_code == (302 if "why" in rest and not name else 404)
        assert there.text.replace(SECRET, "") == nowhere.text.replace("POL-000099", "")


@pytest.mark.parametrize("name", OUTSIDERS)
def test_facets_do_not_count_it(browse, name):
    facets = browse(name).get("/api/v1/search?q=钥匙 机顶盒&facet=kind,category,device,audience").json["facets"]
    assert "restricted" not in dict(facets["audience"])
    assert "金库" not in dict(facets["device"])


@pytest.mark.parametrize("name", INSIDERS)
def test_insiders_find_and_read_it(browse, name):
    browser = browse(name)
    assert SECRET_WORDS in browser.get(f"/entries/{SECRET}").text
    assert browser.get(f"/entries/{SECRET}/revisions/1/attachments/钥匙.txt").text == "抽屉密码"
    assert browser.get("/api/v1/search?q=金库钥匙").json["hits"][0]["id"] == SECRET
    assert SECRET_WORDS in browser.get(f"/entries/{SOLUTION}").text  # as related


def test_an_incident_names_references_only_to_those_who_may_read_them(site, browse):
    insider = person_of(site, "tech2")
    with site.database.write() as session:
        incident = samples.incident(session, insider)
        incidents.refer(session, insider, incident, entries.find(session, insider, SECRET))
        session.commit()
        number = incident.number
    assert SECRET_WORDS in browse("tech2").get(f"/incidents/{number}").text
    page = browse("tech").get(f"/incidents/{number}").text
    assert SECRET_WORDS not in page
    assert SECRET not in page and "受限词条" in page  # the history names it to insiders alone
    assert browse("tech").get(f"/api/v1/incidents/{number}").json["references"] == []


def test_a_restricted_draft_is_for_its_group(site, browse):
    """An open revision may be narrower than what is published."""
    author = person_of(site, "tech2")
    with site.database.write() as session:
        revision = entries.create(
            session,
            author,
            samples.attributes(title="还没公开的草稿标题", audience="restricted", owner_group="team-access"),
            samples.BODY,
        )
        entries.submit(session, author, revision)
        session.commit()
        number, revision_id = revision.entry.number, revision.id
    for name in ("tech", "lead"):
        browser = browse(name)
        for path in (
            f"/entries/{number}",
            f"/entries/{number}/edit",
            f"/reviews/{revision_id}",
            "/reviews",
            "/reviews?tab=all",
            "/",
        ):
            assert "还没公开的草稿标题" not in browser.get(path).text
    assert browse("lead").send(f"/api/v1/reviews/{revision_id}", part="content", decision="approve").status_code == 404
    assert browse("lead").get("/api/v1/reviews").json["reviews"] == []
    assert "还没公开的草稿标题" in browse("lead2").get(f"/reviews/{revision_id}").text


def test_the_precheck_names_no_duplicate_that_the_reviewer_may_not_see(site, browse, index):
    body = samples.BODY.replace("盒子开着，电视上写无信号", "绝密割接窗口的说法")
    insider, lead = person_of(site, "tech2"), person_of(site, "lead2")
    with site.database.write() as session:
        changes = {"title": "绝密割接窗口的安排与撤回办法", "owner_group": "team-access"}
        samples.published(session, site.store, insider, lead, body, audience="restricted", **changes)
        revision = samples.submitted(session, person_of(site, "tech"), body, title="绝密割接窗口的安排与撤回")
        session.commit()
        revision_id = revision.id
    index()
    assert "绝密割接窗口的安排与撤回办法" in browse("lead2").get(f"/reviews/{revision_id}").text
    assert "绝密割接窗口的安排与撤回办法" not in browse("lead").get(f"/reviews/{revision_id}").text


def test_subscribers_read_the_shared_face_alone(browse):
    browser = browse("")
    for path in (
        f"/entries/{SOLUTION}",
        f"/entries/{SOLUTION}/revisions/1",
        f"/api/v1/entries/{SOLUTION}",
        "/search?q=芝麻开门",
    ):
        text = browser.get(path).text.replace("q=%E8%8A%9D%E9%BA%BB%E5%BC%80%E9%97%A8", "")
        assert "暗号" not in text
        assert "场强仪" not in text
    assert browser.get("/api/v1/search?q=芝麻开门").json["hits"] == []
    assert "芝麻开门" in browse("tech").get(f"/entries/{SOLUTION}").text


def test_files_of_a_solution_are_for_staff_unless_the_shared_text_names_them(browse):
    path = f"/entries/{SOLUTION}/revisions/1/attachments/接线图.png"
    assert browse("").get(path).status_code == 404
    assert "接线图" not in browse("").get(f"/entries/{SOLUTION}").text
    assert browse("tech").get(path).status_code == 200
