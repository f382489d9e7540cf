"""How does one rule that a table keeps become a trigger, in SQLite and in PostgreSQL?

A rule is a list of conditions, each with what is said where it holds; both databases read the same conditions, so that
the two cannot drift apart. They are written in what both understand: `IS DISTINCT FROM` for values that may be NULL, and
JSON compared by its text. What is refused is an integrity error in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alembic import op

ALWAYS = "1 = 1"
_PAST = {"UPDATE": "changed", "DELETE": "deleted"}


class Rule(NamedTuple):
    """Refuse `event` (INSERT, UPDATE [OF columns] or DELETE) on a row of `table` where a condition over OLD and NEW holds.

    A condition that is neither true nor false does not hold."""

    name: str
    table: str
    event: str
    refusals: tuple[tuple[str, str], ...]  # condition, message


def refuse(name: str, table: str, event: str, when: str, said: str) -> Rule:
    """A rule of one condition."""
    return Rule(name, table, event, ((when, said),))


def require(name: str, table: str, event: str, when: str, must: tuple[tuple[str, str], ...]) -> Rule:
    """Where `when` holds, each condition must be true, else its message is given: neither true nor false is not true."""
    return Rule(name, table, event, tuple((f"({when}) AND ({true}) IS NOT TRUE", said) for true, said in must))


def never(table: str, event: str, what: str) -> Rule:
    """No row of this table is changed or deleted."""
    return refuse(f"{table}_{what}", table, event, ALWAYS, f"{table} are never {_PAST[event]}")


def fixed(*tables: str) -> list[Rule]:
    """The rows of these tables stay, as they are."""
    return [
        never(table, event, what)
        for table in tables
        for event, what in (("UPDATE", "do_not_change"), ("DELETE", "stay"))
    ]


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
    made = [
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n{checks}\n    RETURN {row};\nEND $$",
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW EXECUTE FUNCTION {rule.name}()",
    ]
    if rule.event == "DELETE" and rule.refusals[0][0] == ALWAYS:  # what is never deleted is not emptied either
        made.append(f"CREATE TRIGGER {rule.name}_whole BEFORE TRUNCATE ON {rule.table} EXECUTE FUNCTION {rule.name}()")
    return made


def create(rules: Iterable[Rule]) -> None:
    for rule in rules:
        for statement in statements(rule, op.get_context().dialect.name):
            op.execute(statement)


def drop(rules: Iterable[Rule]) -> None:
    for rule in rules:
        if op.get_context().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER IF EXISTS {rule.name}")
        else:
            op.execute(f"DROP FUNCTION IF EXISTS {rule.name}() CASCADE")


def of(revision: str, *names: str) -> list[Rule]:
    """Rules that another migration made, to be replaced or put back."""
    environment = op.get_context().environment_context
    assert environment is not None
    made = {rule.name: rule for rule in environment.script.get_revision(revision).module.RULES}
    return [made[name] for name in names]


def _quoted(text: str) -> str:
    return text.replace("'", "''")
