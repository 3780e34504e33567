"""What an exception means, in words: CPython's own message says of which kinds the values were."""

from __future__ import annotations

import pytest

from web.tutor.evidence import raised
from web.tutor.languages import LANGUAGES, Locale

OWN = """
def f(a, b): return a
class P:
    def m(): pass
    def n(self, a): pass
def h(a, b=1): return a
def outer():
    def inner(a): pass
    return inner
def unset():
    n += 1
"""


def stopped_by(code: str) -> BaseException:
    """What these statements raise in the Python of this process."""
    try:
        exec(OWN + code, {})  # noqa: S102
    except Exception as error:
        return error
    raise AssertionError(f"{code!r} raises nothing")


@pytest.mark.parametrize(
    ("code", "english", "korean"),
    [
        ("1 + 'a'", "no `+` for a whole number and a string", "정수와 문자열 사이에 `+`를"),
        ("x = 1\nx -= 'a'", "no `-=` for a whole number and a string", "사이에 `-=`를"),
        ("None + 1", "no `+` for `None` and a whole number", "`None`과 정수 사이에"),
        ("'a' ** 2", "no `**` for a string and a whole number", "문자열과 정수 사이에 `**`를"),
        ("'a' + 1", "no `+` for a string and a whole number", "문자열과 정수 사이에 `+`를"),
        ("(1,) + [1]", "no `+` for a tuple and a list", "튜플과 리스트 사이에"),
        ("sorted([1, 'a'])", "no `<` for a string and a whole number", "사이에 `<`를"),
        ("-'a'", "no `-` for a string", "문자열 앞에 `-`를"),
        ("'a' * 1.5", "a whole number of times, and here it is a decimal number", "소수(실수)예요"),
        ("x = [1]\nx(0)", "a list is called as if it were a function", "리스트를 함수처럼"),
        ("list(map(5, [1]))", "a whole number is called as if", "정수를 함수처럼"),
        ("len[0]", "a part of a value, which a function does not allow", "함수에서는 그렇게"),
        ("x = None\nx[0]", "a part of a value, which `None` does not allow", "`None`에서는 그렇게"),
        (
            "for x in 5: pass",
            "one by one, which a whole number does not offer",
            "정수에서는 그렇게",
        ),
        ("a, b = 5", "one by one, which a whole number does not offer", "정수에서는 그렇게"),
        ("1 in 5", "inside a value, which a whole number does not allow", "정수에서는 그렇게"),
        ("1 in 'abc'", "looks for a whole number in a string", "문자열 안에서 정수를"),
        ("x = [1]\nx['a']", "here a string stands in the brackets", "대괄호 안에 문자열이"),
        (
            "x = 'abc'\nx[1.0]",
            "here a decimal number stands in the brackets",
            "대괄호 안에 소수(실수)가",
        ),
        ("x = 'abc'\nx[0] = 'b'", "A part of a string is to be changed", "문자열의 한 부분을"),
        ("x = (1, 2)\ndel x[0]", "A part of a tuple is to be changed", "튜플의 한 부분을"),
        ("{[1]: 2}", "a list is to be a key or to stand in a set", "리스트를 키로"),
        ("len(5)", "`len` asks for a length, and a whole number has none", "정수에는 길이가"),
        ("f(1)", "The call of `f` brings no value for `b`", "`f` 호출에 `b`의 값이"),
        (
            "f(1, 2, 3)",
            "`f` takes by their place: 2; in the call: 3.",
            "값은 3개인데, `f`는 2개",
        ),
        ("f(1, 2, c=3)", "a value for `c`, and `f` knows no such name", "`f`에는 그런 이름이"),
        ("(lambda a: a)()", "The call of `lambda` brings no value for `a`", "`lambda` 호출에"),
        ("h(1, 2, 3)", "`h` takes by their place: 1–2; in the call: 3.", "`h`는 1–2개"),
        ("outer()()", "The call of `inner` brings no value for `a`", "`inner` 호출에 `a`의"),
        (
            "P().m()",
            "place: 0; in the call: 1. Of a method that is called on an object",
            "객체의 메서드로",
        ),
        ("P().n()", "The call of `P.n` brings no value for `a`", "`P.n` 호출에"),
        ("P(1)", "`P` has a number of values that it does not take", "`P` 호출에 넣은"),
        ("sorted([1], len)", "`sorted` has a number of values that", "`sorted` 호출에 넣은"),
        ("[].append(1, 2)", "`list.append` has a number of values", "`list.append` 호출에"),
        ("sorted([1], kei=1) if 0 else range(stop=5)", "a value by a name", "이름을 붙여"),
        ("'5' % 2", "`%` behind a string puts values into its places", "문자열 뒤의 `%`는"),
        ("int([1])", "`int` makes no number of a list", "`int`는 리스트를 수로"),
        ("range('3')", "A whole number is wanted, and here it is a string", "정수가 있어야"),
        ("','.join([1])", "one of the values is a whole number", "값 가운데 정수가"),
        ("'a'.count(1)", "wants another kind of value than it gets", "다른 종류의 값을"),
        ("abs('a')", "wants another kind of value than it gets", "다른 종류의 값을"),
        ("[].push(1)", "asks a list for `push`", "리스트에서 `push`를"),
        ("None.append(1)", "asks `None` for `append`", "`None`에서 `append`를"),
        ("import math\nmath.root", "module `math` has nothing of the name `root`", "`math` 모듈"),
        ("P.x", "The class `P` has nothing of the name `x`", "`P` 클래스"),
        ("unset()", "reads `n` while it has no value", "값이 없는 `n`을"),
        ("[].pop()", "there is nothing in it at that moment", "안에 아무것도 없어요"),
        ("set().pop()", "there is nothing in it at that moment", "안에 아무것도 없어요"),
        ("max([])", "`max` chooses among values, and there are none", "값이 하나도 없어요"),
        ("[1].remove(2)", "What is looked for is not in there", "찾는 것이"),
        ("import math\nmath.sqrt(-1)", "no result for such a number", "그런 수에 대한 결과가"),
        ("d = {1: 1}\nfor k in d: d[2] = 1", "while a loop goes over it", "훑어보는 동안"),
        ("next(iter([]))", "One more value is wanted", "값이 하나 더"),
    ],
)
def test_what_python_says_of_the_values_is_told(code: str, english: str, korean: str) -> None:
    error = stopped_by(code)

    said = {each: raised.meaning(type(error).__name__, str(error), each) for each in LANGUAGES}

    assert english in said["en"]
    assert korean in said["ko"]


