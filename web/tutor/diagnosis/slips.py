"""Usual slips that a report shows by themselves, each in one sentence; no model, no guess."""

from __future__ import annotations

import re

from web.tutor.evidence.report import Case, Report
from web.tutor.evidence.wording.particles import Said
from web.tutor.languages import Locale
from web.tutor.parsing import value_of

TEXTS: dict[Locale, dict[str, str]] = {
    "en": {
        "printed": "Your code prints, but the function gave nothing back: `print` shows a value, "
        "`return` gives it back.",
        "uncalled": "What it gives is a function itself, not its result: a function runs only "
        "when brackets follow its name.",
        "method": "Your code names the method {name} without calling it: a method runs only when "
        "brackets follow its name.",
        "blanks": "The two differ only in their blanks: count them.",
        "missing": "The tests call {name}, but your code does not define it.",
        "defined": "Your code defines: {names}.",
    },
    "ko": {
        "printed": "코드가 출력은 하지만, 함수는 아무것도 돌려주지 않았어요. `print`는 값을 보여 "
        "주고, `return`은 값을 돌려줘요.",
        "uncalled": "나온 것은 함수의 결과가 아니라 함수 자체예요. 이름 뒤에 괄호를 써야 함수가 "
        "실행돼요.",
        "method": "코드에 메서드 {name}의 이름만 있고 호출이 없어요. 이름 뒤에 괄호를 써야 "
        "메서드가 실행돼요.",
        "blanks": "둘은 빈칸만 달라요. 빈칸의 수를 세어 보세요.",
        "missing": "테스트는 {name:을|를} 부르는데, 코드에 그런 함수가 없어요.",
        "defined": "코드에 있는 함수: {names}.",
    },
}
FUNCTION = re.compile(r"<(?:built-in )?(?:bound )?(?:function|method)\b")
DEFINED = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w{1,40})", re.MULTILINE)
NAMES_SHOWN = 5
NOT_DEFINED = re.compile(r"name '(\w+)' is not defined")
METHOD = re.compile(r"<built-in method (\w+) of ")
"""A method that comes with Python, as in `return text.upper`."""


def in_values(case: Case, output: str, locale: Locale) -> str:
    """A sentence on the slip that expected and given value show; empty for none."""
    texts = TEXTS[locale]
    if case.got is None:
        return ""
    if case.got == "None" and case.expected != "None" and _printed(case.expected, output):
        return texts["printed"]
    if method := METHOD.match(case.got):
        return texts["method"].format(name=f"`{method[1]}`")
    if FUNCTION.match(case.got):
        return texts["uncalled"]
    same = "".join(case.got.split()) == "".join(case.expected.split())
    return texts["blanks"] if same and case.got != case.expected else ""


def _printed(expected: str, output: str) -> bool:
    """Whether the output holds this value, as print shows it, and not as a part of a word."""
    try:
        shown = str(value_of(expected))
    # A long value was cut for the report, and is no literal any more.
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        shown = expected
    return bool(re.search(rf"(?<!\w){re.escape(shown)}(?!\w)", output)) and bool(shown.strip())


def missing_function(report: Report, code: str, locale: Locale) -> str:
    """A sentence or two: the tested function is not there, and which are; empty where it is.

    report: of a run of this code.
    """
    error, first = report.error, report.first
    # Without a line the name is missing in the tests, not in the student's code.
    if not (error and first and error.kind == "NameError" and error.line is None):
        return ""
    found = NOT_DEFINED.match(error.message)
    defined = list(dict.fromkeys(DEFINED.findall(code)))[:NAMES_SHOWN]
    if not found or found[1] in defined or not first.call.startswith(f"{found[1]}("):
        return ""
    words = [TEXTS[locale]["missing"].format(name=Said(f"`{found[1]}`"))]
    if defined:
        names = ", ".join(f"`{name}`" for name in defined)
        words.append(TEXTS[locale]["defined"].format(names=names))
    return " ".join(words)
