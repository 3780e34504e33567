"""The test report in plain words: the first help, instant and without a model."""

from __future__ import annotations

from web.tutor.diagnosis import slips
from web.tutor.evidence import raised
from web.tutor.evidence.explain import explain_syntax, line_of
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict
from web.tutor.evidence.wording.particles import Said
from web.tutor.languages import Locale

TEXTS: dict[Locale, dict[str, str]] = {
    "en": {
        "passed": "All {total} tests pass. Well done! Can you say why it works?",
        "stdin_expected_got": "With the input {stdin} your program should print {expected}, but it "
        "prints {got}.",
        "stdin_nothing": "With the input {stdin} your program should print {expected}, but it "
        "prints nothing.",
        "stdin_error": "With the input {stdin} your program should print {expected}, but it stops "
        "with {error}.",
        "hidden": "A test whose input is not shown fails.",
        "hidden_error": "In a test whose input is not shown your program stops with {error}.",
        "call_expected_got": "{call} should give {expected}, but your code gives {got}.",
        "call_error": "{call} should give {expected}, but it stops with {error}.",
        "count": "{passed} of {total} tests pass.",
        "ask": "What did you expect your code to do with this input?",
        "ask_line": "What did you expect on line {line}?",
        "ask_syntax": "What do you see on that line, or just before it, when you read it aloud?",
        "empty": "(empty)",
        "syntax": "Python cannot read your code: {meaning}",
        "syntax_line": "Python cannot read your code at line {line}: {meaning}",
        "error": "Your code stops with {error}.",
        "error_line": "Your code stops at line {line} with {error}.",
        "time": "Your code did not finish in time.",
        "time_call": "{call} did not finish in time.",
        "time_why": "Usually a loop never ends because nothing in it changes what its condition "
        "looks at. Which value should change in each round?",
        "memory": "Your code used more memory than it may.",
        "memory_call": "{call} used more memory than it may.",
        "memory_why": "Usually a list, text or number grows in every round of a loop that does not "
        "end. What makes it stop growing?",
        "too_deep": "Your code goes too deep: calls, brackets or values are inside each other so "
        "often that Python gives up.",
        "too_deep_call": "{call} goes too deep: calls or values are inside each other so often "
        "that Python gives up.",
        "too_deep_why": "Usually a function calls itself and never reaches a case where it stops. "
        "Which call should be the last one?",
        "output": "Your program prints more than can be read.",
        "output_why": "Usually a loop that prints never ends. What should make it stop?",
        "crashed": "Your code broke the place where the tests run. Very deep recursion or huge "
        "values can do that. What is the largest value your code makes?",
        "Language": "The program was not run: tests cannot be run for this language ({message}). "
        "So nobody knows yet whether it is right.",
        "NoTests": "The program was not run: this exercise has no tests that can be run. So nobody "
        "knows yet whether it is right.",
        "Unsupported": "The tests cannot be run: your code uses {message}, which the place where "
        "tests run does not have. That need not be a mistake.",
        "Lost": "The tests could not be run: the place where they run broke off twice. That need "
        "not be a mistake of yours. Try again in a moment.",
        "Busy": "The tests could not be run just now: too many are running. Try again in a moment.",
    },
    "ko": {
        "passed": "테스트 {total}개를 모두 통과했어요. 잘했어요! 왜 맞게 동작하는지 설명할 수 "
        "있나요?",
        "stdin_expected_got": "입력이 {stdin}일 때 {expected:을|를} 출력해야 하는데, 지금은 "
        "{got:을|를} 출력해요.",
        "stdin_nothing": "입력이 {stdin}일 때 {expected:을|를} 출력해야 하는데, 지금은 아무것도 "
        "출력하지 않아요.",
        "stdin_error": "입력이 {stdin}일 때 {expected:을|를} 출력해야 하는데, {error} 오류로 "
        "멈춰요.",
        "hidden": "입력을 보여 주지 않는 테스트 하나가 맞지 않아요.",
        "hidden_error": "입력을 보여 주지 않는 테스트에서 프로그램이 {error} 오류로 멈춰요.",
        "call_expected_got": "{call}의 결과는 {expected:이어야|여야} 하는데, 지금은 {got:이|가} "
        "나와요.",
        "call_error": "{call}의 결과는 {expected:이어야|여야} 하는데, {error} 오류로 멈춰요.",
        "count": "테스트 {total}개 중 {passed}개를 통과했어요.",
        "ask": "이 입력에서 코드가 어떻게 움직일 거라고 생각했나요?",
        "ask_line": "{line}번째 줄에서 무엇을 기대했나요?",
        "ask_syntax": "그 줄과 바로 앞을 소리 내어 읽어 보면 무엇이 보이나요?",
        "empty": "(없음)",
        "syntax": "파이썬이 코드를 읽지 못해요: {meaning}",
        "syntax_line": "파이썬이 {line}번째 줄에서 코드를 읽지 못해요: {meaning}",
        "error": "코드가 {error} 오류로 멈춰요.",
        "error_line": "코드가 {line}번째 줄에서 {error} 오류로 멈춰요.",
        "time": "코드가 제한 시간 안에 끝나지 않았어요.",
        "time_call": "{call:을|를} 불렀더니 제한 시간 안에 끝나지 않았어요.",
        "time_why": "보통은 반복문의 조건이 보는 값이 바뀌지 않을 때 그래요. 한 바퀴 돌 때마다 "
        "어떤 값이 바뀌어야 하나요?",
        "memory": "코드가 쓸 수 있는 것보다 많은 메모리를 썼어요.",
        "memory_call": "{call:을|를} 불렀더니 쓸 수 있는 것보다 많은 메모리를 썼어요.",
        "memory_why": "보통은 끝나지 않는 반복문 안에서 리스트나 문자열, 수가 계속 커질 때 그래요. "
        "무엇이 그것을 멈추게 하나요?",
        "too_deep": "코드가 너무 깊이 들어가요. 호출이나 괄호, 값이 너무 여러 겹으로 들어 있어서 "
        "파이썬이 포기했어요.",
        "too_deep_call": "{call:을|를} 불렀더니 너무 깊이 들어가요. 호출이나 값이 너무 여러 겹으로 "
        "들어 있어서 파이썬이 포기했어요.",
        "too_deep_why": "보통은 함수가 자기 자신을 계속 부르기만 하고 멈추는 경우에 이르지 못할 때 "
        "그래요. 어떤 호출이 마지막이어야 하나요?",
        "output": "프로그램이 지나치게 많이 출력했어요.",
        "output_why": "보통은 출력하는 반복문이 끝나지 않을 때 그래요. 무엇이 반복을 멈춰야 "
        "하나요?",
        "crashed": "코드 때문에 테스트를 돌리는 곳이 멈췄어요. 아주 깊은 재귀나 아주 큰 값이 "
        "있으면 그럴 수 있어요. 코드가 만드는 가장 큰 값은 무엇인가요?",
        "Language": "이 언어({message})로 쓴 프로그램은 여기서 테스트할 수 없어서 실행하지 "
        "않았어요. 그래서 맞는지는 아직 알 수 없어요.",
        "NoTests": "이 문제에는 돌릴 수 있는 테스트가 없어요. 그래서 프로그램을 실행하지 않았고, "
        "맞는지는 아직 알 수 없어요.",
        "Unsupported": "테스트를 돌릴 수 없어요. 코드가 쓰는 {message:이|가} 테스트를 돌리는 곳에 "
        "없어요. 코드가 잘못된 것은 아닐 수도 있어요.",
        "Lost": "테스트를 돌리는 곳이 두 번이나 멈춰서 실행하지 못했어요. 코드의 잘못이 아닐 수도 "
        "있어요. 잠시 뒤에 다시 해 보세요.",
        "Busy": "지금은 실행 중인 테스트가 많아 돌리지 못했어요. 잠시 뒤에 다시 해 보세요.",
    },
}
"""By verdict, and of a failing case by what is known of it; `{got:이|가}` takes the particle that
goes with the value."""
LINE_END = " ↵ "
"""Between the lines of an input or output that stand in one sentence."""


