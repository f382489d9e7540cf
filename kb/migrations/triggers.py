"""How does one rule that a table keeps become a trigger, in SQLite and in PostgreSQL?

A rule is a list of conditions, each with what is said where it holds; both databases read the same conditions.
"""

from __future__ import annotations

from typing import NamedTuple

from alembic import op


class Rule(NamedTuple):
    """Refuse `event` (INSERT, UPDATE or DELETE) on a row of `table` where a condition over OLD and NEW holds."""

    name: str
    table: str
    event: str
    refusals: tuple[tuple[str, str], ...]  # condition, message


def never(table: str, event: str, what: str) -> Rule:
    """No row of this table is changed or deleted."""
    return Rule(f"{table}_{what}", table, event, (("1 = 1", f"{table} are never {_PAST[event]}"),))


_PAST = {"UPDATE": "changed", "DELETE": "deleted"}


def statements(rule: Rule, dialect: str) -> list[str]:
    """The statements that make the rule hold."""
    if dialect == "sqlite":
        checks = "\n".join(
            f"    SELECT RAISE(ABORT, '{_quoted(said)}') WHERE {condition};" for condition, said in rule.refusals
        )
        return [f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} BEGIN\n{checks}\nEND"]
    checks = "\n".join(
        f"    IF {condition} THEN RAISE EXCEPTION '{_quoted(said)}' USING ERRCODE = 'check_violation'; END IF;"
        for condition, said in rule.refusals
    )
    row = "OLD" if rule.event == "DELETE" else "NEW"
    return [
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n{checks}\n    RETURN {row};\nEND $$",
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW EXECUTE FUNCTION {rule.name}()",
    ]


def create(rules: list[Rule]) -> None:
    for rule in rules:
        for statement in statements(rule, op.get_context().dialect.name):
            op.execute(statement)


def drop(rules: list[Rule]) -> None:
    for rule in rules:
        if op.get_context().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER IF EXISTS {rule.name}")
        else:
            op.execute(f"DROP FUNCTION IF EXISTS {rule.name}() CASCADE")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
