"""Level 4's example: one block of code of another domain, and no rule goes round it (R5).

Level 5 may say what to change, and no code.
"""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.corpus import labelled
from web.tutor.gate.gate import Gate
from web.tutor.gate.ruling import Ruling
from web.tutor.languages import Locale
from web.tutor.levels import LEVELS
from web.tutor.markdown import render
from web.tutor.writing.fault import Fault

CODE = """\
def total_price(prices, tax):
    result = 0
    for price in prices:
        result = price * tax
    return result
"""
FIX = CODE.replace("result = price", "result += price")
SHOWN = "Add up all prices with `tax`. `total_price([1, 2], 2)` gives `4` and should give `6`."
GOOD = """\
snow = ["a", "b"]
ball = []
while snow:
    ball.append(snow.pop())
print(len(ball))
"""
BEFORE = {"en": "Children roll a snowball:", "ko": "아이들이 눈덩이를 굴리는 예시예요."}
AFTER = {
    "en": "The ball never gets smaller, for new snow is laid around the old one. What happens to "
    "the old amount in your own program?",
    "ko": "새 눈이 언제나 옛 눈 위에 붙어서 공은 작아지지 않아요. 내 프로그램에서는 옛 양이 어떻게 "
    "되나요?",
}


def hint(code: str, locale: Locale = "en", after: str = "") -> str:
    return f"{BEFORE[locale]}\n\n```python\n{code}```\n\n{after or AFTER[locale]}"


def judge(
    text: str, level: int = 4, locale: Locale = "en", pieces: int = 1_000_000, reference: str = ""
) -> tuple[Ruling, str]:
    """The ruling, and all that was released."""
    gate = Gate(level=level, locale=locale, student_code=CODE, statement=SHOWN,
                reference=reference, fix=FIX)  # fmt: skip
    shown = [gate.feed(text[at : at + pieces]) for at in range(0, len(text), pieces)]
    ruling = gate.finish()
    return ruling, "".join(shown) + ruling.piece


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("fence", ["```python\n", "```\n", "```py\n", "```Python \n"])
def test_an_example_of_another_domain_passes(locale: Locale, fence: str) -> None:
    text = hint(GOOD, locale)

    ruling, shown = judge(text.replace("```python\n", fence, 1), locale=locale)

    assert (ruling.ok, ruling.text, shown) == (True, text, text)


def test_a_warning_about_an_example_is_nobodys() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        judge(hint('snow = 3\nprint(snow is 3, "\\d")\n'))

    assert caught == []


@pytest.mark.parametrize("pieces", [1, 3, 7, 50])
def test_an_example_is_the_same_for_any_cut(pieces: int) -> None:
    text = hint('say = "Well. Now? Go!"\nprint(say)\n')

    assert judge(text, pieces=pieces) == judge(text)
    assert judge(text)[0].ok


def test_the_example_may_be_spoken_of() -> None:
    after = "Here `snow.pop()` gives one bit to `ball`. What does your own loop keep?"

    assert judge(hint(GOOD, after=after))[0].ok
    assert judge(f"{BEFORE['en']} {after}")[0].rule == "R4"


def test_an_example_is_a_block_of_code_on_the_page() -> None:
    html = render(judge(hint(GOOD))[0].text)

    assert html.count("<pre><code") == 1
    assert "while snow:" in html.split("<pre>")[1].split("</pre>")[0]


@pytest.mark.parametrize("level", [1, 2, 3, 5])
def test_no_other_level_has_an_example(level: int) -> None:
    assert judge(hint(GOOD), level)[0].rule in ("R1", "R4")


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "  \n"])
def test_a_hint_may_end_with_its_example(locale: Locale, end: str) -> None:
    said = f"{BEFORE[locale]} {AFTER[locale]}\n\n```python\n{GOOD}```{end}"

    ruling, shown = judge(said, locale=locale)

    assert (ruling.ok, ruling.fault) == (True, None)
    assert shown == ruling.text
    assert GOOD in shown
    assert judge(said, locale=locale, pieces=1) == (ruling, shown)


@pytest.mark.parametrize("end", ["", "\n\n"])
def test_a_hint_that_ends_with_its_example_must_have_asked(end: str) -> None:
    said = f"{BEFORE['en']} {AFTER['en'][:60]}.\n\n```python\n{GOOD}```{end}"

    ruling, _ = judge(said)

    assert (ruling.rule, ruling.fault) == ("R8", Fault.NO_QUESTION)


