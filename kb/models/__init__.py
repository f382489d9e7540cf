"""Which records does the database keep, and what does it refuse?

The service layer explains itself; the database has the last word. Constraints stand here, the rules that need more
than one row (closing gate, two reviews, append-only history) are triggers in `kb/migrations`. One module a kind of
record. A relationship names its class, which SQLAlchemy looks up once all modules are imported, as they are below: so
but for `base` they import each other for type checkers alone.
"""

from __future__ import annotations

from kb.models.base import Base, UtcDateTime
from kb.models.changes import Change, ChangeIncident, ChangePlan, ChangeProblem
from kb.models.dictionary import DictionaryChange, DictionaryLine, DictionaryVersion, GoldenQuery, GoldenRun
from kb.models.entries import Attachment, Category, ContentObject, Entry, Revision
from kb.models.incidents import Handover, Incident, Note, Photo, Reference
from kb.models.installation import Counter, ImportedFile, OutboxRow, Setting
from kb.models.notices import AuditRow, Mail, Notice
from kb.models.outcomes import ContactAttempt, Rating, SelfHelp, SolutionOutcome, Verification
from kb.models.people import Unit, User
from kb.models.problems import Problem, ProblemIncident
from kb.models.reviews import Delegation, Doubt, Review
from kb.models.searches import CapturedText, Search

__all__ = [
    "Attachment",
    "AuditRow",
    "Base",
    "CapturedText",
    "Category",
    "Change",
    "ChangeIncident",
    "ChangePlan",
    "ChangeProblem",
    "ContactAttempt",
    "ContentObject",
    "Counter",
    "Delegation",
    "DictionaryChange",
    "DictionaryLine",
    "DictionaryVersion",
    "Doubt",
    "Entry",
    "GoldenQuery",
    "GoldenRun",
    "Handover",
    "ImportedFile",
    "Incident",
    "Mail",
    "Note",
    "Notice",
    "OutboxRow",
    "Photo",
    "Problem",
    "ProblemIncident",
    "Rating",
    "Reference",
    "Review",
    "Revision",
    "Search",
    "SelfHelp",
    "Setting",
    "SolutionOutcome",
    "Unit",
    "User",
    "UtcDateTime",
    "Verification",
]
