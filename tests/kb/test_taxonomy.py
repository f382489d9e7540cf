"""Categories are added, retired, restored and renamed within the rules of the tree, and texts go by the tree as it is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, entries, importer, installation, library, notices, precheck, taxonomy
from kb.accounts import SYSTEM
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.importer import Defaults, File
from kb.lifecycle import Origin
from kb.models import Category, Notice
from kb.precheck import Finding
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.kb import samples

USED, OWN = "数字电视/信号质量", "数字电视/直播卫星"


def _category(session: Session, path: str) -> Category:
    return session.scalars(select(Category).where(Category.path == path)).one()


def _own(session: Session, people: People) -> Category:
    return taxonomy.add(session, people.manager, parent="数字电视", name="直播卫星")


def _found(session: Session, store: ContentStore, category: str) -> Finding:
    """What the pre-check says of a text that is only typed."""
    given = samples.attributes(category=category)
    checks = precheck.check(session, store, precheck.About(), given, samples.BODY, lambda title, body: [])
    return next(check.outcome for check in checks if check.name == "属性")


# --- the tree as it is shipped ------------------------------------------------------------------------------------


@BOTH
def test_the_shipped_tree_is_put_in_once_and_leaves_alone_what_was_changed_here(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = library.taxonomy()
    with database.write() as session:
        assert taxonomy.paths(session) == list(shipped)
        taxonomy.retire(session, people.manager, _category(session, USED))
        own = _own(session, people)
        monkeypatch.setattr(library, "taxonomy", lambda: (*shipped, "数字电视/云游戏", own.path))
        for _ in range(2):
            installation.load_taxonomy(session)
        found = taxonomy.paths(session)
        assert USED not in found  # an upgrade does not bring back what was retired
        assert found[: found.index("有线网络/电缆网")][-2:] == [own.path, "数字电视/云游戏"]  # beside their siblings
        assert len(found) == len(set(found)) == len(shipped) - 1 + 2
        assert own.shipped  # the product has it now
        monkeypatch.setattr(library, "taxonomy", lambda: shipped)
        installation.load_taxonomy(session)
        assert not own.shipped and own.path in taxonomy.paths(session)


def test_an_installation_is_prepared_with_its_tree(
    database: Database, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        for row in taxonomy.tree(session):
            session.delete(row)
        session.commit()
    monkeypatch.setattr(installation, "_library_files", lambda: iter(()))
    installation.prepare(database, store)
    with database.read() as session:
        assert taxonomy.paths(session) == list(library.taxonomy())


# --- adding -------------------------------------------------------------------------------------------------------


@BOTH
def test_a_category_is_added_below_an_old_parent_or_a_new_one(database: Database, people: People) -> None:
    with database.write() as session:
        made = taxonomy.add(session, people.manager, parent=" 数字电视 ", name=" 直播  卫星\u200b ")
        assert (made.path, made.parent, made.name, made.shipped) == (
            "数字电视/直播 卫星",
            "数字电视",
            "直播 卫星",
            False,
        )
        assert [(row.action, row.actor, row.reason) for row in audit.history(session, made)] == [
            ("create", "manager", "数字电视/直播 卫星")
        ]
        new = taxonomy.add(session, people.admin, parent="智慧广电", name="应急广播 (IPTV)+1.0_试-用&·")
        assert taxonomy.paths(session)[-1] == new.path
        assert session.scalars(select(Notice)).all() == []
        assert notices.SUBJECTS["category"].number(made) == made.path
        rows = audit.search(session, people.manager, audit.Wanted(subject=made.path))
        assert list(audit.names(session, rows).values()) == [made.path]


@pytest.mark.parametrize(
    ("parent", "name", "wrong"),
    [
        ("", "", {"parent", "name"}),
        ("数字电视", "机顶盒", {"name"}),  # there already
        ("数字电视", "a/b", {"name"}),
        ("数字/电视", "甲", {"parent"}),
        ("数字电视", "甲／乙", {"name"}),
        ("数字电视", "甲，乙", {"name"}),  # two values of a filter
        ("数字电视", '甲"乙', {"name"}),
        ("数字电视", "-甲", {"name"}),
        ("数字电视", "长" * 31, {"name"}),
        ("长" * 31, "甲", {"parent"}),
        ("企业IT", "账号与ad", {"name"}),  # case
        ("企业IT", "ＶＰＮ", {"name"}),  # width
        ("企业IT", "数据 库", {"name"}),  # spaces
        ("企业it", "甲", {"parent"}),
        ("数字 电视", "机顶盒", {"parent", "name"}),
    ],
)
def test_what_is_wrong_is_said_by_field(
    database: Database, people: People, parent: str, name: str, wrong: set[str]
) -> None:
    with database.write() as session, pytest.raises(Invalid) as refused:
        taxonomy.add(session, people.manager, parent=parent, name=name)
    assert set(refused.value.fields) == wrong


def test_the_longest_names_fit(database: Database, people: People) -> None:
    with database.write() as session:
        assert len(taxonomy.add(session, people.manager, parent="上" * 30, name="下" * 30).path) == 61


def test_managers_and_administrators_alone_change_the_tree(database: Database, people: People) -> None:
    with database.write() as session:
        category = _category(session, USED)
        for by in (people.tech, people.lead, people.subscriber):
            for step in (taxonomy.retire, taxonomy.restore):
                with pytest.raises(NotAllowed):
                    step(session, by, category)
            with pytest.raises(NotAllowed):
                taxonomy.add(session, by, parent="数字电视", name="甲")
            with pytest.raises(NotAllowed):
                taxonomy.rename(session, by, category, parent="数字电视", name="甲")
        with pytest.raises(NotFound):
            taxonomy.get(session, 10**6)


# --- retiring -----------------------------------------------------------------------------------------------------


@BOTH
def test_no_new_text_gets_a_retired_category_until_it_is_restored(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        category = _own(session, people)
        assert _found(session, store, OWN) is Finding.PASS
        for _ in range(2):  # twice is once
            taxonomy.retire(session, people.manager, category)
        assert OWN not in taxonomy.paths(session) and OWN in taxonomy.paths(session, also=OWN)
        assert taxonomy.paths(session, also="没有/这类") == taxonomy.paths(session)
        assert _found(session, store, OWN) is Finding.FAIL
        with pytest.raises(Invalid) as refused:
            entries.create(session, people.tech, samples.attributes(category=OWN), samples.BODY)
        assert set(refused.value.fields) == {"category"}
        draft = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        with pytest.raises(Invalid) as refused:
            entries.save(session, people.tech, draft, samples.attributes(category=OWN), samples.BODY, version=1)
        assert set(refused.value.fields) == {"category"}
        with pytest.raises(Invalid, match="已停用，可恢复它"):
            _own(session, people)
        for _ in range(2):
            taxonomy.restore(session, people.manager, category)
        entries.save(session, people.tech, draft, samples.attributes(category=OWN), samples.BODY, version=1)
        assert [row.action for row in audit.history(session, category)] == ["create", "retire", "restore"]


@BOTH
def test_what_has_a_retired_category_keeps_it(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        category = _own(session, people)
        entry = samples.published(session, store, people.tech, people.lead, category=OWN)
        waiting = samples.submitted(session, people.tech, category=OWN, title="卫星天线没有信号的处理")
        taxonomy.retire(session, people.manager, category)
        assert samples.approve(session, store, people.lead, waiting).category == OWN
        revision = entries.revise(session, store, people.tech, entry)
        moved = samples.attributes()
        entries.save(session, people.tech, revision, moved, samples.BODY, version=revision.version)
        back = samples.attributes(category=OWN)  # the author thinks better of it
        entries.save(session, people.tech, revision, back, samples.BODY, version=revision.version)
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert (entry.category, entry.state) == (OWN, "published")


def test_imports_go_by_the_tree_and_the_shipped_library_does_not(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        taxonomy.retire(session, people.manager, _category(session, "参考资料/技术资料"))
        taxonomy.retire(session, people.manager, _category(session, "数字电视/机顶盒"))
        session.commit()
    report = importer.load(
        database,
        store,
        people.manager,
        iter([File("说明.md", "光功率的说明\n".encode())]),
        source="x",
        defaults=Defaults(),
    )
    assert [name for name, why in report.refused if "category" in why and "已停用" in why] == ["说明.md"]
    shipped = next(path for path in library.files() if "category: 数字电视/机顶盒" in path.read_text("utf-8"))
    report = importer.load(
        database, store, SYSTEM, iter([File("a.md", shipped.read_bytes())]), source="library", origin=Origin.LIBRARY
    )
    assert (report.added, report.refused) == (1, [])


# --- renaming -----------------------------------------------------------------------------------------------------


@BOTH
def test_a_category_without_texts_is_renamed_and_moved(database: Database, people: People) -> None:
    with database.write() as session:
        category = _own(session, people)
        same = taxonomy.rename(session, people.manager, category, parent="数字电视", name=" 直播卫星 ")
        moved = taxonomy.rename(session, people.manager, category, parent="有线网络", name="卫星前端 A")
        assert same is moved is category
        taxonomy.rename(session, people.manager, category, parent="有线网络", name="卫星前端 a")  # near itself alone
        assert OWN not in taxonomy.paths(session) and "有线网络/卫星前端 a" in taxonomy.paths(session)
        assert [row.reason for row in audit.history(session, category)][1:] == [
            f"{OWN} → 有线网络/卫星前端 A",
            "有线网络/卫星前端 A → 有线网络/卫星前端 a",
        ]
        with pytest.raises(Invalid) as refused:
            taxonomy.rename(session, people.manager, category, parent="数字电视", name="机顶盒")
        assert set(refused.value.fields) == {"name"}


@BOTH
def test_a_category_that_a_text_has_or_has_had_keeps_its_name(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        category = _own(session, people)
        entry = samples.published(session, store, people.tech, people.lead, category=OWN)

        def refused() -> list[str]:
            with pytest.raises(Conflict, match=entry.number) as raised:
                taxonomy.rename(session, people.manager, category, parent="数字电视", name="卫星")
            named: Any = raised.value.details["entries"]
            return list(named)

        assert refused() == [entry.number]
        revision = entries.revise(session, store, people.tech, entry, attributes=samples.attributes())
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert entry.category == USED and refused() == [entry.number]  # its first revision says so for ever
        draft = entries.create(session, people.tech, samples.attributes(category=OWN), samples.BODY)
        assert refused() == [entry.number, draft.entry.number]


def test_a_shipped_category_is_renamed_by_another_in_its_place(database: Database, people: People) -> None:
    with database.write() as session:
        category = _category(session, "企业IT/打印")
        made = taxonomy.rename(session, people.manager, category, parent="企业IT", name="打印与扫描")
        installation.load_taxonomy(session)
        assert made is not category and not made.shipped
        found = taxonomy.paths(session)
        assert "企业IT/打印与扫描" in found and "企业IT/打印" not in found
        assert [row.action for row in audit.history(session, category)] == ["retire"]
