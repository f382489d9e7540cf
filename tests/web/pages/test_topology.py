"""Drawings of networks: seen by whom the entry is for, with faults, entries and failures on them; broken ones say where."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from kb import entries, incidents
from kb.accounts import SYSTEM
from kb.lifecycle import Origin
from kb.models import Attachment, Entry
from kb.publishing import publish_unreviewed
from tests.kb import samples
from tests.kb.test_drawio import MODEL
from tests.web.conftest import SECRET, SOLUTION, TOPOLOGY, person_of

PAGE = f"/topology/{TOPOLOGY}"
MERMAID = "# 图\n\n```mermaid\ngraph LR\n  A[东门分前端] -->|光纤| B[三号楼 48户]\n  P[供电器] -->|供电| A\n```\n"


def published(site, title, body, files=(), **changes) -> str:
    """A topology, as an import would publish it."""
    values = {"kind": "topology", "category": "拓扑/接入网", "audience": "staff", "covers": [], "error_codes": []}
    with site.database.write() as session:
        attributes = samples.attributes(title=title, **(values | changes))
        revision = entries.create(session, SYSTEM, attributes, body, origin=Origin.IMPORTED)
        for name, data in files:
            session.add(
                Attachment(revision=revision, sha256=site.store.put(session, data, "text/plain"), filename=name)
            )
            session.flush()
        publish_unreviewed(session, site.store, SYSTEM, revision)
        session.commit()
        return revision.entry.number


def test_the_drawing_is_there_without_script(browse):
    page = browse("tech").get(PAGE)
    assert page.status_code == 200
    svg = re.search(r"<svg.*?</svg>", page.text, re.DOTALL).group()
    root = ElementTree.fromstring(svg)
    words = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"一号楼一层接入交换机", "LS-OF-ASW-01"} <= words or "LS-OF-ASW-01" in words
    links = [a.get("href") for a in root.iter("{http://www.w3.org/2000/svg}a")]
    assert f"{PAGE}?node=LS-OF-ASW-01" in links and len(links) == 42
    assert " style=" not in page.text and "onclick" not in page.text
    assert "供电器掉电谁会断" in page.text


def test_a_node_shows_its_ways_and_attributes(browse):
    page = browse("tech").get(f"{PAGE}?node=LS-OF-DSW-01").text
    assert "10.20.10" in page and "管理地址" in page
    above, below = page.index("上游，从源头起"), page.index("下挂")
    assert above < page.index("LS-OF-RT-01", above) < below
    assert 'class="node data focus"' in page
    svg = browse("tech").get(f"{PAGE}.svg?node=LS-OF-DSW-01").text
    classes = dict(re.findall(r'class="node \w+ (\w*)" id="n-([^"]+)"', svg))
    by_node = {node: given for given, node in re.findall(r'class="node \w+ (\w*)" id="n-([^"]+)"', svg)}
    assert classes and by_node["LS-OF-CSW-01"] == "above" and by_node["LS-OF-UPS-01"] == "supply"
    assert by_node["LS-OF-T11"] == "below" and by_node["LS-OF-DSW-02"] == ""


def test_what_fails_takes_with_it_what_has_no_second_way(browse):
    page = browse("tech").get(f"{PAGE}?fails=LS-OF-UPS-02").text
    assert "LS-OF-ASW-05" in page[page.index("没有业务：") :]
    assert "32 台终端" in page
    alone = browse("tech").get(f"{PAGE}?fails=LS-OF-CSW-01").text
    assert "LS-OF-WLC-01" in alone[alone.index('id="chosen"') :]
    assert "LS-OF-DSW-01" not in alone[alone.index('id="chosen"') :]


def test_a_search_lists_nodes_and_goes_to_the_only_one(browse):
    page = browse("tech").get(f"{PAGE}?q=汇聚交换机").text
    assert page.count('class="node data match"') == 2
    assert "它故障谁会断" in browse("tech").get(f"{PAGE}?q=ls-of-dsw-01").text
    assert "图中没有「量子」" in browse("tech").get(f"{PAGE}?q=量子").text


def test_open_incidents_stand_on_their_node_for_staff(browse, site):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        named = incidents.report(
            session, tech, title="", description="三层上不了网", node="ls-of-asw-03", channel="phone", store=site.store
        )
        told = incidents.report(
            session, tech, title="", description="LS-OF-ASW-03 和 LS-OF-DSW-01 都掉线", channel="phone"
        )
        other = incidents.report(session, tech, title="", description="电视无信号", channel="phone")
        numbers = named.number, told.number, other.number
        session.commit()
    page = browse("tech").get(f"{PAGE}?node=LS-OF-ASW-03").text
    assert numbers[0] in page and numbers[1] in page and numbers[2] not in page
    assert page.count('class="badge-open"') == 2
    assert "未结束的事件 2" in page
    assert "有事件的节点 <small>2</small>" in browse("tech").get(PAGE).text


def test_entries_about_a_node_are_those_that_the_asker_may_see(browse, site, index):
    body = "# 图\n\n```mermaid\ngraph LR\n A[LS-ZZ-OLT-77 终端站] --> B\n```\n"
    number = published(site, "有终端站的拓扑图样本", body)
    for title, changes in (
        ("检修终端站的记录样本", {}), ("受限的终端站检修记录", {"audience": "restricted", "owner_group": "team-access"}),
    ):  # fmt: skip
        published(
            site, title, f"## 记录\n\nLS-ZZ-OLT-77 {title}\n", kind="reference", category="参考资料/技术资料", **changes
        )
    index()
    address = f"/topology/{number}?node=A"
    tech, tech2 = browse("tech").get(address).text, browse("tech2").get(address).text
    assert "检修终端站的记录样本" in tech and "提到它" in tech
    assert "受限的终端站检修记录" not in tech and "受限的终端站检修记录" in tech2


def test_mermaid_and_drawio_are_drawn_and_found(browse, site, index):
    number = published(
        site, "东门一带的拓扑图样本", MERMAID, [("总图.drawio", MODEL.encode()), ("坏.drawio", b"<mxfile>\n<x>")]
    )
    index()
    page = browse("tech").get(f"/topology/{number}").text
    assert "东门分前端" in page and "总图.drawio" in page
    assert "48 户" in page  # what its supply takes with it
    second = browse("tech").get(f"/topology/{number}?diagram=2").text
    assert "光线路终端" in second and "第 15 行" in second
    third = browse("tech").get(f"/topology/{number}?diagram=3")
    assert third.status_code == 200 and "坏.drawio" in third.text and "第 2 行" in third.text
    assert '<li value="2" class="wrong"' in third.text and "&lt;x&gt;" in third.text
    assert browse("tech").get(f"/topology/{number}.svg?diagram=3").status_code == 422
    assert browse("tech").get(f"/topology/{number}?diagram=4").status_code == 404
    entry = browse("tech").get(f"/entries/{number}").text
    assert f"/topology/{number}.svg" in entry and "坏.drawio 第 2 行" in entry
    assert "graph LR" not in entry
    for words in ("图例 虚线为供电", "东门分前端"):
        assert number in browse("tech").get(f"/search?q={words}").text


@pytest.mark.parametrize(("name", "status"), [("", 404), ("tech", 200)])
def test_who_may_read_the_entry_sees_its_drawing(browse, name, status):
    for path in (PAGE, f"{PAGE}.svg"):
        assert browse(name).get(path).status_code == status


def test_restricted_and_public_drawings(browse, site):
    hidden = published(site, "受限的拓扑图样本", MERMAID, audience="restricted", owner_group="team-access")
    shown = published(site, "公开的拓扑图样本", MERMAID, audience="public")
    assert [browse(name).get(f"/topology/{hidden}").status_code for name in ("", "tech", "tech2")] == [404, 404, 200]
    page = browse().get(f"/topology/{shown}?node=A")
    assert page.status_code == 200 and "未结束的事件" not in page.text


def test_an_entry_without_a_drawing_has_none(browse):
    assert browse("tech").get(f"/topology/{SOLUTION}").status_code == 404
    assert browse("tech").get(f"/topology/{SECRET}").status_code == 404
    assert "/topology/" not in browse("tech").get(f"/entries/{SOLUTION}").text


def test_the_file_stands_alone(browse):
    answer = browse("tech").get(f"{PAGE}.svg?download=1&fails=LS-OF-UPS-02")
    assert answer.mimetype == "image/svg+xml"
    assert f"{TOPOLOGY}.svg" in answer.headers["Content-Disposition"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    root = ElementTree.fromstring(answer.text)
    assert not list(root.iter("{http://www.w3.org/2000/svg}a")) and "style=" not in answer.text
    assert browse("tech").get(f"{PAGE}.svg?links=signal").text.count('class="way power') == 0


def test_a_draft_is_drawn_for_staff(browse, site):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        attributes = samples.attributes(
            title="草稿里的拓扑图样本", kind="topology", category="拓扑/接入网", covers=[], error_codes=[]
        )
        revision = entries.create(session, tech, attributes, "# 图\n\n```mermaid\ngraph LR\nA-->\n```\n")
        session.commit()
        number = session.scalars(select(Entry.number).where(Entry.id == revision.entry_id)).one()
    page = browse("tech").get(f"/topology/{number}").text
    assert "第 6 行" in page or "第 5 行" in page
    assert browse("tech").get(f"/entries/{number}").status_code == 200
    assert browse().get(f"/topology/{number}").status_code == 404


def test_a_drawing_keeps_its_authors_direction_and_places(site, browse):
    body = MERMAID.replace("graph LR", "graph BT")
    cells = "".join(
        f'<mxCell id="{name}" value="{name}" vertex="1" parent="1"><mxGeometry y="{y}" width="80" height="40" as="geometry"/></mxCell>'
        for name, y in (("下面", 300), ("上面", 0))
    )
    model = f'<mxGraphModel><root>{cells}<mxCell id="e" edge="1" source="下面" target="上面"/></root></mxGraphModel>'
    number = published(site, "方向与位置的图", body, [("位置.drawio", model.encode())])

    def heights(diagram: int) -> dict[str, float]:
        svg = browse("tech").get(f"/topology/{number}.svg?diagram={diagram}").text
        return {
            node: float(y)
            for node, y in re.findall(r'id="n-([^"]+)"><title>.*?<rect class="box" x="[^"]+" y="([^"]+)"', svg)
        }

    upright = heights(1)
    assert upright["A"] > upright["B"] and upright["P"] > upright["A"]
    placed = heights(2)
    assert placed["下面"] - placed["上面"] == 300
