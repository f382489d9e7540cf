"""Who is signed in, until when, and what cannot be forged."""

from __future__ import annotations

import base64

import pytest

from kb import accounts
from kb.accounts import SYSTEM
from kb.lifecycle import Role
from tests.conftest import PASSWORD
from tests.web.conftest import IN_ADDRESSES, SOLUTION, Browser, csrf_of, open_at
from web.app import create_app
from web.auth import local_path


def login(app, username="tech", password=PASSWORD, **more):
    client = app.test_client()
    token = csrf_of(client.get("/login").text)
    return client, client.post("/login", data={"csrf_token": token, "username": username, "password": password} | more)


def test_login_opens_a_session_and_logout_ends_it(app):
    client, answer = login(app, next="/incidents")
    assert (answer.status_code, answer.location) == (302, "/incidents")
    page = client.get("/incidents")
    assert page.status_code == 200
    client.post("/logout", data={"csrf_token": csrf_of(client.get("/account").text)})
    assert client.get("/incidents").status_code == 302


@pytest.mark.parametrize(
    ("username", "password"), [("tech", "wrong"), ("nobody", PASSWORD), ("", ""), ("' OR 1=1 --", "x")]
)
def test_a_failed_login_says_the_same_whatever_was_wrong_and_keeps_the_name(app, username, password):
    _, answer = login(app, username, password)
    assert answer.status_code == 401
    assert "用户名或密码不对" in answer.text
    assert PASSWORD not in answer.text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app):
    _, answer = login(app)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_secure_cookies_by_setting(data_dir, analyzer):
    services = open_at(data_dir, analyzer, secure_cookies=True)
    _, answer = login(create_app(services))
    assert "Secure" in answer.headers["Set-Cookie"]
    services.close()


def test_login_begins_a_new_session(app):
    client = app.test_client()
    before = csrf_of(client.get("/login").text)
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    client.post("/login", data={"csrf_token": before, "username": "tech", "password": PASSWORD})
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400


def test_deactivation_a_new_password_and_a_new_role_end_sessions(site, browse):
    for change in (
        lambda s, u: accounts.change(s, SYSTEM, u, active=False),
        lambda s, u: accounts.change(s, SYSTEM, u, active=True),
        lambda s, u: accounts.set_password(s, SYSTEM, u, "another one 77"),
        lambda s, u: accounts.change(s, SYSTEM, u, role=Role.REVIEWER),
    ):
        browser = browse("tech")
        with site.database.write() as session:
            change(session, accounts.get(session, "tech"))
            session.commit()
        assert browser.get("/incidents").status_code == 302


def test_a_login_lasts_the_hours_of_the_setting_however_busy(browse, stopped_clock):
    browser = browse("tech")
    for _ in range(11):
        stopped_clock.advance(hours=1)
        assert browser.get("/incidents").status_code == 200
    stopped_clock.advance(hours=1, minutes=1)
    assert browser.get("/incidents").status_code == 302


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example",
     "evil.example", "", None, "http:/evil.example", "///evil.example"],
)  # fmt: skip
def test_next_leads_nowhere_else(app, target):
    assert local_path(target) == "/"
    if target:
        _, answer = login(app, next=target)
        assert answer.location == "/"


def test_next_leads_back_to_where_one_was():
    assert local_path("/search?q=黑屏&page=2") == "/search?q=黑屏&page=2"


def _changing(app):
    return [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods and rule.endpoint != "static"]


def test_every_form_is_refused_without_its_token(app, browse):
    """Enumerated from the URL map, so a new route cannot forget."""
    browser = browse("admin")
    for rule in _changing(app):
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, {k: IN_ADDRESSES[k] for k in rule.arguments})
        for sent in (
            {"data": {}},
            {"data": {"csrf_token": "forged"}},
            {"json": {}},
            {"json": {}, "headers": {"X-CSRFToken": "x"}},
        ):
            answer = browser.client.post(path, **sent)
            assert answer.status_code == 400, (rule, answer.status_code)
            assert "页面" in answer.text


def test_pages_asked_for_side_by_side_share_a_token(app):
    """A browser asks for copies of other pages while one is shown; whichever answer comes last, the form still goes."""
    client, _ = login(app)
    beside = app.test_client()
    beside.set_cookie("wenqu", client.get_cookie("wenqu").value)
    token = csrf_of(client.get("/incidents/new").text)
    assert beside.get("/entries/new?q=x&write=1").status_code == 200
    answer = beside.post("/incidents/new", data={"csrf_token": token, "description": "电视没有信号"})
    assert answer.status_code == 302


def test_an_answer_that_comes_late_brings_no_session_back(app):
    client, _ = login(app)
    assert "Set-Cookie" not in client.get("/incidents").headers


def test_the_api_takes_basic_credentials_and_then_no_token(app):
    client = app.test_client()
    answer = client.post("/api/v1/incidents", json={"description": "没有信号"}, auth=("tech", PASSWORD))
    assert answer.status_code == 201
    assert client.get("/api/v1/incidents", auth=("tech", PASSWORD)).status_code == 200


def test_a_form_of_another_site_cannot_use_a_remembered_password(app, site):
    """It can send text/plain, which would read as JSON, and the browser would add the credentials."""
    client = app.test_client()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(
            "/api/v1/incidents", data=b'{"description": "forged"}', content_type=kind, auth=("tech", PASSWORD)
        )
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert client.get("/api/v1/incidents", auth=("tech", PASSWORD)).json["incidents"] == []


def test_wrong_basic_credentials_are_401_and_never_somebody_else(app, browse):
    browser = browse("admin")  # a session that must not step in
    header = "Basic " + base64.b64encode(b"tech:wrong").decode()
    answer = browser.client.get("/api/v1/incidents", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["code"] == "bad_credentials"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_basic_credentials_open_no_page(app):
    assert app.test_client().get("/incidents", auth=("tech", PASSWORD)).status_code == 302


def test_the_api_without_credentials_is_401(browse):
    answer = browse("").get("/api/v1/incidents")
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_required")


@pytest.fixture
def rationed(data_dir, analyzer):
    services = open_at(data_dir, analyzer, rate_limit="3/minute")
    yield create_app(services)
    services.close()


def test_logins_are_rationed_by_address(rationed):
    assert [login(rationed, password="wrong")[1].status_code for _ in range(4)] == [401, 401, 401, 429]


def test_reports_and_confirmations_are_rationed(rationed):
    browser = Browser(rationed)
    assert [browser.post("/report", description="").status_code for _ in range(4)] == [422, 422, 422, 429]
    assert [browser.post("/confirm/forged").status_code for _ in range(4)] == [404, 404, 404, 429]


def test_reading_is_not_rationed(rationed):
    browser = Browser(rationed)
    assert {browser.get(f"/entries/{SOLUTION}").status_code for _ in range(8)} == {200}
    assert {browser.get("/report").status_code for _ in range(8)} == {200}


def test_failed_basic_credentials_are_rationed_and_good_ones_are_not(rationed):
    client = rationed.test_client()
    assert {client.get("/api/v1/incidents", auth=("tech", PASSWORD)).status_code for _ in range(5)} == {200}
    wrong = [client.get("/api/v1/incidents", auth=("tech", "wrong")).status_code for _ in range(4)]
    assert wrong == [401, 401, 401, 429]
