"""A new entry in a real browser: shown while it is typed, kept until it is saved, begun by its first picture; and no text
lost to a change of language.

Skipped where Debian's chromium is not installed. `test_browser` has the editor of a draft.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from kb.models import Revision
from tests.kb.samples import BODY
from tests.web.test_browser import PIXEL, paste

NEW = "/entries/new?q=量子纠缠发动机&kind=solution&write=1"
TITLE = "机顶盒反复重启的处理"
COPIES = "Object.keys(localStorage).filter(name => name.startsWith('draft:')).length"


def _begun(site) -> list[str]:
    with site.database.read() as session:
        return list(session.scalars(select(Revision.title).where(Revision.form_key.is_not(None))))


def test_what_is_typed_is_shown_and_kept_until_it_is_saved(open_browser, site):
    page = open_browser("tech")
    page.goto(NEW)
    page.fill("[name=title]", TITLE)
    page.fill("[name=body]", "## 现象\n\n- 开机**反复**重启\n")
    expect(page.locator("[data-preview] strong")).to_have_text("反复")
    expect(page.locator("[data-checks]")).to_contain_text("缺少必填项")
    expect(page.locator("[data-status]")).to_have_text("已留在这台设备上，保存草稿后才进知识库")
    page.reload()
    page.get_by_role("button", name="恢复").click()
    expect(page.locator("[name=body]")).to_have_value(re.compile("反复"))

    page.goto(NEW)  # a second entry of the kind has a copy of its own
    page.fill("[name=title]", "另一条的标题")
    expect(page.locator("[data-status]")).to_contain_text("已留在这台设备上")
    assert page.evaluate(COPIES) == 2

    page.goto(NEW)
    page.get_by_role("button", name="丢弃").click()
    page.reload()
    page.get_by_role("button", name="恢复").click()
    expect(page.locator("[name=title]")).to_have_value(TITLE)
    kept = page.context.cookies()
    page.context.clear_cookies()  # the session has ended
    page.select_option("[name=category]", "数字电视/信号质量")
    page.select_option("[name=owner_group]", "team-tv")
    page.fill("[name=service]", "数字电视")
    page.click("text=保存草稿")
    expect(page.locator("main")).to_contain_text("页面放得太久")
    page.context.add_cookies(kept)
    page.goto(NEW)
    page.get_by_role("button", name="恢复").click()
    expect(page.locator("[name=service]")).to_have_value("数字电视")
    page.click("text=保存草稿")
    page.wait_for_url("**/edit")
    assert page.evaluate(COPIES) == 0
    page.goto(NEW)
    expect(page.get_by_role("button", name="恢复")).to_have_count(0)
    assert _begun(site) == [TITLE]


def test_the_first_picture_begins_the_draft(open_browser, site):
    page = open_browser("tech")
    page.goto(NEW)
    page.fill("[name=title]", TITLE)
    body = page.locator("[name=body]")
    body.fill(BODY)
    body.evaluate("it => { it.selectionStart = it.selectionEnd = it.value.indexOf('射频线松脱'); }")
    paste(page, PIXEL)
    status = page.locator("[data-status]")
    expect(status).to_contain_text("还没有存成草稿，图片和文件先留着")
    expect(status).to_contain_text("类目: 缺少必填项")
    assert _begun(site) == []
    page.select_option("[name=category]", "数字电视/信号质量")
    page.select_option("[name=owner_group]", "team-tv")
    page.fill("[name=service]", "数字电视")
    page.click("text=保存草稿")  # and with it the picture that was kept
    page.wait_for_url("**/edit")
    expect(page.locator("[data-files] a")).to_have_text(["image.png"])
    text = body.input_value()
    assert "![image](attachments/image.png)\n射频线松脱" in text
    assert body.evaluate("it => it === document.activeElement")
    assert body.evaluate("it => it.selectionStart") == text.index("射频线松脱")
    expect(page.locator("[data-preview] img")).to_have_count(1)
    assert page.evaluate(COPIES) == 0
    assert _begun(site) == [TITLE]
    paste(page, PIXEL)  # here it goes on as in any draft
    expect(page.locator("[data-status]")).to_contain_text("不重复存放")


def test_without_a_line_the_draft_waits_for_its_picture(open_browser, site):
    page = open_browser("tech")
    page.goto(NEW)
    page.fill("[name=title]", TITLE)
    page.fill("[name=body]", BODY)
    page.select_option("[name=category]", "数字电视/信号质量")
    page.select_option("[name=owner_group]", "team-tv")
    page.fill("[name=service]", "数字电视")
    page.route("**/attachments", lambda route: route.abort())  # the line is gone
    paste(page, PIXEL)
    expect(page.locator("[data-status]")).to_contain_text("没有连上")
    page.wait_for_url("**/edit")
    page.unroute("**/attachments")
    paste(page, PIXEL)
    expect(page.locator("[data-files] a")).to_have_text(["image.png"])
    assert _begun(site) == [TITLE]


def test_another_language_costs_nothing_that_was_typed(open_browser):
    page = open_browser()
    page.goto("/report")
    page.fill("[name=description]", "电视没有信号")
    page.fill("[name=contact_phone]", "13812345678")
    page.click("text=提交报修")
    go_on = page.get_by_role("button", name="继续报修")  # after what is offered first
    expect(go_on).to_be_visible()
    with page.expect_popup() as opened:
        page.click("text=English")
    expect(opened.value.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("[name=description]")).to_have_value("电视没有信号")
    go_on.click()
    page.wait_for_url("**/confirm/**")
    expect(page.locator("html")).to_have_attribute("lang", "en")  # from the next page on
