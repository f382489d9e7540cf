"""The data service layer: given a query, which documents match, best first?

Nothing here knows SQL or a web request. From kb only its errors and its clock are used, except in `feed.py` and
`worker.py`, which read what is to be indexed, and in `golden.py` and `workbench.py`, which judge it and change its
dictionary.
"""

from indexer.document import IndexDocument
from indexer.engines.base import FACETS, Engine, Explanation, Hit, Results, Scope, SearchRequest, Sort, Suggestion, Tier
from indexer.query import Query, literal, parse

__all__ = [
    "FACETS",
    "Engine",
    "Explanation",
    "Hit",
    "IndexDocument",
    "Query",
    "Results",
    "Scope",
    "SearchRequest",
    "Sort",
    "Suggestion",
    "Tier",
    "literal",
    "parse",
]
