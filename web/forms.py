"""How do an entry's attributes become form fields, and form fields attributes?

Lists are typed as people write them: devices on one line with 、 between them, error codes and figures a line each with
| between the columns. What cannot be read comes back as `Invalid` with the field's name.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from kb import clock, entries
from kb.documents import Attributes, Confidence
from kb.errors import Invalid
from web.labels import LABELS

_BETWEEN = re.compile(r"[、,，;；\n]+")
_COLUMN = re.compile(r"\s*[|｜]\s*")
_CONFIDENCE = {name: value for value, name in LABELS["confidence"].items()}
# the fields of the form, in the order of the page
FIELDS = (
    "title", "kind", "category", "audience", "owner_group", "valid_until", "valid_from", "service", "network", "vendor", "devices",
    "districts", "covers", "error_codes", "figures", "related", "change", "body",
)  # fmt: skip
# where the schema's names differ from the form's
_FIELD_OF = {"environment": "service", "environment.service": "service"} | {
    f"environment.{name}": name for name in ("network", "vendor")
}


LARGEST = 2**31 - 1  # number of a row, in every database
VALID_DAYS = 365  # an entry is looked at again within a year unless its author says otherwise


def whole(text: str) -> int:
    """A number as somebody sent it. Raises ValueError for one that no row can have."""
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError(f"not from 0 to {LARGEST}")
    return number


def blank() -> dict[str, str]:
    """The form before anybody has typed."""
    until = clock.today() + dt.timedelta(days=VALID_DAYS)
    return dict.fromkeys(FIELDS, "") | {"valid_until": until.isoformat()}


def values_of(attributes: Attributes, body: str) -> dict[str, str]:
    """An entry's attributes as the texts of the form."""
    environment = attributes.environment
    return {
        "title": attributes.title,
        "kind": attributes.kind,
        "category": attributes.category,
        "audience": attributes.audience,
        "owner_group": attributes.owner_group,
        "valid_until": attributes.valid_until.isoformat() if attributes.valid_until else "",
        "valid_from": attributes.valid_from.isoformat() if attributes.valid_from else "",
        "service": environment.service if environment else "",
        "network": environment.network if environment else "",
        "vendor": environment.vendor if environment else "",
        "devices": "、".join(attributes.devices),
        "districts": "、".join(attributes.districts),
        "covers": "、".join(attributes.covers),
        "related": "、".join(attributes.related),
        "change": attributes.change,
        "error_codes": "\n".join(f"{code.code} | {code.vendor} | {code.meaning}" for code in attributes.error_codes),
        "figures": "\n".join(
            f"{figure.name} | {figure.value} | {figure.unit} | {LABELS['confidence'][figure.confidence]}"
            for figure in attributes.figures
        ),
        "body": body,
    }


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, field by field, with the line ends that the store keeps."""
    return {name: clean(form.get(name, "")) for name in FIELDS}


def clean(text: str) -> str:
    """Browsers send CRLF; documents have LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_attributes(values: Mapping[str, str]) -> Attributes:
    """The attributes that were typed. Raises Invalid with a sentence for each wrong field."""
    environment = {name: values[name].strip() for name in ("service", "network", "vendor")}
    given: dict[str, object] = {
        name: values[name].strip() for name in ("title", "kind", "category", "audience", "owner_group", "change")
    }
    given |= {name: _words(values[name]) for name in ("devices", "districts", "covers", "related")}
    given["related"] = [number.upper() for number in _words(values["related"])]
    given["valid_until"] = values["valid_until"].strip() or None
    given["valid_from"] = values["valid_from"].strip() or None
    given["environment"] = environment if any(environment.values()) else None
    given["error_codes"] = _table(values["error_codes"], "error_codes", ("code", "vendor", "meaning"), needed=2)
    given["figures"] = _figures(values["figures"])
    try:
        return entries.attributes_from(given)
    except Invalid as exc:
        fields = {_FIELD_OF.get(name, name.partition(".")[0]): said for name, said in exc.fields.items()}
        raise Invalid("有几处需要修改 · some fields need attention", fields=fields) from exc


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in _BETWEEN.split(text) if word.strip()))


def _table(text: str, field: str, columns: tuple[str, ...], *, needed: int) -> list[dict[str, str]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        cells = _COLUMN.split(line.strip().strip("|｜").strip())
        if not needed <= len(cells) <= len(columns):
            problem = f"第 {number} 行须用 | 分成 {needed}~{len(columns)} 栏 · line {number} needs {needed} columns"
            raise Invalid(problem, fields={field: problem})
        rows.append(dict(zip(columns, cells, strict=False)))
    return rows


def _figures(text: str) -> list[dict[str, str]]:
    rows = _table(text, "figures", ("name", "value", "unit", "confidence"), needed=2)
    for row in rows:
        written = row.get("confidence", "").strip()
        row["confidence"] = _CONFIDENCE.get(written, written) or Confidence.UNVERIFIED
    return rows
