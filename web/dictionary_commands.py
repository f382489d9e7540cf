"""Which commands does whoever looks after the dictionary and the golden queries have?

`kb dictionary` edits the working copy, shows what it would change, and puts it in use; `kb golden` looks after the
queries that must find their entry. The page 管理 → 词典 does the same.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from indexer import workbench
from kb import dictionary as words
from kb import golden as judged
from kb.dictionary_lines import SECTIONS, Line, LineKind, write_file
from kb.errors import Invalid
from kb.models import DictionaryChange
from web.console import Group, errors, opened, person_of, progress, show
from web.labels import LABELS, local_time

_KIND = click.option(
    "--kind", type=click.Choice([kind.value for kind in LineKind]), default=LineKind.TERM.value, show_default=True
)
_BY = click.option("--by", "username", default="", help="以谁的名义 · user name; default: the first administrator")
_REASON = click.option("--reason", required=True, help="原因 · why")
_JSON = click.option("--json", "as_json", is_flag=True)
EXIT_FAILED = 1


@click.group(cls=Group)
def dictionary() -> None:
    """词典工作台：词语、同义词、停用词、置顶 · words, synonyms, stop words, pinned results."""


@dictionary.command("list")
@click.option("--version", "number", type=int, default=None, help="某一版；默认工作副本 · of a version")
@_JSON
def list_(*, number: int | None, as_json: bool) -> None:
    """列出本地的行 · the lines of this installation: the working copy, or a version."""
    with opened() as services:
        in_use = workbench.version_in_use(services.database, services.generations)
        with services.database.read() as session:
            here = words.working(session)
            lines = list(here.lines) if number is None else words.lines_of(session, number)
            same = set(here.lines) == set(words.lines_of(session, in_use)) if in_use else not here.lines
    if as_json:
        show({"in_use": in_use, "working": here.version, "same": same, "lines": [_line(line) for line in lines]})
        return
    for line in lines:
        print(f"{'-' if line.removed else ' '} {SECTIONS[line.kind]}\t{line.text}")
    errors.print(f"使用中 in use: v{in_use}；工作副本{'与之相同 · the same' if same else '有改动 · changed'}")


def _line(line: Line) -> dict[str, object]:
    return line._asdict()


@dictionary.command()
@click.argument("line")
@_KIND
@_REASON
@_BY
def add(*, line: str, kind: str, reason: str, username: str) -> None:
    """把一行加入工作副本 · add a line to the working copy, e.g. `款带 => 宽带 | 查询` with --kind synonym."""
    with opened() as services, services.database.write() as session:
        known = workbench.known(session, services.generations)
        try:
            added = words.add(session, person_of(services, username), LineKind(kind), line, reason=reason, known=known)
        except Invalid as exc:
            raise _told(exc) from exc
        session.commit()
    print(f"已加入 added: {'；'.join(one.text for one in added)}")


@dictionary.command()
@click.argument("line")
@_KIND
@_REASON
@_BY
def remove(*, line: str, kind: str, reason: str, username: str) -> None:
    """从工作副本去掉一行；随产品的行在本地不再生效 · take a line out; a shipped one no longer holds here."""
    with opened() as services, services.database.write() as session:
        known = workbench.known(session, services.generations)
        words.remove(session, person_of(services, username), LineKind(kind), line, reason=reason, known=known)
        session.commit()
    print(f"已去掉 removed: {line}")


@dictionary.command()
@click.option("--query", "queries", multiple=True, help="另外比较的查询 · another query to compare")
@_JSON
def preview(*, queries: tuple[str, ...], as_json: bool) -> None:
    """看工作副本会改变什么，不动使用中的索引 · what would the working copy change?"""
    with opened() as services:
        found = services.preview_dictionary(queries)
    if as_json:
        show(asdict(found) | {"failing": found.failing})
        return
    print("需要重建索引 rebuild" if found.rebuild else "不需要重建索引，立即可用 no rebuild")
    print(
        f"新词 added {len(found.words_added)}，去词 gone {len(found.words_gone)}，含改动词的文档 documents {found.affected}"
    )
    if found.recut:
        print(f"切分不同 cut otherwise: {'、'.join(found.recut)}")
    exact = "精确 exact" if found.exact else "部分文档上的近似 approximate, on a part"
    print(f"比较了 {found.asked} 个查询 queries，在 {found.judged_on} 份文档上 documents（{exact}）")
    for one in found.moved:
        print(f"  {'✗' if one.failed else '·'} {one.query}: {' '.join(one.before[:3])} → {' '.join(one.after[:3])}")
    for text in found.failing:
        print(f"  金标不通过 fails: {text}")


@dictionary.command()
@_REASON
@_BY
def apply(*, reason: str, username: str) -> None:
    """启用工作副本：定版，核对金标查询，通过才切换 · freeze it and put it in use if the golden queries hold."""
    with opened() as services:
        by = person_of(services, username)
        number = services.freeze_dictionary(by, reason=reason)
        with progress("词典 dictionary") as step:
            services.use_dictionary(by, number, reason=reason, progress=step)
    print(f"已启用 in use: v{number}")


@dictionary.command()
@click.argument("number", type=int)
@_REASON
@_BY
def rollback(*, number: int, reason: str, username: str) -> None:
    """回到较早的一版；0 是随产品的词典 · go back to an earlier version; 0 is the shipped dictionary."""
    with opened() as services, progress("词典 dictionary") as step:
        services.use_dictionary(person_of(services, username), number, reason=reason, progress=step)
    print(f"已启用 in use: v{number}")


@dictionary.command()
@_JSON
def propose(*, as_json: bool) -> None:
    """由搜不到的查询提议词语和同义词 · words and synonyms that failed searches speak for."""
    with opened() as services:
        found = services.proposals()
    if as_json:
        show([asdict(one) for one in found])
        return
    for one in found:
        print(f"{one.count}\t{SECTIONS[LineKind(one.kind)]}\t{one.text}")


@dictionary.command()
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000))
@_JSON
def history(*, limit: int, as_json: bool) -> None:
    """谁在何时为何改了什么 · who changed what, when and why."""
    with opened() as services, services.database.read() as session:
        rows = words.history(session, limit)
    if as_json:
        show([_change(row) for row in rows])
        return
    for row in rows:
        what = LABELS["dictionary_action"][row.action] + (f" v{row.version}" if row.version is not None else "")
        print(f"{local_time(row.at)}  {row.actor}  {what}  {row.text.replace(chr(10), '；')[:80]}  {row.reason}")


def _change(row: DictionaryChange) -> dict[str, object]:
    names = ("id", "at", "actor", "action", "kind", "text", "version", "reason")
    return {name: getattr(row, name) for name in names}


@dictionary.command("export")
def export_() -> None:
    """把工作副本写到标准输出 · write the working copy as text."""
    with opened() as services, services.database.read() as session:
        here = words.working(session)
    sys.stdout.write(write_file(here.lines, f"问渠词典，工作副本 {here.version} · the working copy"))


@dictionary.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@_REASON
@_BY
def import_(*, file: Path, reason: str, username: str) -> None:
    """用文件替换工作副本，有错则一行也不改 · make the working copy what a file says; all of it or nothing."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    with opened() as services, services.database.write() as session:
        known = workbench.known(session, services.generations)
        try:
            came, went = words.replace(session, person_of(services, username), text, reason=reason, known=known)
        except Invalid as exc:
            raise _told(exc) from exc
        session.commit()
    print(f"新增 added {came}，去掉 removed {went}")


