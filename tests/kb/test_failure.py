"""Who loses service with a supply or a node: redundancy, two feeds, rings, dependencies, and how many are counted once."""

from __future__ import annotations

import pytest

from kb import library, topology
from kb.documents import parse
from kb.topology import Graph, Link, Node, impact


def graph(*links: str, **attrs: dict[str, object]) -> Graph:
    """`a-b` is fibre, `a~b` coax, `a!b` power, `a?b` a dependency, `a=b` fibre both ways; types by the first letter."""
    media = {"-": "fiber", "~": "coax", "!": "power", "?": "logical", "=": "fiber"}
    types = {"c": "terminal", "t": "tap", "d": "storage"}
    made = []
    for text in links:
        mark = next(mark for mark in media if mark in text)
        a, b = text.split(mark)
        made.append(Link(a=a, b=b, medium=media[mark], attrs={"both": True} if mark == "=" else {}))
    names = dict.fromkeys([end for link in made for end in (link.a, link.b)])
    nodes = {name: Node(id=name, type=types.get(name[0], ""), name=name, attrs=attrs.get(name, {})) for name in names}
    return Graph(nodes, made)


def test_what_hangs_below_alone_is_out_and_a_second_way_keeps_service() -> None:
    ring = graph("h-a", "h-b", "a-n", "b-n", "a-x", "n-y")
    assert impact(ring, ["a"]).out == ["x"]
    assert impact(ring, ["a", "b"]).out == ["n", "x", "y"]


def test_a_second_supply_keeps_a_device_and_a_chain_of_supply_breaks() -> None:
    fed = graph("h-n", "h-m", "n-k", "p!n", "q!n", "p!m", "m!a", "h-a")
    assert impact(fed, ["p"]).out == ["m", "a"]
    assert impact(fed, ["p", "q"]).out == ["n", "m", "k", "a"]
    assert impact(fed, ["m"]).out == ["a"]  # what failed passes no power


def test_one_feed_of_two_lost_is_a_part_of_the_service() -> None:
    building = graph("o-u", "u-e", "n~a", "a~e", "e~b", "b~c1")
    told = impact(building, ["a"])
    assert (told.out, told.partly) == ([], ["e", "b", "c1"])
    assert impact(building, ["a", "u"]).out == ["e", "b", "c1"]


def test_dependencies_need_one_of_each_type_or_those_named() -> None:
    machine = graph("h?v", "d?v", "v?s", "w?s")
    assert impact(machine, ["d1"]).out == []
    assert impact(machine, ["d"]).out == ["v"]  # a virtual machine without its disk; the service has another server
    assert impact(machine, ["d", "w"]).out == ["v", "s"]
    named = graph("a?s", "b?s", "spare?s", s={"needs": ["a", "b"]})
    assert impact(named, ["a"]).out == ["s"]
    assert impact(named, ["spare"]).out == []


def test_service_passes_both_ways_where_it_is_said_and_a_ring_does_not_feed_itself() -> None:
    cores = graph("f1-a", "f2-b", "a=b", "a-x", "b-y")
    assert impact(cores, ["f1"]).out == []
    assert impact(cores, ["f1", "f2"]).out == ["a", "b", "x", "y"]
    assert impact(graph("a=b", "b-c"), ["a"]).out == ["b", "c"]
    ring = graph("h-a", "a-b", "b-c", "c-a")
    assert impact(ring, ["h"]).out == ["a", "b", "c"]


def test_what_had_no_service_before_is_no_news() -> None:
    assert impact(graph("a-b", "b-a", "x!a"), ["x"]).out == []


def test_subscribers_are_counted_once() -> None:
    taps = graph("n~c", "c~t1", "t1~t2", n={"homes": 10}, t1={"homes": 4}, t2={"homes": 4})
    assert impact(taps, ["n"]).out_counts == {"homes": 10}  # two of its own are not drawn
    assert impact(taps, ["t1"]).out_counts == {"homes": 8}
    assert impact(taps, ["t2"]).out_counts == {"homes": 4}


SHIPPED = {
    ("TOP-EOC-001", "LS-ZJ-PWR-0101"): ({"homes": 168, "terminals": 64}, {}),
    ("TOP-EOC-001", "LS-ZJ-AMP-0101-01"): ({}, {"homes": 96, "terminals": 38}),
    ("TOP-EOC-001", "LS-ZJ-OLT-01"): ({}, {"homes": 552, "terminals": 222}),
    ("TOP-HFC-001", "LS-CX-PWR-02"): ({"homes": 96}, {}),
    ("TOP-EPON-001", "LS-CD-PWR-02"): ({"homes": 464, "onus": 110}, {}),
    ("TOP-CATV-001", "LS-HE-01"): ({"homes": 1498}, {}),
    ("TOP-LAN-001", "LS-OF-CSW-01"): ({}, {}),
}


@pytest.mark.parametrize(("number", "failed"), SHIPPED)
def test_the_shipped_drawings_answer_as_their_text_says(number: str, failed: str) -> None:
    told = impact(shipped(number), [failed])
    assert (told.out_counts, told.partly_counts) == SHIPPED[number, failed]


def test_the_data_centre_keeps_what_it_has_twice() -> None:
    centre = shipped("TOP-DC-001")
    assert impact(centre, ["LS-DCA-UPS-01"]).out == ["LS-DCA-NTP-01"]  # all else has two supplies
    services = [node for node in impact(centre, ["LS-DCA-UPS-01", "LS-DCA-UPS-02"]).out if "-SVC-" in node]
    assert services == ["LS-DC-SVC-MAIL", "LS-DC-SVC-BIZ", "LS-DC-SVC-KB", "LS-DC-SVC-FILE"]
    assert "LS-DC-SVC-BIZ" in impact(centre, ["LS-DCA-APP-01"]).out
    assert impact(centre, ["LS-DCB-DB-02"]).out == []  # the spare database, switched over by hand
    assert "LS-DCB-CSW-01" not in impact(centre, ["LS-DCA-CSW-01"]).out


def shipped(number: str) -> Graph:
    text = (library.library_path() / "topology" / f"{number}.md").read_text("utf-8")
    return topology.parse(parse(text).body)
