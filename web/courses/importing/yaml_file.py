"""One YAML file of a package, read by PyYAML's safe loader within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml
from django.utils.translation import gettext_lazy as _

from web.courses.importing.package import Package
from web.courses.importing.remarks import Reason, Spot, refuse

YAML_BYTES = 64 * 2**10
MOST_EVENTS = 10_000
MOST_LEVELS = 20

NO_YAML = _("cannot be read: %(error)s")
NO_ALIAS = _("An alias (*name) is not read: write the value itself.")
TOO_MUCH = _("It has too many values, or they are nested too deep.")
NO_TAG = _("cannot be read: a tag (!name) is not taken, write the value alone")
NO_MAP = _("Must be a map of keys and values.")
TWICE = _("%(key)s: the key is there twice")
UNKNOWN = _("%(key)s: unknown key")


class YamlFile:
    """values: a map, empty for an empty file; known: the keys it may have, None for any.

    Raises: BadPackage.
    """

    def __init__(self, package: Package, file: str, known: frozenset[str] | None = None) -> None:
        self._package, self._file = package, file
        self._lines: dict[str, int] = {}
        text = package.text(file, YAML_BYTES)
        try:
            self._bounded(text)
            self.values = self._read(yaml.compose(text, Loader=yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            refuse(package.spot(file, line), NO_YAML, error=error.problem or error.context or "?")
        # A date or a number that is none, or a character that YAML does not take.
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            refuse(package.spot(file), NO_YAML, error=str(error).partition("\n")[0])
        # Most often a misspelt one, whose setting would be lost.
        for key in self.values:
            if known is not None and key not in known:
                self.refuse(str(key), UNKNOWN, key=key)

    def _bounded(self, text: str) -> None:
        """Before anything is made of it: an alias to a list of aliases is a list without end."""
        levels = 0
        for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            if isinstance(event, yaml.AliasEvent):
                refuse(self._at(event), NO_ALIAS)
            # PyYAML reads what a tag promises, without looking whether the value can be that.
            if getattr(event, "tag", None):
                refuse(self._at(event), NO_TAG)
            levels += isinstance(event, yaml.CollectionStartEvent)
            levels -= isinstance(event, yaml.CollectionEndEvent)
            if count > MOST_EVENTS or levels > MOST_LEVELS:
                refuse(self._at(event), TOO_MUCH)

    def _at(self, event: yaml.Event) -> Spot:
        mark = event.start_mark
        return self._package.spot(self._file, mark.line + 1 if mark else None)

    def _read(self, root: yaml.Node | None) -> dict[str, Any]:
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode):
            refuse(self._package.spot(self._file), NO_MAP)
        for path, line in key_lines(root):
            # PyYAML takes the last of them without a word.
            if path in self._lines:
                refuse(self._package.spot(self._file, line), TWICE, key=path)
            self._lines[path] = line
        values: dict[str, Any] = yaml.SafeLoader("").construct_document(root)
        return values

    def spot(self, key: str) -> Spot:
        return self._package.spot(self._file, self._lines.get(key))

    def refuse(self, at: str, reason: Reason, /, **params: object) -> NoReturn:
        """at: a key. Raises: BadPackage."""
        refuse(self.spot(at), reason, **params)


def key_lines(node: yaml.MappingNode, path: str = "") -> Iterator[tuple[str, int]]:
    """The keys with their lines, `limits.memory`; those within a list have no line."""
    for key, value in node.value:
        name = f"{path}{key.value}"
        yield name, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from key_lines(value, f"{name}.")
