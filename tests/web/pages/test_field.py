"""Notes and photos of an incident, and the solution that is worked from beside it."""

from __future__ import annotations

import io

import pytest

from kb import incidents
from kb.models import Photo
from tests.kb import samples
from tests.kb.test_pictures import HEIC, jpeg
from tests.web.conftest import SECRET, SOLUTION, entry_of, incident_of, person_of, take_one


@pytest.fixture
def number(site) -> str:
    return take_one(site)


def _attach(browser, number, *files):
    data = {"csrf_token": browser.token, "photo": [(io.BytesIO(data), name) for name, data in files]}
    return browser.client.post(f"/incidents/{number}/photos", data=data, buffered=True)


def test_a_note_is_shown_with_its_author_and_its_audit_row(site, browse, number):
    browser = browse("tech")
    form = {"text": "楼道箱<b>锁着</b>", "key": "k1"}
    for _ in range(2):  # a second tap
        answer = browser.post(f"/incidents/{number}/note", version=incident_of(site, number).version, **form)
        assert answer.status_code == 302
    page = browser.get(f"/incidents/{number}").text
    assert page.count("楼道箱&lt;b&gt;锁着&lt;/b&gt;") == 1
    assert "记备注" in page


def test_a_note_on_an_overtaken_page_is_not_lost(browse, number):
    answer = browse("tech").post(f"/incidents/{number}/note", version=1, text="写了很久的话", key="mine")
    assert answer.status_code == 409
    assert "写了很久的话</textarea>" in answer.text and 'name="key" value="mine"' in answer.text
    assert browse("tech").post(f"/incidents/{number}/note", version=2, text=" ").status_code == 422


def test_photos_are_shown_to_staff_alone_and_without_a_place(site, browse, number):
    browser = browse("tech")
    assert _attach(browser, number, ("箱子.jpg", jpeg()), ("再一张.jpg", jpeg())).status_code == 302
    page = browser.get(f"/incidents/{number}").text
    assert page.count("data-zoom") == 1  # the same picture
    path = f"/incidents/{number}/photos/1"
    answer = browse("lead").get(path)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/jpeg", jpeg())
    assert answer.headers["Wenqu-Person"] == str(person_of(site, "lead").id)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert browse("").get(path).status_code in (302, 401)
    with site.database.write() as session:
        other = samples.incident(session, person_of(site, "tech")).number
        session.commit()
    assert browser.get(f"/incidents/{other}/photos/1").status_code == 404


def test_heic_is_refused_and_what_was_kept_of_it_is_handed_over_as_a_file(site, browse, number):
    browser = browse("tech")
    page = browser.get(f"/incidents/{number}").text
    assert 'accept="image/jpeg,image/png,image/webp"' in page  # by which an iPhone hands over a JPEG
    refused = _attach(browser, number, ("a.heic", HEIC))
    assert refused.status_code == 422
    assert "兼容性最佳" in refused.text and "Most Compatible" not in refused.text
    with site.database.write() as session:  # as it was taken once
        tech = person_of(site, "tech")
        session.add(
            Photo(
                incident_id=incidents.find(session, tech, number).id, author_id=tech.id, filename="a.heic",
                media_type="image/heic", sha256=site.store.put(session, HEIC, "image/heic"),
            )
        )  # fmt: skip
        session.commit()
    assert "a.heic" in browser.get(f"/incidents/{number}").text
    answer = browser.get(f"/incidents/{number}/photos/1")
    assert answer.data == HEIC and answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("data", [b"", b"<script>alert(1)</script>", b"GIF89a"])
def test_what_is_no_photo_is_refused_with_a_sentence(browse, number, data):
    answer = _attach(browse("tech"), number, ("x.jpg", data))
    assert answer.status_code == 422
    assert "只收照片" in answer.text


def test_a_solution_opened_from_an_incident_leads_back_and_is_linked_with_one_tap(site, browse, number):
    browser = browse("tech")
    assert f"/entries/{SOLUTION}?" in browser.get(f"/incidents/{number}?q=机顶盒无信号").text
    path = f"/entries/{SOLUTION}?incident={number}"
    page = browser.get(path).text
    assert f'data-ticks="{number}:{SOLUTION}:1"' in page and f'href="/incidents/{number}"' in page
    version = incident_of(site, number).version
    assert f'name="version" value="{version}"' in page
    assert browser.post(f"/incidents/{number}/link", version=version, entry=SOLUTION).status_code == 302
    page = browser.get(path).text
    assert "已引用" in page and f'action="/incidents/{number}/link"' not in page
    # a policy is no solution, and a subscriber has no incidents
    assert f'action="/incidents/{number}/link"' not in browse("tech2").get(f"/entries/{SECRET}?incident={number}").text
    public = browse("").get(path).text
    assert number not in public.replace(path, "") or "正在处理" not in public
    assert "data-ticks" not in public
    assert entry_of(site, SOLUTION).title in public


def test_bright_light_is_one_tap_away_and_so_is_the_way_back(browse):
    browser = browse("tech")
    path = f"/entries/{SOLUTION}"
    assert "强光下看" in browser.get(path).text
    answer = browser.get(f"/preferences?theme=contrast&next={path}")
    assert answer.headers["Location"] == path
    assert "平常的颜色" in browser.get(path).text
