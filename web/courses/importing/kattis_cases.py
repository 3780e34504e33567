"""How a case of a Kattis package is judged: its own settings, and those of the groups above it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing.package import Package
from web.courses.importing.remarks import Spot
from web.courses.importing.yaml_file import YamlFile
from web.courses.models import Comparison

GROUP = "test_group.yaml"
BOTH = frozenset({
    "args", "input_validator_args", "output_validator_args", "input_visualizer_args",
    "output_visualizer_args", "full_feedback",
})  # fmt: skip
OF_GROUP = BOTH | {
    "max_score", "score_aggregation", "static_validation_score", "require_pass",
    "static_validator_args",
}  # fmt: skip
OF_CASE = BOTH | {"hint", "description"}
FLAGS = frozenset({"case_sensitive", "space_change_sensitive"})
TOLERANCES = {
    "float_tolerance": ("absolute", "relative"),
    "float_absolute_tolerance": ("absolute",),
    "float_relative_tolerance": ("relative",),
}

ARGUMENTS = _("args: a program gets no arguments here")
NO_ARGUMENTS = _("output_validator_args: must be a list of texts")
NO_FLAG = _("%(key)s: must be true or false")
NO_TEXT = _("%(key)s: must be text")
UNKNOWN = _("output_validator_args: %(argument)s is no argument of the default validator")
NO_NUMBER = _("output_validator_args: %(argument)s needs a number that is not below 0")
BOTH_WAYS = _("output_validator_args: white space counts or numbers have a tolerance, not both")


@dataclass(frozen=True, slots=True)
class Settings:
    """visible: a student may see input and output. note: for who fails it.

    absolute, relative: tolerances, None where none was given.
    """

    spot: Spot
    visible: bool
    note: str = ""
    case_sensitive: bool = False
    exact: bool = False
    absolute: float | None = None
    relative: float | None = None

    @property
    def comparison(self) -> tuple[Comparison, float, float]:
        """The checker, and both tolerances."""
        if self.absolute is None and self.relative is None:
            return (Comparison.EXACT if self.exact else Comparison.TOKENS), 0.0, 0.0
        return Comparison.FLOAT, self.absolute or 0.0, self.relative or 0.0


def inherited(
    package: Package, name: str, groups: dict[str, Settings], constants: Callable[[str], str]
) -> Settings:
    """Of the case `data/secret/group/NAME`; groups: those that were read before, by their folder.

    Raises: BadPackage.
    """
    folder = name.rpartition("/")[0]
    settings = of_group(package, folder, groups, constants)
    file = f"{name}.yaml"
    settings = replace(settings, spot=package.spot(f"{name}.in"))
    return overlaid(package, file, settings, OF_CASE) if file in package.files else settings


def of_group(
    package: Package, folder: str, groups: dict[str, Settings], constants: Callable[[str], str]
) -> Settings:
    if folder == "data":
        return Settings(package.spot("data"), visible=False)
    # Hundreds of cases may share a group's file.
    if folder not in groups:
        settings = of_group(package, folder.rpartition("/")[0], groups, constants)
        if folder == "data/sample":
            settings = replace(settings, visible=True)
        file = f"{folder}/{GROUP}"
        if file in package.files:
            settings = overlaid(package, file, settings, OF_GROUP, constants)
        groups[folder] = settings
    return groups[folder]


def overlaid(
    package: Package,
    file: str,
    settings: Settings,
    known: frozenset[str],
    constants: Callable[[str], str] = str,
) -> Settings:
    """These settings with what the file says instead."""
    found = YamlFile(package, file, known)
    values = found.values
    if values.get("args"):
        found.refuse("args", ARGUMENTS)
    visible = values.get("full_feedback", settings.visible)
    if not isinstance(visible, bool):
        found.refuse("full_feedback", NO_FLAG, key="full_feedback")
    texts = {key: values.get(key) or "" for key in ("hint", "description")}
    for key, text in texts.items():
        if not isinstance(text, str):
            found.refuse(key, NO_TEXT, key=key)
    # A description is for judges: it may tell what is hidden.
    note = texts["hint"] or (texts["description"] if visible else "")
    settings = replace(settings, visible=visible, note=note.strip())
    if "output_validator_args" in values:
        given = values["output_validator_args"]
        given = given.split() if isinstance(given, str) else given
        if not isinstance(given, list) or any(isinstance(each, list | dict) for each in given):
            found.refuse("output_validator_args", NO_ARGUMENTS)
        # An argument and its value may stand in one text: `float_tolerance 1e-6`.
        arguments = [part for each in given for part in constants(str(each)).split()]
        settings = replace(settings, **validated(found, arguments))
    return settings


def validated(found: YamlFile, arguments: list[str]) -> dict[str, Any]:
    """What the default validator's arguments say: fields of Settings."""
    fields: dict[str, Any] = dict(case_sensitive=False, exact=False, absolute=None, relative=None)
    rest = iter(arguments)
    for argument in rest:
        if argument in FLAGS:
            fields["case_sensitive" if argument == "case_sensitive" else "exact"] = True
        elif argument in TOLERANCES:
            # What is no number is refused as one that is below 0.
            try:
                value = float(next(rest, ""))
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                found.refuse("output_validator_args", NO_NUMBER, argument=argument)
            fields |= dict.fromkeys(TOLERANCES[argument], value)
        else:
            found.refuse("output_validator_args", UNKNOWN, argument=argument)
    if fields["exact"] and {fields["absolute"], fields["relative"]} != {None}:
        found.refuse("output_validator_args", BOTH_WAYS)
    return fields
