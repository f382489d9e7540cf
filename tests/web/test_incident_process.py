"""The incident process over pages and commands: the user's word, the code at the door, queues, hand-overs, merged reports."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner

from kb import incidents
from tests.kb import samples
from tests.web.conftest import SOLUTION, incident_of, person_of, repair
from web.cli import main

NUMBER = "INC-000001"


def do(site, browser, verb, number=NUMBER, **form):
    return browser.post(f"/incidents/{number}/{verb}", version=incident_of(site, number).version, **form)


def report(browser, **changes):
    form = {
        "description": "电视上写无信号",
        "contact_phone": "13812345678",
        "contact_name": "王阿姨",
        "tried": "1",
    } | changes
    return browser.post("/report", **form).location


def test_a_contradiction_on_the_link_is_asked_again(site, browse):
    user = browse("")
    link = report(user)
    repair(site)
    user.post(link, outcome="solved", remark="好了，但还是偶尔花屏")
    page = user.get(link).text
    assert "再确认一次" in page and "好了，但还是偶尔花屏" in page and "完全好了" in page
    assert incident_of(site, NUMBER).state == "resolved"
    assert "说法前后矛盾" in browse("tech").get(f"/incidents/{NUMBER}").text
    user.post(link, outcome="solved", remark="好了，但还是偶尔花屏", again="1")
    assert incident_of(site, NUMBER).state == "verified"


def test_the_code_is_on_the_link_and_holds_at_the_door(site, browse):
    user, tech = browse(""), browse("tech")
    link = report(user)
    code = re.search(r"现场确认码 <strong class=\"number\">(\d{6})", user.get(link).text).group(1)
    assert code not in tech.get(f"/incidents/{NUMBER}").text
    repair(site)
    said = {"outcome": "solved", "method": "on_site", "said_by": "王阿姨"}
    for _ in range(2):
        refused = do(site, tech, "verify", code="000000" if code != "000000" else "1", **said)
        assert refused.status_code == 422 and "确认码不对" in refused.text and "王阿姨" in refused.text
    assert incident_of(site, NUMBER).door_code_failures == 2
    assert do(site, tech, "verify", code=code, **said).status_code == 302
    assert incident_of(site, NUMBER).state == "verified"
    assert "现场确认码" not in user.get(link).text


def _code(page):
    return re.search(r"现场确认码\D{1,25}(\d{6})", page).group(1)


def test_a_code_that_is_void_is_replaced_on_the_link_or_by_staff(site, browse):
    user, tech = browse(""), browse("tech")
    link = report(user)
    repair(site)
    said = {"outcome": "solved", "method": "on_site", "said_by": "王阿姨"}
    for _ in range(3):
        do(site, tech, "verify", code="x", **said)
    old = user.get(link).text
    assert "已用过或已失效" in old and "另要一个" in old
    place = user.post(f"{link}/code").location
    code = _code(user.get(place).text)
    assert place != link and code not in user.get(link).text
    answer = do(site, tech, "code")
    assert answer.status_code == 302
    second = _code(tech.get(answer.location).text)
    assert code not in user.get(place).text  # the one before holds no more
    assert do(site, tech, "verify", code=second, **said).status_code == 403
    third = browse("lead").send(f"/api/v1/incidents/{NUMBER}/code").json["door_code"]
    assert do(site, browse("tech2"), "verify", code=third, **said).status_code == 302
    assert incident_of(site, NUMBER).state == "verified"


def test_whoever_registers_reads_the_code_once_to_the_caller(site, browse):
    tech = browse("tech")
    shown = tech.post("/incidents/new", description="没信号", impact="2", urgency="2").location
    assert re.search(r"现场确认码 \d{6}", tech.get(shown).text)
    assert not re.search(r"现场确认码 \d{6}", tech.get(shown).text)
    assert incident_of(site, NUMBER).priority == 2


def test_queues_show_what_is_to_be_asked_and_what_is_late(site, browse):
    user, tech = browse(""), browse("tech")
    report(user)
    repair(site)
    assert NUMBER in tech.get("/incidents?tab=waiting").text
    assert NUMBER not in tech.get("/incidents?tab=unreachable").text
    assert do(site, tech, "attempt", method="call", remark="无人接听").status_code == 302
    page = tech.get("/incidents?tab=unreachable").text
    assert NUMBER in page and "联系过 1 次" in page and "下次" in page
    assert "不会因为时间到了就关闭" in tech.get(f"/incidents/{NUMBER}").text
    assert NUMBER not in tech.get("/incidents?tab=overdue").text


def test_a_hand_over_keeps_what_was_typed_and_shows_the_trail(site, browse):
    tech = browse("tech")
    tech.post("/incidents/new", description="没信号")
    tech.get(f"/incidents/{NUMBER}?q=红灯")
    refused = do(site, tech, "hand-over", remark="量过电平正常", line="2")
    assert refused.status_code == 422 and "量过电平正常" in refused.text
    assert (
        do(site, tech, "hand-over", remark="量过电平正常", line="2", unit="team-tv", reason="skill").status_code == 302
    )
    page = tech.get(f"/incidents/{NUMBER}").text
    assert "一线 → 二线" in page and "数字电视组" in page and "已派单" in page


def test_the_link_of_a_merged_report_speaks_for_its_reporter(site, browse):
    user, other, lead = browse(""), browse(""), browse("lead")
    report(user)
    link = report(other, contact_phone="13900000000", contact_name="李叔")
    assert do(site, lead, "merge", number="INC-000002", into=NUMBER).status_code == 302
    repair(site)
    other.post(link, outcome="solved", remark="好了")
    assert incident_of(site, NUMBER).state == "resolved"  # its own reporter has not been asked
    assert "您已确认" in other.get(link).text or "又不行了" in other.get(link).text
    tech = browse("tech")
    do(site, tech, "link", entry=SOLUTION)
    assert do(site, tech, "verify", outcome="solved", method="call_back", said_by="王阿姨").status_code == 302
    assert do(site, tech, "close").status_code == 302
    sample = lead.get("/incidents/cancelled").text
    assert "INC-000002" in sample and "并入 INC-000001" in sample
    assert tech.get("/incidents/cancelled").status_code == 403


def test_an_area_fault_gives_its_solution_to_its_children(site, browse):
    tech = browse("tech")
    for _ in range(2):
        tech.post("/incidents/new", description="没信号")
    assert do(site, tech, "parent", number="INC-000002", parent=NUMBER).status_code == 302
    do(site, tech, "link", entry=SOLUTION)
    assert do(site, tech, "share-solution").status_code == 302
    assert SOLUTION in tech.get("/incidents/INC-000002").text


def test_the_api_takes_the_same_steps(site, browse):
    tech, path = browse("tech"), f"/api/v1/incidents/{NUMBER}"
    code = tech.send("/api/v1/incidents", description="没信号").json["door_code"]
    moved = tech.send(f"{path}/hand-over", reason="skill", remark="x", line=2, person="tech2")
    assert (moved.json["state"], moved.json["line"], moved.json["assignee"]) == ("assigned", 2, "tech2")
    tech.send(f"{path}/take")
    tech.send(f"{path}/resolve")
    assert tech.send(f"{path}/attempt", method="call").status_code == 200
    door = {"outcome": "solved", "method": "on_site", "said_by": "王"}
    assert tech.send(f"{path}/verify", code=code, **door).status_code == 403  # tech registered it
    assert browse("tech2").send(f"{path}/verify", code=code, **door).json["state"] == "verified"
    assert tech.send(f"{path}/merge", into=NUMBER).status_code == 403


def test_incidents_are_imported_and_sampled_on_the_command_line(site, monkeypatch, tmp_path):
    monkeypatch.setenv("KB_DATA_DIR", str(site.database.path.parent))
    lead = person_of(site, "lead")
    with site.database.write() as session:
        incidents.cancel(session, lead, samples.incident(session, lead), "withdrawn")
        month = incidents.find(session, lead, NUMBER).created_at.strftime("%Y-%m")
        session.commit()
    path = tmp_path / "old.csv"
    path.write_text("原编号,故障现象,状态\n甲1,没信号,已关闭\n甲2,,\n", "utf-8")
    run = ["incidents", "import", str(path), "--source", "旧", "--by", "manager", "--json"]
    found = CliRunner().invoke(main, run)
    assert found.exit_code == 1
    assert [row["number"] for row in json.loads(found.stdout)] == ["INC-000002", ""]
    assert incident_of(site, "INC-000002").state == "resolved"
    found = CliRunner().invoke(main, ["incidents", "cancelled", month, "--by", "lead", "--json"])
    assert json.loads(found.stdout)["sample"] == [{"number": NUMBER, "reason": "withdrawn", "title": "机顶盒没信号"}]
