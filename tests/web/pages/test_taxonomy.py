"""The tree of categories with what stands under each, changed on the page; every form goes by the tree as it is."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from kb import entries, taxonomy
from kb.models import Category
from tests.kb import samples
from tests.web.conftest import SOLUTION, person_of

USED = "数字电视/信号质量"
OWN = "数字电视/直播卫星"


def _id(site, path):
    with site.database.read() as session:
        return session.scalars(select(Category.id).where(Category.path == path)).one()


def _row(page, key):
    return page.split(f'id="category-{key}"')[1].split("<li ")[0]


@pytest.fixture
def own(site):
    """The id of a category of this installation's."""
    with site.database.write() as session:
        made = taxonomy.add(session, person_of(site, "manager"), parent="数字电视", name="直播卫星")
        session.commit()
        return made.id


def test_categories_are_listed_with_what_stands_under_them(site, browse):
    with site.database.write() as session:
        entries.create(session, person_of(site, "tech"), samples.attributes(title="没交的机顶盒草稿"), samples.BODY)
        entries.find(session, person_of(site, "manager"), SOLUTION).category = "旧类目/没有了"
        samples.incident(session, person_of(site, "tech"), category=USED)
        session.commit()
    page = browse("manager").get("/admin/taxonomy").text
    row = _row(page, _id(site, USED))
    assert "未发布 1" in row and "事件 1" in row and "到期或停用" not in row
    assert "拓扑</h3>" in page and "数据中心</strong>" in page
    other = page.split("旧类目/没有了")[-1][:300]
    assert "不在类目树" in page and "已发布 1" in other


def test_categories_are_added_retired_restored_and_renamed(site, browse):
    browser = browse("manager")
    made = browser.post("/admin/taxonomy", parent="数字电视", name="直播卫星")
    key = _id(site, OWN)
    assert made.location.endswith(f"#category-{key}")
    assert "本单位自建" in _row(browser.get("/admin/taxonomy").text, key)
    for verb, said in (("retire", True), ("restore", False)):
        done = browser.post(f"/admin/taxonomy/{key}/{verb}")
        assert done.location.endswith(f"#category-{key}")
        assert ("已停用</span>" in _row(browser.get("/admin/taxonomy").text, key)) is said
    assert browser.post(f"/admin/taxonomy/{key}", parent="有线网络", name="卫星前端").status_code == 302
    assert _id(site, "有线网络/卫星前端") == key
    trail = browser.get("/admin/audit?subject=有线网络/卫星前端").text
    assert "数字电视/直播卫星 → 有线网络/卫星前端" in trail and "恢复" in trail
    renamed = browser.post(f"/admin/taxonomy/{_id(site, '企业IT/打印')}", parent="企业IT", name="打印与扫描")
    assert renamed.location.endswith(f"#category-{_id(site, '企业IT/打印与扫描')}")  # the shipped one stays, retired


def test_what_was_refused_keeps_what_was_typed_and_says_which_field(site, browse, own):
    browser = browse("manager")
    refused = browser.post("/admin/taxonomy", parent="企业it", name="甲/乙")
    assert refused.status_code == 422
    form = refused.text.split('action="/admin/taxonomy"')[1].split("</form>")[0]
    assert 'id="name-problem"' in form and 'value="甲/乙"' in form and 'value="企业it"' in form
    assert "不含斜杠、逗号" in form
    refused = browser.post(f"/admin/taxonomy/{own}", parent="数字 电视", name="直播卫星")
    assert refused.status_code == 422
    row = _row(refused.text, own)
    assert "<details open>" in row and 'id="parent-problem"' in row and 'value="数字 电视"' in row
    assert 'id="parent-problem"' not in refused.text.split('action="/admin/taxonomy"')[1].split("</form>")[0]
    key = _id(site, USED)
    refused = browser.post(f"/admin/taxonomy/{key}", parent="数字电视", name="信号好坏")
    assert refused.status_code == 409 and SOLUTION in refused.text
    assert 'value="信号好坏"' in _row(refused.text, key)
    assert browser.post("/admin/taxonomy/9999", parent="甲", name="乙").status_code == 404


def test_others_may_not(browse, own):
    for name in ("tech", "lead"):
        assert browse(name).get("/admin/taxonomy").status_code == 403
        for path in ("", f"/{own}", f"/{own}/retire", f"/{own}/restore"):
            assert browse(name).post(f"/admin/taxonomy{path}", parent="甲", name="乙").status_code == 403
    assert 'href="/admin/taxonomy"' in browse("admin").get("/admin").text


