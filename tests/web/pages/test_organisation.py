"""The tree of units with the people in them, and what was refused beside what was typed."""

from __future__ import annotations

from kb import organisation


def test_the_tree_shows_units_below_units_and_the_people_in_them(browse):
    page = browse("manager").get("/admin/organisation").text
    station, group = page.index('id="station-city"'), page.index('id="group-city-1"')
    assert station < group < page.index('id="district-city-1"') < page.index('id="station-zhuji"')
    assert "技术员" in page[group:] and ">tech<" in page[group:]


def test_units_are_made_renamed_and_moved(site, browse):
    browser = browse("manager")
    made = browser.post("/admin/organisation", kind="group", key="group-new", name="新区维护组", parent="station-city")
    assert made.location.endswith("#group-new")
    changed = browser.post("/admin/organisation/group-new", name="开发区维护组", parent="station-zhuji")
    assert changed.location.endswith("#group-new")
    with site.database.read() as session:
        unit = organisation.get(session, "group-new")
        assert (unit.name, unit.parent.key) == ("开发区维护组", "station-zhuji")
    assert "新区维护组 → 开发区维护组" in browser.get("/admin/audit?subject=group-new").text


def test_what_was_refused_keeps_what_was_typed(browse):
    browser = browse("manager")
    refused = browser.post("/admin/organisation", kind="district", key="Groß", name="城北片区", parent="")
    assert refused.status_code == 422
    assert 'id="key-problem"' in refused.text and 'id="parent-problem"' in refused.text
    assert 'value="城北片区"' in refused.text
    refused = browser.post("/admin/organisation/district-city-1", name="城南片区", parent="group-city-1")
    assert refused.status_code == 422
    assert 'value="城南片区"' in refused.text.split('id="district-city-1"')[1].split("<li id=")[0]
    assert browser.post("/admin/organisation/nowhere", name="x").status_code == 404


def test_others_may_not(browse):
    for name in ("tech", "lead"):
        assert browse(name).get("/admin/organisation").status_code == 403
        assert browse(name).post("/admin/organisation/team-tv", name="别的").status_code == 403
