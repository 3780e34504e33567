"""What a written hint says against what the program did: a wrong line, value or result (R9).

Only claims that can be read for certain are looked at: no word on a claim is no praise of it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from web.tutor.evidence.report import Case, Report
from web.tutor.gate.asides import NUMBERED
from web.tutor.gate.lexis import SPAN, folded, without_blanks
from web.tutor.gate.sentences import Sentences
from web.tutor.parsing import is_literal, tree_of, value_of

LINE = "line"
"""It names a line that the program does not have."""
VALUE = "value"
"""It says of a name that it has a value which it has at no time of the failing run."""
RESULT = "result"
"""It says that the failing call gives, or should give, something else than it does."""
LITERAL = r"-?\d[^`\n]{0,80}|'[^`\n]{0,80}'|\"[^`\n]{0,80}\"|[\[({][^`\n]{0,80}|True|False|None"
EQUAL = re.compile(rf"\s*([A-Za-z_]\w*)\s*=\s*({LITERAL})\s*")
IS = r"(?:이에요|예요|이고|이며|인데|이지만|이므로|이니까|입니다)"
HOLDS = re.compile(
    r"`(?P<en>[A-Za-z_]\w*)` (?:is|equals|becomes|has the value)(?: now| then)? "
    rf"`(?P<value>{LITERAL})`"
    rf"|`(?P<ko>[A-Za-z_]\w*)`(?:의)?(?: 값)?(?:은|는|이|가) `(?P<said>{LITERAL})`{IS}"
)
GIVES = re.compile(
    r"`(?P<call>[^`\n]{1,200})`(?: (?:gives|returns|gave|returned)(?: back)? "
    rf"`(?P<value>{LITERAL})`|(?:의 결과는|의 값은|은|는) `(?P<said>{LITERAL})`{IS})"
)
# What is supposed, wished for, advised, or said of another program is no claim about this run.
SUPPOSED = re.compile(
    r"\b(?:if|suppose|imagine|assume|let|say|should|must|would|could|might|were|when|until|while|once"
    r"|expect\w*|want\w*|instead|start\w*|begin\w*|change\w*|example|right|correct)\b"
    r"|만약|라면|면[ ,]|기대|예상|바라|대신|예를 들|예에서|가정|바꾸|바꿔|시작|맞는|옳은|어야|여야",
    re.IGNORECASE,
)
CALL = re.compile(r"`([A-Za-z_][\w.]{0,60}\([^`\n]{0,200}\))`")


def contradictions(text: str, code: str, report: Report) -> list[str]:
    """The kinds of what it says wrongly, each once, in this order. report: of the code, explained.

    The cost is linear in the text: each pattern's repetitions are bounded.
    """
    checks = (
        (LINE, lines(text, code)),
        (VALUE, values(text, code, report)),
        (RESULT, results(text, report)),
    )
    return [kind for kind, found in checks if any(found)]


def claims(text: str) -> bool:
    """Whether it says of a name or of a call what it is, which a report is needed to check."""
    return any(pattern.search(text) for pattern in (HOLDS, GIVES)) or any(
        EQUAL.fullmatch(span) for span in SPAN.findall(text)
    )


def lines(text: str, code: str) -> Iterator[bool]:
    # A line break at the end begins no line.
    last = len(code.rstrip("\n").split("\n"))
    for found in NUMBERED.finditer(folded(text)):
        yield any(not 1 <= int(number) <= last for number in re.findall(r"\d+", found[0]))


def values(text: str, code: str, report: Report) -> Iterator[bool]:
    """Of names whose values were all seen; a value that the code itself gives them may stand."""
    seen = seen_values(report)
    if not seen:
        return
    given, case = given_values(code), report.first
    known = [case.expected] if case and not case.hidden else []
    for name, value in said_values(text, calls_of(case) if case else frozenset()):
        # Of several in one round the table has the last one alone.
        if name in seen and given.settled(name):
            held = (*seen[name], *given.constants[name], *known)
            yield not any(same(value, each) for each in held)


def calls_of(case: Case) -> frozenset[str]:
    """The failing call without blanks: with the steps that the tests took before it, and alone."""
    return frozenset(map(without_blanks, (case.call, case.call.rpartition("; ")[2])))


def said_values(text: str, calls: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What it says that names are in the failing call, in sentences that only say what is so."""
    cut = Sentences()
    for sentence in (*cut.feed(text), cut.rest):
        others = {without_blanks(each) for each in CALL.findall(sentence)} - calls
        if others or sentence.rstrip().endswith("?") or SUPPOSED.search(sentence):
            continue
        for span in SPAN.findall(sentence):
            if found := EQUAL.fullmatch(span):
                yield found[1], found[2]
        for found in HOLDS.finditer(sentence):
            yield found["en"] or found["ko"], found["value"] or found["said"]


def same(one: str, other: str) -> bool:
    """Whether two values are equal as Python reads them; also where one cannot be read."""
    # A value that was cut could be any that begins like it.
    if "…" in one or "…" in other:
        return True
    try:
        return bool(value_of(one) == value_of(other))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return without_blanks(one) == without_blanks(other)


class GivenValues:
    """What a program gives to its names. constants: of each name those that it writes down."""

    def __init__(self) -> None:
        self.constants: defaultdict[str, set[str]] = defaultdict(set)
        self._others = Counter[str]()

    def settled(self, name: str) -> bool:
        """Whether at most one statement gives it what is no constant."""
        return self._others[name] <= 1

    def add(self, name: str, value: ast.expr | None) -> None:
        if value is not None and is_literal(value):
            self.constants[name].add(ast.unparse(value))
        else:
            self._others[name] += 1


def given_values(code: str) -> GivenValues:
    """Of a program that Python cannot read none are known, and it has not run."""
    found, tree = GivenValues(), tree_of(code)
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    single = value if isinstance(target, ast.Name) else None
                    for name in names_in(target):
                        found.add(name, single)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value:
                found.add(name, value)
            # What is changed in place has other values between two rows too.
            case (
                ast.AugAssign(target=target) | ast.For(target=target) | ast.NamedExpr(target=target)
            ):
                for name in names_in(target):
                    found.add(name, None)
            case ast.arg(arg=name) | ast.comprehension(target=ast.Name(id=name)):
                found.add(name, None)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
                found.add(name, None)
    return found


def names_in(target: ast.AST) -> Iterator[str]:
    """Names that it gives something to, or to a part of which."""
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def seen_values(report: Report) -> dict[str, set[str]]:
    """Of each name in the table of steps what it was, where no row was left out."""
    steps = report.steps
    # A row that was left out may hold the very value that a hint speaks of.
    if steps is None or steps.omitted:
        return {}
    found: dict[str, set[str]] = {}
    for held in (*(row.values for row in steps.rows), steps.at):
        for name, value in held.items():
            found.setdefault(name, set()).add(value)
    return found


def results(text: str, report: Report) -> Iterator[bool]:
    """Of the failing call: a value said of it is what it gave, or what it should give."""
    case = report.first
    if case is None or case.hidden or not case.call or case.got is None:
        return
    calls = calls_of(case)
    for found in GIVES.finditer(text):
        said = found["value"] or found["said"]
        # Of other calls, a passing case's for instance, nothing is known here.
        if without_blanks(found["call"]) in calls:
            yield not any(same(said, each) for each in (case.got, case.expected))
