"""Does text stay text, wherever it comes from?"""

from __future__ import annotations

import pytest

from tests.web.conftest import HOSTILE

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
ALIVE = (
    "<script>alert",
    "<img src=x",
    "onerror=alert(4)>",
    "<svg",
    "<iframe",
    "javascript:alert",
    "<b>设备",
    "<i>E99",
    "onclick",
)


def assert_dead(page: str) -> None:
    assert not [mark for mark in ALIVE if mark in page]


def test_a_hostile_entry_is_text_on_every_page(browse):
    for name in ("", "tech", "admin"):
        browser = browse(name)
        for path in (
            "/",
            "/entries",
            "/search?q=恶意",
            "/search?q=机顶盒恶意标题",
            f"/entries/{HOSTILE}",
            "/entries?kind=reference",
        ):
            answer = browser.get(path)
            assert answer.status_code == 200
            assert_dead(answer.text)
    assert "恶意正文" in browse("").get(f"/entries/{HOSTILE}").text


def test_a_hostile_query_is_text(browse):
    browser = browse("tech")
    for path in (
        "/search?q=",
        "/search?kind=",
        "/search?q=机顶盒&device=",
        "/entries/new?q=",
        "/login?next=/",
        "/entries?kind=",
    ):
        assert_dead(browser.get(path + ATTACK).text)
        assert_dead(browse("").get(path + ATTACK, follow_redirects=True).text)


def test_a_hostile_report_is_text_to_everybody(browse):
    subscriber = browse("")
    refused = subscriber.post("/report", description=ATTACK, tried="1", contact_name=ATTACK)
    assert_dead(refused.text)
    done = subscriber.post(
        "/report", description=ATTACK, tried="1", contact_phone="13800001234", contact_name=ATTACK, address=ATTACK
    )
    assert_dead(subscriber.get(done.location).text)
    staff = browse("tech")
    for path in ("/incidents/INC-000001", "/incidents?tab=open", "/entries/new?incident=INC-000001&write=1"):
        page = staff.get(path)
        assert page.status_code == 200
        assert_dead(page.text)


def test_a_hostile_name_is_text(browse):
    admin = browse("admin")
    admin.post("/admin/users", username="x1", display_name=ATTACK, role="technician", password="long enough 1")
    assert_dead(admin.get("/admin/users").text)
    assert_dead(browse("x1").get("/").text)


@pytest.mark.parametrize(
    ("filename", "kind", "way"),
    [
        ('"><svg onload=alert(7)>.svg', "application/octet-stream", "attachment"),
        ("页面.html", "application/octet-stream", "attachment"),
    ],
)
def test_files_that_could_run_are_handed_over_as_files(browse, filename, kind, way):
    answer = browse("tech").get(f"/entries/{HOSTILE}/revisions/1/attachments/{filename}")
    assert answer.status_code == 200
    assert answer.content_type == kind
    assert answer.headers["Content-Disposition"].startswith(way)
    assert "\n" not in answer.headers["Content-Disposition"]
    answer.headers["Content-Disposition"].encode(
        "latin-1"
    )  # what a real server does; Chinese names are percent-encoded
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_error_page_escapes_what_it_keeps(browse):
    assert_dead(browse("tech").client.post("/entries/new", data={"body": ATTACK, ATTACK: "x"}).text)
