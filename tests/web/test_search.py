"""A person finds what they may see, and learns nothing of the rest: not a hit, not a count, not a word."""

from __future__ import annotations

from typing import Any

import pytest

from indexer import FACETS, Sort
from indexer.worker import Worker
from kb import entries, precheck, validity
from kb.access import Person
from kb.documents import Audience, Kind
from kb.errors import BadQuery, IndexUnavailable
from kb.library import library_path
from kb.settings import Settings
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples
from web.services import Services, open_services

SECRET = samples.BODY.replace("射频线松脱。", "射频线松脱。钥匙在量子柜第七格。")


@pytest.fixture
def numbers(services: Services, worker: Worker, people: People) -> dict[str, str]:
    """One entry of each audience about 量子柜, indexed."""
    made = {}
    with services.database.write() as session:
        for audience in Audience:
            entry = samples.published(
                session,
                services.store,
                people.manager,
                people.lead,
                SECRET,
                title=f"量子柜机顶盒无信号（{audience}）",
                audience=audience,
            )
            made[str(audience)] = entry.number
        session.commit()
    worker.drain()
    return made


def _ids(services: Services, by: Person, text: str) -> set[str]:
    return {found.id for found in services.search.search(by, text).hits}


def test_each_person_finds_their_own(services: Services, people: People, numbers: dict[str, str]) -> None:
    everything = set(numbers.values())
    for person, audiences in (
        (people.subscriber, {"public"}),
        (people.tech, {"public", "staff"}),
        (people.lead2, {"public", "staff"}),
        (people.lead, {"public", "staff", "restricted"}),
        (people.manager, {"public", "staff", "restricted"}),
        (people.admin, {"public", "staff", "restricted"}),
    ):
        seen = {numbers[audience] for audience in audiences}
        page = services.search.search(person, "量子柜", facets=FACETS)
        assert {found.id for found in page.hits} == seen
        assert page.total == len(seen)
        assert sum(count for _, count in page.facets["kind"]) == len(seen)
        assert dict(page.facets["audience"]) == dict.fromkeys(audiences, 1)
        for hidden in everything - seen:
            assert _ids(services, person, hidden) == set()  # not by its number either
            assert _ids(services, person, f"id:{hidden}") == set()
        assert {s.id for s in services.search.suggest(person, "量子柜")} == seen


def test_a_subscriber_sees_no_staff_text(services: Services, people: People, numbers: dict[str, str]) -> None:
    assert _ids(services, people.subscriber, '"芝麻开门"') == set()
    page = services.search.search(people.subscriber, "量子柜 芝麻开门 暗号")
    assert [found.id for found in page.hits] == [numbers["public"]]
    assert "芝麻" not in page.hits[0].snippet.text
    staff = services.search.search(people.tech, '"芝麻开门"')
    assert "芝麻开门" in staff.hits[0].snippet.text


