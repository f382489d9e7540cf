"""Writing and revising: look first, lose nothing, hand in, take back."""

from __future__ import annotations

import gc
import io

import pytest
from sqlalchemy import select

from kb import entries, incidents, templates
from kb.documents import Kind
from kb.lifecycle import CancelReason
from kb.models import Revision
from tests.kb import samples
from tests.web.conftest import PNG, SOLUTION, entry_of, incident_of, person_of
from web import forms

FORM = forms.values_of(samples.attributes(title="机顶盒反复重启的处理"), samples.BODY) | {"why_new": "现象不同"}


def create(browser, **changes) -> str:
    answer = browser.post("/entries/new", **(FORM | changes))
    assert answer.status_code == 302, answer.text
    return answer.location.split("/")[2]


def test_search_comes_before_create(browse):
    page = browse("tech").get("/entries/new?q=机顶盒无信号&kind=solution").text
    assert SOLUTION in page
    assert "都不是，写一条新的" in page
    assert "<textarea" not in page
    form = browse("tech").get("/entries/new?q=机顶盒无信号&kind=solution&write=1").text
    assert 'value="机顶盒无信号"' in form
    assert "## 用户自助" in form


def test_a_draft_is_written_saved_submitted_and_recalled(site, browse):
    browser = browse("tech")
    number = create(browser)
    page = browser.get(f"/entries/{number}/edit").text
    assert "小节齐全" in page  # the pre-check speaks while one writes
    saved = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1", "title": "机顶盒反复重启怎么办"}))
    assert saved.status_code == 302
    assert entry_of(site, number).title == "机顶盒反复重启怎么办"
    assert browser.post(f"/entries/{number}/submit").status_code == 302
    away = browser.get(f"/entries/{number}/edit")  # a form that cannot be saved is no form
    assert away.location == f"/entries/{number}/revisions/1"
    shown = browser.get(away.location).text
    assert "先撤回" in shown and "撤回修改" in shown
    late = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "2", "body": "另一个窗口里写的"}))
    assert late.status_code == 409
    assert "另一个窗口里写的</textarea>" in late.text and "请先撤回" in late.text
    assert browser.post(f"/entries/{number}/recall").location == f"/entries/{number}/edit"
    assert browser.post(f"/entries/{number}/edit", **(FORM | {"version": "2"})).status_code == 302


def test_save_and_submit_is_one_step(site, browse):
    browser = browse("tech")
    number = create(browser)
    answer = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1", "then": "submit"}))
    assert answer.location == f"/entries/{number}/revisions/1"
    assert "待审" in browser.get(answer.location).text


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "x"), ("title", ""), ("category", ""), ("owner_group", "team-nobody"), ("valid_until", "soon"), ("body", " "),
     ("audience", "everybody"), ("figures", "只有一栏"), ("error_codes", "E04"), ("title", "题" * 121)],
)  # fmt: skip
def test_a_wrong_field_is_named_and_everything_typed_stays(browse, field, value):
    answer = browse("tech").post("/entries/new", **(FORM | {field: value}))
    assert answer.status_code == 422
    assert f'id="{field}-problem"' in answer.text
    assert ("暗号芝麻开门" in answer.text) or field == "body"
    assert 'value="机顶盒反复重启的处理"' in answer.text or field == "title"


def test_overtaken_text_is_not_lost(site, browse):
    browser = browse("tech")
    number = create(browser)
    browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1", "body": samples.BODY + "\n先保存的一行\n"}))
    late = browser.post(
        f"/entries/{number}/edit",
        **(FORM | {"version": "1", "body": samples.BODY + "\n后来的一行\n", "title": "后来的标题"}),
    )
    assert late.status_code == 409
    for kept in ("先保存的一行", "后来的一行", "后来的标题", "机顶盒反复重启的处理"):
        assert kept in late.text
    assert 'name="version" value="2"' in late.text
    again = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "2", "title": "后来的标题"}))
    assert again.status_code == 302
    assert entry_of(site, number).title == "后来的标题"


def test_a_conflict_is_shown_in_the_words_of_the_form(browse):
    browser = browse("tech")
    number = create(browser)
    browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1"}))
    theirs = {"service": "宽带", "audience": "staff", "owner_group": "team-access"}
    page = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1"} | theirs)).text
    differences = page[page.index("属性的不同") : page.index("</table>")]
    for shown in ("<td>业务</td>", "宽带", "<td>受众</td>", "公开", "员工", "<td>归口组</td>", "数字电视"):
        assert shown in differences
    for raw in ("service", "staff", "public", "team-"):
        assert raw not in differences


