"""Everything comes in or is refused with a reason; again changes nothing; nothing gets around a review."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kb import documents, entries, exporter, importer, incidents, installation, outbox, reviews
from kb.db import Database
from kb.documents import Document, Kind
from kb.errors import GateClosed, Invalid, NotAllowed
from kb.lifecycle import EntryState, Origin, RevisionState, Unmet
from kb.models import Entry, ImportedFile, Revision
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "资料"
    (root / "网络").mkdir(parents=True)
    (root / "网络" / "拨号.md").write_text("# 宽带拨号说明\n\n错误 691 是密码不对。", "utf-8")
    (root / "b.md").write_bytes("# 国标编码的文件\n\n内容".encode("gb18030"))
    (root / "c.markdown").write_text("---\ntitle: 外来的头\nlayout: post\n---\n正文", "utf-8")
    return root


def test_a_folder_comes_in_and_again_changes_nothing(
    folder: Path, database: Database, store: ContentStore, people: People
) -> None:
    first = importer.run(database, store, people.admin, folder)
    assert (first.seen, first.added, first.refused) == (3, 3, [])
    with database.read() as session:
        titles = set(session.scalars(select(Entry.title)))
        assert titles == {"宽带拨号说明", "国标编码的文件", "外来的头"}
        assert set(session.scalars(select(Entry.state))) == {EntryState.PUBLISHED}
        before = outbox.position(session)
    second = importer.run(database, store, people.admin, folder)
    assert (second.seen, second.unchanged, second.added, second.updated) == (3, 3, 0, 0)
    with database.read() as session:
        assert outbox.position(session) == before


def test_a_changed_file_becomes_the_next_revision(
    folder: Path, database: Database, store: ContentStore, people: People
) -> None:
    importer.run(database, store, people.admin, folder)
    (folder / "b.md").write_text("# 国标编码的文件\n\n改过", "utf-8")
    report = importer.run(database, store, people.admin, folder)
    assert (report.updated, report.unchanged) == (1, 2)
    with database.read() as session:
        entry = session.scalars(select(Entry).where(Entry.title == "国标编码的文件")).one()
        assert [r.state for r in entry.revisions] == [RevisionState.SUPERSEDED, RevisionState.APPROVED]
        assert entry.published is not None and "改过" in entries.text_of(store, entry.published)


def test_a_local_revision_is_not_overwritten(
    folder: Path, database: Database, store: ContentStore, people: People
) -> None:
    importer.run(database, store, people.admin, folder)
    with database.write() as session:
        entry = session.scalars(select(Entry).where(Entry.title == "国标编码的文件")).one()
        assert entry.published is not None
        local = entry.published.read_attributes().model_copy(update={"valid_until": dt.date(2027, 1, 1)})
        revision = entries.revise(session, store, people.tech, entry, body="# 本地补充\n", attributes=local)
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        session.commit()
    (folder / "b.md").write_text("# 国标编码的文件\n\n改过", "utf-8")
    report = importer.run(database, store, people.admin, folder)
    assert [path for path, _ in report.refused] == ["b.md"]
    assert "保留本地版本" in report.refused[0][1]


def test_what_cannot_come_in_has_a_reason(
    folder: Path, database: Database, store: ContentStore, people: People
) -> None:
    (folder / "x.docx").write_bytes(b"PK")
    (folder / "空.md").write_bytes(b" \n")
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00\x81\x00")
    (folder / "big.md").write_bytes(b"x" * (importer.MAX_FILE + 1))
    (folder / "long.md").write_text("# t\n" + "字" * (documents.MAX_BODY + 1), "utf-8")
    (folder / "broken.md").write_text("---\nid: SOL-X-1\nkind: solution\ntitle: 缺很多\n---\n", "utf-8")
    os.symlink("/etc/passwd", folder / "link.md")
    report = importer.run(database, store, people.admin, folder)
    assert report.added == 3
    reasons = dict(report.refused)
    assert set(reasons) == {"x.docx", "空.md", "binary.md", "big.md", "long.md", "broken.md", "link.md"}
    assert "category: 缺少必填项" in reasons["broken.md"]
    assert all("·" in reason for reason in reasons.values())  # in Chinese and in English


def test_a_file_called_just_md_is_markdown(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / ".md").write_text("# 只有扩展名的文件\n", "utf-8")
    assert importer.run(database, store, people.admin, root).added == 1


def test_an_archive_is_streamed_and_never_unpacked(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    path = tmp_path / "docs.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        for name in ("./a/一.md", "../../evil.md", "/etc/evil2.md"):
            data = f"# {name} 的标题\n".encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    report = importer.run(database, store, people.admin, path)
    assert report.added == 3
    assert [path for path, _ in report.refused] == ["link.md"]
    with database.read() as session:
        assert set(session.scalars(select(ImportedFile.source))) == {"docs"}
    assert {p.name for p in tmp_path.iterdir()} == {"docs.tar.xz", "data"}


def test_a_broken_archive_is_named(tmp_path: Path, database: Database, store: ContentStore, people: People) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(b"not an archive" * 100)
    with pytest.raises(Invalid, match="tar"):
        importer.run(database, store, people.admin, path)
    with pytest.raises(Invalid, match="没有"):
        importer.run(database, store, people.admin, tmp_path / "nothing")


def test_imported_solutions_go_to_the_review_queue(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    document = Document("SOL-ABC-1", samples.attributes(), samples.BODY)
    (root / "SOL-ABC-1.md").write_text(documents.dump(document), "utf-8")
    report = importer.run(database, store, people.manager, root)
    assert (report.in_review, report.added) == (1, 0)
    with database.write() as session:
        entry = session.scalars(select(Entry)).one()
        assert (entry.number, entry.state) == ("SOL-ABC-1", EntryState.DRAFT)
        assert outbox.waiting(session) == 0
        revision = reviews.review_queue(session, people.lead)[0]
        samples.approve(session, store, people.lead, revision)
        assert entries.text_of(store, revision) == samples.BODY


def test_only_who_may_import_imports(database: Database, store: ContentStore, people: People) -> None:
    with pytest.raises(NotAllowed):
        importer.run(database, store, people.tech, Path("/nowhere"))


def test_export_and_import_give_the_same_documents(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        samples.published(session, store, people.manager, people.lead, audience="restricted")
        policy = entries.create(
            session, people.tech, samples.attributes(kind=Kind.POLICY, category="管理制度/技术类"), "## 目的\n\n文\n"
        )
        entries.attach(session, store, people.tech, policy, "表.csv", b"a,b", "text/csv")
        entries.submit(session, people.tech, policy)
        samples.approve(session, store, people.lead, policy)
        session.commit()
    out = tmp_path / "out"
    assert exporter.run(database, store, people.tech2, out) == 2  # the restricted one is not theirs
    assert exporter.run(database, store, people.admin, out) == 3
    assert (out / "policy" / "POL-000001.files" / "表.csv").read_bytes() == b"a,b"
    report = importer.run(database, store, people.manager, out)
    assert (report.unchanged, report.in_review) == (3, 0)


_IMPORT = """
import sys
from pathlib import Path
from kb import accounts, importer
from kb.access import person
from kb.db import Database
from kb.store import ContentStore
importer.BATCH_FILES = 5
database = Database(Path(sys.argv[1]))
with database.read() as session:
    admin = person(session, accounts.get(session, "admin"))
