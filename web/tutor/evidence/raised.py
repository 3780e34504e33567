"""What the exception that stopped a program means, in words for a beginner."""

from __future__ import annotations

import re

from web.tutor.evidence.explain import line_of
from web.tutor.evidence.misread import TEXTS_AND_COMMENTS
from web.tutor.evidence.wording import TABLES
from web.tutor.evidence.wording.particles import Said
from web.tutor.languages import Locale

RAISES = re.compile(r"(?:.*[:;])?\s*(?:raise|assert)\b")
ERRORS: dict[Locale, dict[str, str]] = {
    "en": {
        "NameError": "Python does not know this name: it is spelled differently elsewhere, or not "
        "made before it is used.",
        "UnboundLocalError": "The function reads this variable while it has no value.",
        "TypeError": "Something there has the wrong type, or the call does not fit.",
        "IndexError": "The code asks for a position that is not there.",
        "KeyError": "What is looked for is not there at that moment.",
        "ValueError": "This operation cannot use one of the values that it gets.",
        "ZeroDivisionError": "The code divides by a value that is zero at that moment.",
        "AttributeError": "This kind of value does not allow what follows the dot.",
        "RecursionError": "The function calls itself again and again, deeper than Python allows.",
        "ModuleNotFoundError": "This module cannot be used where the tests run: its name is "
        "spelled differently, or it is not among those that are here.",
        "ImportError": "The module is there, but it does not have this name.",
        "FileNotFoundError": "Code cannot read or write files here.",
        "EOFError": "The code reads more input than there is.",
    },
    "ko": {
        "NameError": "파이썬이 모르는 이름이에요. 다른 곳과 철자가 다르거나, 만들기 전에 썼어요.",
        "UnboundLocalError": "함수가 값이 없는 변수를 읽었어요.",
        "TypeError": "거기에 쓴 무언가의 자료형이나 주는 방식이 파이썬이 필요로 하는 것과 달라요.",
        "IndexError": "없는 위치를 찾으려고 했어요.",
        "KeyError": "찾는 것이 그 순간 없어요.",
        "ValueError": "이 연산은 받은 값 가운데 하나를 쓸 수 없어요.",
        "ZeroDivisionError": "그 순간 0인 값으로 나누었어요.",
        "AttributeError": "이 종류의 값에는 점 뒤에 쓴 것을 할 수 없어요.",
        "RecursionError": "함수가 자기 자신을 파이썬이 허락하는 것보다 더 깊이 불러요.",
        "ModuleNotFoundError": "테스트를 돌리는 곳에서는 이 모듈을 쓸 수 없어요. 철자가 다르거나, "
        "여기에 있는 모듈이 아니에요.",
        "ImportError": "모듈은 있지만, 그 안에 이런 이름이 없어요.",
        "FileNotFoundError": "여기서는 파일을 읽거나 쓸 수 없어요.",
        "EOFError": "입력이 더 없는데 읽으려고 했어요.",
    },
}
"""A sentence for an exception's class name, where its message tells no more. Many classes have
none."""

