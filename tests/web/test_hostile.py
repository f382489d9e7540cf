"""Whatever is sent, the answer is a page or a problem, never a failure of our own."""

from __future__ import annotations

from apiflask import APIFlask

from tests.benchmarks.hostile import cases


def test_no_input_is_answered_with_a_500(app: APIFlask) -> None:
    client = app.test_client()
    for name, _, ask in cases():
        assert ask(client).status_code < 500, name
