"""Which language does a page speak, and does each say things in its own way?"""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import unquote

import pytest

from web import labels, languages

ENGLISH = {"Accept-Language": "en"}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "zh-CN"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en-US,en;q=0.9", "en"), ("en-GB,en;q=0.9,zh;q=0.8", "en"),
     ("de-DE,de;q=0.9,en;q=0.5", "en"), ("fr", "zh-CN"), ("*", "zh-CN"), ("en;q=0.5,*", "zh-CN"), ("zh-TW,en;q=0.9", "zh-CN")],
)  # fmt: skip
def test_the_browser_asks_for_a_language(browse, accepted, language):
    page = browse("").get("/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    assert {"Accept-Language", "Cookie"} <= set(page.vary)


def test_the_switch_is_remembered_and_leads_back(browse):
    browser = browse("")
    answer = browser.get("/preferences?language=en&next=/search?q=%E6%9C%BA%E9%A1%B6%E7%9B%92")
    assert unquote(answer.location) == "/search?q=机顶盒"
    assert '<html lang="en"' in browser.get("/", headers={"Accept-Language": "zh-CN"}).text
    browser.get("/preferences?language=zh-CN")
    assert '<html lang="zh-CN"' in browser.get("/", headers=ENGLISH).text


def test_the_switch_leads_nowhere_else(browse):
    assert browse("").get("/preferences?language=en&next=//evil.example").location == "/"
    assert browse("").get("/preferences?language=xx&next=/login").status_code == 200


def test_the_switch_leaves_a_page_that_answers_a_form_where_it_is(browse):
    page = (
        browse("").post("/report", description="", contact_phone="打错的").text
    )  # what was typed is on it, and nowhere else
    assert 'value="打错的"' in page
    switch = re.search(r'<a href="(/preferences[^"]+)"([^>]*)>English', page)
    assert switch[1].endswith("next=/preferences") and 'target="_blank"' in switch[2]
    assert 'target="_blank"' not in browse("").get("/report").text


def test_a_theme_is_remembered(browse):
    browser = browse("")
    assert 'dark.css" media="(prefers-color-scheme: dark)"' in browser.get("/").text
    browser.get("/preferences?theme=dark")
    assert 'dark.css">' in browser.get("/").text and "contrast.css" not in browser.get("/").text
    browser.get("/preferences?theme=light")
    assert "dark.css" not in browser.get("/").text
    browser.get("/preferences?theme=")
    assert 'contrast.css" media="(prefers-contrast: more)"' in browser.get("/").text


def test_programs_read_both_halves_of_an_error(browse):
    answer = browse("").get("/api/v1/entries/SOL-NOPE", headers=ENGLISH)
    assert " · " in answer.json["detail"]


def test_people_read_their_half_of_an_error(browse):
    english, chinese = browse("").get("/nope", headers=ENGLISH).text, browse("").get("/nope").text
    assert "no such page" in english and "没有这个页面" not in english
    assert "没有这个页面" in chinese and "no such page" not in chinese


@pytest.mark.parametrize(
    ("sentence", "chinese", "english"),
    [("没有 · none", "没有", "none"), ("只有中文", "只有中文", "只有中文"), ("", "", ""),
     ("一 · one；二 · two", "一；二", "one; two"), ("一；又一 · one；二 · two", "一；又一；二", "one; two"),
     ("还不能关闭 · it cannot close yet: 没有 · none; 缺 · lacks", "还不能关闭", "it cannot close yet")],
)  # fmt: skip
def test_a_sentence_has_two_halves(app, sentence, chinese, english):
    for wanted, half in (("zh-CN", chinese), ("en", english)):
        with app.test_request_context(headers={"Cookie": f"language={wanted}"}):
            assert languages.said(sentence) == half


def test_moments_and_numbers_are_said_as_the_language_says_them(app, stopped_clock):
    now = stopped_clock()
    with app.test_request_context(headers={"Cookie": "language=en"}):
        assert labels.local_time(now) == "23 Nov 2026, 10:00"
        assert labels.short_day(now) == "23 Nov"
        for minutes, said in {1: "1 minute ago", 5: "5 minutes ago", 60: "1 hour ago", 3000: "2 days ago"}.items():
            assert said in labels.ago(now - dt.timedelta(minutes=minutes))
        assert labels.label("solution", "kind") == "Solution"
        assert languages.content("标题") == '<span lang="zh-CN">标题</span>'
    with app.test_request_context():
        assert labels.short_day(now) == "11-23"
        assert languages.content("标题") == "标题"
    assert labels.label("solution", "kind") == "解决方案"  # commands speak Chinese


def test_values_in_a_counted_text_are_escaped(app):
    with app.test_request_context(headers={"Cookie": "language=en"}):
        assert languages.counted("%(words)s（%(num)s 条）", 1, words="<b>") == "&lt;b&gt; (1 entry)"
        assert languages.counted("%(words)s（%(num)s 条）", 2, words="x") == "x (2 entries)"