CALL = re.compile(r"\w\s*\(")
NAMED = re.compile(r"'(\w{1,40})'")
"""How Python says of a key that is a name."""
NAME = r"\w{1,40}"
KIND = rf"'?(?P<kind>{NAME})'?"
CALLED = rf"(?:[\w.]{{1,80}}\.<locals>\.)?(?P<called><lambda>|{NAME}(?:\.{NAME})?)"
TAKES = r"(?:from (?P<least>\d{1,3}) to )?(?P<takes>\d{1,3})"
TWO = rf"'(?P<left>{NAME})' and '(?P<right>{NAME})'"
SIGN = r"(?P<sign>[-+*/%@&|^<>=~]{1,3})"
# The first one that is found in the message counts. Source: what CPython 3.11 to 3.14 say.
MESSAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "TypeError": (
        ("operands", rf"^unsupported operand type\(s\) for {SIGN}(?: or pow\(\))?: {TWO}$"),
        ("operands", rf"^'{SIGN}' not supported between instances of {TWO}$"),
        ("joined", rf"^can only concatenate (?P<left>{NAME}) \(not \"(?P<right>{NAME})\"\) to"),
        ("operand", rf"^bad operand type for unary {SIGN}: {KIND}$"),
        ("times", rf"^can't multiply sequence by non-int of type {KIND}$"),
        ("called", rf"^{KIND} object is not callable$"),
        ("parts", rf"^{KIND} object is not subscriptable$"),
        ("one_by_one", rf"^{KIND} object is not iterable$"),
        ("one_by_one", rf"^cannot unpack non-iterable {KIND} object$"),
        ("looked_in", rf"^argument of type {KIND} is not"),
        ("looked_for", rf"^'in <string>' requires string as left operand, not {KIND}$"),
        ("position", rf"^{NAME} indices must be integers.*, not {KIND}$"),
        ("changed", rf"^{KIND} object does(?: not|n't) support item "),
        ("key", rf"unhashable type: {KIND}"),
        ("length", rf"^object of type {KIND} has no len\(\)$"),
        (
            "handed",
            rf"^{CALLED}\(\) takes {TAKES} .* but (?P<given>\d{{1,3}}) ",
        ),
        ("missing", rf"^{CALLED}\(\) missing .*argument.*?: '(?P<name>{NAME})'"),
        ("twice", rf"^{CALLED}\(\) got multiple values for argument '(?P<name>{NAME})'"),
        ("by_name", rf"^{CALLED}\(\) got an unexpected keyword argument '(?P<name>{NAME})'"),
        ("by_name", rf"^'(?P<name>{NAME})' is an invalid keyword argument for {CALLED}\(\)$"),
        ("no_names", rf"^{CALLED}\(\) takes no keyword arguments$"),
        ("no_values", rf"^(?P<called>{NAME})\(\) takes no arguments$"),
        ("count", rf"^(?!object\b){CALLED}(?:\(\))? (?:takes|expected) .*argument"),
        ("percent", r"^not all arguments converted during string format"),
        ("percent_few", r"^not enough arguments for format"),
        ("number", rf"^(?P<called>int|float)\(\) argument must be .*, not {KIND}$"),
        ("whole", rf"^{KIND} object cannot be interpreted as an integer$"),
        ("texts", rf"^sequence item \d{{1,9}}: expected str instance, {KIND} found$"),
        ("another", rf"(?:^| )(?:must be .*|a real number is required), not '?{NAME}'?$"),
        ("another", r"^bad operand type for abs|^can only join an iterable$|define __round__ "),
    ),
    "AttributeError": (
        ("attribute", rf"^{KIND} object has no attribute '(?P<name>{NAME})'"),
        ("of_module", rf"^module '(?P<called>{NAME})' has no attribute '(?P<name>{NAME})'"),
        ("of_class", rf"^type object '(?P<called>{NAME})' has no attribute '(?P<name>{NAME})'"),
    ),
    "UnboundLocalError": (("unset", rf"local variable '(?P<name>{NAME})'"),),
    "IndexError": (("empty", r"^pop from (?:an )?empty "),),
    "KeyError": (("empty", r"pop from an empty set|popitem\(\): dictionary is empty"),),
    "ValueError": (
        ("no_number", r"^(?:invalid literal for int\(\) with|could not convert string to float)"),
        ("parted", r"values to unpack \(expected "),
        ("shown_so", rf"^Unknown format code .* for object of type {KIND}$"),
        ("shown", r"^Cannot specify .* with |format specifier"),
        ("among_none", r"^(?P<called>max|min)\(\) (?:iterable argument is empty|arg is an empty)"),
        ("not_found", r"not in (?:list|deque|tuple)$|^substring not found$"),
        ("no_result", r"^math domain error$|^expected a (?:nonnegative|positive) input"),
    ),
    "RuntimeError": (("changing", r"(?:changed size|mutated|changed) during iteration$"),),
    "StopIteration": (("over", r"^$"),),
}
SAID: dict[Locale, dict[str, str]] = {
    "en": {
        "operands": "Python has no {sign} for {left} and {right}.",
        "joined": "Python has no `+` for {left} and {right}.",
        "operands_within": "What is called there uses {sign}, and Python has no {sign} for {left} "
        "and {right}.",
        "operand": "Python has no {sign} for {kind}.",
        "times": "A list or string can only be repeated a whole number of times, and here the "
        "other value is {kind}.",
        "called": "Here {kind} is called as if it were a function.",
        "parts": "`[ ]` asks for a part of a value, which {kind} does not allow.",
        "one_by_one": "Values are wanted one by one, which {kind} does not offer.",
        "looked_in": "`in` looks inside a value, which {kind} does not allow.",
        "looked_for": "`in` looks for {kind} in a string, where there is only text.",
        "position": "A position is a whole number, and here {kind} stands in the brackets.",
        "changed": "A part of {kind} is to be changed, and this kind of value does not allow that.",
        "key": "A key of a dictionary, or an item of a set, cannot be or hold {kind}.",
        "length": "`len` asks for a length, and {kind} has none.",
        "handed": "{called} takes {takes} by position, but this call hands over {given}.",
        "handed_to_method": "{called} takes {takes} by position, but this call hands over {given}, "
        "counting the object itself.",
        "missing": "The call of {called} brings no value for {name}.",
        "twice": "The call gives {name} two values: one by its position, and one by its name.",
        "by_name_within": "The call has a value for {name}, and what it calls knows no such name.",
        "by_name": "The call has a value for {name}, and {called} knows no such name.",
        "no_names": "The call gives {called} a value by a name, and it takes none so.",
        "no_values": "The class {called} takes no values when an object of it is made.",
        "count": "This call hands {called} more values than it takes, or fewer.",
        "percent": "`%` after a string puts values into its places, and there are more values than "
        "places.",
        "percent_few": "`%` after a string puts values into its places, and there are fewer values "
        "than places.",
        "number": "{called} cannot make a number from {kind}.",
        "whole": "A whole number is wanted, and here it is {kind}.",
        "texts": "`join` puts strings together, and one of the values is {kind}.",
        "another": "The function wants another kind of value than it gets.",
        "attribute": "{name} stands behind a dot, and {kind} has nothing of that name there.",
        "attribute_of_own": "At that moment this {kind} has no {name}, from its class or from a "
        "line that ran.",
        "of_module": "The module {called} has nothing of the name {name}.",
        "of_class": "The class {called} has nothing of the name {name}.",
        "unset": "A function that gives {name} a value has a {name} of its own, and that one holds "
        "nothing at that moment.",
        "empty": "Something is to be taken out, and there is nothing in it at that moment.",
        "among_none": "{called} chooses among values, and there are none at that moment.",
        "no_number": "The text is none that can be read as a number.",
        "parted": "A value is parted among names, and it has another number of parts.",
        "shown_so": "How a value is to be shown is given by a code, and the one there does not fit "
        "{kind}.",
        "shown": "How a value is to be shown is given by a code, and the one there does not fit "
        "the value.",
        "field": "Within curly brackets stands {name}, and no value of that name is handed over.",
        "not_found": "What is looked for is not in there at that moment.",
        "no_result": "The function has no result for such a number.",
        "changing": "Something is put in or taken out while a loop goes over it.",
        "over": "One more value is wanted, and there is none left.",
    },
    "ko": {
        "operands": "파이썬은 {left:과|와} {right} 사이에 {sign:을|를} 쓸 수 없어요.",
        "joined": "파이썬은 {left:과|와} {right} 사이에 `+`를 쓸 수 없어요.",
        "operands_within": "거기서 부르는 함수가 {sign:을|를} 쓰는데, 파이썬은 {left:과|와} "
        "{right} 사이에 {sign:을|를} 쓸 수 없어요.",
        "operand": "파이썬은 {kind} 앞에 {sign:을|를} 쓸 수 없어요.",
        "times": "리스트나 문자열은 정수 번만 되풀이할 수 있는데, 여기서 다른 쪽 값은 "
        "{kind:이에요|예요}.",
        "called": "여기서는 {kind:을|를} 함수처럼 부르고 있어요.",
        "parts": "`[ ]`는 값의 한 부분을 꺼내는데, {kind}에서는 그렇게 할 수 없어요.",
        "one_by_one": "값을 하나씩 꺼내야 하는데, {kind}에서는 그렇게 할 수 없어요.",
        "looked_in": "`in`은 값의 안을 찾아보는데, {kind}에서는 그렇게 할 수 없어요.",
        "looked_for": "`in`으로 문자열 안에서 {kind:을|를} 찾는데, 문자열에는 글자만 있어요.",
        "position": "위치는 정수여야 하는데, 대괄호 안에 {kind:이|가} 있어요.",
        "changed": "{kind}의 한 부분을 바꾸려고 하는데, 이런 값은 부분을 바꿀 수 없어요.",
        "key": "딕셔너리의 키나 집합에 든 값으로는 {kind:을|를} 쓸 수 없고, 그 안에 담을 수도 "
        "없어요.",
        "length": "`len`은 길이를 묻는데, {kind}에는 길이가 없어요.",
        "handed": "{called:은|는} 값을 순서대로 {takes}개 받는데, 이 호출은 {given}개를 넘겨요.",
        "handed_to_method": "{called:은|는} 값을 순서대로 {takes}개 받는데, 이 호출은 {given}개를 "
        "넘겨요. 객체의 메서드로 부르면 그 객체도 하나로 세요.",
        "missing": "{called} 호출에 {name}의 값이 없어요.",
        "twice": "호출이 {name}에 값을 두 번 줘요. 한 번은 순서로, 한 번은 이름으로 줘요.",
        "by_name_within": "호출이 {name}의 값을 주는데, 부르는 함수에는 그런 이름이 없어요.",
        "by_name": "호출이 {name}의 값을 주는데, {called}에는 그런 이름이 없어요.",
        "no_names": "호출이 이름을 붙여 값을 주는데, {called:은|는} 그렇게 받지 않아요.",
        "no_values": "{called} 클래스는 객체를 만들 때 값을 받지 않아요.",
        "count": "{called} 호출에 넣은 값의 수가 받는 수와 달라요.",
        "percent": "문자열 뒤의 `%`는 문자열의 자리에 값을 넣는데, 값이 자리보다 많아요.",
        "percent_few": "문자열 뒤의 `%`는 문자열의 자리에 값을 넣는데, 값이 자리보다 적어요.",
        "number": "{called:은|는} {kind:을|를} 수로 바꾸지 못해요.",
        "whole": "정수가 있어야 하는데, 여기서는 {kind:이에요|예요}.",
        "texts": "`join`은 문자열을 잇는데, 값 가운데 {kind:이|가} 있어요.",
        "another": "함수가 받을 수 있는 것과 다른 종류의 값을 주었어요.",
        "attribute": "점 뒤에 {name:이|가} 있는데, {kind}에는 점으로 찾을 수 있는 그런 이름이 "
        "없어요.",
        "attribute_of_own": "그 순간 이 {kind} 객체에는 {name:이|가} 없어요. 클래스도, 실행된 줄도 "
        "그것을 주지 않았어요.",
        "of_module": "{called} 모듈에는 {name:이라는|라는} 이름이 없어요.",
        "of_class": "{called} 클래스에는 {name:이라는|라는} 이름이 없어요.",
        "unset": "함수 안에서 {name}에 값을 주면 그 이름은 바깥과 다른 함수 자신의 것이 되는데, 그 "
        "순간 거기에는 값이 없어요.",
        "empty": "무언가를 꺼내려고 하는데, 그 순간 안에 아무것도 없어요.",
        "among_none": "{called:은|는} 여러 값 가운데 하나를 고르는데, 그 순간 값이 하나도 없어요.",
        "no_number": "수로 읽을 수 있는 문자열이 아니에요.",
        "parted": "값 하나를 여러 이름에 나누어 담는데, 나뉜 수가 이름의 수와 달라요.",
        "shown_so": "값을 어떤 모양으로 보여 줄지 정하는 코드가 {kind}에는 맞지 않아요.",
        "shown": "값을 어떤 모양으로 보여 줄지 정하는 코드가 그 값에는 맞지 않아요.",
        "field": "중괄호 안에 {name:이|가} 있는데, 그런 이름으로 넘긴 값이 없어요.",
        "not_found": "찾는 것이 그 순간 그 안에 없어요.",
        "no_result": "이 함수는 그런 수에 대한 결과가 없어요.",
        "changing": "반복문이 훑어보는 동안 그 안에 무언가를 넣거나 빼고 있어요.",
        "over": "값이 하나 더 있어야 하는데 남은 것이 없어요.",
    },
}
"""A sentence, by what the message was found to be."""
OF_CALL = {"handed", "missing", "twice", "by_name", "no_names", "no_values", "count"}
"""What is told of a call's form; its values may all be right."""


