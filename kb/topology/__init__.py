"""Which nodes and links does a drawing of a network describe, in whatever form, and what follows from them?

`diagrams` finds the drawings of a document: our YAML form, Mermaid flowcharts and draw.io files, all read into one
model. `impact` says who loses service with a supply or a node, `contradictions` where the attributes do not agree.
"""

from __future__ import annotations

from kb.topology.checks import LIGHT, RADIO, Levels, contradictions
from kb.topology.failure import COUNTS, Impact, impact
from kb.topology.model import MEDIA, NODE_ID, NODE_TYPES, Graph, Link, Node
from kb.topology.sources import Broken, Diagram, diagrams, is_diagram, labels, problems, prose, read_file
from kb.topology.yaml_form import parse

__all__ = [
    "COUNTS", "LIGHT", "MEDIA", "NODE_ID", "NODE_TYPES", "RADIO", "Broken", "Diagram", "Graph", "Impact", "Levels",
    "Link", "Node", "contradictions", "diagrams", "impact", "is_diagram", "labels", "parse", "problems", "prose", "read_file",
]  # fmt: skip
