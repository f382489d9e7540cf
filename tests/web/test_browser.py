"""The main road in a real browser: a fault is reported, a solution written, reviewed, found, and the incident closed.

Skipped where Debian's chromium is not installed.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kb import entries
from tests.kb import samples
from tests.kb.samples import BODY
from tests.web.conftest import person_of, repair

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_the_main_road(open_browser, index):
    phone = open_browser(viewport={"width": 390, "height": 844}, is_mobile=True)
    phone.goto("/")
    phone.fill("main [name=q]", "电视花屏有马赛克")
    phone.press("main [name=q]", "Enter")
    phone.wait_for_url("**/search?**")
    phone.goto("/report")
    phone.fill("[name=description]", "电视花屏有马赛克，换台也一样")
    phone.fill("[name=contact_phone]", "13812345678")
    phone.click("text=提交报修")
    phone.click("text=继续报修")  # what was offered did not help
    phone.wait_for_url("**/confirm/**")
    number = re.search(r"INC-\d+", phone.inner_text("main"))[0]
    link = phone.url

    tech = open_browser("tech")
    tech.goto(f"/incidents/{number}")
    tech.get_by_role("button", name="接单").click()
    tech.locator("#suggestions h3").first.wait_for()
    expect(tech.locator("button:has-text('关闭事件')")).to_be_disabled()
    tech.click("text=都不合适，写一条新的")
    tech.fill("[name=title]", "机顶盒花屏马赛克的现场处理")
    assert "13812345678" not in tech.content()
    tech.select_option("[name=category]", "数字电视/信号质量")
    tech.select_option("[name=owner_group]", "team-tv")
    tech.fill("[name=valid_until]", "2028-11-30")
    tech.fill("[name=service]", "数字电视")
    tech.fill("[name=devices]", "机顶盒")
    tech.fill("[name=body]", BODY.replace("盒子开着，电视上写无信号", "电视花屏有马赛克"))
    tech.fill("[name=why_new]", "现象不同")  # asked, because there is something like it
    tech.click("text=保存草稿")
    tech.wait_for_url("**/edit")
    tech.click("text=保存并提交审核")
    tech.wait_for_url("**/revisions/1")
    expect(tech.locator("main")).to_contain_text("待审")

    lead = open_browser("lead")
    lead.goto("/")
    lead.click("main >> text=机顶盒花屏马赛克的现场处理")
    lead.locator("#content").get_by_role("button", name="通过").click()
    lead.locator("#content >> text=lead").wait_for()
    lead.locator("#formal").get_by_role("button", name="通过").click()
    lead.locator("text=两项审核通过，已发布").wait_for()
    index()

    phone.goto("/search?q=花屏马赛克")
    expect(phone.locator("main")).to_contain_text("机顶盒花屏马赛克的现场处理")

    tech.goto(f"/incidents/{number}")
    tech.get_by_role("button", name="标记已解决").click()
    tech.locator("#verify").wait_for()
    phone.goto(link)
    phone.click("button:has-text('没好')")
    phone.locator("text=已重新安排处理").wait_for()

    tech.goto(f"/incidents/{number}")
    tech.get_by_role("button", name="标记已解决").click()
    tech.check("[name=outcome][value=solved]")
    tech.fill("[name=said_by]", "用户本人")
    tech.click("text=记下回访结果")
    tech.locator("text=条件都已满足").wait_for()
    tech.click("button:has-text('关闭事件')")
    tech.locator(".headline >> text=已关闭").wait_for()
    phone.goto(link)
    expect(phone.locator("main")).to_contain_text("已修好，本次报修结束")


def test_keys_offers_and_the_input_method(open_browser):
    page = open_browser()
    page.goto("/entries/SOL-000001")
    page.keyboard.press("/")
    box = page.locator(".top [name=q]")
    assert box.evaluate("it => it === document.activeElement")
    box.type("机顶盒提示")
    page.locator(".offers a").first.wait_for()
    page.keyboard.press("ArrowDown")
    chosen = page.locator(".offers [aria-selected=true]")
    assert chosen.count() == 1
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id") != ""
    page.keyboard.press("Escape")
    expect(page.locator(".offers")).to_be_hidden()
    assert box.get_attribute("aria-activedescendant") is None
    # the Enter that confirms a candidate comes with isComposing and must not search
    prevented = box.evaluate(
        """it => !it.dispatchEvent(new KeyboardEvent(
            "keydown", {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""
    )
    assert prevented
    assert page.url.endswith("/entries/SOL-000001")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")


def _offered(page) -> list[tuple[str, list[str]]]:
    """The groups of offers, as a screen reader hears them."""
    return [
        (group.get_attribute("aria-label"), group.locator("[role=option]").all_inner_texts())
        for group in page.locator(".offers [role=group]").all()
    ]


def test_own_searches_come_first_and_stay_in_the_browser(open_browser):
    page = open_browser("tech")
    for words in ("机顶盒 无信号", "遥控器", "机顶合", "量子纠缠发动机"):
        page.goto(f"/search?q={words}")
    box = page.locator(".top [name=q]")
    box.fill("")
    box.click()
    page.locator(".offers a").first.wait_for()
    # not what found nothing
    assert _offered(page) == [("最近", ["机顶合", "遥控器", "机顶盒 无信号"])]
    box.type("机顶盒")
    page.locator(".offers [aria-label=词条] a").first.wait_for()
    names = [name for name, _ in _offered(page)]
    assert names == ["最近", "词条", "搜索"]
    assert _offered(page)[0][1] == ["机顶盒 无信号"]
    assert _offered(page)[-1][1] == ["查看全部「机顶盒」"]
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "q=" in url)
    expect(page.locator(".top [name=q]")).to_have_value("机顶盒 无信号")
    page.locator(".top [name=q]").fill("机顶盒提")
    page.locator(".offers [aria-label=词条] a").first.wait_for()
    page.keyboard.press("ArrowUp")  # round to the last
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("q=%E6%9C%BA%E9%A1%B6%E7%9B%92%E6%8F%90"))
    # whoever sits here next sees nothing of it
    page.wait_for_load_state("networkidle")  # an answer under way would bring the session back
    page.context.clear_cookies()
    page.goto("/")
    box = page.locator(".top [name=q]") if page.locator(".top [name=q]").count() else page.locator("main [name=q]")
    box.click()
    page.keyboard.type("机")
    page.locator(".offers [aria-label=词条] a").first.wait_for()
    assert "最近" not in [name for name, _ in _offered(page)]


