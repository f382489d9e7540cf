"""The first page of each role."""

from __future__ import annotations

from kb import entries, incidents
from kb.models import Search
from tests.kb import samples
from tests.web.conftest import SECRET_WORDS, SOLUTION, entry_of, person_of


def test_subscribers_get_a_search_box_common_faults_and_two_doors(browse):
    page = browse("").get("/").text
    for shown in ("遇到故障，先搜一搜", 'href="/report"', 'href="/report/status"', "常见故障", "数字电视"):
        assert shown in page
    assert "我的事件" not in page
    faults = page.partition('class="faults"')[2].partition("</ul>")[0]
    assert 1 <= faults.count("<li>") <= 6
    assert SECRET_WORDS not in page


def test_what_subscribers_ask_comes_first_among_the_common_faults(site, browse):
    top = entry_of(site, SOLUTION)
    with site.database.write() as session:
        for number in range(3):
            row = Search(
                token=f"t{number}", role="subscriber", text="电视没信号", key="电视没信号", hits=1, top_id=top.id
            )
            session.add(row)
        session.commit()
    site.searches.look_after()
    faults = browse("").get("/").text.partition('class="faults"')[2].partition("</ul>")[0]
    assert faults.index("电视没信号") < faults.index("/entries/")
    assert faults.count("<li>") <= 6


def test_the_most_used_solutions_stand_out(site, browse):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        solution = entries.find(session, tech, SOLUTION)
        for _ in range(2):
            done = samples.resolved(session, tech)
            incidents.link(session, tech, done, solution)
            samples.confirmed(session, tech, done)
            incidents.close(session, tech, done)
        incidents.link(session, tech, samples.incident(session, tech), solution)  # open: nothing is solved yet
        session.commit()
    assert "解决过 2 次" in browse("tech").get("/").text
    faults = browse("").get("/").text.partition('class="faults"')[2]
    assert faults.index(SOLUTION) < faults.index("SOL-TV-")  # what is typical comes after what has solved most


def test_technicians_see_their_incidents_and_leads_their_queue(site, browse):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        incidents.take(session, tech, samples.incident(session, tech, title="老王家没信号"))
        samples.submitted(session, tech, title="等着审核的一份方案")
        session.commit()
    page = browse("tech").get("/").text
    assert "老王家没信号" in page and "还缺：" in page and "等着审核的一份方案" in page
    page = browse("lead").get("/").text
    assert "等着审核的一份方案" in page and "最早一份提交于" in page
    assert "老王家没信号" not in page


def test_the_first_page_takes_a_fixed_number_of_statements(site, browse, count_statements):
    browser = browse("tech")

    def statements() -> int:
        count_statements.clear()
        assert browser.get("/").status_code == 200
        return len(count_statements)

    def more(incidents_: int) -> None:
        tech = person_of(site, "tech")
        with site.database.write() as session:
            for _ in range(incidents_):
                made = samples.incident(session, tech)
                incidents.take(session, tech, made)
                incidents.link(session, tech, made, entries.find(session, tech, SOLUTION))
            session.commit()

    more(1)
    few = statements()
    more(12)
    assert statements() == few < 25


def test_the_search_box_comes_first_and_overdue_incidents_before_others(site, browse, stopped_clock):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        late = samples.incident(session, tech, title="早就该修的")
        incidents.take(session, tech, late)
        stopped_clock.advance(days=30)
        urgent = incidents.report(session, tech, title="刚报的急事", description="", channel="phone", priority=1)
        incidents.take(session, tech, urgent)
        session.commit()
    page = browse("tech").get("/").text
    main = page[page.index("<main") :]
    assert "另有" not in main
    assert page.count('name="q"') == 1 and main.index('name="q"') < main.index("<h1")
    assert main.index("早就该修的") < main.index("超时") < main.index("刚报的急事")


def test_each_of_my_incidents_names_the_one_thing_it_needs_and_where(site, browse):
    tech = person_of(site, "tech")

    def needed() -> str:
        page = browse("tech").get("/").text
        return page[page.index('id="mine"') :].partition("</section>")[0]

    with site.database.write() as session:
        incident = samples.incident(session, tech)
        incidents.take(session, tech, incident)
        session.commit()
    page = needed()
    assert (
        "尚未关联解决方案" in page
        and "用户尚未确认" not in page
        and f"/incidents/{incident.number}#suggestions" in page
    )
    with site.database.write() as session:
        incident = incidents.find(session, tech, incident.number)
        incidents.link(session, tech, incident, entries.find(session, tech, SOLUTION))
        incidents.resolve(session, tech, incident)
        session.commit()
    page = needed()
    assert "用户尚未确认已解决" in page and f"/incidents/{incident.number}#verify" in page
    assert f'data-keep="/entries/{SOLUTION}"' in page  # at hand without a line
    with site.database.write() as session:
        samples.confirmed(session, tech, incidents.find(session, tech, incident.number))
        session.commit()
    assert "可以关闭" in needed()


def test_an_overdue_incident_is_shown_however_many_are_more_urgent(site, browse, stopped_clock, monkeypatch):
    monkeypatch.setattr("web.pages.home.MINE", 2)
    tech = person_of(site, "tech")
    with site.database.write() as session:
        incidents.take(session, tech, samples.incident(session, tech, title="早就该修的"))
        stopped_clock.advance(days=30)
        for _ in range(3):
            urgent = incidents.report(session, tech, title="急事", description="", channel="phone", priority=1)
            incidents.take(session, tech, urgent)
        session.commit()
    page = browse("tech").get("/").text
    assert "早就该修的" in page and page.count("急事") == 1 and "另有 2 件" in page
