"""Why an entry is found and who finds it, for those who may know."""

from __future__ import annotations

import re

from tests.web.conftest import SECRET, SOLUTION


def test_each_hit_leads_staff_to_its_reasons(browse):
    page = browse("tech").get("/search?q=机顶盒无信号&kind=solution").text
    links = re.findall(r'href="(/entries/[^"]+/why[^"]*)"', page)
    assert len(links) == page.count("<li><h3") or len(links) >= 3
    answer = browse("tech").get(f"/entries/{SOLUTION}/why?q=机顶盒无信号&kind=solution").text
    for shown in ("为什么找到它", "得分", "同义词", "现象", "标题", "机顶盒无信号 kind:&#34;solution&#34;"):
        assert shown in answer, shown
    assert "/why" not in browse("").get("/search?q=机顶盒无信号").text


def test_what_was_not_found_is_said_with_its_conditions(browse):
    page = browse("tech").get(f"/entries/{SOLUTION}/why?q=机顶盒&kind=policy").text
    assert "这次没有找到它" in page and "kind:policy" in page
    assert "只按条件查" in browse("tech").get(f"/entries/{SOLUTION}/why?kind=solution").text
    bad = browse("tech").get(f"/entries/{SOLUTION}/why?q=knd:policy")
    assert bad.status_code == 400 and "是不是 kind" in bad.text


def test_a_phrase_taken_as_words_is_explained_as_words(browse):
    assert "词语</span>" in browse("tech").get(f"/entries/{SOLUTION}/why?q=“无信号的那个机顶盒”").text


def test_leads_and_managers_learn_who_finds_it(browse):
    page = browse("manager").get(f"/entries/{SECRET}/why?for=tech").text
    assert "找不到它" in page and "看不到归口组 team-access" in page
    assert "找得到它" in browse("manager").get(f"/entries/{SECRET}/why?for=lead2").text
    assert "谁找得到它" in browse("lead2").get(f"/entries/{SECRET}").text
    nobody = browse("manager").get(f"/entries/{SECRET}/why?for=nobody")
    assert nobody.status_code == 404
    tech = browse("tech").get(f"/entries/{SOLUTION}/why?q=机顶盒&for=lead").text
    assert "谁找得到它" not in tech and "谁找得到它" not in browse("tech").get(f"/entries/{SOLUTION}").text


def test_subscribers_are_told_nothing(browse):
    assert browse("").get(f"/entries/{SOLUTION}/why?q=机顶盒").status_code in (302, 403)
