"""Is everything described, and is what is described there?"""

from __future__ import annotations

import re

from web.api.in_chinese import SUMMARIES
from web.errors import TITLES


def test_every_operation_is_described_and_listed(app, browse):
    spec = browse("").get("/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    described = {
        (path, method) for path, methods in spec["paths"].items() for method in methods if method in ("get", "post")
    }
    routed = {
        (rule.rule.replace("<int:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods & {"GET", "POST"}
    }
    assert described == routed
    page = browse("").get("/api").text
    for path, _ in described:
        assert path in page
    assert set(SUMMARIES) == {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, method in described}


def test_in_english_all_is_said_in_english(browse):
    page = browse("").get("/api", headers={"Accept-Language": "en"}).text
    main = page[page.index("<main") : page.index("</main>")]
    assert "comma-separated: kind," in main
    assert re.findall(r".*[\u4e00-\u9fff].*", main) == []


def test_every_problem_type_leads_to_its_explanation(browse):
    page = browse("").get("/api").text
    for code in TITLES:
        assert f'id="{code}"' in page
