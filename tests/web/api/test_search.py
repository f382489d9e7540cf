"""Search and entries for programs."""

from __future__ import annotations

import pytest

from tests.web.conftest import SECRET, SOLUTION
from web.api import schemas


def test_a_hit_has_the_stable_shape(browse):
    answer = browse("").get("/api/v1/search?q=机顶盒无信号&limit=9&facet=kind").json
    assert answer["total"] >= len(answer["hits"]) == 9
    assert schemas.Results.model_validate(answer).model_dump(mode="json") == answer  # what /openapi.json says of it
    hit = next(hit for hit in answer["hits"] if hit["id"] == SOLUTION)
    assert hit.keys() == {
        "id", "kind", "title", "score", "covers", "snippet", "highlights", "tier", "pinned", "audience", "category", "updated_at", "source_path",
    }  # fmt: skip
    for start, end in hit["highlights"]:
        assert 0 <= start < end <= len(hit["snippet"])
    assert dict(answer["facets"]["kind"])["solution"] >= 1


def test_the_answer_says_what_orders_and_what_was_relaxed(browse):
    get = browse("").get
    answer = get("/api/v1/search?q=机顶盒&sort=date").json
    days = [hit["updated_at"][:10] for hit in answer["hits"]]
    assert answer["sort"] == "date" and days == sorted(days, reverse=True)
    assert get("/api/v1/search?q=kind:solution").json["sort"] == "date"
    loose = get("/api/v1/search?q=“无信号的那个机顶盒”").json
    assert (loose["as_words"], loose["offers"]) == (["无信号的那个机顶盒"], []) and loose["hits"]
    strict = get("/api/v1/search?q=机顶盒无信号 kind:topology").json
    total = get("/api/v1/search?q=机顶盒无信号").json["total"]
    assert (strict["total"], strict["offers"]) == (0, [{"query": "机顶盒无信号", "total": total}])
    assert schemas.Results.model_validate(strict).model_dump(mode="json") == strict


def test_an_answer_is_explained_to_staff(browse):
    hit = next(hit for hit in browse("tech").get("/api/v1/search?q=机顶盒无信号").json["hits"] if hit["id"] == SOLUTION)
    told = browse("tech").get(f"/api/v1/search/explain?q=机顶盒无信号&id={SOLUTION}").json
    assert schemas.Explained.model_validate(told).model_dump(mode="json") == told
    assert (round(told["score"], 6), told["tier"]) == (hit["score"], hit["tier"])
    assert browse("").get(f"/api/v1/search/explain?q=机顶盒&id={SOLUTION}").status_code == 401
    assert browse("tech").get("/api/v1/search/explain?q=机顶盒&id=SOL-NONE").status_code == 404
    assert browse("tech").get(f"/api/v1/search/explain?q=knd:x&id={SOLUTION}").status_code == 400


def test_pages_do_not_overlap(browse):
    pages = [browse("").get(f"/api/v1/search?q=机顶盒&limit=3&offset={offset}").json["hits"] for offset in (0, 3)]
    assert not {hit["id"] for hit in pages[0]} & {hit["id"] for hit in pages[1]}


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("?q=x&limit=0", "limit"), ("?q=x&limit=101", "limit"), ("?q=x&offset=-1", "offset"), ("?q=x&facet=owner", "facet"),
     ("?q=x&nope=1", "nope"), ("?q=x&limit=ten", "limit"), ("?q=x&sort=best", "sort")],
)  # fmt: skip
def test_bad_parameters_are_422_by_name(browse, query, field):
    answer = browse("").get(f"/api/v1/search{query}")
    assert answer.status_code == 422
    assert field in answer.json["fields"]


def test_a_bad_query_is_400_with_its_position(browse):
    answer = browse("").get("/api/v1/search?q=黑屏 knd:policy")
    assert (answer.status_code, answer.json["code"], answer.json["position"]) == (400, "bad_query", 3)


def test_an_entry_has_its_attributes_and_the_face_one_may_read(browse):
    answer = browse("tech").get(f"/api/v1/entries/{SOLUTION}").json
    assert (answer["number"], answer["kind"], answer["attributes"]["devices"]) == (SOLUTION, "solution", ["机顶盒"])
    assert "## 处理步骤" in answer["body"]
    assert "## 处理步骤" not in browse("").get(f"/api/v1/entries/{SOLUTION}").json["body"]


def test_suggestions(browse):
    found = browse("").get("/api/v1/suggest?q=机顶盒提示").json["suggestions"]
    assert {"id": SOLUTION, "title": "机顶盒提示无信号的处理"} in found


def test_related_entries_come_with_the_words_they_share(browse):
    answer = browse("").get(f"/api/v1/entries/{SOLUTION}/related").json
    assert schemas.RelatedEntries.model_validate(answer).model_dump(mode="json") == answer
    assert 1 <= len(answer["related"]) <= 5
    assert SOLUTION not in [other["number"] for other in answer["related"]]
    assert all(len(other["shared"]) >= 2 for other in answer["related"])
    assert browse("").get(f"/api/v1/entries/{SECRET}/related").status_code == 404
    page = browse("").get(f"/entries/{SOLUTION}").text
    assert "相近的词条" in page and f"都有：{'、'.join(answer['related'][0]['shared'])}" in page


def test_a_correction_is_told_apart_from_what_was_typed(browse):
    answer = browse("").get("/api/v1/search?q=机顶合").json
    assert (answer["query"], answer["correction"]) == ("机顶合", {"query": "机顶盒", "applied": True})
    assert answer["total"] == browse("").get("/api/v1/search?q=机顶盒").json["total"]
    assert browse("").get("/api/v1/search?q=机顶合&exact=true").json["correction"] is None
    assert browse("").get("/api/v1/search?q=机顶盒").json["correction"] is None
