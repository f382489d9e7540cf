"""The sayings leave the documents whole, and the judged reports stay out of what is taught."""

from __future__ import annotations

from indexer.analysis import Analyzer
from tests.relevance import learning


def test_sayings_are_taken_from_every_face_and_nothing_else_is(analyzer: Analyzer) -> None:
    library = learning.shipped(analyzer)
    told = learning.sayings(library, seed=1)
    assert told == learning.sayings(library[::-1], seed=1) != learning.sayings(library, seed=2)
    for before, after in zip(library, learning.without_sayings(library), strict=True):
        assert not any(saying in after.body for saying in before.symptoms)
        if before.symptoms:
            assert after.body.startswith("环境\n")
        else:
            assert after.body == before.body
    asked = {report.text for report in learning.asked("dev")}
    assert not any(asked & set(texts) for texts in told.values())
