"""What stands on a line that Python cannot read, where the parser's own words say too little."""

from __future__ import annotations

import keyword
import re
import unicodedata

from web.tutor.evidence.keyboard import KOREAN, is_pythons
from web.tutor.evidence.wording.particles import Said
from web.tutor.languages import Locale

MOST_CHARS = 300
"""Of a line; slips stand in short ones."""
TEXTS_AND_COMMENTS = re.compile(r"\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|#.*")
STRANGE = re.compile(r"invalid character '(.)'")
OUTSIDE = re.compile(r"'(\w+)' (?:outside|not properly in loop)")
QUOTES = "“”„‟‘’‚‛「」『』«»`´"
DASHES = "\N{HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"
UNKNOWN = "?$`"
"""ASCII that stands nowhere in Python outside of texts."""
WORDS = "|".join(sorted(set(keyword.kwlist) - {"True", "False", "None"}))
CAPITALS = "|".join(sorted({word.capitalize() for word in (*WORDS.split("|"), "print", "input")}))
GIVES_VALUE = r"[-+*/]?=(?![=>])"
FUNCTION_WORDS = "function|func|fun|define|sub|void"
TYPES = "int|float|double|str|string|char|bool|boolean|var|let|const"
OF_C = re.compile(r"\s*for\s*\([^;()]*(;)")
SIGNS = r"\+\+|--(?=\s*(?:$|[;)]))|&&|\|\||<>|=>|=<|=!|===|\?|!(?!=)"
# The first one that fits counts. What a group holds is the piece of the line to be named.
SLIPS: dict[str, str] = {
    "else_if": r"\s*else\s+(?P<met>if)\b",
    "no_word": r"\s*(?P<met>elseif|elsif|elseIf|foreach|switch|until)\b(?!\s*[=.\[])",
    "capital": rf"\s*(?P<met>{CAPITALS})\b(?!\s*[=.\[])",
    # The word is taken for a name: what has a bracket behind it, as `if (a):`, is none.
    "own_word": rf"\s*(?:(?:def|class)\s+(?P<met>{WORDS})\s*[(:]"
    rf"|for\s+(?P<each>{WORDS})\s+in\b|(?P<given>{WORDS})\s*{GIVES_VALUE})",
    "function_word": rf"\s*(?P<met>{FUNCTION_WORDS})\s+\w+\s*\(",
    "typed_name": rf"\s*(?P<met>{TYPES})\s+\w+\s*=",
    "unknown_sign": rf"[^=<>!].*?(?P<met>{SIGNS})",
    "cut_short": r".*?(?P<met>\b(?:and|or|not|in|is)|[=<>!]=|[-+*/%<>])\s*:\s*$",
    "alone_walrus": r"\s*[\w.\[\]]+\s*(?P<met>:=)",
    "curly_block": r".*(?P<met>\{)\s*$",
    "no_in": r"\s*for\b(?!.*\bin\b).*:\s*$",
    "no_name": r"\s*for\s+in\b",
    "nothing_above": r"\s*(?P<met>elif|else|except|finally)\b.*:\s*$",
    "no_colon": r"\s*(?:if|elif|else|for|while|def|class|try|with)\b[^:]*$",
    "no_opener": r"\s*[^\W\d]\w*(?:\.\w+|\[[^\[\]]*\])*\s*(?:[=<>!]=|<|>).*:\s*$",
    "side_by_side": rf"\s*(?:(?!(?:{WORDS})\b)[^\W\d]\w*\s+)+(?!(?:{WORDS})\b)[^\W\d]\w*[.!]?$",
    "goes_on": r".*(?P<met>[-+*/%<>=]|\b(?:and|or|not|in|is))\s*$",
}
SAID: dict[Locale, dict[str, str]] = {
    "en": {
        "wide": "{met} is the wide form of a character, and Python knows only the narrow one.",
        "strange": "{met} is a character that Python does not use here.",
        "quote": "{met} looks like a quote, but is another sign and opens no text in Python.",
        "dash": "{met} looks like a minus, but is another character.",
        "outside_function": "{met} stands outside of every function.",
        "outside_loop": "{met} stands outside of every loop.",
        "asks": "a single `=` gives a name its value, and here it stands where something is asked.",
        "keyboard": "{met} looks like a word that was typed with the keyboard set to Korean.",
        "else_if": "after `else` its colon comes at once, and here {met} comes.",
        "no_word": "{met} is no word that opens a block in Python.",
        "capital": "{met} begins with a capital letter, and to Python that makes it another word.",
        "own_word": "{met} is one of Python's own words, and no name can be called so.",
        "function_word": "{met} is no word by which a function begins in Python.",
        "typed_name": "in Python no kind of value, such as {met}, stands before a name.",
        "unknown_sign": "Python knows no sign {met}.",
        "loop_of_c": "a loop with {met} in its brackets is of another language: in Python `for` "
        "goes over values, one by one.",
        "cut_short": "between {met} and the colon nothing stands.",
        "alone_walrus": "{met} cannot give a name its value in a line of its own.",
        "curly_block": "{met} opens no block in Python; a colon and the blanks before a line do.",
        "no_in": "a word is missing between the name after `for` and what it goes over.",
        "no_name": "a name is missing between `for` and `in`.",
        "nothing_above": "{met} goes on with a block that fits it, ends just before it and begins "
        "as far to the right, and there is none.",
        "no_colon": "a colon is missing, or something unexpected stands before it.",
        "no_opener": "the line ends with a colon, and no word at its beginning opens a block.",
        "side_by_side": "words stand side by side, and there is no sign between them.",
        "goes_on": "the line ends with {met}, and Python waits for what follows it.",
        "open_bracket": "a bracket that is opened on this line is not closed on it.",
    },
    "ko": {
        "wide": "{met:은|는} 전각 문자예요. 파이썬은 이 글자를 반각으로만 알아요.",
        "strange": "{met:은|는} 파이썬이 여기서 쓰지 않는 글자예요.",
        "quote": "{met:은|는} 따옴표처럼 보이지만 다른 글자라서 문자열을 열지 못해요.",
        "dash": "{met:은|는} 빼기 기호처럼 보이지만 다른 글자예요.",
        "outside_function": "{met:이|가} 어느 함수에도 들어 있지 않은 곳에 있어요.",
        "outside_loop": "{met:이|가} 어느 반복문에도 들어 있지 않은 곳에 있어요.",
        "asks": "`=` 하나는 이름에 값을 줄 때 쓰는데, 여기서는 무언가를 묻는 자리에 있어요.",
        "keyboard": "{met:은|는} 한영 키를 한글로 둔 채 친 낱말처럼 보여요.",
        "else_if": "`else` 바로 뒤에는 콜론이 와야 하는데, {met:이|가} 와 있어요.",
        "no_word": "{met:은|는} 파이썬에서 블록을 여는 낱말이 아니에요.",
        "capital": "{met:은|는} 대문자로 시작해서 파이썬에게는 다른 낱말이에요.",
        "own_word": "{met:은|는} 파이썬이 따로 쓰는 낱말이라서 이름으로 쓸 수 없어요.",
        "function_word": "파이썬에서 함수는 {met:이라는|라는} 낱말로 시작하지 않아요.",
        "typed_name": "파이썬에서는 이름 앞에 {met} 같은 자료형을 쓰지 않아요.",
        "unknown_sign": "{met:은|는} 파이썬에 없는 기호예요.",
        "loop_of_c": "괄호 안에 {met:을|를} 쓰는 반복문은 다른 언어의 것이에요. 파이썬의 `for`는 "
        "값을 하나씩 봐요.",
        "cut_short": "{met:과|와} 콜론 사이에 아무것도 없어요.",
        "alone_walrus": "{met:은|는} 홀로 선 줄에서 이름에 값을 줄 수 없어요.",
        "curly_block": "파이썬에서 {met:은|는} 블록을 열지 않아요. 콜론과 줄 앞의 빈칸이 블록을 "
        "만들어요.",
        "no_in": "`for` 뒤의 이름과 하나씩 볼 것 사이에 낱말이 하나 빠졌어요.",
        "no_name": "`for`와 `in` 사이에 이름이 하나 빠졌어요.",
        "nothing_above": "{met:은|는} 같은 자리에서 시작해 바로 앞에서 끝나는 알맞은 블록에 "
        "이어지는 말인데, 여기에는 그런 블록이 없어요.",
        "no_colon": "콜론이 빠졌거나, 그 앞에 예상하지 못한 것이 있어요.",
        "no_opener": "줄이 콜론으로 끝나는데, 블록을 여는 낱말이 줄 앞에 없어요.",
        "side_by_side": "낱말이 나란히 있는데, 그 사이에 기호가 없어요.",
        "goes_on": "줄이 {met:으로|로} 끝나서, 파이썬은 그 뒤에 올 것을 기다려요.",
        "open_bracket": "이 줄에서 연 괄호가 이 줄에서 닫히지 않아요.",
    },
}
"""The rest of a sentence, by what was met."""
VAGUE = ("invalid syntax", "expected ':'")
CALLS = re.compile(rf"(?:\b(?!(?:{WORDS})\b)[^\W\d]\w*+|[)\]])\s*+\([^()]*+(?:\)|$)")
"""A call in which no other stands, up to its end or that of the line: `=` names a value there."""
DEEPEST = 20
"""Calls within calls that are read."""
# Python calls a comparison's left side a bad target too, and of `return a = b` it says nothing.
ASKS_EQUAL = re.compile(
    r"\s*+(?:return|assert|if|elif|while)\b.*?(?<![=!<>:+\-*/%&|^@])=(?![=<>!])"
)


