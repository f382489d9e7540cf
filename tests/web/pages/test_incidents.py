"""An incident's way over the pages, and what staff see beside it."""

from __future__ import annotations

import re

import pytest

from kb import incidents
from tests.kb import samples
from tests.web.conftest import SOLUTION, TOPOLOGY, incident_of, person_of

NUMBER = "INC-000001"


@pytest.fixture
def tech(browse):
    browser = browse("tech")
    browser.post(
        "/incidents/new",
        description="机顶盒没信号\n邻居家正常",
        contact_name="王阿姨",
        contact_phone="13812345678",
        district="district-city-1",
    )
    return browser


def do(site, browser, verb, **form):
    return browser.post(f"/incidents/{NUMBER}/{verb}", version=incident_of(site, NUMBER).version, **form)


def test_from_report_to_closed(site, tech):
    assert do(site, tech, "take").status_code == 302
    assert do(site, tech, "wait", reason="等用户回家").status_code == 302
    assert do(site, tech, "take").status_code == 302
    assert do(site, tech, "link", entry=SOLUTION).status_code == 302
    assert do(site, tech, "refer", entry=TOPOLOGY).status_code == 302
    assert do(site, tech, "resolve").status_code == 302
    assert do(site, tech, "close").status_code == 409
    assert (
        do(site, tech, "verify", outcome="solved", method="call_back", said_by="王阿姨", remark="好了").status_code
        == 302
    )
    assert do(site, tech, "close").status_code == 302
    page = tech.get(f"/incidents/{NUMBER}").text
    for shown in ("已关闭", "王阿姨 好了", "等用户回家", TOPOLOGY, "电话回访确认"):
        assert shown in page
    assert "标记已解决</button>" not in page
    assert do(site, tech, "reopen", reason="又坏了").status_code == 302
    assert incident_of(site, NUMBER).state == "reopened"


def test_suggestions_stand_beside_it_at_once_and_can_be_searched_again(tech):
    page = tech.get(f"/incidents/{NUMBER}").text
    assert SOLUTION in page
    assert "引用为解决方案" in page
    other = tech.get(f"/incidents/{NUMBER}?q=遥控").text
    assert 'value="遥控"' in other
    part = tech.get(f"/incidents/{NUMBER}/suggestions?q=遥控").text
    assert "<html" not in part and "参考" in part
    assert "是不是 kind" in tech.get(f"/incidents/{NUMBER}?q=knd:policy").text


def test_an_overtaken_page_changes_nothing_and_keeps_what_was_typed(site, tech, browse):
    old = incident_of(site, NUMBER).version
    do(site, browse("tech2"), "take")
    late = tech.post(f"/incidents/{NUMBER}/wait", version=old, reason="写了很久的原因")
    assert late.status_code == 409
    assert "已被别人更新" in late.text
    assert "写了很久的原因" in late.text
    assert incident_of(site, NUMBER).state == "in_progress"


@pytest.mark.parametrize("version", ["", "x", "0", "99"])
def test_no_step_without_the_right_version(site, tech, version):
    assert tech.post(f"/incidents/{NUMBER}/take", version=version).status_code == 409
    assert incident_of(site, NUMBER).state == "new"


def test_missing_words_are_asked_for(site, tech):
    do(site, tech, "take")
    refused = do(site, tech, "wait", reason=" ")
    assert refused.status_code == 422
    assert "请写明等待什么" in refused.text
    do(site, tech, "resolve")
    assert do(site, tech, "verify", outcome="solved", method="call_back", said_by=" ").status_code == 422
    perhaps = do(site, tech, "verify", outcome="perhaps", method="call_back", said_by="王阿姨的儿子", remark="大概")
    assert perhaps.status_code == 422
    assert 'id="outcome-problem"' in perhaps.text
    assert 'value="王阿姨的儿子"' in perhaps.text and 'value="大概"' in perhaps.text
    long = do(site, tech, "verify", outcome="solved", method="call_back", said_by="x", remark="好" * 501)
    assert long.status_code == 422
    assert 'id="remark-problem">备注最多 500 字' in long.text
    assert do(site, tech, "reopen", reason="").status_code == 422


def test_staff_cannot_answer_through_the_users_link(site, tech):
    do(site, tech, "take")
    do(site, tech, "resolve")
    assert do(site, tech, "verify", outcome="solved", method="signed_link", said_by="x").status_code == 409
    assert "/confirm/" not in tech.get(f"/incidents/{NUMBER}").text