def test_narrowing_takes_effect_before_the_index_knows(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    with services.database.write() as session:
        entry = entries.find(session, people.lead, numbers["public"])
        attributes = samples.attributes(title="量子柜机顶盒无信号（public）", audience=Audience.RESTRICTED)
        revision = entries.revise(session, services.store, people.manager, entry, attributes=attributes)
        entries.submit(session, people.manager, revision)
        samples.approve(session, services.store, people.lead, revision)
        session.commit()
    page = services.search.search(people.subscriber, "量子柜", facets=FACETS)
    assert (page.hits, page.total) == ([], 0)
    assert page.facets["kind"] == []
    assert services.search.suggest(people.subscriber, "量子柜") == []


def test_a_stale_hit_is_neither_shown_nor_counted(services: Services, people: People, numbers: dict[str, str]) -> None:
    with services.database.write() as session:
        validity.retire(session, people.lead, entries.find(session, people.lead, numbers["staff"]), reason="旧")
        session.commit()
    page = services.search.search(people.tech, "量子柜", facets=FACETS)
    assert [found.id for found in page.hits] == [numbers["public"]]
    assert page.total == 1 and dict(page.facets["audience"]) == {"public": 1}


def test_an_order_by_date_or_reuse_trims_alike(services: Services, people: People, numbers: dict[str, str]) -> None:
    for sort in Sort:
        page = services.search.search(people.tech, "量子柜", sort=sort)
        assert {found.id for found in page.hits} == {numbers["public"], numbers["staff"]}
    assert services.search.search(people.tech, "kind:solution").sort is Sort.DATE


def test_what_is_offered_counts_what_one_may_see(services: Services, people: People, numbers: dict[str, str]) -> None:
    for person, count in ((people.subscriber, 1), (people.tech, 2), (people.lead, 3)):
        offers = services.search.search(person, "量子柜 kind:policy").offers
        assert [offer.total for offer in offers] == [count]
    assert services.search.search(people.subscriber, "芝麻开门 kind:policy").offers == ()


def test_hits_carry_the_contract(services: Services, people: People, numbers: dict[str, str]) -> None:
    hit: dict[str, Any] = services.search.search(people.subscriber, "量子柜").hits[0].as_json()
    assert {"id", "kind", "title", "score", "covers", "snippet", "tier"} <= set(hit)
    assert (hit["id"], hit["kind"], hit["covers"], hit["tier"]) == (
        numbers["public"],
        Kind.SOLUTION,
        ["TV-005"],
        "words",
    )
    start, end = hit["highlights"][0]
    assert hit["snippet"][start:end] == "量子柜"


def test_titles_and_snippets_are_escaped(services: Services, worker: Worker, people: People) -> None:
    with services.database.write() as session:
        body = SECRET.replace("钥匙", "1 < 2 & `<script>alert(1)</script>`")
        samples.published(
            session, services.store, people.tech, people.lead, body, title='<img src=x onerror="a"> 量子柜的方案'
        )
        session.commit()
    worker.drain()
    found = services.search.search(people.subscriber, "量子柜").hits[0]
    assert "<img" not in found.title_html and "<mark>" in found.title_html
    assert "<script" not in found.snippet.to_html()


def test_similar_finds_a_near_duplicate_and_not_a_stranger(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    near = services.search.similar(people.lead, "量子柜机顶盒无信号（public）", SECRET)
    assert near[0].likeness > 0.9 and near[0].number in numbers.values()
    theirs = services.search.similar(people.lead2, "量子柜机顶盒无信号（restricted）", SECRET)
    assert numbers["restricted"] not in [item.number for item in theirs]
    far = services.search.similar(people.lead, "邮箱满了收不到邮件", "## 现象\n\n- 发邮件被退回说对方邮箱已满\n")
    assert all(item.likeness < precheck.NEAR_DUPLICATE for item in far)


def test_related_entries_are_those_the_reader_may_see_and_say_why(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    seen = {by: services.search.related(by, numbers["public"]) for by in (people.subscriber, people.lead, people.lead2)}
    for found in seen.values():
        assert numbers["public"] not in [other.number for other in found] and len(found) <= 5
        assert all(len(other.shared) >= 2 for other in found)
    assert {numbers["staff"], numbers["restricted"]}.isdisjoint(other.number for other in seen[people.subscriber])
    assert numbers["staff"] in [other.number for other in seen[people.lead]]
    assert numbers["restricted"] not in [other.number for other in seen[people.lead2]]
    assert services.search.related(people.subscriber, numbers["restricted"]) == []


def test_a_subscriber_is_not_told_words_of_the_staff_face(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    found = services.search.related(people.subscriber, numbers["public"])
    assert not any("钥匙" in word for other in found for word in other.shared)


def test_bad_queries_and_missing_index_are_their_own_errors(services: Services, people: People) -> None:
    with pytest.raises(BadQuery) as caught:
        services.search.search(people.tech, "光猫 knd:policy")
    assert caught.value.position == 3


def test_a_missing_index_is_named_with_its_command(services: Services, people: People) -> None:
    empty = open_services(
        Settings(data_dir=services.settings.data_dir / "elsewhere"), analyzer=services.generations.analyzer
    )
    empty.database.upgrade()
    with pytest.raises(IndexUnavailable) as caught:
        empty.search.search(people.tech, "光猫")
    assert caught.value.hint == "kb index rebuild"
    assert not empty.settings.index_path.exists()
    empty.close()


def test_imported_files_show_where_they_came_from(services: Services, worker: Worker, people: People) -> None:
    from kb import importer

    root = library_path() / "topology"
    importer.run(services.database, ContentStore(services.settings.store_path), people.admin, root, source="图")
    worker.drain()
    hits = services.search.search(people.tech, "kind:topology").hits
    assert hits and all(hit.entry.source_path == f"{hit.id}.md" for hit in hits)


def test_texts_are_kept_by_what_they_are_and_who_reads_them(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    """A subscriber's snippet comes from the shared face although a technician's was made before, and stays true after
    the next revision."""
    for person, shown in ((people.tech, True), (people.subscriber, False), (people.tech, True)):
        snippet = services.search.search(person, f"id:{numbers['public']} 芝麻开门 暗号 松脱").hits[0].snippet
        assert ("芝麻开门" in snippet.text) is shown
    with services.database.write() as session:
        entry = entries.find(session, people.tech, numbers["public"])
        body = SECRET.replace("芝麻开门", "石榴开门")
        revision = entries.revise(session, services.store, people.tech, entry, body=body)
        entries.submit(session, people.tech, revision)
        samples.approve(session, services.store, people.lead, revision)
        session.commit()
    hit = services.search.search(people.tech, f"id:{numbers['public']} 石榴开门 暗号").hits[0]
    assert "石榴开门" in hit.snippet.text


def test_warming_up_needs_no_index(services: Services) -> None:
    services.search.warm_up()
    empty = open_services(
        Settings(data_dir=services.settings.data_dir / "elsewhere"), analyzer=services.generations.analyzer
    )
    empty.database.upgrade()
    empty.search.warm_up()
    empty.close()


def test_what_was_mistyped_is_searched_for_as_it_was_meant(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    page = services.search.search(people.subscriber, "机顶合 kind:solution")
    assert page.corrected and page.correction_as_json() == {"query": "机顶盒 kind:solution", "applied": True}
    assert [found.id for found in page.hits] == [numbers["public"]]
    assert "<mark>机顶盒</mark>" in page.hits[0].title_html
    offered = services.search.search(people.subscriber, "量子柜 机顶合")
    assert offered.correction_as_json() == {"query": "量子柜 机顶盒", "applied": False}
    for unasked in (
        services.search.search(people.subscriber, "机顶合", exact=True),
        services.search.search(people.subscriber, "机顶合", pasted=True),
        services.search.search(people.subscriber, "机顶合 kind:policy"),  # what is meant has no hit there
        services.search.search(people.subscriber, "机顶盒"),
    ):
        assert unasked.correction is None and not unasked.corrected


def test_a_correction_tells_nothing_of_what_a_person_may_not_see(
    services: Services, people: People, numbers: dict[str, str]
) -> None:
    assert services.search.search(people.tech, "暗好").correction is not None
    assert services.search.search(people.subscriber, "暗好").correction is None  # it stands in the staff's half
    with services.database.write() as session:
        validity.retire(session, people.lead, entries.find(session, people.lead, numbers["public"]), reason="旧")
        session.commit()
    assert services.search.search(people.subscriber, "机顶合").correction is None  # the index does not know yet