importer.run(database, ContentStore(Path(sys.argv[2])), admin, Path(sys.argv[3]),
             progress=lambda report: print(report.seen, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_kill_9_and_the_same_command_continues(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    root = tmp_path / "many"
    root.mkdir()
    for number in range(120):
        (root / f"{number:03}.md").write_text(f"# 文件 {number} 的标题\n\n正文 {number}", "utf-8")
    command = [sys.executable, "-c", _IMPORT, str(database.path), str(store.root), str(root)]
    for turn in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(turn):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    report = importer.run(database, store, people.admin, root)
    assert report.added + report.unchanged == 120
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Entry)) == 120
        assert session.scalar(select(func.count()).select_from(Revision)) == 120
        assert store.verify(session).sound


def test_the_shipped_library_installs_once(database: Database, store: ContentStore) -> None:
    first = installation.prepare(database, store)
    assert first.refused == [] and first.added == first.seen > 0
    again = installation.prepare(database, store)
    assert (again.added, again.updated, again.unchanged) == (0, 0, first.seen)
    with database.read() as session:
        assert set(session.scalars(select(Revision.origin))) == {Origin.LIBRARY}


def test_no_import_opens_the_closing_gate(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        samples.confirmed(session, people.tech, incident)
        number = revision.entry.number
        session.commit()
    root = tmp_path / "in"
    root.mkdir()
    solution = Document(number, samples.attributes(), samples.BODY + "改\n")
    disguised = Document(number, samples.attributes(kind=Kind.REFERENCE, covers=[], environment=None), samples.BODY)
    for document, said in ((solution, "已有未完成的修订"), (disguised, "保留本地版本")):
        (root / f"{number}.md").write_text(documents.dump(document), "utf-8")
        report = importer.run(database, store, people.admin, root)
        assert said in report.refused[0][1]
    with database.write() as session:
        found = incidents.find(session, people.tech, incident.number)
        assert incidents.unmet(found) == [Unmet.SOLUTION_NOT_APPROVED]
        with pytest.raises(GateClosed):
            incidents.close(session, people.tech, found)


@pytest.mark.parametrize(
    "bad",
    [
        b"---\ndate: 2021-02-30\n---\n# a title",
        b"---\nkind: [a]\nid: x\n---\n# a title",
        b"---\n1: 2\nkind: solution\nid: SOL-1\n---\n# a title",
        b"{\n# a title",
        b"---\n" + b"[" * 5000 + b"\n---\n",
    ],
)
def test_one_strange_file_does_not_stop_the_others(
    bad: bytes, tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "a.md").write_bytes(bad)
    (root / "b.md").write_text("# 好的文件一份", "utf-8")
    report = importer.run(database, store, people.admin, root)
    assert report.seen == report.added + len(report.refused) == 2
    assert "a.md" in dict(report.refused) or report.added == 2


def test_what_is_no_regular_file_is_refused(
    folder: Path, database: Database, store: ContentStore, people: People
) -> None:
    os.mkfifo(folder / "pipe.md")
    (folder / os.fsdecode("说明".encode("gbk") + b".md")).write_text("# 文件名是国标的", "utf-8")
    report = importer.run(database, store, people.admin, folder)
    assert sorted(reason for _, reason in report.refused) == [
        "不是普通文件 · not a regular file",
        "文件名不是 UTF-8 · the file name is not UTF-8",
    ]


def test_the_same_path_or_id_twice_is_refused_and_changes_nothing(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as archive:
        for name, text in (("a.md", "# 第一份的标题"), ("a.md", "# 第二份的标题")):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    for _ in range(2):
        report = importer.run(database, store, people.admin, path)
        assert "出现两次" in dict(report.refused)["a.md"]
    with database.read() as session:
        assert [r.title for r in session.scalars(select(Revision))] == ["第一份的标题"]
    root = tmp_path / "ids"
    root.mkdir()
    for name in ("a.md", "b.md"):
        document = Document("REF-X-1", samples.attributes(kind=Kind.REFERENCE, title=f"资料 {name}"), "文")
        (root / name).write_text(documents.dump(document), "utf-8")
    report = importer.run(database, store, people.admin, root)
    assert (report.added, report.updated) == (1, 0) and "编号重复" in dict(report.refused)["b.md"]


def test_a_damaged_archive_is_no_success(
    tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(10):
            member = tarfile.TarInfo(f"{number}.md")
            member.size = 9
            archive.addfile(member, io.BytesIO(b"# title 1"))
    data = bytearray(path.read_bytes())
    data[5 * 1024 + 148 : 5 * 1024 + 156] = b"\xff" * 8  # the checksum of the sixth header
    path.write_bytes(data)
    with pytest.raises(Invalid, match="已损坏"):
        importer.run(database, store, people.admin, path)


def test_imported_reference_material_survives_export_and_import(
    folder: Path, tmp_path: Path, database: Database, store: ContentStore, people: People
) -> None:
    importer.run(database, store, people.admin, folder)
    exporter.run(database, store, people.admin, tmp_path / "out")
    report = importer.run(database, store, people.admin, tmp_path / "out")
    assert (report.unchanged, report.refused) == (3, [])