def l0_words(report: Report, locale: Locale, code: str = "") -> str:
    """One short paragraph of Markdown: what happened, what it means, and a question back.

    code: the student's; with it, names that are there and single lines of it can be told. Blanks
    of values are kept. Raises: KeyError for a run that was none, of a kind that is not in TEXTS.
    """
    texts, error, first = TEXTS[locale], report.error, report.first
    match report.verdict:
        case Verdict.PASSED:
            parts = [texts["passed"].format(total=report.total)]
        case Verdict.NOT_RUN if error:
            # The kinds of why nothing ran are keys of TEXTS.
            message = " ".join(error.message.replace("`", "'").split())
            parts = [texts[error.kind].format(message=Said(message))]
        case Verdict.TIME | Verdict.MEMORY | Verdict.TOO_DEEP | Verdict.OUTPUT as limit:
            parts = [_limit(limit, first, texts), texts[f"{limit}_why"]]
        case Verdict.SYNTAX if error:
            parts = _syntax(error, texts, locale, code)
        case Verdict.ERROR if error:
            parts = _error(report, error, texts, locale, code)
        case Verdict.FAILED if first:
            meaning = slips.in_values(first, report.output, locale)
            parts = [_case(first, texts), _note(first, locale) or meaning, _count(report, texts)]
            parts += [] if first.hidden else [texts["ask"]]
        case _:
            parts = [texts["crashed"]]
    return " ".join(filter(None, parts))


