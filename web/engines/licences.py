"""Which model may do what: it is measured, or an admin has granted it by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from web.courses.models import Course
from web.engines.models import Licence
from web.people.models import User
from web.prepared import Prepared, Slot
from web.tutor.diagnosis import finding
from web.tutor.gate import judge
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.writing import prompt


class Trust(NamedTuple):
    """How far a course lets models go beyond their licences; None: nobody has evaluated the model.

    unlicensed: such a model writes, and judges what is written. tries: every model does everything,
    as the course is an evaluation's.
    """

    unlicensed: bool = False
    tries: bool = False

    @classmethod
    def of(cls, course: Course) -> Trust:
        return cls(course.trusts_unlicensed, course.tries_models)

    def writes(self, licence: Licence | None, level: int, locale: Locale) -> bool:
        known = self.unlicensed if licence is None else level in licence.written(locale)
        return self.tries or known

    def judges(self, licence: Licence | None, level: int) -> bool:
        known = self.unlicensed if licence is None else level <= licence.judges_to
        return self.tries or known

    def diagnoses(self, licence: Licence | None) -> bool:
        # Trust alone is not enough: it would cost each hint requests that may come to nothing.
        return self.tries or bool(licence and licence.diagnoses)


NO_TRUST = Trust()


def template_version(writing: str = "") -> str:
    """Of all that a licence was measured with: the templates of writing, finding out and judging.

    writing: another version of the first one, for an evaluation of it; "" for that of now.
    """
    return ".".join((writing or prompt.TEMPLATE_VERSION, finding.VERSION, judge.VERSION))


def grant(
    model: str,
    *,
    levels: Mapping[Locale, Sequence[int]],
    judges_to: int = 0,
    judge_threshold: float | None = None,
    diagnoses: bool = False,
    by: User | None = None,
    evaluation: str = "",
    note: str = "",
    version: str = "",
) -> Licence:
    """The model's licence, in place of the one that it had for the same templates.

    model: as roster.known_as names it. levels: that it may write, by language; a language that is
    not there is none. judges_to: the highest level that it judges, 0 for none. evaluation: the id
    of the one that measured it, "" for a grant by hand. version: of template_version, "" for that
    of now. Raises: ValidationError.
    """
    key: dict[str, Any] = {"model": model, "template_version": version or template_version()}
    columns: dict[str, Any] = {
        "levels": {each: sorted({*levels.get(each, ())}) for each in LANGUAGES},
        "judges_to": judges_to,
        "judge_threshold": judge_threshold,
        "diagnoses": diagnoses,
        "granted_by": by,
        "evaluation": evaluation,
        "note": note,
    }
    # A row that is there already is no error: it is replaced.
    Licence(**key, **columns).full_clean(validate_unique=False, validate_constraints=False)
    return Licence.objects.update_or_create(defaults=columns, **key)[0]


OF = Prepared(lambda: Licence.objects.filter(model=Slot("model"), template_version=Slot("version")))


def of(model: str) -> Licence | None:
    """The licence that counts; None for a model that nobody has evaluated with these templates."""
    found: Licence | None = OF.first(model=model, version=template_version())
    return found
