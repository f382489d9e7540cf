"""Search and entries for programs."""

from __future__ import annotations

import pytest

from tests.web.conftest import SOLUTION
from web.api import schemas


def test_a_hit_has_the_stable_shape(browse):
    answer = browse("").get("/api/v1/search?q=机顶盒无信号&limit=9&facet=kind").json
    assert answer["total"] >= len(answer["hits"]) == 9
    assert schemas.Results.model_validate(answer).model_dump(mode="json") == answer  # what /openapi.json says of it
    hit = next(hit for hit in answer["hits"] if hit["id"] == SOLUTION)
    assert hit.keys() == {
        "id", "kind", "title", "score", "covers", "snippet", "highlights", "tier", "audience", "category", "updated_at", "source_path",
    }  # fmt: skip
    for start, end in hit["highlights"]:
        assert 0 <= start < end <= len(hit["snippet"])
    assert dict(answer["facets"]["kind"])["solution"] >= 1


def test_pages_do_not_overlap(browse):
    pages = [browse("").get(f"/api/v1/search?q=机顶盒&limit=3&offset={offset}").json["hits"] for offset in (0, 3)]
    assert not {hit["id"] for hit in pages[0]} & {hit["id"] for hit in pages[1]}


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("?q=x&limit=0", "limit"), ("?q=x&limit=101", "limit"), ("?q=x&offset=-1", "offset"), ("?q=x&facet=owner", "facet"),
     ("?q=x&nope=1", "nope"), ("?q=x&limit=ten", "limit")],
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


def test_a_correction_is_told_apart_from_what_was_typed(browse):
    answer = browse("").get("/api/v1/search?q=机顶合").json
    assert (answer["query"], answer["correction"]) == ("机顶合", {"query": "机顶盒", "applied": True})
    assert answer["total"] == browse("").get("/api/v1/search?q=机顶盒").json["total"]
    assert browse("").get("/api/v1/search?q=机顶合&exact=true").json["correction"] is None
    assert browse("").get("/api/v1/search?q=机顶盒").json["correction"] is None