def test_offers_wait_for_the_input_method_and_for_a_rest(open_browser):
    page = open_browser()
    page.goto("/entries/SOL-000001")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "/suggest?" in sent.url else None)
    box = page.locator(".top [name=q]")
    box.focus()
    box.evaluate("""it => {
        it.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
        it.value = "ji";
        it.dispatchEvent(new InputEvent("input", {isComposing: true, bubbles: true}));
    }""")
    page.wait_for_timeout(400)
    assert asked == []
    box.evaluate("""it => {
        it.value = "机";
        it.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
    }""")
    page.locator(".offers [aria-label=词条] a").first.wait_for()  # one character is enough
    assert len(asked) == 1
    box.fill("")
    box.press_sequentially("jidinghe", delay=20)
    page.wait_for_timeout(600)
    assert len(asked) == 2  # and one letter is not
    page.keyboard.press("Escape")
    expect(page.locator(".offers")).to_be_hidden()
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    page.locator(".offers [aria-label=词条] a").first.wait_for()


def test_a_corrected_search_leads_back_to_what_was_typed(open_browser):
    page = open_browser()
    page.goto("/search?q=机顶合")
    expect(page.locator(".meant")).to_contain_text("已按「机顶盒」搜索")
    page.click(".meant a")
    page.wait_for_url("**exact=1**")
    expect(page.locator(".meant")).to_have_count(0)
    page.goto("/search?q=jidinghe")
    page.click(".meant a")
    page.wait_for_url(lambda url: "jidinghe" not in url)
    expect(page.locator(".top [name=q]")).to_have_value("机顶盒")


