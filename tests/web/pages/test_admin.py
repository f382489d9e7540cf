"""Accounts, the index, and single documents, for those who keep the product running."""

from __future__ import annotations

import io

from kb import accounts
from tests.kb import samples
from tests.web.conftest import person_of
from tests.web.test_auth import login
from web.pages.admin import rebuild_job


def test_accounts_are_made_changed_and_reset(app, site, browse):
    admin = browse("admin")
    made = admin.post(
        "/admin/users",
        username="zhang",
        display_name="张工",
        role="technician",
        unit="team-tv",
        password="a good start 1",
    )
    assert made.status_code == 302
    assert login(app, "zhang", "a good start 1")[1].status_code == 302
    assert admin.post("/admin/users/zhang/password", password="a new start 22").status_code == 302
    assert login(app, "zhang", "a new start 22")[1].status_code == 302
    assert admin.post("/admin/users/zhang", role="reviewer", unit="team-it", active="0").status_code == 302
    assert login(app, "zhang", "a new start 22")[1].status_code == 401
    with site.database.read() as session:
        assert accounts.get(session, "zhang").role == "reviewer"


def test_a_wrong_account_is_refused_by_field(browse):
    admin = browse("admin")
    for form in ({"username": "Zhang San!"}, {"password": "short"}, {"role": "subscriber"}, {"unit": "nowhere"}):
        values = {
            "username": "zhang",
            "role": "technician",
            "password": "a good start 1",
            "display_name": "张工",
        } | form
        answer = admin.post("/admin/users", **values)
        assert answer.status_code == 422, form
        assert "张工" in answer.text
    assert admin.post("/admin/users", username="tech", role="technician", password="a good start 1").status_code == 409


def test_what_is_refused_stands_in_the_form_of_its_account(browse):
    admin = browse("admin")
    for path, form, field in (
        ("tech", {"role": "subscriber", "unit": "team-tv", "active": "1"}, "role"),
        ("tech", {"role": "technician", "unit": "nowhere", "active": "1"}, "unit"),
        ("tech/password", {"password": "short"}, "password"),
    ):
        refused = admin.post(f"/admin/users/{path}", **form)
        assert refused.status_code == 422
        opened = refused.text.partition('<details class="row" open>')[2].partition("</details>")[0]
        assert 'action="/admin/users/tech"' in opened
        assert f'id="{field}-problem"' in opened
        assert refused.text.count(f'id="{field}-problem"') == 1


def test_an_account_can_leave_its_unit(site, browse):
    def unit() -> str:
        with site.database.read() as session:
            user = accounts.get(session, "tech")
            return user.unit.key if user.unit else ""

    admin = browse("admin")
    admin.post("/admin/users/tech", role="technician", active="1")
    assert unit() == "group-city-1"  # not asked for, not touched
    admin.post("/admin/users/tech", role="technician", active="1", unit="")
    assert unit() == ""
    assert '<option value="">无单位</option>' in admin.get("/admin/users").text


def test_the_last_administrator_stays(browse):
    refused = browse("admin").post("/admin/users/admin", role="technician", active="1")
    assert refused.status_code == 409
    assert "至少保留一名管理员" in refused.text and "<h2>账号" in refused.text


def test_only_administrators_touch_accounts(browse):
    for name in ("tech", "lead", "manager"):
        browser = browse(name)
        assert (
            browser.post("/admin/users", username="x1", role="administrator", password="a good start 1").status_code
            == 403
        )
        assert browser.post("/admin/users/admin/password", password="a good start 1").status_code == 403
        assert browser.post("/admin/users/tech", role="administrator", active="1").status_code == 403


def test_the_index_is_rebuilt_from_the_page(app, site, browse, monkeypatch):
    with site.database.write() as session:
        samples.published(
            session, site.store, person_of(site, "tech"), person_of(site, "lead"), title="重建后才找得到的方案"
        )
        session.commit()
    # the golden queries are those of the whole library, which this installation is not
    monkeypatch.setattr("web.services.library_path", lambda: site.settings.data_dir)
    (site.settings.data_dir / "golden.tsv").write_text("", "utf-8")
    manager = browse("manager")
    assert manager.post("/admin/index/rebuild").status_code == 302
    with app.app_context():
        rebuild_job().thread.join(60)
    assert "上次重建完成" in manager.get("/admin").text
    assert browse("").get("/api/v1/search?q=重建后才找得到").json["total"] >= 1
    assert browse("tech").post("/admin/index/rebuild").status_code == 403


def test_a_failed_rebuild_is_told_and_changes_nothing(app, site, browse, monkeypatch):
    def fail(*_args, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr("web.services.worker.rebuild", fail)
    manager = browse("manager")
    manager.post("/admin/index/rebuild")
    with app.app_context():
        rebuild_job().thread.join(60)
    assert "上次重建失败" in manager.get("/admin").text
    assert browse("").get("/search?q=机顶盒").status_code == 200


def test_single_markdown_files_are_taken_in(browse, index):
    manager = browse("manager")
    form = {"category": "参考资料/技术资料", "audience": "staff", "owner_group": "team-ops"}
    done = manager.post("/admin/import", files=(io.BytesIO("# 量子光猫说明\n\n正文".encode()), "量子光猫.md"), **form)
    assert done.status_code == 200
    assert "新增 <strong>1</strong>" in done.text
    index()
    assert browse("tech").get("/api/v1/search?q=量子光猫").json["hits"][0]["title"] == "量子光猫说明"
    assert manager.post("/admin/import", files=(io.BytesIO(b"MZ"), "x.exe"), **form).status_code == 422
    assert manager.post("/admin/import", **form).status_code == 422
    assert browse("tech").post("/admin/import", files=(io.BytesIO(b"# x"), "x.md"), **form).status_code == 403


def test_the_status_page_shows_each_part(browse):
    page = browse("manager").get("/admin").text
    for part in ("数据库", "索引", "待索引", "内容存储"):
        assert part in page


def test_an_upload_never_replaces_another_document_of_its_name(browse):
    browser = browse("manager")

    def upload(text):
        return browser.post(
            "/admin/import", files=(io.BytesIO(text.encode()), "说明.md"), category="参考资料/技术资料", audience="staff",
            owner_group="team-ops",
        )  # fmt: skip

    assert upload("# 甲设备的说明文档").status_code == 200
    refused = upload("# 乙设备的说明文档")
    assert refused.status_code == 422 and "请改名后导入" in refused.text and "REF-" in refused.text
    assert upload("# 甲设备的说明文档").status_code == 200  # the same again is no harm


def test_accounts_are_narrowed_by_name_and_role(browse):
    browser = browse("admin")
    page = browser.get("/admin/users").text
    assert "技术负责人 2</a>" in page and "全部 6</a>" in page
    page = browser.get("/admin/users?role=reviewer").text
    assert "/admin/users/lead2" in page and "/admin/users/tech" not in page
    page = browser.get("/admin/users?q=TECH2").text
    assert "/admin/users/tech2" in page and "/admin/users/lead" not in page
    refused = browser.post("/admin/users/lead?q=TECH2", role="nonsense")
    assert "/admin/users/lead" in refused.text  # with what is wrong in it
