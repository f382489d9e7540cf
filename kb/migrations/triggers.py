"""How is a promise that needs a trigger made to SQLite and to PostgreSQL alike?

It is written once, as SQLite has it: `BEFORE <event> ON <table> [WHEN <condition>] BEGIN <checks> END`, where a check is
`SELECT RAISE(ABORT, '<message>') [WHERE <condition>];`. For PostgreSQL the same text becomes a function and a trigger, so
that the two cannot drift apart. What is refused is an integrity error in both.
"""

from __future__ import annotations

import re

from alembic import op

_TRIGGER = re.compile(
    r"\s*BEFORE\s+(?P<event>INSERT|DELETE|UPDATE(?:\s+OF\s+[\w\s,]+?)?)\s+ON\s+(?P<table>\w+)"
    r"(?:\s+WHEN\s+(?P<when>.+?))?\s+BEGIN\s+(?P<checks>.+?)\s*END\s*",
    re.DOTALL,
)
_CHECK = re.compile(r"SELECT\s+RAISE\(ABORT,\s*(?P<message>'(?:[^']|'')*')\)(?:\s+WHERE\s+(?P<where>.+?))?;", re.DOTALL)
# SQLite compares any two values with IS; PostgreSQL calls that IS NOT DISTINCT FROM, and compares JSON as text alone
_SAME = (
    (re.compile(r"\bIS\s+NOT\s+(?=NEW\.|OLD\.|\()"), "IS DISTINCT FROM "),
    (re.compile(r"\bIS\s+(?=NEW\.|OLD\.|\()"), "IS NOT DISTINCT FROM "),
    (re.compile(r"\b(NEW|OLD)\.attributes\b"), r"\1.attributes::text"),
)


def create(name: str, body: str) -> None:
    """Make the trigger in the database that is being migrated."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER {name} {body}")
        return
    for statement in postgresql(name, body):
        op.execute(statement)


def drop(name: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {name}")
    else:
        op.execute(f"DROP FUNCTION {name}() CASCADE")


def postgresql(name: str, body: str) -> list[str]:
    """The statements that make the same promise to PostgreSQL."""
    read = _TRIGGER.fullmatch(body)
    checks = list(_CHECK.finditer(read["checks"])) if read else []
    if read is None or _CHECK.sub("", read["checks"]).strip() or not checks:
        raise ValueError(f"trigger {name} is not written in the form that can be read")
    raises = "\n".join(
        f"IF {_translated(check['where'] or 'true')} THEN "
        f"RAISE EXCEPTION {check['message']} USING ERRCODE = 'check_violation'; END IF;"
        for check in checks
    )
    when = _translated(read["when"] or "true")
    kept = "OLD" if read["event"] == "DELETE" else "NEW"
    statements = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {when} THEN {raises} END IF; RETURN {kept}; END $$",
        f"CREATE TRIGGER {name} BEFORE {read['event']} ON {read['table']} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
    if read["event"] == "DELETE" and read["when"] is None:  # what is never deleted is not emptied either
        statements.append(f"CREATE TRIGGER {name}_whole BEFORE TRUNCATE ON {read['table']} EXECUTE FUNCTION {name}()")
    return statements


def _translated(condition: str) -> str:
    for pattern, replacement in _SAME:
        condition = pattern.sub(replacement, condition)
    return condition
