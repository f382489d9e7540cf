"""Which nodes and links does a Mermaid flowchart describe?

What people draw networks with: `graph` and `flowchart` of any direction, nodes of all shapes, chains, `&`, links with
labels, subgraphs, comments. Styles, classes and clicks are read over. https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re

from kb.errors import Invalid
from kb.topology.labels import counted, medium, plain
from kb.topology.model import MAX_LINKS, MAX_NODES, Graph, Link, Node

_FRONT = re.compile(r"\A\s*---[ \t]*\n.*?^---[ \t]*$", flags=re.MULTILINE | re.DOTALL)
_SPACE = re.compile(r"(?:[ \t\r]|%%[^\n]*)+")
_END = re.compile(r"(?:[ \t\r\n;]|%%[^\n]*)*")
_HEADER = re.compile(r"(?:graph|flowchart(?:-elk)?)(?:[ \t]+(TB|TD|BT|RL|LR|[<>^v]))?(?=[\s;]|\Z)")
_DIRECTIONS = {"TD": "TB", ">": "LR", "<": "RL", "^": "BT", "v": "TB"}  # other ways to say it; without any it is TB
_SKIPPED = re.compile(
    r"(?:classDef|class|style|linkStyle|click|direction|accTitle|accDescr)\b(?:[^\n{]*\{[^}]*\}|[^\n;]*)"
)
_SUBGRAPH = re.compile(r'subgraph\b[ \t]*(?:"(?P<quoted>[^"]*)"|(?P<id>[^\n;\[]*?))[ \t]*(?:\[(?P<title>[^\n]*)\])?[ \t]*(?=[\n;]|\Z)')  # fmt: skip
_CLOSE = re.compile(r"end(?=[\s;]|\Z)")
# A hyphen belongs to an id if a letter or digit follows it: LS-ZJ-OLT-01, but A-->B, A-.->B, A--x B.
_ID = re.compile(r"[^\W]+(?:[./+*#!?'](?=\w)\w+|-(?![-.>=]|[ox]-)\w+)*")
_CLASS = re.compile(r":::[\w-]+")
_METADATA = re.compile(r"@\{([^}]*)\}")
_LABEL_OF = re.compile(r'label[ \t]*:[ \t]*(?:"([^"]*)"|\'([^\']*)\'|([^,}\n]+))')
_EDGE_ID = re.compile(r"[A-Za-z_]\w*@(?=[<ox]?[-=~.])")
_LINK = re.compile(r"(?P<left>[<xo](?=[-=]))?(?:--+(?P<t1>[>xo]|-)|==+(?P<t2>[>xo]|=)|-\.+-(?P<t3>[>xo])?|~~~+)")
_TEXT_LINK = re.compile(
    r"(?P<left>[<xo](?=[-=]))?(?:--[ \t]*(?P<a>[^\n|>-](?:(?!--)[^\n|])*?)[ \t]*--+(?P<ta>[>xo]|-)"
    r"|==[ \t]*(?P<b>[^\n|>=](?:(?!==)[^\n|])*?)[ \t]*==+(?P<tb>[>xo]|=)"
    r"|-\.[ \t]*(?P<c>[^\n|>.-](?:(?!\.-)[^\n|])*?)[ \t]*\.+-(?P<tc>[>xo])?)"
)
_PIPED = re.compile(r"[ \t]*\|([^|\n]*)\|")
_SHAPES = (
    ("(((", ")))"), ("([", "])"), ("((", "))"), ("[[", "]]"), ("[(", ")]"), ("{{", "}}"), ("[/", "/]"), ("[/", "\\]"),
    ("[\\", "\\]"), ("[\\", "/]"), ("[", "]"), ("(", ")"), ("{", "}"), (">", "]"),
)  # fmt: skip
_QUOTED = re.compile(r'\s*"([^"]*)"\s*')
_ENTITY = re.compile(r"#(\w+);")


def read(text: str, *, first_line: int = 1) -> Graph:
    """Read a flowchart whose text begins in this line of its document. Raises Invalid with the line."""
    return _Reader(text, first_line).graph()


class _Reader:
    def __init__(self, text: str, first_line: int) -> None:
        self._text, self._first = text.expandtabs(1), first_line
        self._at = front.end() if (front := _FRONT.match(text)) else 0
        self._nodes: dict[str, Node] = {}
        self._links: list[Link] = []
        self._groups: list[tuple[str, int]] = []  # the open subgraphs, and where each began
        self._titles: dict[str, str] = {}  # of subgraphs: a link may lead to one as if it were a node

    def graph(self) -> Graph:
        self._take(_END)
        header = self._take(_HEADER)
        if not header:
            raise self._wrong("Mermaid 图须以 graph 或 flowchart 开头 · must begin with graph or flowchart")
        while self._take(_END) and self._at < len(self._text):
            self._statement()
        if self._groups:
            raise self._wrong("subgraph 没有 end · subgraph without end", self._groups[-1][1])
        if not self._nodes:
            raise self._wrong("图里没有节点 · no nodes")
        said = header[1] or "TB"
        return Graph(self._nodes, self._links, _DIRECTIONS.get(said, said))

    def _statement(self) -> None:
        start = self._at
        if self._take(_SKIPPED):
            return
        if opened := self._take(_SUBGRAPH):
            title = plain(_unquoted(opened["title"] or opened["quoted"] or opened["id"] or ""))
            self._groups.append((title, start))
            self._titles[opened["id"] or title] = title
        elif self._take(_CLOSE):
            if not self._groups:
                raise self._wrong("多出一个 end · end without subgraph", start)
            self._groups.pop()
        else:
            self._chain()
        self._take(_SPACE)
        if self._at < len(self._text) and self._text[self._at] not in "\n;":
            raise self._wrong("看不懂 · not understood")

    def _chain(self) -> None:
        """`A & B -->|label| C --> D`"""
        sources = self._group()
        while (link := self._link()) is not None:
            label, ends = link
            targets = self._group()
            for source in sources:
                for target in targets:
                    self._join(source, target, label, ends)
            sources = targets

    def _group(self) -> list[str]:
        found = [self._node()]
        while True:
            self._take(_SPACE)
            if not self._text.startswith("&", self._at):
                return found
            self._at += 1
            found.append(self._node())

    def _node(self) -> str:
        self._take(_END)
        start = self._at
        match = self._take(_ID)
        if match is None:
            raise self._wrong("这里应是节点 · a node is expected here")
        key, label, said = match.group(), None, self._take(_METADATA)
        if said:
            written = _LABEL_OF.search(said[1])
            label = next(part for part in written.groups() if part is not None) if written else None
        elif (shape := self._shape()) is not None:
            label = shape
        self._take(_CLASS)
        if len(self._nodes) >= MAX_NODES:
            raise self._wrong(f"图太大，至多 {MAX_NODES} 个节点 · too many nodes", start)
        known = self._nodes.get(key)
        if known is None or label is not None:
            name = plain(label) if label is not None else self._titles.get(key, key)
            group = known.attrs.get("group") if known else (self._groups[-1][0] if self._groups else "")
            attrs = counted(name) | ({"group": group} if group else {})
            self._nodes[key] = Node(id=key, name=name or key, attrs=attrs)
        return key

    def _shape(self) -> str | None:
        """The text between the brackets that follow an id, whichever of the shapes they are."""
        start = self._at
        opening = next((mark for mark, _ in _SHAPES if self._text.startswith(mark, start)), None)
        if opening is None:
            return None
        closings = [closing for mark, closing in _SHAPES if mark == opening]
        inside = start + len(opening)
        if quoted := _QUOTED.match(self._text, inside):
            for closing in closings:
                if self._text.startswith(closing, quoted.end()):
                    self._at = quoted.end() + len(closing)
                    return _unquoted(quoted[1])
        line_end = self._text.find("\n", inside)
        line_end = len(self._text) if line_end < 0 else line_end
        found = [(at, closing) for closing in closings if (at := self._text.find(closing, inside, line_end)) >= 0]
        if not found or self._text[inside:line_end].lstrip().startswith('"'):
            raise self._wrong(f"括号或引号没有闭合：{opening} · not closed", start)
        end, closing = min(found)
        self._at = end + len(closing)
        return _unquoted(self._text[inside:end])

    def _link(self) -> tuple[str, str] | None:
        """The label of the link that follows, and what is at its ends: an arrow at `left`, `right`, `both`, or `hidden`."""
        self._take(_SPACE)
        self._take(_EDGE_ID)
        start = self._at
        if (link := self._take(_LINK)) is None:
            link = self._take(_TEXT_LINK)
            if link is None:
                return None
            label = link["a"] or link["b"] or link["c"]
            tip = link["ta"] or link["tb"] or link["tc"]
        else:
            piped = self._take(_PIPED)
            label, tip = piped[1] if piped else "", link["t1"] or link["t2"] or link["t3"]
            if self._text[start : self._at].startswith("~"):
                return "", "hidden"
        pointed = tip in {">", "x", "o"}
        return plain(_unquoted(label)), "both" if link["left"] or not pointed else "right"

    def _join(self, source: str, target: str, label: str, ends: str) -> None:
        if ends == "hidden":
            return
        if len(self._links) >= MAX_LINKS:
            raise self._wrong(f"图太大，至多 {MAX_LINKS} 条链路 · too many links")
        attrs: dict[str, object] = {"label": label} if label else {}
        kind = medium(label)
        if ends == "both" and kind != "power":
            attrs["both"] = True
        self._links.append(Link(a=source, b=target, medium=kind, attrs=attrs))

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _wrong(self, said: str, at: int | None = None) -> Invalid:
        at = min(self._at if at is None else at, len(self._text))
        line = self._first + self._text.count("\n", 0, at)
        end = self._text.find("\n", at)
        near = self._text[at : end if end >= 0 else None].strip()[:30]
        chinese, _, english = said.partition(" · ")
        found = f"：{near}" if near else ""
        return Invalid(f"第 {line} 行：{chinese}{found} · line {line}: {english}", line=line)


def _unquoted(text: str) -> str:
    """A label without its quotes, with `#quot;` and `#9829;` as the characters they stand for."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    text = text.strip().removeprefix("`").removesuffix("`")
    return _ENTITY.sub(lambda code: f"&#{code[1]};" if code[1].isdigit() else f"&{code[1]};", text)
