"""Which commands ask the search, measure it, and show what it learns from? The page and the API answer the same.

`search` and `related` ask as one role sees it, `access` says why somebody finds an entry or does not, `eval` measures the
ranking, `searches` and `captured` show the log of searches and the words that closed incidents gave to solutions.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import click
from sqlalchemy import select

from indexer import Sort, evaluation, feed
from indexer.analysis import Analyzer
from indexer.learning import curve, read_collection, read_reports
from indexer.query import cut
from kb import access, captured, clock, entries, searches
from kb.access import SUBSCRIBER, Person
from kb.accounts import SYSTEM
from kb.errors import NotFound
from kb.lifecycle import Role
from kb.models import Entry
from web.console import Group, errors, opened, person_of, progress, settings_or_error, show
from web.index_commands import index_pending
from web.services import Services

_AS = click.option(
    "--as",
    "role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMINISTRATOR.value,
    show_default=True,
    help="以什么角色的眼光 · whose sight decides",
)
_JSON = click.option("--json", "as_json", is_flag=True)


@click.command()
@click.argument("query")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 100))
@_AS
@click.option(
    "--sort", type=click.Choice([sort.value for sort in Sort]), default=Sort.RELEVANCE.value, show_default=True
)
@click.option("--exact", is_flag=True, help="按原词，不纠错 · as typed, without correction")
@click.option("--explain", "number", default="", metavar="编号", help="说明为什么找到这一条 · why is this entry found?")
@_JSON
def search(*, query: str, limit: int, role: str, sort: str, exact: bool, number: str, as_json: bool) -> None:
    """检索 · search as one role sees it."""
    by = Person(None, role, Role(role))
    with opened() as services:
        if number:
            _explain(services, by, query, number, as_json=as_json)
            return
        page = services.search.search(by, query, limit=limit, sort=Sort(sort), exact=exact)
    if page.correction:
        meant = page.correction.apply(query)
        errors.print(
            f"已按「{meant}」搜索，--exact 按原词 · searched for {meant}"
            if page.corrected
            else f"您是不是要找：{meant} · did you mean {meant}?",
            markup=False,
        )
    if as_json:
        show([found.as_json() for found in page.hits])
        return
    for phrase in page.as_words:
        errors.print(f"没有「{phrase.text}」，按词语查找 · nobody has this phrase, looked for as words", markup=False)
    for offer in page.offers:
        errors.print(f"{cut(page.query.text, offer.parts)} 有 {offer.total} 条 · would find so many", markup=False)
    for found in page.hits:
        print(
            f"{found.id}  {found.title}  [{'置顶 pinned' if found.pinned else f'{found.tier} {found.score:.2f}'}]\n    {found.snippet.text}"
        )
    print(f"共 {page.total} 条 hits，{page.took_ms:.1f} ms")


@click.command()
@click.argument("number")
@_AS
@_JSON
def related(*, number: str, role: str, as_json: bool) -> None:
    """相近的词条 · entries like one, and the words they share"""
    by = Person(None, role, Role(role))
    with opened() as services:
        with services.database.read() as session:
            entry = entries.find(session, by, number)
        found = services.search.related(by, entry.number)
    if as_json:
        show([dataclasses.asdict(other) for other in found])
        return
    for other in found:
        print(f"{other.number}  {other.title}  [{'、'.join(other.shared)}]")


def _explain(services: Services, by: Person, query: str, number: str, *, as_json: bool) -> None:
    with services.database.read() as session:
        entry = entries.find(session, by, number)
    told = services.search.explain(by, query, entry.number)
    if told is None:
        raise NotFound(f"{entry.number} 不在检索范围里 · not in the index", number=entry.number)
    if as_json:
        show(dataclasses.asdict(told))
        return
    print(f"{told.id}  {entry.title}  [{told.tier or '未找到 not found'} {told.score:.6f}]")
    for one in told.missed:
        print(f"  不合条件 condition not met: {one}")
    for piece in (*told.pieces, *told.grams):
        print(f"  {piece.typed}: {piece.score:.6f}  idf {piece.idf:.4f}，{piece.df}/{told.documents} 条 entries")
        for match in piece.matches:
            faces = " ".join(f"{face} {count}" for face, count in match.faces.items())
            print(f"    {'' if match.typed else '同义词 synonym '}{match.term} ×{match.weight:g}: {faces}")
    print(
        f"  覆盖 coverage {told.coverage:.4f} ×{told.coverage_factor:.4f}，字对 pairs of characters "
        f"+{told.grams_added:.6f}，先验 prior ×{told.prior:.4f}"
    )
    if meaning := told.meaning:
        print(
            f"  语义 meaning {meaning.cosine:.4f}：按词第 {meaning.by_words}、按义第 {meaning.by_meaning}、合并后第 {meaning.rank} · "
            "by words, by meaning, together"
        )


@click.command("access")
@click.argument("number")
@click.option("--user", "username", default="", help="哪个账号，默认是用户 · whose account; default: a subscriber")
@click.option("--by", default="", help="以谁的名义问 · who asks; default: the first administrator")
@_JSON
def explain_access(*, number: str, username: str, by: str, as_json: bool) -> None:
    """某人为什么找得到或找不到一条 · why somebody finds an entry, or does not."""
    with opened() as services:
        asker, of = person_of(services, by), person_of(services, username) if username else SUBSCRIBER
        with services.database.read() as session:
            reasons = access.reasons(asker, of, entries.find(session, asker, number))
    if as_json:
        show([dataclasses.asdict(reason) for reason in reasons])
        return
    for reason in reasons:
        print(f"{'✓' if reason.lets else '✗'} {reason.rule:<9} {reason.said}")


@click.command("eval")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=0, help="只取前 N 个查询 · only the first N queries")
@click.option("--learning", is_flag=True, help="学习曲线：关闭若干事件之后 · how search learns from closed incidents")
@_JSON
def evaluate(*, path: Path, limit: int, learning: bool, as_json: bool) -> None:
    """用 BEIR 目录评测排序；学习曲线也可用报告表 · measure the ranking on a BEIR folder, in a throw-away index.

    With --learning PATH may also be a table of judged reports (id, channel, text, right), asked of this installation's
    entries."""
    settings = settings_or_error()
    analyzer = Analyzer(settings.dictionary_path, settings.cache_path)
    if learning:
        _show_curve(path, analyzer, limit=limit or None, as_json=as_json)
        return
    with progress("评测 evaluate") as step:
        figures = evaluation.evaluate(path, analyzer, limit=limit or None, progress=step)
    if as_json:
        show(figures)
        return
    for name, value in figures.items():
        print(f"{name:<14} {value:.4f}" if isinstance(value, float) else f"{name:<14} {value}")


def _show_curve(path: Path, analyzer: Analyzer, *, limit: int | None, as_json: bool) -> None:
    if path.is_dir():
        known, reports = read_collection(path)
    else:
        with opened() as services:
            known = list(feed.everything(services.database, services.store))
            with services.database.read() as session:
                rows = session.execute(select(Entry.number, Entry.covers).where(access.searchable())).all()
        reports = read_reports(path, {symptom: number for number, covers in rows for symptom in covers})
    with progress("学习 learning") as step:
        steps = curve(known, reports[:limit], analyzer, choose=captured.chosen, progress=step)
    if as_json:
        show([dataclasses.asdict(one) for one in steps])
        return
    first = steps[0]
    print(f"{first.reports} 条报告 reports，其中 {first.taught} 条的方案有过事件 whose solution was taught")
    print("incidents   s@1    s@3    s@1 taught  s@3 taught")
    for one in steps:
        shares = (*one.success.values(), *one.success_taught.values())
        print(f"{one.incidents:>9}  {shares[0]:.3f}  {shares[1]:.3f}  {shares[2]:>10.3f}  {shares[3]:>10.3f}")


@click.group("searches", cls=Group)
def searches_group() -> None:
    """检索日志 · the log of searches."""


@searches_group.command("list")
@click.option("--failed", is_flag=True, help="只列查不到或查不好的，同一说法归并 · only in vain, wordings together")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1), help="最近多少天 · of so many days")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@_JSON
def searches_list(*, failed: bool, days: int, limit: int, as_json: bool) -> None:
    """最近的检索，或没有结果的检索 · what was searched for, or what was searched for in vain."""
    since = clock.now() - dt.timedelta(days=days)
    with opened() as services, services.database.read() as session:
        if failed:
            rows = [dataclasses.asdict(row) for row in searches.failed(session, since, limit=limit)]
        else:
            rows = [
                {"at": row.at, "role": row.role, "text": row.text, "hits": row.hits, "opened_rank": row.opened_rank}
                for row in searches.newest(session, since, limit=limit)
            ]
    if as_json:
        show(rows)
        return
    for row in rows:
        print("\t".join("" if value is None else str(value) for value in row.values()))


@searches_group.command("prune")
@click.option("--days", type=click.IntRange(0), help="保留天数，默认 KB_SEARCH_LOG_DAYS · days to keep")
def searches_prune(*, days: int | None) -> None:
    """清除过期的检索日志，未结束事件的除外 · delete old searches, but for those of open incidents."""
    with opened() as services:
        keep = services.settings.search_log_days if days is None else days
        gone = searches.prune(services.database, clock.now() - dt.timedelta(days=keep))
    print(f"已清除 {gone} 条 · searches deleted")


@click.group("captured", cls=Group)
def captured_group() -> None:
    """已关闭事件带给方案的隐藏匹配词 · the hidden matching words that closed incidents gave to solutions."""


@captured_group.command("list")
@click.argument("number")
@_JSON
def captured_list(*, number: str, as_json: bool) -> None:
    """一条方案的匹配词 · the words of a solution."""
    with opened() as services, services.database.read() as session:
        entry = entries.find(session, SYSTEM, number)
        rows = [
            {"id": row.id, "source": row.source, "incident": row.incident.number, "text": row.text}
            for row in captured.newest(session, entry)
        ]
    if as_json:
        show(rows)
        return
    for row in rows:
        print("\t".join(map(str, row.values())))


@captured_group.command("remove")
@click.argument("number")
@click.argument("captured_id", type=int)
@click.option(
    "--by", "username", required=True, help="以谁的名义：技术负责人或知识管理员 · a lead or a knowledge manager"
)
@click.option("--reason", required=True)
def captured_remove(*, number: str, captured_id: int, username: str, reason: str) -> None:
    """去掉一条匹配词，同样的话不再带入 · take words out; the same wording does not come again."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.write() as session:
            captured.remove(session, by, entries.find(session, by, number), captured_id, reason=reason)
            session.commit()
        index_pending(services)
    print(f"已去掉 removed: {number} {captured_id}")