def test_only_a_lead_cancels_with_a_reason_of_the_list(site, tech, browse):
    assert do(site, tech, "cancel", reason="duplicate").status_code == 403
    refused = do(site, browse("lead"), "cancel", reason="because", remark="隔壁报过")
    assert refused.status_code == 422
    assert 'id="reason-problem">请选择一项' in refused.text and 'value="隔壁报过"' in refused.text
    assert refused.text.count("reason-problem") == 2  # the field and its message: the other forms asked nothing
    assert do(site, browse("lead"), "cancel", reason="duplicate", remark="同一家").status_code == 302
    assert incident_of(site, NUMBER).state == "cancelled"


def test_a_long_remark_is_folded_in_the_history(site, tech):
    do(site, tech, "take")
    do(site, tech, "resolve")
    do(site, tech, "verify", outcome="solved", method="call_back", said_by="王阿姨", remark="说了很久" * 30)
    history = tech.get(f"/incidents/{NUMBER}").text.partition("经过</h2>")[2]
    assert "说了很久" not in history.partition("<details")[0]
    assert "说了很久" * 30 + "</details>" in history


def test_only_solutions_resolve(site, tech):
    refused = do(site, tech, "link", entry=TOPOLOGY)
    assert refused.status_code == 409
    assert "不是解决方案" in refused.text
    assert do(site, tech, "link", entry="SOL-NOPE").status_code == 404


def test_subscribers_see_no_incident(tech, browse):
    subscriber = browse("")
    for path in ("", "?tab=open", f"/{NUMBER}", f"/{NUMBER}/suggestions"):
        assert subscriber.get(f"/incidents{path}").status_code == 302
    assert subscriber.post(f"/incidents/{NUMBER}/take", version="1").status_code == 401


def test_lists_say_what_each_still_needs(site, tech):
    do(site, tech, "take")
    for path in ("/incidents", "/incidents?tab=open"):
        assert "还缺：用户尚未确认已解决；尚未关联解决方案" in tech.get(path).text


def test_a_bad_registration_keeps_what_was_typed(tech):
    refused = tech.post("/incidents/new", description="现象写好了", priority="9", district="nowhere")
    assert refused.status_code == 422
    assert "现象写好了" in refused.text
    assert "没有这个片区" in refused.text


def test_a_list_takes_a_fixed_number_of_statements(site, tech, count_statements):
    def more(numbers) -> None:
        by, lead = person_of(site, "tech"), person_of(site, "lead")
        with site.database.write() as session:
            for number in numbers:
                made = samples.resolved(session, by, district="district-city-1")
                entry = samples.published(session, site.store, by, lead, title=f"第 {number} 件的解决方案")
                incidents.link(session, by, made, entry)
                samples.confirmed(session, by, made)
            session.commit()

    more([1])
    few = _statements(tech, count_statements)
    more(range(2, 12))
    assert _statements(tech, count_statements) == few < 40


def _statements(browser, count_statements) -> int:
    count_statements.clear()
    for path in ("/incidents", "/incidents?tab=open"):
        assert browser.get(path).status_code == 200
    return len(count_statements)


def test_the_form_offers_the_nodes_of_topologies_and_the_page_leads_to_the_drawing(site, browse):
    browser = browse("tech")
    form = browser.get("/incidents/new").text
    assert 'list="node-options"' in form
    node = re.findall(r'<datalist id="node-options"><option value="([^"]+)"', form)[0]
    wrong = browser.post("/incidents/new", description="全楼断网", node=node[:-1] + "ZZ")
    assert wrong.status_code == 422
    assert "已发布的拓扑里没有节点" in wrong.text and "全楼断网" in wrong.text
    made = browser.post("/incidents/new", description="全楼断网", node=node.lower())
    page = browser.get(made.headers["Location"]).text
    assert f'<a href="/topology/{TOPOLOGY}?node={node}"' in page and f">{node}</a>" in page
    refused = browser.send("/api/v1/incidents", description="全楼断网", node="没有这个")
    assert (refused.status_code, "node" in refused.json["fields"]) == (422, True)


def test_what_was_typed_is_kept_whatever_refuses_it(site, tech):
    do(site, tech, "take")
    do(site, tech, "resolve")
    said = {"outcome": "solved", "method": "on_site", "said_by": "王阿姨", "remark": "画面清楚，声音也好"}
    refused = do(site, tech, "verify", code="1", **said)  # tech registered it, and knows the code
    assert refused.status_code == 403
    assert "登记或重发的人知道确认码" in refused.text and "画面清楚，声音也好" in refused.text
    missing = do(site, tech, "parent", parent="INC-999999")
    assert missing.status_code == 404 and "INC-999999" in missing.text and "机顶盒没信号" in missing.text
    assert do(site, tech, "refer", entry="SOL-999999").status_code == 404
    assert tech.post("/incidents/INC-999999/take", version=1).status_code == 404