def test_line_ends_of_the_browser_do_not_reach_the_store(site, browse):
    number = create(browse("tech"), body=samples.BODY.replace("\n", "\r\n"))
    with site.database.read() as session:
        revision = entries.newest_revision(session, entries.find(session, person_of(site, "tech"), number))
        assert revision.body is not None
        assert "\r" not in revision.body


def test_only_the_author_edits(browse):
    number = create(browse("tech"))
    other = browse("tech2")
    assert other.get(f"/entries/{number}/edit").status_code == 403
    for path in ("edit", "submit", "recall"):
        assert other.post(f"/entries/{number}/{path}", **(FORM | {"version": "1"})).status_code == 403


def test_nobody_writes_for_a_group_they_cannot_see(browse):
    answer = browse("tech").post("/entries/new", **(FORM | {"audience": "restricted", "owner_group": "team-access"}))
    assert answer.status_code == 422
    assert 'id="owner_group-problem"' in answer.text


def test_attachments_up_to_the_limit(site, browse):
    browser = browse("tech")
    number = create(browser)
    path = f"/entries/{number}/attachments"
    assert browser.post(path, attachment=(io.BytesIO(PNG), "../../图 1.png")).status_code == 302
    assert "图 1.png" in browser.get(f"/entries/{number}/edit").text
    same = browser.post(path, attachment=(io.BytesIO(PNG), "又一份.png"))
    assert same.status_code == 302
    assert "不重复存放" in browser.get(same.location).text
    again = browser.post(path, attachment=(io.BytesIO(PNG + b"x"), "图 1.png"))
    assert again.status_code == 409
    assert "已有同名附件" in again.text and "<h1>编辑草稿</h1>" in again.text
    for form in ({"attachment": (io.BytesIO(b""), "空.png")}, {}):
        refused = browser.post(path, **form)
        assert refused.status_code == 422
        assert 'id="attachment-problem"' in refused.text and "暗号芝麻开门" in refused.text
    assert browse("tech2").post(path, attachment=(io.BytesIO(PNG), "别人.png")).status_code == 403


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the test client's own temporary file
def test_an_attachment_above_the_limit_is_refused(site, browse):
    browser = browse("tech")
    number = create(browser)
    big = io.BytesIO(b"x" * (site.settings.max_upload_mb * 1_000_000 + 1))
    refused = browser.post(f"/entries/{number}/attachments", attachment=(big, "大.bin"))
    assert refused.status_code == 422
    assert "最大 20 MB" in refused.text
    del refused  # it holds the request, and that the file
    gc.collect()


@pytest.mark.parametrize(
    ("form", "field"),
    [({}, "reason"), ({"reason": "旧了", "successor": SOLUTION}, "successor"), ({"reason": "旧了", "successor": "SOL-NO"}, "successor")],
)  # fmt: skip
def test_a_retirement_that_lacks_something_asks_for_it(browse, form, field):
    refused = browse("manager").post(f"/entries/{SOLUTION}/retire", **form)
    assert refused.status_code == 422
    assert f'id="{field}-problem"' in refused.text
    assert f'value="{form.get("reason", "")}"' in refused.text
    assert f'action="/entries/{SOLUTION}/retire"' in refused.text


def test_a_revision_leaves_the_published_one_visible(site, browse):
    browser = browse("tech2")
    assert browser.post(f"/entries/{SOLUTION}/revise", note="补充步骤").location == f"/entries/{SOLUTION}/edit"
    assert browser.post(f"/entries/{SOLUTION}/revise", note="再来").status_code == 409
    assert (
        "芝麻开门" in browse("").get(f"/entries/{SOLUTION}").text
        or browse("").get(f"/entries/{SOLUTION}").status_code == 200
    )
    assert "补充步骤" in browse("tech").get(f"/entries/{SOLUTION}").text
    assert browse("").get(f"/entries/{SOLUTION}/revisions/2").status_code == 404


def test_a_solution_written_from_an_incident_is_tied_to_it_and_masked(site, browse):
    browser = browse("tech")
    browser.post("/incidents/new", description="电视没信号，请打 13812345678 找我")
    form = browser.get("/entries/new?incident=INC-000001&write=1").text
    assert "13812345678" not in form
    assert "[手机号]" in form
    number = create(browser, incident="INC-000001", version="1")
    incident = incident_of(site, "INC-000001")
    assert incident.solution_entry_id == entry_of(site, number).id
    again = browser.post("/entries/new", **(FORM | {"incident": "INC-000001", "version": "1"}))
    assert again.status_code == 409
    assert "暗号芝麻开门" in again.text


