"""What a student's program did on its failing case, step by step, as a small table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from web.tutor.evidence.facts import LAST_LINE, cut_text, whole

MOST_NAMES = 8
MOST_ROWS = 12
VALUE_CHARS = 40
LABEL_CHARS = 60
NAME_CHARS = 40
MOST_OMITTED = 10**9


class StepsKind(StrEnum):
    """What a row of the table is."""

    LOOP = "loop"
    """A round of the loop; its label is the round's number."""
    CALLS = "calls"
    """A call of a function that calls itself; its label is the call."""
    LINES = "lines"
    """A line that ran; it has no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row: the names' values after it, and which of them it changed."""

    line: int
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A table: a column a name, a row a step.

    omitted: rows left out in the middle, after the first eight; line: where the case failed;
    at: values of names there.
    """

    kind: StepsKind
    names: tuple[str, ...]
    rows: tuple[Step, ...]
    omitted: int = 0
    line: int | None = None
    at: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Keys kind, names, rows, omitted, line, at; only JSON types."""
        rows = [asdict(row) | {"changed": list(row.changed)} for row in self.rows]
        return {
            "kind": self.kind.value,
            "names": list(self.names),
            "rows": rows,
            "omitted": self.omitted,
            "line": self.line,
            "at": dict(self.at),
        }

    @classmethod
    def from_json(cls, data: object) -> Steps | None:
        """A table as as_json wrote it, each field checked and cut; None for what is none.

        data: untrusted, for a student's program shares its memory with what makes the table.
        """
        # As with facts: what is sent as a kind need not have a hash.
        if not isinstance(data, Mapping) or data.get("kind") not in list(StepsKind):
            return None
        names, rows = data.get("names"), data.get("rows")
        if not isinstance(names, list | tuple) or not isinstance(rows, list | tuple):
            return None
        # A column that came twice would be shown twice.
        columns = tuple(dict.fromkeys(
            cut_text(name, NAME_CHARS) for name in names[:MOST_NAMES] if isinstance(name, str)
        ))  # fmt: skip
        found = [_step(row, columns) for row in rows[:MOST_ROWS]]
        return cls(
            kind=StepsKind(data["kind"]),
            names=columns,
            rows=tuple(row for row in found if row),
            omitted=whole(data.get("omitted"), 0, MOST_OMITTED) or 0,
            line=whole(data.get("line"), 1, LAST_LINE),
            at=_values(data.get("at"), None),
        )


def _step(data: object, columns: tuple[str, ...]) -> Step | None:
    if not isinstance(data, Mapping):
        return None
    line = whole(data.get("line"), 1, LAST_LINE)
    label, changed = data.get("label", ""), data.get("changed", ())
    if line is None or not isinstance(label, str) or not isinstance(changed, list | tuple):
        return None
    return Step(
        line=line,
        label=cut_text(label, LABEL_CHARS),
        values=_values(data.get("values"), columns),
        changed=tuple(name for name in columns if name in changed[:MOST_NAMES]),
    )


def _values(data: object, columns: tuple[str, ...] | None) -> dict[str, str]:
    if not isinstance(data, Mapping):
        return {}
    pairs = [
        (cut_text(name, NAME_CHARS), cut_text(value, VALUE_CHARS))
        for name, value in list(data.items())[:MOST_NAMES]
        if isinstance(name, str) and isinstance(value, str)
    ]
    # A value without a column could not be shown.
    return {name: value for name, value in pairs if columns is None or name in columns}
