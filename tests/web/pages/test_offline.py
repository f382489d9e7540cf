"""What a browser is given to work without a line, and for whom."""

from __future__ import annotations

import json

from tests.web.conftest import SOLUTION, person_of


def test_the_site_can_be_put_on_a_home_screen(browse):
    answer = browse("").get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    about = json.loads(answer.data)
    assert (about["display"], about["start_url"]) == ("standalone", "/")
    assert browse("").get(about["icons"][0]["src"]).status_code == 200
    assert '<link rel="manifest" href="/manifest.webmanifest">' in browse("").get("/").text


def test_the_worker_names_every_file_of_the_shell_and_changes_with_them(browse, app, tmp_path):
    answer = browse("").get("/service-worker.js")
    assert answer.mimetype == "text/javascript"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    first, _, script = answer.text.partition("\n")
    shell = json.loads(first.removeprefix("const SHELL = ").rstrip(";"))
    assert {"/static/app.css", "/static/app.js", "/static/offline.js", "/static/reading.js"} <= set(shell["files"])
    assert not any("service-worker" in file for file in shell["files"])
    for path in shell["files"]:
        assert browse("").get(path).status_code == 200
    assert "self.addEventListener" in script
    (tmp_path / "service-worker.js").write_text("")
    (tmp_path / "app.css").write_text("changed")
    app.static_folder = str(tmp_path)
    assert shell["name"] not in browse("").get("/service-worker.js").text


def test_every_page_says_for_whom_it_was_made(site, browse):
    tech = person_of(site, "tech")
    assert browse("tech").get("/").headers["Wenqu-Person"] == str(tech.id)
    for path in ("/", "/offline", f"/entries/{SOLUTION}", "/nope"):
        assert browse("").get(path).headers["Wenqu-Person"] == ""
    assert "Wenqu-Person" not in browse("tech").get("/static/app.css").headers


def test_the_page_without_a_line_names_nobody(browse):
    assert browse("tech").get("/offline").text == browse("").get("/offline").text


def test_who_is_signed_in_and_with_which_token(site, browse):
    assert browse("").get("/offline/session").json == {"person": "", "csrf": ""}
    browser = browse("tech")
    said = browser.get("/offline/session").json
    assert said["person"] == str(person_of(site, "tech").id)
    made = browser.client.post(
        "/api/v1/incidents", json={"description": "x", "channel": "phone"}, headers={"X-CSRFToken": said["csrf"]}
    )
    assert made.status_code == 201


def test_only_who_is_signed_in_gets_the_script_that_keeps_copies(browse):
    assert "offline.js" in browse("tech").get("/").text
    assert "offline.js" not in browse("").get("/").text