def test_a_wrong_attachment_is_taken_off_and_a_draft_given_up(site, browse):
    browser = browse("tech")
    browser.post(f"/entries/{SOLUTION}/revise", note="补图")
    browser.post(f"/entries/{SOLUTION}/attachments", attachment=(io.BytesIO(PNG + b"x"), "用户照片.png"))
    assert "用户照片.png" in browser.get(f"/entries/{SOLUTION}/edit").text
    assert browse("tech2").post(f"/entries/{SOLUTION}/detach", filename="用户照片.png").status_code == 403
    assert browser.post(f"/entries/{SOLUTION}/detach", filename="用户照片.png").status_code == 302
    assert (
        "用户照片.png"
        not in browser.get(f"/entries/{SOLUTION}/edit").text.partition("已去掉附件")[2].partition("</div>")[2]
    )
    assert browse("tech2").post(f"/entries/{SOLUTION}/discard").status_code == 403
    lead = browse("lead")
    assert "放弃未完成的第 2 版" in lead.get(f"/entries/{SOLUTION}").text
    assert lead.post(f"/entries/{SOLUTION}/discard").status_code == 422  # somebody else's needs a reason
    assert lead.post(f"/entries/{SOLUTION}/discard", reason="人已调走").status_code == 302
    assert browse("tech2").post(f"/entries/{SOLUTION}/revise").status_code == 302  # the way is free again


def test_what_exists_is_looked_at_before_anything_is_written_anew(site, browse):
    browser = browse("tech")
    form = browser.get("/entries/new?q=机顶盒无信号&kind=solution&write=1").text
    assert SOLUTION in form and "为什么都不合适" in form
    refused = browser.post("/entries/new", **(FORM | {"why_new": " "}))
    assert refused.status_code == 422
    assert 'id="why_new-problem"' in refused.text and FORM["title"] in refused.text
    number = create(browser, why_new="那几条都不重启")
    assert entry_of(site, number).number == number
    with site.database.read() as session:
        revision = entries.find_revision(session, person_of(site, "tech"), number, 1)
        assert revision.why_new == "那几条都不重启"


def test_a_slip_is_put_right_and_more_than_a_slip_is_shown_what_it_is(site, browse):
    browser = browse("lead")
    assert browse("tech").get(f"/entries/{SOLUTION}/correct").status_code == 403
    page = browser.get(f"/entries/{SOLUTION}/correct").text
    assert "射频线松脱" in page
    refused = browser.post(f"/entries/{SOLUTION}/correct", base="1", body=samples.BODY.replace("F 头", "N 头"))
    assert refused.status_code == 422
    assert "数字、单位、代码" in refused.text and "<del>F</del><ins>N</ins>" in refused.text and "N 头" in refused.text
    late = browser.post(f"/entries/{SOLUTION}/correct", base="7", body=samples.BODY)
    assert late.status_code == 409
    done = browser.post(f"/entries/{SOLUTION}/correct", base="1", body=samples.BODY.replace("松脱。", "松脱！"))
    assert done.status_code == 302
    shown = browser.get(f"/entries/{SOLUTION}").text
    assert "松脱！" in shown and "小改" in shown


def test_an_earlier_revision_is_restored_as_a_draft(site, browse):
    browser = browse("tech")
    browser.post(f"/entries/{SOLUTION}/revise", note="改")
    browser.post(f"/entries/{SOLUTION}/discard")
    assert "恢复第 2 版" in browser.get(f"/entries/{SOLUTION}/revisions/2").text
    assert browser.post(f"/entries/{SOLUTION}/revisions/1/restore").location == f"/entries/{SOLUTION}/edit"
    assert "恢复第 1 版" in browser.get(f"/entries/{SOLUTION}").text


def test_what_was_written_for_an_incident_that_is_over_is_not_lost(site, browse):
    browser = browse("tech")
    browser.post("/incidents/new", description="没信号")
    with site.database.write() as session:
        incident = incidents.find(session, person_of(site, "lead"), "INC-000001")
        incidents.cancel(session, person_of(site, "lead"), incident, CancelReason.WITHDRAWN)
        session.commit()
    version = incident_of(site, "INC-000001").version
    late = browser.post("/entries/new", **(FORM | {"incident": "INC-000001", "version": version}))
    assert late.status_code == 409
    assert "暗号芝麻开门" in late.text and "先重开" in late.text


