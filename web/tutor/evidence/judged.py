"""A platform's verdict in plain words: what it told of the tests, in any programming language."""

from __future__ import annotations

from web.tutor.evidence import l0
from web.tutor.evidence.l0 import LINE_END, code_span, value_span
from web.tutor.evidence.report import Report, Verdict
from web.tutor.languages import LANGUAGES, Locale

OTHERWISE: dict[Locale, dict[str, str]] = {
    "en": {
        "passed": "All tests pass. Well done! Can you say why it works?",
        "failed": "Your code gives a wrong result in a test that is not shown.",
        "test_expected": "In a test your code should give {expected}, but it gives something else.",
        "test_got": "In a test your code gives {got}, which is not what the test expects.",
        "test_expected_got": "In a test your code should give {expected}, but it gives {got}.",
        "call": "{call} does not give what the test expects.",
        "call_expected": "{call} should give {expected}, but your code gives something else.",
        "call_got": "{call} gives {got}, which is not what the test expects.",
        "stdin": "For the input {stdin} your code does not print what the test expects.",
        "stdin_expected": "For the input {stdin} your code should print {expected}, but it prints "
        "something else.",
        "stdin_got": "For the input {stdin} your code prints {got}, which is not what the test "
        "expects.",
        "syntax": "Your code could not be read or compiled.",
        "error": "Your code stops with an error.",
        "too_deep": "Your code calls itself more often than is possible.",
        "output": "Your code prints more than it may.",
        "crashed": "Your code stopped before it was done.",
        "not_run": "The program was not run, so nobody knows yet whether it is right.",
        "in_call": "That was in {call}.",
        "in_stdin": "That was for the input {stdin}.",
        "said": "The message: {message}",
    },
    "ko": {
        "passed": "테스트를 모두 통과했어요. 잘했어요! 왜 맞게 동작하는지 설명할 수 있나요?",
        "failed": "보여 드리지 않는 테스트에서 결과가 달라요.",
        "test_expected": "한 테스트에서 결과는 {expected:이어야|여야} 하는데, 지금은 다른 값이 "
        "나와요.",
        "test_got": "한 테스트에서 {got:이|가} 나오는데, 테스트가 기대하는 것과 달라요.",
        "test_expected_got": "한 테스트에서 결과는 {expected:이어야|여야} 하는데, 지금은 "
        "{got:이|가} 나와요.",
        "call": "{call}의 결과가 테스트가 기대하는 것과 달라요.",
        "call_expected": "{call}의 결과는 {expected:이어야|여야} 하는데, 지금은 다른 값이 나와요.",
        "call_got": "{call}의 결과로 {got:이|가} 나오는데, 테스트가 기대하는 것과 달라요.",
        "stdin": "입력이 {stdin}일 때 출력이 테스트가 기대하는 것과 달라요.",
        "stdin_expected": "입력이 {stdin}일 때 {expected:을|를} 출력해야 하는데, 지금은 다른 것을 "
        "출력해요.",
        "stdin_got": "입력이 {stdin}일 때 {got:을|를} 출력하는데, 테스트가 기대하는 것과 달라요.",
        "syntax": "코드를 읽거나 컴파일하지 못했어요.",
        "error": "코드가 오류로 멈춰요.",
        "too_deep": "코드가 자기 자신을 너무 많이 불러요.",
        "output": "코드가 출력할 수 있는 것보다 많이 출력해요.",
        "crashed": "코드가 끝나기 전에 멈췄어요.",
        "not_run": "프로그램을 실행하지 않았어요. 그래서 맞는지는 아직 알 수 없어요.",
        "in_call": "{call:을|를} 불렀을 때 그랬어요.",
        "in_stdin": "입력이 {stdin}일 때 그랬어요.",
        "said": "메시지: {message}",
    },
}
"""What is told otherwise than of a run here, which has shown more."""
TEXTS = {locale: l0.TEXTS[locale] | OTHERWISE[locale] for locale in LANGUAGES}


def judged_words(report: Report, locale: Locale) -> str:
    """One short paragraph of Markdown: what was told, and a question back; no more is known."""
    texts = TEXTS[locale]
    parts = [_what(report, texts), _said(report, texts)]
    if report.total and report.verdict is not Verdict.PASSED:
        parts.append(texts["count"].format(passed=report.passed, total=report.total))
    return " ".join(filter(None, [*parts, _ask(report, texts)]))


def _what(report: Report, texts: dict[str, str]) -> str:
    what, case = texts[report.verdict], report.first
    if case is None:
        return what
    by = "call" if case.call else "test" if case.stdin is None else "stdin"
    # A program may give nothing, which is told; what is expected is left out where it is secret.
    values = {"expected": case.expected or None, "got": case.got}
    told = [name for name, value in values.items() if value is not None]
    spans = {
        name: value_span(value, texts, LINE_END)
        for name, value in {"call": case.call, "stdin": case.stdin, **values}.items()
    }
    if report.verdict is Verdict.FAILED:
        return texts.get("_".join([by, *told]), what).format(**spans)
    return what if by == "test" else f"{what} {texts[f'in_{by}'].format(**spans)}"


def _said(report: Report, texts: dict[str, str]) -> str:
    error = report.error
    said = ": ".join(filter(None, [error.kind, error.message])) if error else ""
    return texts["said"].format(message=code_span(said, LINE_END)) if said else ""


def _ask(report: Report, texts: dict[str, str]) -> str:
    if report.verdict in (Verdict.PASSED, Verdict.NOT_RUN):
        return ""
    if report.error and report.error.line is not None:
        return texts["ask_line"].format(line=report.error.line)
    case = report.first
    return texts["ask"] if case and (case.call or case.stdin is not None) else ""
