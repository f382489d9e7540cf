"""draw.io files, plain and packed, are read into the model of nodes and links, and trusted with nothing."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

import pytest

from kb.errors import Invalid
from kb.topology import drawio

MODEL = """<mxGraphModel>
 <root>
  <mxCell id="0"/><mxCell id="1" parent="0"/>
  <mxCell id="frame" value="朱集机房" style="swimlane" vertex="1" parent="1"/>
  <mxCell id="2" value="&lt;b&gt;LS-ZJ-OLT-01&lt;/b&gt;&lt;br&gt;光线路终端" style="rounded=1;html=1" vertex="1" parent="frame"/>
  <object label="分光器" ratio="1:8" used_ports="4" id="3"><mxCell vertex="1" parent="1"/></object>
  <UserObject label="三号楼 48户" type="building" id="4"><mxCell vertex="1" parent="1"/></UserObject>
  <mxCell id="5" value="供电器" vertex="1" parent="1"/>
  <mxCell id="6" value="图例：虚线为供电" style="text;html=1" vertex="1" parent="1"/>
  <mxCell id="7" edge="1" source="2" target="3" parent="1"/>
  <mxCell id="8" value="PON0/1 光纤" style="edgeLabel" vertex="1" parent="7"/>
  <mxCell id="9" value="同轴" style="startArrow=classic;endArrow=none" edge="1" source="4" target="3" parent="1"/>
  <mxCell id="10" value="供电" edge="1" source="5" target="2" parent="1"/>
  <mxCell id="11" style="endArrow=none" edge="1" source="4" target="5" parent="1"/>
  <mxCell id="12" edge="1" source="4" parent="1"/>
 </root>
</mxGraphModel>"""


def packed(model: str) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = machine.compress(quote(model).encode()) + machine.flush()
    return f'<mxfile>\n<diagram name="接入网">{base64.b64encode(data).decode()}</diagram></mxfile>'.encode()


@pytest.mark.parametrize("data", [MODEL.encode(), packed(MODEL), f'<mxfile><diagram name="x">{MODEL}</diagram></mxfile>'.encode()])  # fmt: skip
def test_plain_and_packed_files_are_the_same_graph(data: bytes) -> None:
    (page,) = drawio.read(data)
    nodes = page.graph.nodes
    assert list(nodes) == ["LS-ZJ-OLT-01", "3", "4", "5"]
    assert nodes["LS-ZJ-OLT-01"].name == "LS-ZJ-OLT-01 光线路终端"
    assert nodes["LS-ZJ-OLT-01"].attrs == {"group": "朱集机房"}
    assert nodes["3"].attrs == {"ratio": "1:8", "used_ports": 4}
    assert (nodes["4"].type, nodes["4"].attrs) == ("building", {"homes": 48})
    assert [(link.a, link.b, link.medium, link.both_ways) for link in page.graph.links] == [
        ("LS-ZJ-OLT-01", "3", "fiber", False),
        ("3", "4", "coax", False),  # its arrow is at the beginning
        ("5", "LS-ZJ-OLT-01", "power", False),
        ("4", "5", "logical", True),
    ]
    assert sorted(page.texts) == ["图例：虚线为供电", "朱集机房"]
    assert len(page.loose) == 1


def test_pages_have_names_and_the_line_of_a_loose_end_is_known() -> None:
    two = f'<mxfile>\n<diagram name="总图">{MODEL}</diagram>\n<diagram>{MODEL}</diagram><diagram name="空"/></mxfile>'
    pages = drawio.read(two.encode())
    assert [page.name for page in pages] == ["总图", "第 2 页"]
    assert pages[0].loose == [16]


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"<mxGraphModel>\n<root>\n</mxGraphModel>", 3, "不是合法的 XML"),
        (b"", 1, "不是合法的 XML"),
        (b"\n<svg/>", 2, "不是 draw.io"),
        (b'<?xml version="1.0" encoding="nowhere"?><mxfile/>', 1, "不是合法的 XML"),
        (b"<mxfile>\n<diagram>\n!!!</diagram></mxfile>", 2, "解不开"),
        (b"<mxfile/>", 1, "没有节点"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>\n<mxfile>&a;</mxfile>', 1, "DOCTYPE"),
        (b"<a>" * 1000, 1, "太深"),
        (packed(MODEL.replace("</root>", "")), 2, "压缩的页面里"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(data: bytes, line: int, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        drawio.read(data)
    assert said in caught.value.message
    assert caught.value.details["line"] == line


def test_a_page_is_not_unpacked_beyond_its_bound() -> None:
    bomb = packed("A" * (drawio.MAX_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(Invalid, match="太大"):
        drawio.read(bomb)


def _placed(*shapes: tuple[str, str, str]) -> bytes:
    """A page of shapes: id, parent, and the attributes of its geometry."""
    cells = "".join(
        f'<mxCell id="{id_}" value="{id_}" vertex="1" parent="{parent}"><mxGeometry {place} as="geometry"/></mxCell>'
        for id_, parent, place in shapes
    )
    return f'<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>{cells}</root></mxGraphModel>'.encode()


FRAME = ("框", "1", 'x="100" y="50" width="300" height="200"')


def test_places_are_counted_from_what_holds_a_shape() -> None:
    inner = ("内框", "框", 'x="10" width="200" height="100"')
    (page,) = drawio.read(
        _placed(
            FRAME,
            inner,
            ("甲", "内框", 'x="5" y="30" width="40" height="20"'),
            ("乙", "1", 'x="-20" width="40" height="20"'),
        )
    )
    assert page.graph.places == {"甲": (100 + 10 + 5 + 20, 50 + 30 + 10), "乙": (0, 10)}


@pytest.mark.parametrize(
    "place",
    ["", 'x="1" y="1"', 'width="4" height="x"', 'width="4" height="nan"', 'x="inf" width="4" height="4"',
     'x="1e7" width="4" height="4"', 'x="0.5" relative="1" width="4" height="4"'],
)  # fmt: skip
def test_a_page_has_all_its_places_or_none(place: str) -> None:
    (page,) = drawio.read(_placed(("甲", "1", 'width="4" height="4"'), ("乙", "1", place)))
    assert list(page.graph.nodes) == ["甲", "乙"] and page.graph.places == {}


def test_shapes_that_hold_each_other_are_read() -> None:
    ring = _placed(
        ("甲", "乙", 'width="4" height="4"'), ("乙", "甲", 'width="4" height="4"'), ("丙", "1", 'width="4" height="4"')
    )
    assert drawio.read(ring)[0].graph.places == {"丙": (2, 2)}