def _told(error: Invalid) -> Invalid:
    """With every line's problem, which a terminal shows in full."""
    return Invalid("\n".join([error.message, *error.problems]))


@click.group(cls=Group)
def golden() -> None:
    """金标查询：必须找到指定词条的查询 · queries that must find their entry."""


@golden.command("list")
@_JSON
def golden_list(*, as_json: bool) -> None:
    """列出金标查询 · all golden queries."""
    with opened() as services, services.database.read() as session:
        rows = [*judged.shipped(services.golden), *judged.local(session)]
    if as_json:
        show([row._asdict() for row in rows])
        return
    for row in rows:
        print(f"{'本地 local' if row.local else '随产品 shipped'}\t{row.query}\t{row.entry}\t{row.lowest}")


@golden.command("add")
@click.argument("query")
@click.argument("entry")
@click.option("--lowest", default=3, show_default=True, help="允许的最低名次 · lowest rank allowed")
@click.option("--reason", default="")
@_BY
def golden_add(*, query: str, entry: str, lowest: int, reason: str, username: str) -> None:
    """加一条 · add one."""
    with opened() as services, services.database.write() as session:
        judged.add(session, person_of(services, username), query, entry, lowest, reason=reason)
        session.commit()
    print(f"已加入 added: {query} => {entry}")


@golden.command("remove")
@click.argument("query")
@click.argument("entry")
@click.option("--reason", default="")
@_BY
def golden_remove(*, query: str, entry: str, reason: str, username: str) -> None:
    """去掉一条本地的 · remove one of this installation's own."""
    with opened() as services, services.database.write() as session:
        judged.remove(session, person_of(services, username), query, entry, reason=reason)
        session.commit()
    print(f"已去掉 removed: {query}")


@golden.command("run")
@_JSON
def golden_run(*, as_json: bool) -> None:
    """现在核对；不通过则退出码 1 · ask them now; exit code 1 when one fails."""
    with opened() as services:
        run = services.run_golden()
    outcomes = judged.outcomes(run)
    if as_json:
        show({"at": run.at, "asked": run.asked, "failed": run.failed, "results": [one._asdict() for one in outcomes]})
    else:
        for one in outcomes:
            if one.failed:
                print(one)
        print(f"{run.asked} 个查询 queries，不通过 failed {run.failed}")
    if run.failed:
        sys.exit(EXIT_FAILED)
