"""What Python's parser means by its words, for a beginner."""

from __future__ import annotations

from web.tutor.evidence.misread import misread, said
from web.tutor.languages import Locale

EQUALS = "instead of '='"
# The first entry that is found in the message counts, so those that fit many come last. The empty
# text is found in every message.
SYNTAX: dict[Locale, dict[str, str]] = {
    "en": {
        "cannot assign": "what is on the left of `=` cannot be given a value.",
        EQUALS: "a single `=` gives a name its value; whether two values are equal is asked "
        "with `==`.",
        "expected ':'": "a colon is missing, or something unexpected stands before it.",
        "unterminated": "a string is opened with a quote and never closed.",
        "was never closed": "a bracket is opened and never closed.",
        "unexpected EOF": "the code ends too early; often a bracket is still open.",
        "inconsistent use of tabs": "lines that belong together begin with tabs in one "
        "place and with spaces in another.",
        "expected an indented block": "the lines that belong inside must start further to the "
        "right.",
        "unexpected indent": "this line starts further to the right, and nothing above it opens a "
        "block.",
        "unindent": "this line starts at a place where no line above it starts.",
        "indent": "the spaces at the start of this line do not match its neighbours.",
        "nested": "too many brackets or blocks are inside each other.",
        "outside": "this word is only allowed inside a loop or a function.",
        "not properly in loop": "this word is only allowed inside a loop.",
        "Missing parentheses": "a function is called with brackets after its name.",
        "forgot a comma": "a comma is missing, or a mark between two values.",
        "expected '('": "after the name of a function its brackets are missing.",
        "f-string: expecting": "in a text with `f` before it a curly bracket is opened and never "
        "closed.",
        "parameter without": "a parameter that must be given stands after one that need not be.",
        "positional argument": "an argument without a name stands after one that has one.",
        "names after 'import'": "after `import` a name is missing.",
        "'except'": "a `try` is over, and nothing says what happens when it goes wrong.",
        "expected 'else'": "an `if` within a line also says what the value is otherwise.",
        "unmatched": "a bracket is closed that was never opened.",
        "does not match opening": "a bracket is closed by one of another kind.",
        "non-printable": "there is a character that cannot be seen and does not belong here.",
        "null byte": "there is a character that cannot be seen and does not belong here.",
        "block follows an 'else'": "the block of `else` is the last one, and another follows it.",
        "after dictionary key": "a key within curly brackets has a colon and a value behind it, "
        "and here no colon is behind it.",
        "literal": "a number is not written as Python can read it; no name begins with a digit.",
        "line continuation": "something follows the backslash, which must be the line's last "
        "character.",
        "": "something is missing or out of place here or just before.",
    },
    "ko": {
        "cannot assign": "`=` 왼쪽에 있는 것에는 값을 줄 수 없어요.",
        EQUALS: "`=` 하나는 이름에 값을 줄 때 써요. 두 값이 같은지는 `==`로 물어요.",
        "expected ':'": "콜론이 빠졌거나, 그 앞에 예상하지 못한 것이 있어요.",
        "unterminated": "따옴표로 연 문자열이 닫히지 않았어요.",
        "was never closed": "연 괄호 하나가 닫히지 않았어요.",
        "unexpected EOF": "코드가 너무 일찍 끝났어요. 괄호가 닫히지 않은 경우가 많아요.",
        "inconsistent use of tabs": "함께 있는 줄인데 어떤 줄은 탭으로, 어떤 줄은 빈칸으로 "
        "시작해요.",
        "expected an indented block": "안에 속하는 줄은 더 오른쪽에서 시작해야 해요.",
        "unexpected indent": "이 줄이 더 오른쪽에서 시작하는데, 위에 블록을 여는 줄이 없어요.",
        "unindent": "이 줄은 위의 어느 줄도 시작하지 않는 자리에서 시작해요.",
        "indent": "이 줄 앞의 빈칸이 둘레의 줄과 맞지 않아요.",
        "nested": "괄호나 블록이 너무 깊이 겹쳐 있어요.",
        "outside": "이 낱말은 반복문이나 함수 안에서만 쓸 수 있어요.",
        "not properly in loop": "이 낱말은 반복문 안에서만 쓸 수 있어요.",
        "Missing parentheses": "함수는 이름 뒤에 괄호를 써서 불러요.",
        "forgot a comma": "쉼표나 두 값 사이의 기호가 빠졌어요.",
        "expected '('": "함수 이름 뒤에 괄호가 빠졌어요.",
        "f-string: expecting": "앞에 `f`가 붙은 문자열 안에서 연 중괄호가 닫히지 않았어요.",
        "parameter without": "꼭 받아야 하는 매개변수가 받지 않아도 되는 매개변수 뒤에 있어요.",
        "positional argument": "이름이 없는 인자가 이름이 있는 인자 뒤에 있어요.",
        "names after 'import'": "`import` 뒤에 이름이 빠졌어요.",
        "'except'": "`try`가 끝났는데, 잘못되었을 때 무엇을 할지가 없어요.",
        "expected 'else'": "한 줄 안의 `if`에는 그렇지 않을 때의 값도 있어야 해요.",
        "unmatched": "열지 않은 괄호가 닫혔어요.",
        "does not match opening": "연 괄호와 다른 모양의 괄호로 닫혔어요.",
        "non-printable": "눈에 보이지 않는 글자가 여기에 들어 있어요.",
        "null byte": "눈에 보이지 않는 글자가 여기에 들어 있어요.",
        "block follows an 'else'": "`else` 블록이 마지막이어야 하는데, 그 뒤에 다른 블록이 "
        "이어져요.",
        "after dictionary key": "중괄호 안의 키 뒤에는 콜론과 값이 와야 하는데, 콜론이 없어요.",
        "literal": "파이썬이 읽을 수 없는 수예요. 이름은 숫자로 시작할 수 없어요.",
        "line continuation": "역슬래시는 줄의 마지막 글자여야 하는데, 그 뒤에 무언가 있어요.",
        "": "여기나 바로 앞에 무언가 빠졌거나 자리가 달라요.",
    },
}
"""The rest of a sentence, for a part of CPython's message."""


def explain_syntax(message: str, locale: Locale, code: str, number: int | None) -> str:
    """The rest of a sentence, for the parser's message on a line of the code.

    number: 1-based; a line that the code does not have is read as an empty one.
    """
    met = misread(message, line_of(code, number))
    if met and met[0] != "asks":
        return said(locale, *met)
    message = EQUALS if met else message
    return next(text for part, text in SYNTAX[locale].items() if part in message)


def met_syntax(message: str, locale: Locale, code: str, number: int | None) -> str:
    """The same for a hint: what Python met, and nothing of what is to be written."""
    met = misread(message, line_of(code, number))
    return said(locale, *met) if met else explain_syntax(message, locale, code, number)


def line_of(code: str, number: int | None) -> str:
    return "".join(code.splitlines()[number - 1 : number]) if number and number > 0 else ""