def misread(message: str, line: str) -> tuple[str, str] | None:
    """What was met, as a key of SAID, and the piece of the line to be named; None if unknown.

    message: the parser's. line: the student's.
    """
    if strange := STRANGE.search(message):
        return of_sign(strange[1]), strange[1]
    if outside := OUTSIDE.search(message):
        loop = outside[1] in ("break", "continue")
        return "outside_loop" if loop else "outside_function", outside[1]
    bare = TEXTS_AND_COMMENTS.sub("_", line[:MOST_CHARS]).rstrip()
    if of_c := OF_C.match(bare):
        return "loop_of_c", of_c[1]
    asks = ASKS_EQUAL.match(without_calls(bare))
    if asks and message.startswith(("cannot assign", "expected 'else'", "invalid syntax")):
        return "asks", "="
    if message not in VAGUE:
        return None
    if typed := next(filter(is_pythons, KOREAN.findall(bare)), ""):
        return "keyboard", typed
    found = next(
        ((name, met) for name, slip in SLIPS.items() if (met := re.match(slip, bare))), None
    )
    if message == "expected ':'" and found and found[0] not in ("else_if", "curly_block"):
        return None
    # Who begins a function with another language's word opens its block with a bracket too.
    function = found is not None and found[0] == "function_word"
    opens = sum(map(bare.count, "([{")) > sum(map(bare.count, ")]}"))
    if opens and not function and message == "invalid syntax":
        return "open_bracket", ""
    if found is None:
        return None
    name, met = found
    return name, met[met.lastgroup] if met.lastgroup else ""


def of_sign(sign: str) -> str:
    """What is said of a character that Python refuses."""
    if sign in QUOTES:
        return "quote"
    if sign in DASHES:
        return "dash"
    narrow = unicodedata.normalize("NFKC", sign)
    wide = unicodedata.east_asian_width(sign) == "F" and narrow.isascii()
    return "wide" if wide and narrow not in UNKNOWN else "strange"


def without_calls(line: str) -> str:
    """The line with a name in the place of each call."""
    for _ in range(DEEPEST):
        line, count = CALLS.subn("_", line)
        if not count:
            break
    return line


def said(locale: Locale, what: str, piece: str) -> str:
    # A backtick would end the code span around it.
    return SAID[locale][what].format(met=Said(f"`` {piece} ``" if "`" in piece else f"`{piece}`"))
