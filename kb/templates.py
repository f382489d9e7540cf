"""With which sections does an entry of each kind begin, before its author has written?"""

from __future__ import annotations

from kb import change_templates, documents
from kb.documents import Kind

_TOPOLOGY = "```topology\nnodes:\n  - {id: N1, type: switch, name: 名称}\nlinks: []\n```\n"
_SECTIONS: dict[Kind, tuple[str, ...]] = {
    Kind.SOLUTION: documents.REQUIRED_SECTIONS,
    Kind.POLICY: ("目的", "适用范围", "职责", "流程与时限", "考核", "表单", "附则"),  # those of the shipped policies
    Kind.REFERENCE: ("适用范围", "内容", "出处"),
}
_FACTS = (
    "number",
    "title",
    "kind",
    "nodes",
    "related",
    "description",
)  # of a change, which a lone document does not know


def template(kind: Kind) -> str:
    """The body of an entry of this kind, to be filled in."""
    if kind is Kind.TOPOLOGY:
        return _TOPOLOGY
    if kind in documents.CHANGE_KINDS:
        return change_templates.template(kind, dict.fromkeys(_FACTS, change_templates.TO_FILL.rstrip("：")))
    return "\n".join(f"## {name}\n\n" for name in _SECTIONS[kind])
