"""What does bad and hostile input cost, and is it ever answered with a 500?

    python -m tests.benchmarks.hostile FOLDER [FOLDER ...]

Each folder is the data directory of an installation with an index (`tests.benchmarks.http` makes them). Every case is asked of
the engine alone (reading the question and searching) and of the whole web application, page and API, without a network between;
processor milliseconds of the one thread that answers. Cold: the first time that an index just opened meets the question; warm: the
best of the next three. A status of 500 ends the run with an error.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from indexer import FACETS, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from kb.errors import BadQuery
from kb.settings import Settings
from web.app import create_app
from web.services import Services, open_services

LONGEST = 4_000  # characters that a query may have
WARM = 3
LIMIT_MS = 100.0  # of processor time; slower cases are marked

_COMMON = [
    "数据库",
    "服务器",
    "操作系统",
    "配置文件",
    "应用程序",
    "执行命令",
    "负载均衡",
    "用户名",
    "管理员",
    "数据中心",
    "虚拟机",
    "网络连接",
]
_RARE = [
    "机顶盒黑屏",
    "光猫亮红灯",
    "信号中断",
    "密码错误",
    "无法上网",
    "电视没有声音",
    "路由器重启",
    "画面马赛克",
    "宽带拨号失败",
    "遥控器失灵",
    "光功率过低",
    "认证超时",
]
_RUNNING = [
    "的数据",
    "在一个",
    "中的文",
    "以使用",
    "可以通",
    "一个新",
    "是一种",
    "进行配",
    "下的命",
    "我们可",
    "使用的",
    "用户的",
]
_LOG = (
    "2026-11-23 08:15:{:02} ERROR [pool-7-thread-{}] c.x.y.OrderService{}: 数据库连接池耗尽，等待 30000 ms 后超时 "
    "ORA-{:05} at 10.0.{}.{}:1521，主机 db-{:03}，会话 0x{:08x} 已回收，请检查监听和网络"
)


def _paste() -> str:
    """A log of many lines that share words and differ in identifiers."""
    rng = random.Random(4)
    lines = [
        _LOG.format(second % 60, second, second, *(rng.randrange(255) for _ in range(4)), rng.getrandbits(32))
        for second in range(60)
    ]
    return "\n".join(lines)[:LONGEST]


def _identifiers() -> str:
    rng = random.Random(5)
    return " ".join(f"ab-{rng.randrange(10**4)}x{number}" for number in range(500))[:LONGEST]


def _han() -> str:
    rng = random.Random(6)
    return "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(LONGEST))


def _quoted(phrases: list[str], sign: str = "") -> str:
    return " ".join(f'{sign}"{phrase}"' for phrase in phrases)


QUESTIONS: dict[str, str] = {
    "nothing": "",
    "10,000 characters": "网关超时" * 2_500,
    "punctuation alone": "？？！！……——（）《》%&*()[]{};:'\\|/<>~`^" * 20,
    "emoji": "📺🔥" * 200,
    "broken surrogates": "黑\ud83d屏\udc00" * 100,
    "2,000 brackets": "(" * 1_000 + "光猫" + ")" * 1_000,
    "2,000 opening quotes": "「" * 2_000,
    "nested quotes": '"「『“' * 500 + "红灯" + '”』」"' * 490,
    "leading wildcards": "*屏 ?光猫 *a* ***** %_%",
    "twelve rare phrases": _quoted(_RARE),
    "twelve common phrases": _quoted(_COMMON),
    "twelve phrases across words": _quoted(_RUNNING),
    "twelve common exclusions": "系统 " + _quoted(_COMMON, "-"),
    "twelve exclusions across words": _quoted(_RUNNING, "-"),
    "twelve single characters": _quoted(list("的一是在不了有和人这中大")),
    "twelve excluded characters": _quoted(list("的一是在不了有和人这中大"), "-"),
    "a phrase of 3,900 characters": f'"{"数据库连接" * 780}"',
    "pasted log of 4,000 characters": _paste(),
    "4,000 different Chinese characters": _han(),
    "one character 4,000 times": "的" * LONGEST,
    "one letter 4,000 times": "a" * LONGEST,
    "one letter 1,900 times apart": "a " * 1_900,
    "1,000 pinyin syllables": "shi" * 1_000,
    "1,300 pinyin syllables cut in two ways": "xian" * 650,
    "500 identifiers": _identifiers(),
    "one identifier of 4,000 characters": "a1-" * 1_333,
    "2,000 dots": "1." * 2_000,
    "a filter of 800 values": "device:" + ",".join(f"{number:04}" for number in range(0, 8_000, 10)),
    "an open filter of 600 values": "category:" + ",".join(f"类{number}" for number in range(600)),
    "12 filters of 50 values": " ".join("id:" + ",".join(f"S-{a}{b}" for b in range(50)) for a in range(12)),
    "thirteen conditions": _quoted(["数据"] * 13),
    "NUL": "黑屏\0\0光猫\0",
    "bidi marks": "\u202e黑屏\u202c \u2066光猫\u2069\u200f\u200b" * 50,
    "combining marks": "é" + "\u0301" * 3_900,
    "characters that grow when normalised": "\ufdfa" * LONGEST,
    "full-width letters": "ＯＲＡ－１２５４１ " * 300,
}

_Ask = Callable[[FlaskClient], TestResponse]


def _get(path: str, **options: Any) -> _Ask:
    return lambda client: client.get(path, **options)


def _post(path: str, **options: Any) -> _Ask:
    return lambda client: client.post(path, **options)


REQUESTS: dict[str, _Ask] = {
    "page=99999999": _get("/search?q=数据库&page=99999999"),
    "page of 5,000 digits": _get("/search?q=数据库&page=" + "9" * 5_000),
    "page=-1": _get("/search?q=数据库&page=-1"),
    "a page that is no number": _get("/search?q=数据库&page=%00x"),
    "raw %00": _get("/search?q=%00%E9%BB%91%00"),
    "bytes that are no UTF-8": _get("/search?q=%ff%fe%ed%a0%80"),
    "unknown parameters, 60 KB": _get("/search?q=黑屏&" + "&".join(f"x{number}=1" for number in range(8_000))),
    "a filter of 60 KB": _get("/search?q=黑屏&device=" + "a," * 30_000),
    "1,000 times q": _get("/search?" + "&".join("q=黑屏" for _ in range(1_000))),
    "unknown facet": _get("/api/v1/search?q=黑屏&facet=owner_group,__class__"),
    "a facet 1,000 times": _get("/api/v1/search?q=黑屏&facet=" + "kind," * 1_000),
    "limit of the wrong type": _get("/api/v1/search?q=黑屏&limit=ten&offset=1e9"),
    "limit and offset too large": _get("/api/v1/search?q=黑屏&limit=999999999999&offset=999999999999"),
    "the deepest page of the API": _get("/api/v1/search?q=数据&limit=100&offset=10000"),
    "unknown argument": _get("/api/v1/search?q=黑屏&sort=__import__"),
    "no q": _get("/api/v1/search"),
    "suggestions for 10,000 characters": _get("/suggest?q=" + quote("光" * 3_000)),
    "suggestions for a wildcard": _get("/suggest?q=*%25_"),
    "entry number of 4,000 characters": _get("/entries/" + "A" * LONGEST),
    "entry number with a path": _get("/entries/..%2f..%2fetc%2fpasswd"),
    "JSON of wrong types": _post("/api/v1/incidents", json={"description": ["a"], "priority": "x", "title": {"a": 1}}),
    "JSON nested 10,000 deep": _post(
        "/api/v1/incidents", data="[" * 10_000 + "]" * 10_000, content_type="application/json"
    ),
    "JSON that is cut off": _post("/api/v1/incidents", data='{"description": "', content_type="application/json"),
    "JSON list of 100,000": _post("/api/v1/incidents", json=list(range(100_000))),
}


def spent_ms(ask: Callable[[], object]) -> float:
    """Processor milliseconds of this thread."""
    began = time.thread_time()
    ask()
    return (time.thread_time() - began) * 1000


def cold_and_warm(ask: Callable[[], object]) -> tuple[float, float]:
    return spent_ms(ask), min(spent_ms(ask) for _ in range(WARM))


def engine_asks(services: Services, question: str) -> Callable[[], object]:
    """The question, read and searched for with all facets as somebody who sees everything."""

    def ask() -> object:
        try:
            request = SearchRequest(parse(question), Scope.everything(), facets=FACETS)
        except BadQuery as exc:
            return exc
        return services.generations.current().search(request)

    return ask


def web_asks(client: FlaskClient, ask: _Ask, statuses: list[int]) -> Callable[[], None]:
    def once() -> None:
        response = ask(client)
        statuses.append(response.status_code)

    return once


def opened(folder: Path, analyzer: Analyzer) -> Services:
    """The installation with nothing asked of it but what every process asks first."""
    services = open_services(Settings(data_dir=folder), analyzer=analyzer)
    services.search.warm_up()
    gc.collect()  # the garbage of the case before is not this one's
    return services


def cases() -> Iterator[tuple[str, str | None, _Ask]]:
    """Name, question for the engine if it is one, request."""
    for name, question in QUESTIONS.items():
        words = quote(question.encode("utf-8", "surrogatepass"))
        yield name, question, _get(f"/search?q={words}")
        yield f"{name}, API", None, _get(f"/api/v1/search?q={words}&facet={','.join(FACETS)}")
    for name, ask in REQUESTS.items():
        yield name, None, ask


def one_folder(folder: Path, wanted: str) -> bool:
    """Print the table of one installation; was no answer a 500?"""
    settings = Settings(data_dir=folder)
    analyzer = Analyzer(settings.dictionary_path, settings.cache_path)
    analyzer.load()
    services = opened(folder, analyzer)
    print(f"\n{services.generations.current().count():,} documents\n")
    print("| asked | status | engine: cold | warm | web: cold | warm |\n|---|---|---|---|---|---|", flush=True)
    create_app(services).test_client().get("/search?q=预热")  # templates are compiled once
    good = True
    for name, question, ask in cases():
        if wanted not in name:
            continue
        row = ["", ""]
        if question is not None:
            services = opened(folder, analyzer)
            row = [f"{ms:.1f}" for ms in cold_and_warm(engine_asks(services, question))]
        services = opened(folder, analyzer)
        client = create_app(services).test_client()
        client.get("/search?q=预热")
        statuses: list[int] = []
        times = cold_and_warm(web_asks(client, ask, statuses))
        slow = " **slow**" if max(times) > LIMIT_MS else ""
        good = good and max(statuses) < 500
        print(f"| {name}{slow} | {statuses[0]} | {' | '.join(row)} | {times[0]:.1f} | {times[1]:.1f} |", flush=True)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="data directories")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    options = parser.parse_args()
    good = [one_folder(folder, options.case) for folder in options.folders]
    if not all(good):
        parser.exit(1, "a case was answered with a 500\n")


if __name__ == "__main__":
    main()
