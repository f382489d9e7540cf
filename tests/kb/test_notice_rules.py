"""Does every action of the audit, as the code says it, have a rule of whom to tell?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kb import notices
from kb.models import AuditRow, Notice

ROOT = Path(__file__).parents[2]


def test_every_action_of_the_audit_has_a_rule_or_says_nobody() -> None:
    """A new action in the code needs a line in `notices.RULES`: whom to tell, or NOBODY."""
    paths = sorted((ROOT / "kb").glob("*.py")) + sorted((ROOT / "web").rglob("*.py"))
    found = set(
        _audited(
            {
                ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
                for path in paths
            }
        )
    )
    assert len(found) > 70
    assert sorted(one for one in found if not _known(*one)) == []
    written = {
        key for key in notices.RULES if any(kind in (key[0], "") and re.fullmatch(of, key[1]) for kind, of in found)
    }
    assert sorted(set(notices.RULES) - written) == []


def _known(subject: str, action: str) -> bool:
    return any(subject in (kind, "") and re.fullmatch(action, known) for kind, known in notices.RULES)


def test_the_rules_name_known_people_and_records() -> None:
    for (kind, action), rule in notices.RULES.items():
        assert kind in notices.SUBJECTS
        assert len(action) <= AuditRow.__table__.c.action.type.length
        assert set(rule.who) <= set(notices.WHO), (kind, action)
        assert rule is notices.NOBODY or (rule.zh and rule.en and rule.who), (kind, action)
    longest = Notice.__table__.c.because.type.length
    assert all(len(name) <= longest for name in notices.WHO)


def _audited(modules: dict[str, ast.Module]) -> Iterator[tuple[str, str]]:
    """(type, pattern of the action) of every call of `audit.record`; the type is "" where the code does not say it in
    passing. A record or an action that is a parameter of the function around is looked up where that is called."""
    functions = [
        (node, name, module)
        for name, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef)
    ]
    for function, home, _ in functions:
        for call in _calls(function, "record", of="audit"):
            kind, action = _type(function, call.args[2]), call.args[3]
            names = [argument.arg for argument in function.args.args]
            if not (isinstance(action, ast.Name) and action.id in names):
                yield from ((kind, pattern) for pattern in _patterns(function, action))
                continue
            callers = [
                (caller, outer)
                for caller, where, module in functions
                for outer in _calls(caller, function.name, of=_seen_as(function.name, home, where, module))
            ]
            assert callers, f"{function.name}: who says which action?"
            for caller, outer in callers:
                given = _argument(outer, names, action.id)
                if given is not None:
                    said = kind or _type(caller, _argument(outer, names, ast.unparse(call.args[2])) or call.args[2])
                    yield from ((said, pattern) for pattern in _patterns(caller, given))


def _seen_as(name: str, home: str, where: str, module: ast.Module) -> str:
    """What that module puts before the name of a function of `home`: nothing, or the name of its module."""
    imported = (home, name) in _imports(module)
    return "" if imported or where == home else home.rpartition(".")[2]


@cache
def _imports(module: ast.Module) -> set[tuple[str | None, str]]:
    """What a module takes from which: (module, name)."""
    return {
        (node.module, one.name) for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for one in node.names
    }


def _argument(call: ast.Call, names: list[str], wanted: str) -> ast.expr | None:
    """What a call gives for the parameter of this name."""
    place = names.index(wanted) if wanted in names else len(call.args)
    named = next((word.value for word in call.keywords if word.arg == wanted), None)
    return call.args[place] if place < len(call.args) else named


def _calls(function: ast.FunctionDef, name: str, *, of: str = "") -> Iterator[ast.Call]:
    """Calls of `name`, or of `of.name`."""
    return (call for called, call in _all_calls(function) if called == (f"{of}.{name}" if of else name))


@cache
def _all_calls(function: ast.FunctionDef) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(function) if isinstance(node, ast.Call)]


def _type(function: ast.FunctionDef, subject: ast.expr) -> str:
    """The type of the record: that of the parameter, else what the variable or attribute is called."""
    name = subject.attr if isinstance(subject, ast.Attribute) else ast.unparse(subject)
    for argument in function.args.args:
        if argument.arg == name and isinstance(argument.annotation, ast.Name):
            name = argument.annotation.id.lower()
    return name if name in notices.SUBJECTS else ""


def _patterns(function: ast.FunctionDef, action: ast.expr) -> Iterator[str]:
    if isinstance(action, ast.Constant):
        yield re.escape(str(action.value))
    elif isinstance(action, ast.IfExp):
        yield from _patterns(function, action.body)
        yield from _patterns(function, action.orelse)
    elif isinstance(action, ast.JoinedStr):
        yield "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+" for part in action.values
        )
    else:
        assert isinstance(action, ast.Name), f"{function.name}: say the action in a way that this test can read"
        assigned = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == action.id for target in node.targets)
        ]
        assert assigned, f"{function.name}: where does {action.id} come from?"
        for value in assigned:
            yield from _patterns(function, value)


def test_an_action_without_a_rule_is_found() -> None:
    module = ast.parse(
        "def step(session, by, entry: Entry, action):\n    audit.record(session, by, entry, action)\n"
        "def melt(session, by, entry):\n    step(session, by, entry, 'melt')\n"
        "def other(session, by, user, bad):\n"
        "    verb = f'{bad}_user'\n    audit.record(session, by, user, verb if bad else 'heal')\n"
    )
    assert list(_audited({"module": module})) == [("entry", "melt"), ("user", "[a-z_]+_user"), ("user", "heal")]
    assert not _known("entry", "melt") and _known("entry", "retire") and _known("revision", "[a-z_]+_approve")
