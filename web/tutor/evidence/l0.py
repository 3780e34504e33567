"""The test report in plain words: the first help, instant and without a model."""

from __future__ import annotations

from web.tutor.diagnosis import slips
from web.tutor.evidence.explain import ERRORS, explain_syntax
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict
from web.tutor.languages import Locale

TEXTS: dict[Locale, dict[str, str]] = {
    "en": {
        "passed": "All {total} tests pass. Well done! Can you say why it works?",
        "case_io": "With the input {stdin} your program should print {expected}, but it prints "
        "{got}.",
        "case_io_nothing": "With the input {stdin} your program should print {expected}, but it "
        "prints nothing.",
        "case_io_error": "With the input {stdin} your program should print {expected}, but it "
        "stops with {error}.",
        "hidden": "A test whose input is not shown fails.",
        "hidden_error": "In a test whose input is not shown your program stops with {error}.",
        "case": "{call} should give {expected}, but your code gives {got}.",
        "case_error": "{call} should give {expected}, but it stops with {error}.",
        "count": "{passed} of {total} tests pass.",
        "ask_call": "What did you expect your code to do with this input?",
        "ask_line": "What did you expect on line {line}?",
        "syntax": "Python cannot read your code: {meaning}",
        "syntax_line": "Python cannot read your code at line {line}: {meaning}",
        "error": "Your code stops with {error}.",
        "error_line": "Your code stops at line {line} with {error}.",
        "time": "Your code did not finish in time.",
        "time_call": "{call} did not finish in time.",
        "time_why": "Usually a loop never ends because what its condition looks at does not "
        "change. Which value should change in each round?",
        "memory": "Your code used more memory than it may.",
        "memory_call": "{call} used more memory than it may.",
        "memory_why": "Usually a list, text or number grows in every round of a loop that does not "
        "end. What makes it stop growing?",
        "too_deep": "Your code goes too deep: calls, brackets or values stand inside each other so "
        "often that Python gives up.",
        "too_deep_call": "{call} goes too deep: calls or values stand inside each other so often "
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
        "case_io": "입력이 {stdin} 이면 {expected} 을(를) 출력해야 하는데, 지금 프로그램은 {got} "
        "을(를) 출력해요.",
        "case_io_nothing": "입력이 {stdin} 이면 {expected} 을(를) 출력해야 하는데, 지금 프로그램은 "
        "아무것도 출력하지 않아요.",
        "case_io_error": "입력이 {stdin} 이면 {expected} 을(를) 출력해야 하는데, {error} 오류로 "
        "멈춰요.",
        "hidden": "입력을 보여 주지 않는 테스트 하나가 맞지 않아요.",
        "hidden_error": "입력을 보여 주지 않는 테스트에서 프로그램이 {error} 오류로 멈춰요.",
        "case": "{call} 의 결과는 {expected} 이어야 하는데, 지금 코드는 {got} 을(를) 내요.",
        "case_error": "{call} 의 결과는 {expected} 이어야 하는데, {error} 오류로 멈춰요.",
        "count": "테스트 {total}개 중 {passed}개를 통과했어요.",
        "ask_call": "이 입력에서 코드가 어떻게 움직일 거라고 생각했나요?",
        "ask_line": "{line}번째 줄에서 무엇을 기대했나요?",
        "syntax": "파이썬이 코드를 읽지 못해요: {meaning}",
        "syntax_line": "파이썬이 {line}번째 줄에서 코드를 읽지 못해요: {meaning}",
        "error": "코드가 {error} 오류로 멈춰요.",
        "error_line": "코드가 {line}번째 줄에서 {error} 오류로 멈춰요.",
        "time": "코드가 제한 시간 안에 끝나지 않았어요.",
        "time_call": "{call} 이(가) 제한 시간 안에 끝나지 않았어요.",
        "time_why": "보통은 반복문의 조건이 보는 값이 바뀌지 않아서 끝나지 않아요. 한 번 돌 "
        "때마다 어떤 값이 바뀌어야 하나요?",
        "memory": "코드가 쓸 수 있는 것보다 많은 메모리를 썼어요.",
        "memory_call": "{call} 이(가) 쓸 수 있는 것보다 많은 메모리를 썼어요.",
        "memory_why": "보통은 끝나지 않는 반복문 안에서 리스트나 문자열, 수가 계속 커져요. 무엇이 "
        "그것을 멈추게 하나요?",
        "too_deep": "코드가 너무 깊이 들어가요. 호출이나 괄호, 값이 서로 안에 너무 많이 겹쳐서 "
        "파이썬이 포기했어요.",
        "too_deep_call": "{call} 이(가) 너무 깊이 들어가요. 호출이나 값이 서로 안에 너무 많이 "
        "겹쳐서 파이썬이 포기했어요.",
        "too_deep_why": "보통은 함수가 자기 자신을 부르면서 멈추는 경우에 닿지 못해요. 어떤 호출이 "
        "마지막이어야 하나요?",
        "output": "프로그램이 읽을 수 있는 것보다 많이 출력했어요.",
        "output_why": "보통은 출력하는 반복문이 끝나지 않아요. 무엇이 그것을 멈춰야 하나요?",
        "crashed": "코드 때문에 테스트를 돌리는 곳이 멈췄어요. 아주 깊은 재귀나 아주 큰 값이 "
        "그럴 수 있어요. 코드가 만드는 가장 큰 값은 무엇인가요?",
        "Language": "이 언어({message})는 테스트를 돌릴 수 없어서 프로그램을 실행하지 않았어요. "
        "그래서 맞는지 아직 아무도 몰라요.",
        "NoTests": "이 문제에는 돌릴 수 있는 테스트가 없어요. 그래서 프로그램을 실행하지 않았어요. "
        "맞는지는 아직 아무도 몰라요.",
        "Unsupported": "테스트를 돌릴 수 없어요. 코드가 쓰는 {message} 이(가) 테스트를 돌리는 곳에 "
        "없어요. 잘못이 아닐 수도 있어요.",
        "Lost": "테스트를 돌리는 곳이 두 번이나 멈춰서 실행하지 못했어요. 코드의 잘못이 아닐 수도 "
        "있어요. 잠시 뒤에 다시 해 보세요.",
        "Busy": "지금은 실행 중인 테스트가 많아 돌리지 못했어요. 잠시 뒤에 다시 해 보세요.",
    },
}


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
            parts = [texts[error.kind].format(message=message)]
        case Verdict.TIME | Verdict.MEMORY | Verdict.TOO_DEEP | Verdict.OUTPUT as limit:
            parts = [_limit(limit, first, texts), texts[f"{limit}_why"]]
        case Verdict.SYNTAX if error:
            parts = _syntax(error, texts, locale, code)
        case Verdict.ERROR if error:
            parts = _error(report, error, texts, locale, code)
        case Verdict.FAILED if first:
            meaning = slips.in_values(first, report.output, locale)
            note = first.note.get(locale, "")
            parts = [_case(first, texts), note or meaning, _count(report, texts)]
            parts += [] if first.hidden else [texts["ask_call"]]
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
    ask = texts["ask_line"].format(line=error.line)
    return [texts["syntax_line"].format(line=error.line, meaning=meaning), ask]