def test_suggestions_follow_what_is_typed_beside_an_incident(open_browser):
    tech = open_browser("tech")
    tech.goto("/incidents/new")
    tech.fill("[name=description]", "没信号")
    tech.click("text=登记 >> nth=-1")
    tech.wait_for_url("**/incidents/INC-*")
    before = tech.inner_text("#suggested")
    tech.locator("#suggestions [name=q]").type("遥控器")
    tech.wait_for_function("before => document.getElementById('suggested').innerText !== before", arg=before)
    expect(tech.locator("#suggested")).to_contain_text("遥控")
    tech.locator("#suggested").get_by_role("button", name="引用为解决方案").first.click()
    tech.locator("#solution .chosen").wait_for()


def test_an_ended_session_says_so_in_the_pane(open_browser):
    tech = open_browser("tech", viewport={"width": 390, "height": 844})
    tech.goto("/incidents/new")
    tech.fill("[name=description]", "没信号")
    tech.click("text=登记 >> nth=-1")
    tech.wait_for_url("**/incidents/INC-*")
    # on a phone what is known stands right below the solution that it is picked for
    top = "it => it.getBoundingClientRect().top"
    solution, known, gate = (tech.locator(name).evaluate(top) for name in ("#solution", "#suggestions", "#gate"))
    assert solution < known < gate
    tech.context.clear_cookies()
    tech.locator("#suggestions [name=q]").type("遥控器")
    tech.locator("#suggested a", has_text="登录已过期，请重新登录").wait_for()
    expect(tech.locator("#suggested form")).to_have_count(0)
    tech.click("#suggested a")
    tech.wait_for_url("**/login?next=*INC-000001")


def test_reading_searching_and_reporting_work_without_script(open_browser):
    page = open_browser(java_script_enabled=False)
    page.goto("/")
    page.fill("main [name=q]", "机顶盒无信号")
    page.press("main [name=q]", "Enter")
    page.click(".facets summary >> nth=0")  # what is folded opens, and a value narrows, all without script
    page.locator(".facets details li a").first.click()
    expect(page.locator(".chips .chip")).to_have_count(1)
    page.click(".sorts >> text=最新")
    page.wait_for_url("**sort=date**")
    expect(page.locator(".chips .chip")).to_have_count(1)
    page.click(".chips .chip")
    page.click(".sorts >> text=相关")
    page.click(".hits a >> nth=0")
    expect(page.locator("article h1")).to_have_count(1)
    page.goto("/report")
    page.fill("[name=description]", "电视上写无信号")
    page.fill("[name=contact_phone]", "13812345678")
    page.click("text=提交报修")
    page.click("text=继续报修")
    page.wait_for_url("**/confirm/**")
    expect(page.locator("main")).to_contain_text("报修已受理")


