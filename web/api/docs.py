"""The API for people to read: our own listing of /openapi.json, since nothing is fetched from elsewhere."""

from __future__ import annotations

from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from web import languages
from web.api.in_chinese import SUMMARIES
from web.errors import TITLES

bp = Blueprint("api_docs", __name__)


@bp.get("/api")
def show() -> ResponseReturnValue:
    spec = cast(dict[str, Any], cast(APIFlask, current_app).spec)
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "summary": _summary(f"{method.upper()} {path.removeprefix('/api/v1')}", operation),
            "parameters": [item for item in operation.get("parameters", []) if item.get("in") == "query"],
            "body": _body(spec, operation),
        }
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post")
    ]
    return render_template("api/docs.html", operations=operations, problems=TITLES)


def _summary(name: str, operation: dict[str, Any]) -> str:
    if languages.language() == languages.CHINESE:
        return SUMMARIES[name]
    return str(operation.get("description") or operation["summary"])


def _body(spec: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, object]]:
    """The fields of the JSON that a POST takes."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "required": name in required, "said": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]
