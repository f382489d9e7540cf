"""Does every page answer, to the right people, with the headers that protect them?"""

from __future__ import annotations

import pytest

from tests.web.conftest import SOLUTION, TOPOLOGY
from web import auth

PUBLIC = ("/", "/search", "/search?q=机顶盒", "/entries", f"/entries/{SOLUTION}", "/report", "/login", "/api")
STAFF = (
    "/incidents", "/incidents?tab=open", "/incidents?tab=done", "/incidents/new", "/reviews", "/reviews?tab=all",
    "/entries/new", "/entries/new?q=机顶盒", "/entries/new?q=机顶盒&write=1", "/entries/new?write=1&kind=topology",
    "/account", f"/entries/{TOPOLOGY}", f"/entries/{SOLUTION}/revisions/1", f"/entries/{TOPOLOGY}/why", f"/entries/{TOPOLOGY}/why?q=机顶盒",
)  # fmt: skip
OPERATORS = ("/admin", "/admin/import", "/admin/dictionary", "/admin/golden")
ADMINISTRATORS = ("/admin/users",)


@pytest.mark.parametrize("name", ["", "tech", "lead", "manager", "admin"])
def test_everybody_opens_public_pages(browse, name):
    for path in PUBLIC:
        answer = browse(name).get(path, follow_redirects=True)
        assert answer.status_code == 200, path
        assert 'lang="zh-CN"' in answer.text


@pytest.mark.parametrize("name", ["tech", "lead", "manager", "admin"])
def test_staff_open_their_pages(browse, name):
    for path in STAFF:
        assert browse(name).get(path).status_code == 200, path


def test_without_a_login_staff_pages_lead_to_it_or_do_not_exist(browse):
    for path in (*STAFF, *OPERATORS, *ADMINISTRATORS):
        answer = browse("").get(path)
        if path.startswith(f"/entries/{SOLUTION}"):
            assert answer.status_code == 200  # the published revision of a public entry
        elif path == f"/entries/{TOPOLOGY}":
            assert answer.status_code == 404
        else:
            assert answer.status_code == 302, path
            assert answer.location.startswith("/login?next=/")


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [("tech", "/admin", 403), ("lead", "/admin", 403), ("manager", "/admin", 200), ("admin", "/admin", 200),
     ("manager", "/admin/users", 403), ("admin", "/admin/users", 200), ("lead", "/admin/import", 403),
     ("tech", "/reviews/1", 403)],
)  # fmt: skip
def test_pages_go_by_permission(browse, name, path, status):
    assert browse(name).get(path).status_code == status


@pytest.mark.parametrize("accepted", ["gzip, deflate", "gzip, deflate, br, zstd"])
def test_pages_and_styles_are_sent_compressed_to_whoever_takes_it(browse, accepted):
    for path in ("/search?q=机顶盒", "/static/app.css", "/api/v1/search?q=机顶盒"):
        plain = browse("").get(path)
        packed = browse("").get(path, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] in accepted.split(", ")
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert len(packed.data) < len(plain.data) / 2


def test_every_answer_carries_the_security_headers(browse):
    for path in ("/", "/search?q=机顶盒", "/nope", "/health", "/api/v1/search?q=a", "/static/app.css"):
        headers = browse("").get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"


def test_what_a_login_shows_is_not_stored(browse):
    assert browse("tech").get("/").headers["Cache-Control"] == "no-store"
    assert browse("").get("/").headers["Cache-Control"] == "no-cache"


def test_pages_need_no_inline_script_or_style(browse):
    for name, path in [
        ("lead", "/"),
        ("", "/search?q=机顶盒"),
        ("tech", f"/entries/{SOLUTION}"),
        ("admin", "/admin/users"),
    ]:
        page = browse(name).get(path).text
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script src=")


@pytest.mark.parametrize(
    "paths",
    [["/entries/SOL-NOPE", "/entries/SOL-000001/revisions/99", "/entries/SOL-000001/revisions/1/attachments/nope.png",
     "/incidents/INC-999999", "/reviews/99999", "/confirm/forged", "/entries/SOL-000001/edit", "/entries/" + "x" * 500]],
)  # fmt: skip
def test_what_does_not_exist_is_404(browse, paths):
    for path in paths:
        assert browse("lead").get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "/"), ("post", "/search"), ("get", "/logout"), ("get", "/incidents/INC-000001/close"),
     ("put", "/api/v1/incidents"), ("delete", "/entries/SOL-000001"), ("get", "/entries/SOL-000001/submit")],
)  # fmt: skip
def test_wrong_methods_are_405(browse, method, path):
    answer = getattr(browse("admin").client, method)(path)
    assert answer.status_code == 405
    assert "Allow" in answer.headers


@pytest.mark.parametrize(
    "queries",
    [["'; DROP TABLE entries; --", "' OR 1=1 --", "%00", "%ED%A0%80", "%F0%9F", "a%00b", '"', "「", "-", "--", "*", "[", "(",
     "\\", "kind%3A", "\u202e", "%0A%0A", "机顶盒" * 300]],
)  # fmt: skip
def test_strange_queries_are_answered(browse, queries):
    browser = browse("tech")
    for query in queries:
        for path in ("/search?q=", "/suggest?q=", "/api/v1/search?q=", "/api/v1/suggest?q=", "/entries/new?q="):
            assert browser.get(path + query).status_code in (200, 400, 422), (path, query)


def test_a_query_of_ten_thousand_characters_is_refused_with_its_reason(browse):
    for path in ("/search?q=", "/api/v1/search?q="):
        answer = browse("").get(path + "网" * 10_000)
        assert answer.status_code == 400
        assert "4000" in answer.text


def test_the_search_box_is_on_every_page(browse):
    for path in ("/", "/search?q=机顶盒", f"/entries/{SOLUTION}", "/report", "/nope", "/login"):
        assert 'action="/search"' in browse("").get(path).text


@pytest.mark.parametrize(
    "path",
    ["/entries?page=99999999999999999999", "/entries/SOL-000001/revisions/99999999999999999999", "/search?q=x&page=9223372036854775808"],
)  # fmt: skip
def test_numbers_that_no_row_has_are_no_failure(browse, path):
    assert browse("").get(path).status_code in (200, 302, 404)


def test_reports_through_the_api_are_rationed_too(browse):
    assert "api_incidents.report" in auth.LIMITED