def test_the_way_of_a_subscriber_without_script(open_browser, site):
    """Search, try the steps, report what did not help, see how it stands, confirm, rate."""
    page = open_browser(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto("/")
    page.fill("main [name=q]", "机顶盒无信号")
    page.press("main [name=q]", "Enter")
    page.click("text=机顶盒提示无信号的处理")
    page.wait_for_url("**/entries/**")
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.tries')).fontSize)") >= 18
    page.click(".tries >> text=没好")  # the only step, and it does not help
    page.wait_for_url("**/report?**")
    expect(page.locator("main")).to_contain_text("把机顶盒后面的信号线拧紧")
    expect(page.locator("[name=description]")).to_have_value("机顶盒提示无信号的处理")
    page.fill("[name=contact_phone]", "13812345678")
    page.click("text=提交报修")  # and nothing else is offered first
    page.wait_for_url("**/confirm/**")
    number, link = re.search(r"INC-\d+", page.inner_text("main"))[0], page.url

    page.goto("/")
    page.click("main >> text=查报修")
    page.fill("[name=number]", number.removeprefix("INC-"))
    page.fill("[name=tail]", "5678")
    page.click("main button")
    expect(page.locator("main")).to_contain_text("等待安排维修人员")
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    repair(site, number)
    page.goto(link)
    page.click("button:has-text('好了')")
    page.check("[name=stars][value='5']")
    page.fill("[name=rating_remark]", "来得很快")
    page.click("text=提交评价")
    expect(page.locator("main")).to_contain_text("谢谢您的评价")

    staff = open_browser("tech", java_script_enabled=False)
    staff.goto(f"/incidents/{number}")
    told = staff.inner_text("main")
    assert "用户已试过" in told and "来得很快" in told and "5 分" in told


def paste(page, data: str, name: str = "image.png") -> None:
    """Paste a picture, given in base64, where the caret is."""
    page.locator("[name=body]").evaluate(
        """(it, [data, name]) => {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), pasted = new DataTransfer();
            pasted.items.add(new File([bytes], name, {type: "image/png"}));
            it.dispatchEvent(new ClipboardEvent("paste", {clipboardData: pasted, bubbles: true, cancelable: true}));
        }""",
        [data, name],
    )


def test_the_editor_shows_saves_and_compares(open_browser, site):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        number = entries.create(session, tech, samples.attributes(title="机顶盒反复重启的处理"), BODY).entry.number
        session.commit()
    page = open_browser("tech", viewport={"width": 1440, "height": 900})
    page.goto(f"/entries/{number}/edit")
    page.locator("[data-preview] .passage").first.wait_for()
    body = page.locator("[name=body]")
    body.evaluate("it => { it.selectionStart = it.selectionEnd = it.value.indexOf('射频线松脱'); }")
    body.focus()
    page.keyboard.insert_text("**老化**的")
    page.locator("[data-preview] strong", has_text="老化").wait_for()
    page.select_option("[name=category]", "")
    page.locator("[data-checks]", has_text="缺少必填项").wait_for()  # the pre-check follows the attributes too
    page.select_option("[name=category]", "数字电视/信号质量")
    page.locator("[data-checks]", has_text="小节齐全").wait_for()

    # a composition under way is left alone
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if sent.method == "POST" else None)
    body.evaluate("""it => {
        it.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
        it.setRangeText("ji", it.selectionEnd, it.selectionEnd, "end");
        it.dispatchEvent(new InputEvent("input", {isComposing: true, bubbles: true}));
    }""")
    page.wait_for_timeout(1200)
    assert asked == []
    body.evaluate("""it => {
        it.setRangeText("", it.selectionEnd - 2, it.selectionEnd, "end");
        it.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
    }""")

    paste(page, PIXEL)
    page.locator("[data-files] a", has_text="image.png").wait_for()
    assert "![image](attachments/image.png)" in body.input_value()
    page.locator("[data-preview] img").wait_for()
    paste(page, PIXEL, "screenshot.png")
    page.locator("[data-status]", has_text="不重复存放").wait_for()
    assert body.input_value().count("(attachments/image.png)") == 2
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width

    page.locator("[data-status]", has_text="已自动保存").wait_for(timeout=60_000)  # every 20 s
    assert page.input_value("[name=version]") == "2"
    with site.database.read() as session:
        assert "老化" in entries.open_revision(session, entries.find(session, tech, number)).body
    with site.database.write() as session:  # somewhere else
        draft = entries.open_revision(session, entries.find(session, tech, number))
        entries.save(session, tech, draft, draft.read_attributes(), draft.body + "\n别处写的\n", version=2)
        session.commit()
    body.focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("这里写的")
    page.locator("text=这份草稿在别处保存过").wait_for(timeout=60_000)
    page.reload()  # and even so nothing is lost
    page.get_by_role("button", name="恢复").click()
    expect(body).to_have_value(re.compile("这里写的"))
    page.click(".actions >> text=保存 >> nth=0")
    page.locator("text=已保存的全文").wait_for()
    diff = page.inner_text(".diff")
    assert "- 别处写的" in diff and "+ 这里写的" in diff
    page.click("text=以我写的为准，保存")
    page.wait_for_url("**/edit")
    page.locator("text=已保存 >> nth=0").wait_for()
    expect(body).to_have_value(re.compile("这里写的"))
    expect(page.get_by_role("button", name="恢复")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_page_for_subscribers_is_wider_than_its_screen(open_browser, width):
    page = open_browser(viewport={"width": width, "height": 900})
    for path in (
        "/",
        "/search?q=机顶盒",
        "/entries/SOL-TV-001",
        "/entries/SOL-TV-001?step=1",
        "/report",
        "/report/status",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_page_is_wider_than_its_screen_and_targets_are_large_enough(open_browser, width):
    page = open_browser("lead", viewport={"width": width, "height": 900})
    for path in ("/", "/search?q=机顶盒", "/search?q=机顶盒&kind=solution", "/search?q=机顶盒&kind=policy&year=2020",
                 "/entries/SOL-000001/why?q=机顶盒 无信号", "/entries/SOL-000001", "/entries/TOP-LAN-001",
                 "/topology/TOP-LAN-001", "/topology/TOP-LAN-001?node=LS-OF-DSW-01", "/topology/TOP-LAN-001?fails=LS-OF-UPS-01", "/reviews", "/incidents", "/incidents/new",
                 "/entries/new?q=x&write=1", "/account", "/api"):  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        small = page.evaluate(
            """[...document.querySelectorAll("button, .button, select, input:not([type=hidden])")]
               .filter(it => it.offsetHeight && it.offsetHeight < 44).map(it => it.outerHTML.slice(0, 80))"""
        )
        assert small == [], path


def test_a_drawing_is_zoomed_pulled_and_asked(open_browser):
    page = open_browser("tech", viewport={"width": 1440, "height": 900})
    page.goto("/topology/TOP-LAN-001")
    width = "document.querySelector('.drawing').getBoundingClientRect().width"
    view = page.locator(".view")
    before = page.evaluate(width)
    page.click("[data-zoom=in]")
    assert page.evaluate(width) == pytest.approx(before * 1.25, rel=0.01)
    page.click("[data-zoom=fit]")
    assert page.evaluate(width) <= view.evaluate("it => it.clientWidth") + 1
    view.focus()
    page.keyboard.press("1")
    natural = page.evaluate(width)
    assert natural == page.evaluate("document.querySelector('.drawing').viewBox.baseVal.width")
    box = view.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function(f"{width} > {natural}")
    left = view.evaluate("it => { it.scrollLeft = 200; return it.scrollLeft; }")
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 300, steps=4)
    page.mouse.up()
    assert view.evaluate("it => it.scrollLeft") == left + 80
    assert page.url.endswith("/topology/TOP-LAN-001")  # what was pulled was no click
    page.keyboard.press("0")
    kept = page.evaluate(width)
    page.locator("#n-LS-OF-DSW-01").click()
    page.wait_for_url("**node=LS-OF-DSW-01")
    assert page.evaluate(width) == pytest.approx(kept, abs=1)  # the next page begins as this one was left
    assert page.locator("#chosen h2").first.inner_text() == "一号楼汇聚交换机"
    page.click("text=它故障谁会断")
    page.wait_for_url("**fails=LS-OF-DSW-01")
    assert page.locator(".node.out").count() > 10 and page.locator(".node.failed").count() == 1


def test_a_drawing_is_seen_and_asked_without_script(open_browser):
    page = open_browser("tech", java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page.goto("/entries/TOP-LAN-001")
    page.click(".preview")
    page.wait_for_url("**/topology/TOP-LAN-001")
    expect(page.locator(".zoom")).to_be_hidden()
    expect(page.locator("svg.drawing text:has-text('LS-OF-CSW-01')")).to_be_visible()
    page.fill(".map [name=q]", "LS-OF-UPS-02")
    page.press(".map [name=q]", "Enter")
    page.click("text=它故障谁会断")
    expect(page.locator("#chosen")).to_contain_text("32 台终端")


def test_two_fingers_zoom_a_drawing(open_browser):
    phone = open_browser("tech", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    phone.goto("/topology/TOP-LAN-001")
    phone.locator(".view").scroll_into_view_if_needed()
    width = "document.querySelector('.drawing').getBoundingClientRect().width"
    before = phone.evaluate(width)
    box = phone.locator(".view").bounding_box()
    x, y = box["x"] + 180, box["y"] + 150
    fingers = phone.context.new_cdp_session(phone)

    def touch(kind: str, apart: int) -> None:
        points = [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}] if kind != "touchEnd" else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 40)
    for apart in (60, 80):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    assert phone.evaluate(width) == pytest.approx(before * 2, rel=0.05)


def _opened(page, title: str) -> None:
    """Wait for the page of this revision, and for its keys."""
    page.locator(f"h1 >> text={title}").wait_for()
    page.wait_for_load_state()


def test_a_lead_reviews_without_the_mouse(site, open_browser, index):
    with site.database.write() as session:
        for name in "甲乙丙":
            samples.submitted(session, person_of(site, "tech"), title=f"机顶盒花屏方案{name}")
        session.commit()
    page = open_browser("lead", viewport={"width": 1440, "height": 900})
    page.goto("/reviews")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == "机顶盒花屏方案甲"
    page.keyboard.press("o")
    _opened(page, "机顶盒花屏方案甲")
    for letter, part in (("c", "content"), ("f", "formal")):
        page.keyboard.press(letter)
        assert page.evaluate("document.activeElement.closest('section').id") == part
        page.keyboard.press("Enter")
        page.locator(f"#{part} form").wait_for(state="detached" if part == "content" else "visible")
        page.wait_for_load_state()
    _opened(page, "机顶盒花屏方案乙")  # the next one opens by itself
    expect(page.locator("main")).to_contain_text("两项审核通过，已发布")
    page.keyboard.press("n")
    _opened(page, "机顶盒花屏方案丙")
    page.keyboard.press("r")
    page.keyboard.type("cfnu 缺现场照片")  # in a field these are letters
    page.keyboard.press("Control+Enter")
    _opened(page, "机顶盒花屏方案乙")
    expect(page.locator("main")).to_contain_text("已退回作者")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("c")  # behind the dialog nothing is pressed
    page.keyboard.press("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'u', isComposing: true, bubbles: true}))"
    )
    expect(page.locator("h1 >> text=机顶盒花屏方案乙")).to_have_count(1)
    page.keyboard.press("u")
    page.locator("tr:target >> text=机顶盒花屏方案乙").wait_for()
    index()
    assert "机顶盒花屏方案甲" in open_browser("tech").request.get("/search?q=机顶盒花屏方案甲").text()


def test_the_columns_of_a_review_scroll_by_themselves(site, open_browser):
    with site.database.write() as session:
        revision = samples.submitted(session, person_of(site, "tech"), title="机顶盒花屏方案甲")
        session.commit()
        address = f"/reviews/{revision.id}"
    wide, narrow = (
        open_browser("lead", viewport={"width": 1280, "height": 700}),
        open_browser("lead", viewport={"width": 1024, "height": 700}),
    )
    for page in (wide, narrow):
        page.goto(address)
    tops = [box["y"] for box in (column.bounding_box() for column in wide.locator(".review > .column").all())]
    assert max(tops) - min(tops) < 1
    wide.keyboard.press("2")
    wide.keyboard.press("End")
    wide.wait_for_timeout(1_000)  # it glides
    assert wide.locator(".review > .column").nth(1).evaluate("it => it.scrollTop") > 0
    tops = [box["y"] for box in (column.bounding_box() for column in narrow.locator(".review > .column").all())]
    assert tops == sorted(tops) and tops[1] > tops[0] + 100