def meaning(kind: str, message: str, locale: Locale, code: str = "", line: str = "") -> str:
    """A sentence on an exception; empty for one that has none.

    kind: the exception's class; message: as CPython words it, and by itself nothing to be believed:
    of it only names and numbers are told. code, line: the program and its line that stopped, where
    they are known; what stands in neither is none of the student's words.
    """
    what, found = read(kind, message)
    if kind == "KeyError" and (name := NAMED.fullmatch(message)) and is_field(name[1], line):
        return told("field", {"name": name[1]}, locale)
    if not what:
        return ERRORS[locale].get(kind, "")
    match what:
        case "operands" if found["sign"] not in line and is_whole_call(line):
            what = "operands_within"
        case "by_name" if code and not written(found["called"], code):
            what = "by_name_within"
        case "attribute" if written(f"class {found['kind']}", code):
            what = "attribute_of_own"
    return told(what, found, locale)


def is_whole_call(line: str) -> bool:
    """Whether something is called on the line, and nothing goes on behind it."""
    return bool(CALL.search(line)) and line.count("(") == line.count(")")


def is_field(name: str, line: str) -> bool:
    """Whether a text on the line wants a value of this name in its curly brackets."""
    return ".format(" in line and bool(re.search(rf"\{{\s*{re.escape(name)}\b", line))


