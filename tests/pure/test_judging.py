"""Lines of programs without a database: each is answered, whatever the one before was."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from web.jsonl import LINE_BYTES
from web.ops import judging
from web.runner.checker import CODE_BYTES

CODE = "def add(a, b):\n    return a - b\n"
TESTS = "assert add(1, 2) == 3\nassert add(0, 0) == 0\n"
GOOD = {"id": "good", "code": CODE, "tests": TESTS, "statement": "Add."}


def answered(*lines: object) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(judging.answers(BytesIO(b"\n".join(texts))))


def test_a_line_is_answered_with_report_facts_and_hints() -> None:
    [answer] = answered(GOOD)

    assert answer.keys() == {"id", "verdict", "passed", "total", "first", "facts", "hints"}
    assert (answer["id"], answer["verdict"]) == ("good", "failed")
    assert (answer["passed"], answer["total"]) == (1, 2)
    assert answer["first"]["got"] == "-1"
    assert answer["facts"]
    assert answer["facts"][0].keys() >= {"kind", "line", "score", "values"}
    hints = json.loads(json.dumps(answer["hints"]))
    assert hints.keys() == {"1", "2"}
    assert all(text.endswith("?") for texts in hints.values() for text in texts.values())
    assert hints["1"].keys() == {"ko", "en"}


def test_a_program_that_reads_and_prints_is_judged_by_cases() -> None:
    cases = [{"stdin": "1 2\n", "expected": "3\n"}, {"stdin": "2 2\n", "expected": "4"}]
    code = "a, b = map(int, input().split())\nprint(a * b)\n"

    [answer] = answered({"id": 7, "code": code, "cases": cases})

    assert (answer["id"], answer["verdict"], answer["passed"]) == (7, "failed", 1)
    assert answer["first"]["stdin"] == "1 2\n"
    assert "`1 2`" in answer["hints"][1]["en"]


def test_of_a_hidden_case_neither_input_nor_value_is_told() -> None:
    cases = [{"stdin": "417 2\n", "expected": "419\n", "visible": False}]
    code = "a, b = map(int, input().split())\nprint(a * b)\n"

    [answer] = answered({"id": 7, "code": code, "cases": cases})

    assert answer["verdict"] == "failed"
    assert not {"417", "419", "834"} & set(json.dumps(answer).replace("\\n", " ").split())
    assert all(
        "417" not in str(text) for texts in answer["hints"].values() for text in texts.values()
    )


def test_a_right_program_gets_no_hint() -> None:
    [answer] = answered(GOOD | {"code": CODE.replace("-", "+")})

    assert answer["verdict"] == "passed"
    assert answer["hints"] == {1: {"ko": None, "en": None}, 2: {"ko": None, "en": None}}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b'{"id": 1' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"code": "' + b"a" * LINE_BYTES + b'"}', "bytes"),
        (GOOD | {"code": 3}, "`code`"),
        (GOOD | {"code": " \n"}, "`code`"),
        (GOOD | {"code": "a" * (CODE_BYTES + 1)}, "bytes"),
        (GOOD | {"tests": None}, "`tests` or `cases`"),
        (GOOD | {"cases": []}, "`tests` or `cases`"),
        (GOOD | {"tests": 3}, "`tests`"),
        (GOOD | {"tests": ["a", 3]}, "`tests`"),
        (GOOD | {"tests": None, "cases": []}, "`cases`"),
        (GOOD | {"tests": None, "cases": {"stdin": ""}}, "`cases`"),
        (GOOD | {"tests": None, "cases": ["a"]}, "case 1"),
        (GOOD | {"tests": None, "cases": [{"stdin": ""}]}, "case 1"),
        (GOOD | {"tests": None, "cases": [{"stdin": "", "expected": 3}]}, "case 1"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_rest_goes_on(line: object, said: str) -> None:
    first, bad, last = answered(GOOD, line, GOOD | {"id": "last"})

    assert (first["id"], last["id"]) == ("good", "last")
    assert first["verdict"] == last["verdict"] == "failed"
    assert bad.keys() == {"id", "line", "error"}
    assert bad["line"] == 2
    assert said in bad["error"]


def test_blank_lines_are_passed_over() -> None:
    assert [answer["id"] for answer in answered(b"", GOOD, b"  ", GOOD | {"id": 2}, b"")] == [
        "good", 2,
    ]  # fmt: skip


@pytest.mark.parametrize("name", [None, ["a"], 1.5, True, "x" * 500, {"a": 1}])
def test_an_id_is_a_text_or_a_whole_number(name: object) -> None:
    [answer] = answered(GOOD | {"id": name})

    assert answer["id"] is None
    assert answer["verdict"] == "failed"


def test_what_cannot_be_tested_is_not_called_wrong() -> None:
    [answer] = answered(GOOD | {"tests": "x = 3"})

    assert answer["verdict"] == "not_run"
    assert answer["hints"][1] == {"ko": None, "en": None}