def _error(
    report: Report, error: ProgramError, texts: dict[str, str], locale: Locale, code: str
) -> list[str]:
    if missing := slips.missing_function(report, code, locale):
        return [missing, _count(report, texts)]
    what, ask = ("error", "ask_call") if error.line is None else ("error_line", "ask_line")
    if report.first:
        told = _case(report.first, texts)
    else:
        shown = code_span(f"{error.kind}: {error.message}" if error.message else error.kind)
        told = texts[what].format(line=error.line, error=shown)
    meaning = ERRORS[locale].get(error.kind, "")
    return [told, meaning, _count(report, texts), texts[ask].format(line=error.line)]


def _case(case: Case, texts: dict[str, str]) -> str:
    kind = "hidden" if case.hidden else "case" if case.stdin is None else "case_io"
    if case.error:
        kind += "_error"
    elif kind == "case_io" and not (case.got or "").strip():
        kind = "case_io_nothing"
    return texts[kind].format(
        call=code_span(case.call),
        stdin=code_span(case.stdin),
        expected=code_span(case.expected),
        got=code_span(case.got),
        error=code_span(case.error),
    )


def _count(report: Report, texts: dict[str, str]) -> str:
    if not report.total:
        return ""
    return texts["count"].format(passed=report.passed, total=report.total)


def code_span(text: str | None, between: str = " ") -> str:
    """As a code span of Markdown, on one line; blanks stay, for values may differ in them.

    between: stands between its lines.
    """
    # A blank line or two lines would end the code span, or the paragraph around it.
    line = between.join(filter(None, map(str.strip, (text or "").splitlines())))
    return f"`` {line} ``" if "`" in line else f"`{line}`"