def test_what_was_written_in_a_draft_that_was_given_up_is_not_lost(site, browse):
    browser = browse("tech")
    number = create(browser)
    assert browse("lead").post(f"/entries/{number}/discard", reason="重复").status_code == 302
    late = browser.post(f"/entries/{number}/edit", **(FORM | {"version": "1", "body": "一小时里写的"}))
    assert late.status_code == 404
    assert "一小时里写的</textarea>" in late.text and "没有未完成的修订" in late.text
    assert browser.post("/entries/SOL-999999/edit", **FORM).status_code == 404


def _begun(site) -> list[tuple[str, str]]:
    """The entries that were begun with the form of these tests."""
    with site.database.read() as session:
        rows = session.scalars(select(Revision).where(Revision.form_key == "k-1"))
        return [(row.entry.number, row.body) for row in rows]


def test_a_form_that_is_sent_twice_makes_one_entry(site, browse):
    browser, form = browse("tech"), FORM | {"form_key": "k-1"}
    assert 'name="form_key"' in browser.get("/entries/new?q=x&write=1").text
    number = create(browser, **form)
    assert create(browser, **form) == number
    changed = form | {"body": FORM["body"] + "\n返回后补写的\n"}
    assert create(browser, **changed) == number
    ((found, body),) = _begun(site)
    assert found == number and "返回后补写的" in body
    late = browser.post("/entries/new", **form)  # which knows nothing of what was added
    assert late.status_code == 409 and "- 返回后补写的" in late.text
    assert create(browse("tech2"), **form) != number  # another person's key is another key
    assert len(_begun(site)) == 2
    browser.post(f"/entries/{number}/submit")
    late = browser.post("/entries/new", **(changed | {"title": "审核时改的标题"}))
    assert late.status_code == 409
    assert "请先撤回" in late.text and 'value="审核时改的标题"' in late.text and 'value="k-1"' in late.text


def test_a_form_of_an_incident_that_is_sent_twice_makes_one_solution(site, browse):
    browser = browse("tech")
    browser.post("/incidents/new", description="没信号")
    form = FORM | {"incident": "INC-000001", "version": "1", "form_key": "k-1"}
    number = create(browser, **form)
    assert create(browser, **form) == number
    assert incident_of(site, "INC-000001").solution_entry_id == entry_of(site, number).id


# --- while somebody types ----------------------------------------------------------------------------------------

JSON = {"Accept": "application/json"}


def ask(browser, path: str, **form):
    return browser.client.post(path, data={"csrf_token": browser.token} | form, headers=JSON)


def test_what_is_typed_is_shown_as_it_will_be_read_and_checked(browse):
    browser = browse("tech")
    number = create(browser)
    body = FORM["body"].replace(
        "射频线松脱。", f"射频线**松脱**，见 {SOLUTION}。<script>alert(1)</script>[点](javascript:x)"
    )
    told = ask(browser, "/entries/preview", **(FORM | {"body": body, "number": number})).json
    assert "<strong>松脱</strong>" in told["preview"] and "仅员工" in told["preview"]
    assert f'href="/entries/{SOLUTION}"' in told["preview"]
    assert "<script" not in told["preview"] and "javascript:" not in told["preview"]
    assert "不安全的链接" in told["checks"]
    told = ask(browser, "/entries/preview", **(FORM | {"category": ""})).json  # before there is a draft
    assert "类目" in told["checks"] and "缺少必填项" in told["checks"]
    picture = ask(browser, "/entries/preview", **(FORM | {"body": "![图](attachments/a.png)", "number": number})).json
    assert f"/entries/{number}/revisions/1/attachments/a.png" in picture["preview"]


def test_a_preview_is_for_who_may_write_and_see_the_draft(browse):
    assert ask(browse(""), "/entries/preview", **FORM).status_code == 401
    assert "WWW-Authenticate" not in ask(browse(""), "/entries/preview", **FORM).headers  # no box of the browser's own
    assert ask(browse("tech"), "/entries/preview", **(FORM | {"number": "POL-000001"})).status_code == 404