def _limit(limit: Verdict, first: Case | None, texts: dict[str, str]) -> str:
    # Of a program that reads its input there is no call to name.
    if first and first.stdin is None:
        return texts[f"{limit}_call"].format(call=code_span(first.call))
    return texts[limit]


def _syntax(error: ProgramError, texts: dict[str, str], locale: Locale, code: str) -> list[str]:
    meaning = explain_syntax(error.message, locale, code, error.line)
    if error.line is None:
        return [texts["syntax"].format(meaning=meaning)]
    told = texts["syntax_line"].format(line=error.line, meaning=meaning)
    return [told, texts["ask_syntax"]]


def _error(
    report: Report, error: ProgramError, texts: dict[str, str], locale: Locale, code: str
) -> list[str]:
    if missing := slips.missing_function(report, code, locale):
        return [missing, _count(report, texts)]
    what, ask = ("error", "ask") if error.line is None else ("error_line", "ask_line")
    if report.first:
        told = _case(report.first, texts)
    else:
        shown = code_span(f"{error.kind}: {error.message}" if error.message else error.kind)
        told = texts[what].format(line=error.line, error=shown)
    # What the program raises itself has a reason of its own.
    hidden = report.first and report.first.hidden
    meaning = ""
    if not raised.raises(code, error.line or 0):
        message, line = "" if hidden else error.message, line_of(code, error.line)
        meaning = raised.meaning(error.kind, message, locale, code, line)
    note = _note(report.first, locale) if report.first else ""
    return [told, note or meaning, _count(report, texts), texts[ask].format(line=error.line)]


def _note(case: Case, locale: Locale) -> str:
    """What the author says of the case, as a sentence."""
    note = case.note.get(locale, "").strip()
    return note if not note or note.endswith((".", "!", "?", "。", "…")) else f"{note}."


def _case(case: Case, texts: dict[str, str]) -> str:
    io = case.stdin is not None
    kind = "hidden" if case.hidden else "stdin" if io else "call"
    if case.error:
        kind += "_error"
    elif kind != "hidden":
        kind += "_nothing" if io and not (case.got or "").strip() else "_expected_got"
    between = LINE_END if io else " "
    values = {"stdin": case.stdin, "expected": case.expected, "got": case.got}
    return texts[kind].format(
        call=code_span(case.call),
        error=code_span(case.error),
        **{name: value_span(text, texts, between) for name, text in values.items()},
    )


def _count(report: Report, texts: dict[str, str]) -> str:
    if not report.total:
        return ""
    return texts["count"].format(passed=report.passed, total=report.total)


def value_span(text: str | None, texts: dict[str, str], between: str) -> Said:
    """As code_span; of nothing but blanks, the word for that."""
    return code_span(text, between) if text and text.strip() else Said(texts["empty"])


def code_span(text: str | None, between: str = " ") -> Said:
    """As a code span of Markdown, on one line; blanks stay, for values may differ in them."""
    line = one_line(text or "", between)
    return Said(f"`` {line} ``" if "`" in line else f"`{line}`")


def one_line(text: str, between: str) -> str:
    """between: stands between its lines; empty ones are left out, unless between shows them."""
    # A blank line or two lines would end the code span, or the paragraph around it.
    lines = [line.strip() for line in text.strip().splitlines()]
    return between.join(lines if between.strip() else filter(None, lines))