@pytest.mark.parametrize(
    ("kind", "message", "english"),
    [
        ("TypeError", "argument of type 'int' is not a container or iterable", "looks inside"),
        (
            "TypeError",
            "cannot use 'list' as a dict key (unhashable type: 'list')",
            "a list is to be a key",
        ),
        ("TypeError", "string indices must be integers, not 'str'", "a string stands in"),
        ("ValueError", "expected a nonnegative input, got -1.0", "no result"),
        ("ValueError", "max() iterable argument is empty", "`max` chooses"),
    ],
)
def test_so_is_what_newer_pythons_say(kind: str, message: str, english: str) -> None:
    assert english in raised.meaning(kind, message, "en")


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("TypeError", ""),
        ("TypeError", "my own words"),
        ("TypeError", "unsupported operand type(s) for `x`: 'use return n * 2' and 'int'"),
        ("TypeError", f"'{'a' * 41}' object is not callable"),
        ("TypeError", "'a b' object is not callable"),
        ("AttributeError", "'list' object has no attribute 'write ` here'"),
        ("KeyError", "'a'"),
    ],
)
def test_of_other_messages_nothing_is_told(kind: str, message: str, locale: Locale) -> None:
    assert raised.meaning(kind, message, locale) == raised.ERRORS[locale][kind]


def test_an_exception_of_no_known_kind_has_no_sentence() -> None:
    assert raised.meaning("Overdrawn", "'list' object is not callable", "en") == ""


@pytest.mark.parametrize("locale", LANGUAGES)
def test_each_sentence_is_whole_and_has_what_its_message_holds(locale: Locale) -> None:
    for text in raised.SAID[locale].values():
        assert text.endswith((".", "요."))
    told = {what for parts in raised.MESSAGES.values() for what, _ in parts}
    assert told | {"handed_to_method"} == raised.SAID[locale].keys()