def test_without_script_a_button_shows_the_preview_and_saves_nothing(site, browse):
    browser = browse("tech")
    number = create(browser)
    typed = FORM | {"version": "1", "title": "机顶盒反复重启怎么办呢", "then": "preview"}
    page = browser.post(f"/entries/{number}/edit", **typed)
    assert page.status_code == 200
    assert "仅员工" in page.text.partition("data-preview")[2] and 'value="机顶盒反复重启怎么办呢"' in page.text
    assert entry_of(site, number).title == "机顶盒反复重启的处理"
    page = browser.post("/entries/new", **(FORM | {"then": "preview"}))
    assert page.status_code == 200 and "仅员工" in page.text.partition("data-preview")[2]
    assert browse("tech2").post(f"/entries/{number}/edit", **typed).status_code == 403


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_begins_with_its_template(browse, kind):
    browser = browse("tech")
    text = templates.template(kind)
    assert text.strip()
    page = browser.post("/entries/new", **(FORM | {"kind": kind, "body": " ", "then": "template"})).text
    assert f"{text.splitlines()[0]}\n" in page.replace("\r\n", "\n")
    kept = browser.post("/entries/new", **(FORM | {"kind": kind, "body": "写过的", "then": "template"})).text
    assert "写过的</textarea>" in kept


def test_a_draft_is_saved_by_itself_and_an_overtaken_one_is_not(browse):
    browser = browse("tech")
    number = create(browser)
    path = f"/entries/{number}/edit"
    first = ask(browser, path, **(FORM | {"version": "1", "body": FORM["body"] + "\n一"}))
    assert first.status_code == 200 and first.json["version"] == 2 and "已自动保存" in first.json["said"]
    stale = ask(browser, path, **(FORM | {"version": "1", "body": FORM["body"] + "\n二"}))
    assert (stale.status_code, stale.json["code"]) == (409, "stale_version")
    wrong = ask(browser, path, **(FORM | {"version": "2", "title": ""}))
    assert wrong.status_code == 422 and "title" in wrong.json["fields"]
    both = browser.post(path, **(FORM | {"version": "1", "body": FORM["body"] + "\n二"}))
    assert both.status_code == 409
    assert "已保存的全文" in both.text and "- 一" in both.text and "+ 二" in both.text


def test_the_first_picture_makes_a_draft_of_a_new_entry_by_the_same_rules(site, browse):
    browser, form = browse("tech"), FORM | {"form_key": "k-1", "version": "0"}
    assert ask(browse(""), "/entries/new", **form).status_code == 401
    unread = ask(browser, "/entries/new", **(form | {"category": ""}))
    assert unread.status_code == 422 and "category" in unread.json["fields"]
    unasked = ask(browser, "/entries/new", **(form | {"why_new": " "}))  # there is something like it
    assert unasked.status_code == 422 and list(unasked.json["fields"]) == ["why_new"]
    assert _begun(site) == []
    told = ask(browser, "/entries/new", **form).json
    assert (told["version"], told["place"]) == (1, f"/entries/{told['number']}/edit")
    assert ask(browser, told["attach"], attachment=(io.BytesIO(PNG), "image.png")).status_code == 200
    assert ask(browser, "/entries/new", **form).json == told
    assert f'data-begun="{form["form_key"]}"' in browser.get(told["place"]).text


def test_the_same_content_is_stored_once_and_said_to_be_there(site, browse):
    browser = browse("tech")
    number = create(browser)
    path = f"/entries/{number}/attachments"
    elsewhere = ask(browser, path, attachment=(io.BytesIO(PNG), "image.png")).json
    assert elsewhere["markdown"] == "![image](attachments/image.png)"
    assert SOLUTION in elsewhere["said"]  # it hangs there as 接线图.png
    again = ask(browser, path, attachment=(io.BytesIO(PNG), "别名.png")).json
    assert again["name"] == "image.png" and "不重复存放" in again["said"]
    other = ask(browser, path, attachment=(io.BytesIO(PNG + b"1"), "image.png")).json
    assert other["markdown"] == "![image-2](attachments/image-2.png)"
    text = ask(browser, path, attachment=(io.BytesIO(b"log"), "现场 记录.txt")).json
    assert text["markdown"] == "[现场 记录](attachments/%E7%8E%B0%E5%9C%BA%20%E8%AE%B0%E5%BD%95.txt)"
    assert browser.get(text["place"]).data == b"log"
    with site.database.read() as session:
        names = [
            file.filename for file in entries.find(session, person_of(site, "tech"), number).revisions[-1].attachments
        ]
    assert names == ["image.png", "image-2.png", "现场 记录.txt"]
    refused = ask(browser, path, attachment=(io.BytesIO(b""), "空.png"))
    assert refused.status_code == 422 and "attachment" in refused.json["fields"]


def test_where_the_same_content_is_stays_secret_to_who_may_not_see_it(browse):
    browser = browse("tech")  # not of the group whose policy has this file
    told = ask(
        browser, f"/entries/{create(browser)}/attachments", attachment=(io.BytesIO("抽屉密码".encode()), "a.txt")
    )
    assert told.json["said"] == "附件已加上"