def is_of_call(kind: str, message: str) -> bool:
    """Whether the form of a call is wrong, whatever the values are."""
    return read(kind, message)[0] in OF_CALL


def read(kind: str, message: str) -> tuple[str, dict[str, str]]:
    """What the message was found to be, or "", and its pieces by name."""
    for what, pattern in MESSAGES.get(kind, ()):
        if found := re.search(pattern, message):
            return what, found.groupdict(default="")
    return "", {}


def written(text: str, code: str) -> bool:
    return bool(re.search(rf"\b{re.escape(text)}\b", code))


def told(what: str, found: dict[str, str], locale: Locale) -> str:
    # A class is called by its own name, and it is its maker that counts the values.
    made = found.get("called", "").endswith(".__init__")
    called = found.get("called", "").removesuffix(".__init__").strip("<>")
    numbers = {name: int(found[name]) for name in ("takes", "least", "given") if found.get(name)}
    if made and min(numbers.values(), default=0) > 0:
        # Whoever makes an object hands over all but the object itself.
        numbers = {name: number - 1 for name, number in numbers.items()}
    elif what == "handed" and "." in found["called"]:
        what = "handed_to_method"
    values = {"called": Said(f"`{called}`")}
    for name, piece in found.items():
        match name:
            case "kind" | "left" | "right":
                values[name] = of_kind(piece, locale)
            case "sign" | "name":
                values[name] = Said(f"`{piece}`")
            case "given":
                values[name] = Said(numbers[name])
            case "takes":
                values[name] = how_many(numbers.get("least"), numbers[name], locale)
    return SAID[locale][what].format_map(values)


def how_many(least: int | None, most: int, locale: Locale) -> Said:
    """So many values, as its language counts them."""
    if locale == "ko":
        return Said(most if least is None else f"{least}~{most}")
    count = str(most) if least is None else f"{least} to {most}"
    return Said(f"{count} {'value' if count == '1' else 'values'}")


def of_kind(name: str, locale: Locale) -> Said:
    """A value of this class, as a beginner knows it."""
    # "Nothing at all" is what a function gives, and stands beside no other value.
    known = None if name == "NoneType" else TABLES[locale].types.get(name)
    return Said(known or f"`{name.removesuffix('Type')}`")


def raises(code: str, line: int) -> bool:
    """Whether the line, from 1, raises or asserts something itself; 0: none."""
    return bool(RAISES.match(TEXTS_AND_COMMENTS.sub("_", line_of(code, line))))