@pytest.mark.parametrize(
    ("name", "path"),
    [("tech", "/entries/new?q=卫星&write=1&kind=solution"), ("tech", "/changes/new"), ("manager", "/admin/import")],
)
def test_forms_offer_the_categories_in_use(site, browse, name, path):
    added = "变更/机房搬迁"
    with site.database.write() as session:
        manager = person_of(site, "manager")
        made = taxonomy.add(session, manager, parent="变更", name="机房搬迁")
        session.commit()
        assert f'value="{added}"' in browse(name).get(path).text
        taxonomy.retire(session, manager, made)
        session.commit()
    page = browse(name).get(path).text
    assert f'value="{added}"' not in page and 'value="变更/扩容"' in page


def test_a_problem_offers_them_too_and_a_draft_keeps_its_own(site, browse, own):
    tech, manager = browse("tech"), browse("manager")
    tech.post("/problems/new", title="卫星信号成片中断", description="同一天线", incidents="")
    with site.database.write() as session:
        number = entries.create(
            session, person_of(site, "tech"), samples.attributes(category=OWN), samples.BODY
        ).entry.number
        session.commit()
    assert f'value="{OWN}"' in tech.get("/problems/PRB-000001").text
    manager.post(f"/admin/taxonomy/{own}/retire")
    assert f'value="{OWN}"' not in tech.get("/problems/PRB-000001").text
    assert f'value="{OWN}" selected' in tech.get(f"/entries/{number}/edit").text
    refused = tech.post(
        "/problems/PRB-000001/write_solution", version=1, category=OWN, owner_group="team-tv", service="数字电视"
    )
    assert refused.status_code == 422 and 'id="category-problem"' in refused.text
    assert f'value="{OWN}" selected' in refused.text  # what was chosen is not lost


def test_an_import_into_a_category_that_is_not_in_use_is_refused_by_its_field(site, browse, own):
    manager = browse("manager")

    def upload(category):
        return manager.post(
            "/admin/import", files=(io.BytesIO("# 卫星天线说明\n\n正文".encode()), "说明.md"), category=category,
            audience="staff", owner_group="team-ops",
        )  # fmt: skip

    manager.post(f"/admin/taxonomy/{own}/retire")
    for category in (OWN, "没有/这类"):
        refused = upload(category)
        assert refused.status_code == 422 and 'id="category-problem"' in refused.text
        assert (f'value="{OWN}" selected' in refused.text) is (category == OWN)
    manager.post(f"/admin/taxonomy/{own}/restore")
    assert "新增 <strong>1</strong>" in upload(OWN).text


def test_entries_are_found_by_a_category_of_ones_own_even_when_it_is_retired(site, browse, index):
    with site.database.write() as session:
        manager = person_of(site, "manager")
        made = taxonomy.add(session, manager, parent="智慧广电", name="应急 (IPTV)+1.0_甲-乙&·（试）")
        samples.published(
            session,
            site.store,
            person_of(site, "tech"),
            person_of(site, "lead"),
            category=made.path,
            title="应急广播无声的处理",
        )
        taxonomy.retire(session, manager, made)
        session.commit()
    index()
    browser = browse("tech")
    found = browser.get("/api/v1/search?q=应急广播&facet=category").json
    assert [made.path, 1] in found["facets"]["category"]
    narrowed = browser.get("/search", query_string={"q": "应急广播", "category": made.path})
    assert "应急广播无声的处理" in narrowed.text and "智慧广电/应急" in narrowed.text
    page = browse("manager").get("/admin/taxonomy").text
    assert "已停用" in _row(page, made.id) and "已发布 1" in _row(page, made.id)


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_works_without_script_and_fits(site, open_browser, width):
    page = open_browser("manager", java_script_enabled=False, viewport={"width": width, "height": 844})
    page.goto("/admin/taxonomy")
    form = page.locator('form[action="/admin/taxonomy"]')
    form.locator("[name=parent]").fill("数字电视")
    form.locator("[name=name]").fill("直播卫星")
    form.get_by_role("button", name="建立").click()
    row = page.locator("li:target")
    expect(row).to_contain_text("本单位自建")
    row.locator("summary").click()
    for button in row.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
    row.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")
    row.locator("summary").click()
    row.get_by_role("button", name="恢复").click()
    expect(row).not_to_contain_text("已停用")
    used = page.locator(f"#category-{_id(site, USED)}")
    used.locator("summary").click()
    used.locator("[name=name]").fill("信号好坏")
    used.get_by_role("button", name="改名或换上级").click()
    expect(page.get_by_role("alert")).to_contain_text(SOLUTION)
    expect(page.locator("details[open] [name=name]")).to_have_value("信号好坏")
    assert page.locator("html").evaluate("it => it.scrollWidth <= innerWidth")
