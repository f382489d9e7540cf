"""What does somebody see who caused an error, and what does a program?"""

from __future__ import annotations

import pytest

from kb.errors import KBError
from tests.web.conftest import SOLUTION, Browser
from web.errors import TITLES


def subclasses(of: type[KBError]) -> list[type[KBError]]:
    return [of, *(deep for sub in of.__subclasses__() for deep in subclasses(sub))]


def test_every_error_has_a_title():
    assert {error.code for error in subclasses(KBError)} <= TITLES.keys()


def test_programs_get_problem_json_and_people_a_page(browse):
    browser = browse("tech")
    answer = browser.get("/api/v1/entries/SOL-NOPE")
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "/api#not_found"
    assert (answer.json["status"], answer.json["code"], answer.json["number"]) == (404, "not_found", "SOL-NOPE")
    assert answer.json["title"] and answer.json["detail"]
    assert browser.get("/entries/SOL-NOPE", headers={"Accept": "application/json"}).json["code"] == "not_found"
    assert "<h1>没有找到</h1>" in browser.get("/entries/SOL-NOPE").text


@pytest.fixture
def broken(app, site, monkeypatch) -> Browser:
    def fail(*_args, **_more):
        raise ZeroDivisionError("password=hunter2")

    monkeypatch.setattr("web.lists.popular", fail)
    return Browser(app)


def test_our_own_failure_shows_an_id_that_stands_in_the_log_and_no_trace(broken, caplog):
    answer = broken.get("/")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    logged = next(record for record in caplog.records if record.levelname == "ERROR")
    assert logged.args[0] in answer.text
    assert logged.exc_info


def test_without_an_index_search_says_which_command_helps_and_the_rest_works(site, browse):
    (site.settings.index_path / "CURRENT").unlink()
    browser = browse("tech")
    answer = browser.get("/search?q=机顶盒")
    assert answer.status_code == 503
    assert "kb index rebuild" in answer.text
    problem = browser.get("/api/v1/search?q=机顶盒")
    assert (problem.status_code, problem.json["hint"]) == (503, "kb index rebuild")
    for path in ("/", f"/entries/{SOLUTION}", "/entries", "/incidents", "/report", "/entries/new?q=机顶盒"):
        assert browser.get(path, follow_redirects=True).status_code == 200
    report = browse("").post("/report", description="没有信号", contact_phone="13800001234")
    assert report.status_code == 302


def test_an_error_page_keeps_what_was_typed_and_no_password(browse):
    browser = browse("tech")
    answer = browser.client.post("/entries/new", data={"body": "写了一个下午的正文", "password": "geheim"})
    assert answer.status_code == 400
    assert "写了一个下午的正文" in answer.text
    assert "geheim" not in answer.text


def test_an_error_page_calls_the_fields_by_the_names_of_the_form(browse):
    form = {"body": "正文在此", "audience": "staff", "version": "77", "decision": "approve", "then": "submit"}
    page = browse("").post("/entries/new", **form).text
    for shown in ("正文</span>", "受众</span>", "\n员工</textarea>"):
        assert shown in page
    for hidden in ("version", "77", "decision", "approve", "csrf_token</span>", "then</span>"):
        assert hidden not in page


def test_a_post_after_the_session_ended_loses_nothing(browse):
    browser = browse("")
    answer = browser.post("/entries/new", body="写了一个下午的正文")
    assert answer.status_code == 401
    assert "写了一个下午的正文" in answer.text


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b"null", b"[1]", b'"x"', b'{"description": 5}', b'{"nope": 1}']
)
def test_bad_json_is_refused_by_name(browse, body):
    browser = browse("tech")
    answer = browser.client.post(
        "/api/v1/incidents", data=body, content_type="application/json", headers={"X-CSRFToken": browser.token}
    )
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("q=x&limit=0", "最小 1"), ("q=x&limit=101", "最大 100"), ("q=x&limit=many", "须是整数"), ("", "缺少必填项")],
)
def test_a_schema_refuses_in_chinese_too(browse, asked, said):
    answer = browse("").get(f"/api/v1/search?{asked}")
    assert answer.status_code == 422
    assert said in next(iter(answer.json["fields"].values()))
    assert said in answer.json["detail"]


def test_half_a_surrogate_is_refused(browse):
    browser = browse("tech")
    answer = browser.client.post(
        "/api/v1/incidents",
        data=b'{"description": "\\ud800"}',
        content_type="application/json",
        headers={"X-CSRFToken": browser.token},
    )
    assert answer.status_code == 422
    assert "description" in answer.json["fields"]


def test_too_much_is_413(app, browse):
    app.config["MAX_CONTENT_LENGTH"] = 10_000
    answer = browse("tech").post("/entries/new", body="长" * 20_000)
    assert answer.status_code == 413
    assert "超过上限" in answer.text
