"""A technician's day in a real browser: search, open, tick off, lose the line, write a note, and find it there once.

Skipped where Debian's chromium is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from kb import incidents
from tests.conftest import PASSWORD
from tests.kb import samples
from tests.kb.test_pictures import png
from tests.web import browsers
from tests.web.conftest import SOLUTION, incident_of, person_of, take_one

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def number(site) -> str:
    return take_one(site)


@pytest.fixture
def phone(chromium, app) -> Iterator[object]:
    """A phone in the technician's hand, signed in, with the worker in place; without a line it complains of the line alone."""
    complaints: list[str] = []
    with browsers.serving(app) as address:
        context = chromium.new_context(base_url=address, locale="zh-CN", **PHONE)
        page = context.new_page()
        page.set_default_timeout(browsers.PATIENCE_MS)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _sign_in(page, "tech")
        yield page
        for opened in chromium.contexts:
            opened.close()
    assert [said for said in complaints if "Failed to load resource" not in said] == []


def _sign_in(page, name: str) -> None:
    browsers.sign_in(page, name, PASSWORD)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def _kept(page) -> list[str]:
    """The addresses of the copies in this browser, whosever they are."""
    return page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys()) if (name.startsWith("kept-"))
                for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
            return found;
        }"""
    )


def _until_kept(page, path: str) -> None:
    page.wait_for_function(
        """async (path) => (await Promise.all((await caches.keys()).filter((name) => name.startsWith("kept-"))
            .map(async (name) => (await caches.open(name)).match(path)))).some(Boolean)""",
        arg=path,
    )


def test_a_technicians_day(phone, site, number):
    place = f"/incidents/{number}"
    phone.goto("/")
    assert phone.locator("main input[type=search]").bounding_box()["y"] < phone.locator("h1").bounding_box()["y"]
    _until_kept(phone, place)  # my incidents are at hand though nobody opened them

    # search beside the incident, results while typing, then open, tick off, and link with one tap
    phone.goto(place)
    phone.fill("#suggestions [name=q]", "机顶盒提示无信号")
    phone.locator(f"#suggested a[href*='{SOLUTION}']").first.click()
    phone.wait_for_url(f"**/entries/{SOLUTION}?**")
    steps = phone.locator(".ticks > li")
    assert all(box["height"] >= 44 for box in (step.bounding_box() for step in steps.all()))
    steps.nth(0).click()
    expect(phone.locator(".ticks input:checked")).to_have_count(1)
    _until_kept(phone, f"/entries/{SOLUTION}")
    phone.click(".working button")
    phone.wait_for_url(f"**{place}")
    assert incident_of(site, number).solution_entry_id is not None
    _until_kept(phone, place)

    # a photo of the box
    picture = {"name": "IMG_1.png", "mimeType": "image/png", "buffer": png()}
    phone.set_input_files("[name=photo]", picture)
    phone.get_by_role("button", name="加上照片").click()
    phone.locator(".thumbs img").scroll_into_view_if_needed()
    _until_kept(phone, f"{place}/photos/1")
    phone.locator(".thumbs a").click()
    phone.wait_for_function("document.querySelector('dialog img').naturalWidth === 1")
    phone.keyboard.press("Escape")

    # the line is gone: the steps with their ticks, the incident, and a note that waits
    phone.context.set_offline(True)
    phone.goto(f"/entries/{SOLUTION}?incident={number}")
    expect(phone.locator(".copy").first).to_contain_text("离线副本")
    expect(phone.locator(".ticks input:checked")).to_have_count(1)
    steps.nth(1).click()
    phone.goto(place)
    expect(phone.locator(".copy").first).to_contain_text("离线副本")
    phone.locator(".thumbs img").scroll_into_view_if_needed()
    phone.wait_for_function("document.querySelector('.thumbs img').naturalWidth === 1")
    phone.get_by_role("button", name="标记已解决").click()  # cannot be sent, and says so
    expect(phone.locator("#line")).to_contain_text("没有发出")
    phone.fill("#notes textarea", "楼道箱锁着，找物业拿钥匙")
    phone.click("#notes form button")
    phone.locator("[data-unsent] li").wait_for()
    expect(phone.locator("[data-unsent]")).to_contain_text("待发送")
    phone.goto("/entries/nothing-of-this-1")
    expect(phone.locator("h1")).to_contain_text("现在没有网络")
    phone.goto("/")
    phone.locator("#line >> text=1 条备注待发送").wait_for()

    # the line is back: the note is there once
    phone.context.set_offline(False)
    phone.locator("#line").wait_for(state="hidden")  # sent from wherever one is
    phone.goto(place)
    expect(phone.locator("[data-unsent] li")).to_have_count(0)
    expect(phone.locator("[data-notes] li")).to_have_count(1)
    expect(phone.locator("[data-notes]")).to_contain_text("楼道箱锁着")
    with site.database.read() as session:
        assert len(incidents.find(session, person_of(site, "tech"), number).notes) == 1
    phone.goto(f"/entries/{SOLUTION}?incident={number}")
    expect(phone.locator(".ticks input:checked")).to_have_count(2)


def test_a_note_about_an_incident_that_went_on_is_kept_and_asked_about(phone, site, number):
    place = f"/incidents/{number}"
    phone.goto(place)
    _until_kept(phone, place)
    phone.context.set_offline(True)
    phone.goto(place)
    phone.fill("#notes textarea", "我以为还没修")
    phone.click("#notes form button")
    phone.locator("[data-unsent] li").wait_for()
    lead = person_of(site, "lead")
    with site.database.write() as session:
        incidents.resolve(session, lead, incidents.find(session, lead, number))
        session.commit()
    phone.context.set_offline(False)
    phone.goto(place)
    phone.locator("[data-unsent] .problem").wait_for()
    expect(phone.locator("[data-unsent]")).to_contain_text("我以为还没修")
    expect(phone.locator(".headline")).to_contain_text("已解决")
    expect(phone.locator("[data-notes] li")).to_have_count(0)
    phone.get_by_role("button", name="照样记下").click()
    phone.locator("[data-notes] li").wait_for()
    expect(phone.locator("[data-unsent] li")).to_have_count(0)


def test_copies_are_nobody_elses(phone, number):
    phone.goto(f"/entries/{SOLUTION}")
    _until_kept(phone, f"/entries/{SOLUTION}")
    phone.goto("/account")
    phone.get_by_role("button", name="退出登录").click()
    phone.wait_for_url(re.compile(r"/$"))
    phone.wait_for_function("caches.keys().then((names) => !names.some((name) => name.startsWith('kept-')))")
    _sign_in(phone, "tech2")
    phone.goto("/account")
    _until_kept(phone, "/")
    assert f"/incidents/{number}" not in _kept(phone)
    phone.context.set_offline(True)
    phone.goto(f"/incidents/{number}")
    expect(phone.locator("h1")).to_contain_text("现在没有网络")


def test_commands_are_copied_and_names_are_not(phone, site):
    body = samples.BODY.replace(
        "1. 场强仪量用户口电平。", "1. 运行 `show status like 'x'`，看 `Threads`。\n\n```\nipconfig /all\n```"
    )
    with site.database.write() as session:
        entry = samples.published(
            session, site.store, person_of(site, "tech"), person_of(site, "lead"), body, title="机顶盒后台命令的处理"
        )
        session.commit()
    phone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    phone.goto(f"/entries/{entry.number}")
    buttons = phone.locator("button.copy")
    expect(buttons).to_have_count(2)
    copied = []
    for button in buttons.all():
        button.click()
        phone.wait_for_function("navigator.clipboard.readText().then((text) => text !== window.before)")
        copied.append(phone.evaluate("navigator.clipboard.readText().then((text) => (window.before = text))"))
    assert copied == ["show status like 'x'", "ipconfig /all"]
    assert phone.locator(".ticks input:checked").count() == 0  # pressing what is in a step does not tick it off


def test_without_scripts_the_steps_are_a_numbered_list(phone):
    reader = phone.context.browser.new_context(
        base_url=phone.url.rstrip("/"), java_script_enabled=False, storage_state=phone.context.storage_state()
    ).new_page()
    reader.goto(f"/entries/{SOLUTION}")
    assert reader.locator(".passage ol > li").count() > 1
    expect(reader.locator(".passage input")).to_have_count(0)
    assert reader.locator(".passage ol").first.evaluate("it => getComputedStyle(it).listStyleType") == "decimal"
