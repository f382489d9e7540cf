"""Each reader gets their face of a solution, what helps them first."""

from __future__ import annotations

from flask import Flask

from kb import documents, entries
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples
from web import reading
from web.app import create_app
from web.services import Services


def test_a_subscriber_reads_what_to_do_first_and_nothing_for_staff(
    services: Services, store: ContentStore, people: People
) -> None:
    app: Flask = create_app(services)
    body = samples.BODY + "\n## 安全\n\n雷雨天不要碰信号线。\n"
    with services.database.write() as session, app.test_request_context():
        entry = samples.published(session, store, people.tech, people.lead, body)
        assert entry.published is not None
        seen = reading.read(store, people.subscriber, entry.published)
        theirs = seen.passages
        assert seen.self_help is not None and len(seen.self_help.steps) == 1  # above all else, step by step
        assert "仍不行请报修" in seen.self_help.otherwise
        assert [passage.title for passage in theirs] == ["安全", "现象", "环境", "原因"]
        ours = reading.read(store, people.tech, entry.published).passages
        assert [passage.title for passage in ours if passage.staff] == ["检查", "处理步骤", "移交"]
        assert ours[0].title == "现象"


def test_a_heading_that_repeats_the_title_is_not_shown_twice(
    services: Services, store: ContentStore, people: People
) -> None:
    app: Flask = create_app(services)
    changes = {"kind": "policy", "category": "管理制度/技术类", "title": "报修处理程序"}
    with services.database.write() as session, app.test_request_context():
        entry = samples.published(
            session, store, people.tech, people.lead, "# 报修处理程序\n\n## 目的\n\n文\n", **changes
        )
        assert entry.published is not None
        shown = reading.read(store, people.tech, entry.published).passages[0].html
        assert "<h1>" not in shown and "<h2>目的</h2>" in shown


def test_a_subscriber_opens_files_that_the_shared_text_refers_to_and_no_others(
    services: Services, store: ContentStore, people: People
) -> None:
    app: Flask = create_app(services)
    body = samples.BODY.replace("射频线松脱。", "屏幕显示 E04 时看 ![图](attachments/%E5%9B%BE11.png)。")
    with services.database.write() as session, app.test_request_context():
        revision = entries.create(session, people.tech, samples.attributes(), body)
        for name in ("图11.png", "11.png", "E04"):
            entries.attach(session, store, people.tech, revision, name, name.encode(), "image/png")
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        opened = [file.filename for file in revision.attachments if reading.may_open(store, people.subscriber, file)]
        assert opened == ["图11.png"]
        assert all(reading.may_open(store, people.tech, file) for file in revision.attachments)


def test_a_long_list_of_sayings_is_folded_after_the_first(
    services: Services, store: ContentStore, people: People
) -> None:
    app: Flask = create_app(services)
    said = "\n".join(f"- 第{number}种说法" for number in range(1, 19))
    body = samples.BODY.replace(documents.sections(samples.BODY)[0].text, said)
    with services.database.write() as session, app.test_request_context():
        entry = samples.published(session, store, people.tech, people.lead, body)
        assert entry.published is not None
        passage = reading.read(store, people.tech, entry.published).passages[0]
        assert passage.title == "现象" and "第6种说法" in passage.html and "第7种说法" not in passage.html
        assert passage.more and "第7种说法" in passage.more and "第18种说法" in passage.more


def test_the_number_of_an_entry_leads_to_it_for_those_who_may_read_it(
    services: Services, store: ContentStore, people: People
) -> None:
    app: Flask = create_app(services)
    with services.database.write() as session, app.test_request_context():
        other = samples.published(session, store, people.tech, people.lead, title="光猫 <红灯> 的处理")
        secret = samples.published(
            session, store, people.tech, people.lead, title="员工才能看的处理办法", audience="staff"
        )
        told = f"射频线松脱；区别看 {other.number}、{secret.number}、SOL-TV-999，写法 `{other.number}`。"
        body = samples.BODY.replace("射频线松脱。", told)
        entry = samples.published(session, store, people.tech, people.lead, body)
        assert entry.published is not None
        ours, theirs = (
            next(one.html for one in reading.read(store, by, entry.published).passages if one.title == "原因")
            for by in (people.tech, people.subscriber)
        )
        assert ours.count("<a ") == 2 and theirs.count("<a ") == 1
        assert f'href="/entries/{other.number}" title="光猫 &lt;红灯&gt; 的处理"' in theirs
        assert f"、{secret.number}、SOL-TV-999" in theirs and f"<code>{other.number}</code>" in theirs