SHAPES = {
    "none": f"{BEFORE['en']} {AFTER['en']}",
    "empty": hint(""),
    "blank": hint("\n\n"),
    "nine lines": hint("print(1)\n" * 9),
    "many blank lines": hint("\n" * 17 + "print(1)\n"),
    "never ends": f"{BEFORE['en']}\n\n```python\n{GOOD}",
    "no question behind it": hint(GOOD, after="That is how a ball grows."),
    "no question but before it": hint(GOOD, after="").replace(":", "?").replace(AFTER["en"], ""),
    "a block within": hint('print("""\n   ```\n""")\n'),
    "a mark within": hint('print("```")\n'),
    "a second block": hint(GOOD, after=f"And so:\n\n```python\n{GOOD}```\n\n{AFTER['en']}"),
    "another language": hint(GOOD).replace("python", "java", 1),
    "a block of tildes": hint(GOOD).replace("```python", "~~~").replace("```", "~~~"),
    "begins within a line": hint(GOOD).replace(":\n\n```", ": ```"),
    "no Python": hint("for (;;) { }\n"),
    "too long a line": hint(f"ball = '{'a' * 700}'\n"),
    "indented block": f"{BEFORE['en']}\n\n    ball = 1\n    print(ball)\n\n{AFTER['en']}",
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_no_such_block_is_refused(name: str) -> None:
    text = SHAPES[name]

    ruling, shown = judge(text)

    assert (ruling.ok, ruling.text) == (False, "")
    assert not shown or text.startswith(shown)


RENAMED = (
    FIX.replace("total_price", "weigh").replace("prices", "bags").replace("price", "bag")
    .replace("tax", "load").replace("result", "heavy")
)  # fmt: skip
LEAKS = {
    "the solution renamed": RENAMED,
    "the student's program renamed": RENAMED.replace("+=", "="),
    "the loop alone": "\n".join(line[4:] for line in RENAMED.splitlines()[1:4]) + "\n",
    "a name of the program": "result = [1]\nprint(len(result))\n",
    "in capitals": "RESULT = [1]\nprint(len(RESULT))\n",
    "with a number": "result2 = [1]\nprint(len(result2))\n",
    "with underscores": "_result_ = [1]\nprint(len(_result_))\n",
    "in Cyrillic": "rеsult = [1]\nprint(len(rеsult))\n",
    "full width": "ｒesult = [1]\nprint(len(ｒesult))\n",
    "a name of the statement": "tax = [1]\nprint(len(tax))\n",
    "a function of it": "def total_price():\n    return 'x'\nprint(total_price())\n",
    "a parameter": "def cut(prices):\n    return prices[1:]\nprint(cut([1, 2]))\n",
    "an attribute": "class Bag:\n    price = 'a'\nprint(Bag.price)\n",
    "a keyword of its own": "def cut(*, tax):\n    return 'a'\nprint(cut)\n",
    "an import as": "import math as result\nprint(result.pi)\n",
    "a caught error": "try:\n    print(1)\nexcept KeyError as result:\n    pass\n",
    "a global": "def cut():\n    global price\n    print(1)\n",
    "a comment with the line": "# result += price * tax\nprint([1][0])\n",
    "a text with the line": "print('result += price * tax'.upper())\n",
    "a comment in words": "# replace = by += in the loop\nprint([1][0])\n",
    "a text in words": "print('change the = on line 4 to +='.upper())\n",
    "a docstring": 'def cut():\n    """Write result += price * tax there."""\nprint(cut())\n',
    "an f-string": "print(f'result += price * tax{1}')\n",
    "backward": "# xat * ecirp =+ tluser\nprint([1][0])\n",
    "base64": "key = 'cmVzdWx0ICs9IHByaWNlICogdGF4'\nprint(key.upper())\n",
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_example_tells_nothing_of_the_exercise(name: str) -> None:
    ruling, shown = judge(hint(LEAKS[name]))

    assert (ruling.ok, ruling.rule) == (False, "R5")
    assert "```" not in shown


@pytest.mark.parametrize("name", sorted(LEAKS.keys() - {"the student's program renamed"}))
def test_the_reference_is_known_too(name: str) -> None:
    gate = Gate(level=4, locale="en", student_code="def total_price(prices, tax): pass\n",
                statement=SHOWN, reference=FIX)  # fmt: skip
    gate.feed(hint(LEAKS[name]))

    assert gate.finish().rule == "R5"


ALLOWED = {
    "methods of Python's types": "bag = []\nbag.append('a')\nprint(bag.index('a'))\n",
    "its modules": "import math\nprint(math.floor(2.5))\n",
    "names of other people's parameters": "print('a', end=' ', sep='')\n",
    "one letter": "n = 5\nwhile n > 1:\n    n //= 2\n    print(n)\n",
    "Korean texts": "say = '안녕'\nprint(say)\n",
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_belongs_to_no_exercise_may_stand_there(name: str) -> None:
    assert judge(hint(ALLOWED[name]))[0].ok


AFTERWARDS = {
    "the fix": "Now write `result += price * tax`. Do you see it?",
    "the fix without marks": "Now write result += price * tax there. Do you see it?",
    "an order": "Replace the `=` on line 4. Do you see it?",
    "another language": "그러니까 더해 가면 되는 것이 아닐까요?",
    "another block": "Or so:\n\n    bag = 1\n    print(bag)\n\nDo you see it?",
}


@pytest.mark.parametrize("name", AFTERWARDS)
def test_after_the_example_all_rules_hold(name: str) -> None:
    assert not judge(hint(GOOD, after=AFTERWARDS[name]))[0].ok


def test_nothing_that_the_example_shows_opens_the_solution() -> None:
    """What stands in the example is seen for its own names' sake, and for nothing else."""
    code = "bag = 3\nbag += 4 * 2\nprint(bag)\n"
    after = "In `bag += 4 * 2` it grows. Is yours `result += price * tax`?"

    assert judge(hint(code))[0].ok
    assert judge(hint(code, after=after))[0].rule == "R2"


@settings(deadline=None)
@given(text=st.text(st.sampled_from("`\n a=.?'\"#:()"), max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for level in (4, 5):
        ruling, shown = judge(f"```python\n{text}", level)
        assert shown == ruling.text or not ruling.ok


TOLD = {
    "en": "On line 4 the sign of the assignment to `result` has to change. As it is, each round "
    "throws away what was there before, so only the last price counts. It has to put the new "
    "amount on top of what is there.",
    "ko": "4번째 줄에서 `result`에 넣는 부호가 바뀌어야 해요. 지금은 바퀴마다 앞의 것을 버리고 새 "
    "값만 남겨서 마지막 값만 셈에 들어가요. 있던 것 위에 새 값을 얹어야 해요.",
}
CODED = {
    "in a span": "Write `result += price * tax` there.",
    "without marks": "It should be result += price * tax instead.",
    "the operator": "Use `+=` there.",
    "in a block": "\n\n```python\nresult += price * tax\n```\n",
    "rendered": "Write result &#43;= price * tax there.",
    "dictated": "Write result plus equals price times tax there.",
    "backward": "Read xat * ecirp =+ tluser there.",
    "another language": "Write result = result.add(price * tax); there.",
}
CODED_KO = {name: text.replace("Write ", "거기에 ").replace(" there.", " 라고 써야 해요.")
            for name, text in CODED.items()}  # fmt: skip


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_level_5_says_in_words_what_has_to_change(locale: Locale) -> None:
    assert judge(TOLD[locale], 5, locale)[0].ok
    assert judge(f"Replace the sign on line 4. {TOLD['en']}", 5)[0].ok
    assert not judge(TOLD[locale], 1, locale)[0].ok


@pytest.mark.parametrize("name", CODED)
def test_level_5_has_no_code(name: str) -> None:
    assert not judge(f"{TOLD['en']} {CODED[name]}", 5)[0].ok
    assert not judge(f"{TOLD['ko']} {CODED_KO[name]}", 5, "ko")[0].ok


def test_without_a_solution_nobody_knows_what_level_5_tells() -> None:
    gate = Gate(level=5, locale="en", student_code=CODE, statement=SHOWN, reference="")
    gate.feed(f"Replace the sign on line 4. {TOLD['en']}")

    assert gate.finish().rule == "R3"


def test_the_labelled_hints_of_both_levels() -> None:
    """Of the half that may be looked at."""
    for each in labelled("seen"):
        if each.level in (4, 5):
            program = each.program
            gate = Gate(
                level=each.level, locale=each.locale, student_code=program.code,
                statement=program.shown(each.locale), reference=program.reference, fix=program.fix,
            )  # fmt: skip
            gate.feed(each.text)
            assert gate.finish().ok is not each.leak, each.id
    assert LEVELS[4].example
