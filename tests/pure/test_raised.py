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
class Q:
    def __init__(self, a, b=1): pass
class R:
    def __init__(self): pass
def outer_class():
    class S:
        def __init__(self): pass
    return S
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
        (
            "'a' * 1.5",
            "a whole number of times, and here the other value is a decimal number",
            "소수(실수)예요",
        ),
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
        ("{[1]: 2}", "cannot be or hold a list", "값으로는 리스트를"),
        ("len(5)", "`len` asks for a length, and a whole number has none", "정수에는 길이가"),
        ("f(1)", "The call of `f` brings no value for `b`", "`f` 호출에 `b`의 값이"),
        (
            "f(1, 2, 3)",
            "`f` takes 2 values by position, but this call hands over 3.",
            "`f`는 값을 순서대로 2개 받는데, 이 호출은 3개를",
        ),
        ("f(1, 2, c=3)", "a value for `c`, and `f` knows no such name", "`f`에는 그런 이름이"),
        ("(lambda a: a)()", "The call of `lambda` brings no value for `a`", "`lambda` 호출에"),
        ("h(1, 2, 3)", "`h` takes 1 to 2 values by position, but", "`h`는 값을 순서대로 1~2개"),
        ("outer()()", "The call of `inner` brings no value for `a`", "`inner` 호출에 `a`의"),
        (
            "P().m()",
            "hands over 1, counting the object itself",
            "객체의 메서드로",
        ),
        ("P().n()", "The call of `P.n` brings no value for `a`", "`P.n` 호출에"),
        ("P(1)", "The class `P` takes no values when", "`P` 클래스는 객체를"),
        (
            "sorted([1], len)",
            "hands `sorted` more values than it takes, or",
            "`sorted` 호출에 넣은",
        ),
        ("[].append(1, 2)", "hands `list.append` more values than", "`list.append` 호출에"),
        ("sorted([1], kei=1) if 0 else range(stop=5)", "a value by a name", "이름을 붙여"),
        ("'5' % 2", "there are more values than places", "값이 자리보다 많아요"),
        ("'%s %s' % 2", "there are fewer values than places", "값이 자리보다 적어요"),
        ("int([1])", "`int` cannot make a number from a list", "`int`는 리스트를 수로"),
        ("range('3')", "A whole number is wanted, and here it is a string", "정수가 있어야"),
        ("','.join([1])", "one of the values is a whole number", "값 가운데 정수가"),
        ("'a'.count(1)", "wants another kind of value than it gets", "다른 종류의 값을"),
        ("abs('a')", "wants another kind of value than it gets", "다른 종류의 값을"),
        ("[].push(1)", "`push` stands behind a dot, and a list has", "리스트에는 점으로"),
        ("None.append(1)", "`append` stands behind a dot, and `None` has", "`None`에는 점으로"),
        ("import math\nmath.root", "module `math` has nothing of the name `root`", "`math` 모듈"),
        ("P.x", "The class `P` has nothing of the name `x`", "`P` 클래스"),
        (
            "unset()",
            "has a `n` of its own, and that one holds nothing",
            "함수 안에서 `n`에 값을 주면",
        ),
        ("[].pop()", "there is nothing in it at that moment", "안에 아무것도 없어요"),
        ("set().pop()", "there is nothing in it at that moment", "안에 아무것도 없어요"),
        ("max([])", "`max` chooses among values, and there are none", "값이 하나도 없어요"),
        ("[1].remove(2)", "What is looked for is not in there", "찾는 것이"),
        ("import math\nmath.sqrt(-1)", "no result for such a number", "그런 수에 대한 결과가"),
        ("d = {1: 1}\nfor k in d: d[2] = 1", "while a loop goes over it", "훑어보는 동안"),
        ("Q(1, 2, 3)", "`Q` takes 1 to 2 values by position, but this call hands over 3.", "1~2개"),
        ("R(1)", "`R` takes 0 values by position, but this call hands over 1.", "1개를 넘겨요"),
        ("outer_class()(1)", "`S` takes 0 values by position, but", "이 호출은 1개를"),
        ("Q()", "The call of `Q` brings no value for `a`", "`Q` 호출에"),
        ("f(1, 2, a=3)", "gives `a` two values: one by its position", "`a`에 값을 두 번"),
        ("f'{\"3\":.2f}'", "the one there does not fit a string", "코드가 문자열에는 맞지"),
        ("'{:d}'.format(12.0)", "does not fit a decimal number", "코드가 소수(실수)에는"),
        ("f'{\"3\":,}'", "the one there does not fit the value", "코드가 그 값에는"),
        ("f'{\"3\":+}'", "the one there does not fit the value", "코드가 그 값에는"),
        ("int('a')", "none that can be read as a number", "수로 읽을 수 있는"),
        ("a, b = [1]", "has another number of parts", "나뉜 수가 이름의 수와"),
        ("{}.a", "`a` stands behind a dot, and a dictionary has nothing", "딕셔너리에는 점으로"),
        ("{'a': {}}['a'].a", "and a dictionary has nothing of that name there", "딕셔너리에는"),
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
            "cannot be or hold a list",
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
    by_code = {"attribute_of_own", "by_name_within", "field", "operands_within"}
    assert told | {"handed_to_method"} | by_code == raised.SAID[locale].keys()


@pytest.mark.parametrize(
    ("code", "english", "korean"),
    [
        ("class Dog: pass\nDog().name", "this `Dog` has no `name`", "이 `Dog` 객체에는"),
        ("class A: pass\nclass B(A): pass\nB().x", "this `B` has no `x`", "이 `B` 객체에는"),
        ("sorted([1], reversed=True)", "what it calls knows no such name", "부르는 함수에는"),
        ("[].sort(reversed=True)", "`sort` knows no such name", "`sort`에는 그런 이름이"),
        ("max([1], 3)", "What is called there uses `>`", "부르는 함수가 `>`를"),
        ("sum(['a'])", "What is called there uses `+`", "부르는 함수가 `+`를"),
        ("1 + 'a'", "Python has no `+` for a whole", "파이썬은 정수와"),
        ("'{b} {c}'.format(b=1)", "stands `c`, and no value of that", "중괄호 안에 `c`가"),
        ("{}['format']", "What is looked for is not there", "찾는 것이"),
    ],
)
def test_what_the_program_has_not_written_is_not_told_as_its_own(
    code: str, english: str, korean: str
) -> None:
    error = stopped_by(code)
    kind, message, line = type(error).__name__, str(error), code.split("\n")[-1]

    assert english in raised.meaning(kind, message, "en", code, line)
    assert korean in raised.meaning(kind, message, "ko", code, line)


@pytest.mark.parametrize("kind", ["ValueError", "KeyError"])
@pytest.mark.parametrize("message", ["", "'age'", "empty separator", "slice step cannot be zero"])
def test_of_an_unknown_message_no_type_and_no_key_is_told(kind: str, message: str) -> None:
    said = raised.meaning(kind, message, "en")

    assert "type" not in said
    assert "key" not in said


@pytest.mark.parametrize("line", ["x = (a", "    a", "y = f(a,", ""])
def test_a_sign_that_may_stand_on_the_next_line_is_the_programs_own(line: str) -> None:
    message = "unsupported operand type(s) for +: 'int' and 'str'"

    assert raised.meaning("TypeError", message, "en", f"{line}\n + b)", line).startswith("Python")
