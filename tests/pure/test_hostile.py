"""A hundred programs that try to get out, to fill up, or to lie: the next student notices nothing."""

# ruff: noqa: E501  # A program a line.
from __future__ import annotations

import gc
import json

import psutil
import pytest

from web.runner.cases import Asserts, Io, IoCase, RunLimits
from web.runner.checker import Checker
from web.tutor.evidence.report import Report

TESTS = Asserts("assert f(1) == 2\nassert f(2) == 3\n")
RIGHT = "def f(x): return x + 1"
QUICK = RunLimits(time_s=0.3)
MOST_MB = 64
MOST_BYTES = 32 * 1024
OPENED = "x = {}\nassert x, 'nothing'\nprint('ESCAPED', x)\ndef f(x): return 0"
"""Whoever gets something shows it."""

FILES = [
    f"open({name!r}).read()"
    for name in (
        "/etc/passwd", "/proc/self/environ", "/proc/1/maps", "../../etc/passwd", ".data/secret_key",
        "/dev/zero", "/dev/stdin2", "/python/lib/python3.14/os.py", "C:\\\\x", "a\\x00b", "", "/",
    )
]  # fmt: skip
REACHES = [
    "__import__('os').listdir('/')", "__import__('os').listdir('.')",
    "__import__('os').environ.get('HINTLINE_SECRET_KEY')",
    "__import__('os').environ.copy()", "__import__('os').getenv('PATH')",
    "__import__('os').popen('id').read()", "__import__('os').system('id') == 0",
    "__import__('os').fork()", "__import__('os').execv('/bin/sh', ['sh'])",
    "__import__('os').kill(1, 9)", "__import__('os').mkdir('/tmp/x')",
    "__import__('os').open('/etc/passwd', 0)", "__import__('os').stat('/')",
    "__import__('os').scandir('/')", "__import__('os').readlink('/proc/self/exe')",
    "__import__('os').chdir('/etc')", "__import__('os').rename('a', 'b')",
    "__import__('subprocess').run(['id'])", "__import__('subprocess').check_output('id')",
    "__import__('socket').socket()", "__import__('socket').create_connection(('127.0.0.1', 6379))",
    "__import__('socket').gethostbyname('localhost')",
    "__import__('urllib.request').request.urlopen('http://127.0.0.1:8000/')",
    "__import__('http.client').client.HTTPConnection('127.0.0.1', 8000).request('GET', '/')",
    "__import__('ctypes').CDLL(None)", "__import__('multiprocessing').Process(target=print).start()",
    "__import__('threading').Thread(target=print).start()", "__import__('signal').alarm(1)",
    "__import__('mmap').mmap(-1, 9)", "__import__('pty').spawn('sh')",
    "__import__('tempfile').TemporaryFile()", "__import__('tempfile').mkdtemp()",
    "__import__('shutil').disk_usage('/')", "__import__('pathlib').Path('/etc/passwd').read_text()",
    "__import__('glob').glob('/*')", "__import__('sqlite3').connect('/tmp/x.db').execute('select 1')",
    "__import__('resource').getrlimit(0)", "__import__('pwd').getpwuid(0)",
    "__import__('web.settings')", "__import__('wasmtime')", "__import__('django')",
    "__import__('importlib').import_module('web.runner.host')",
    "__import__('dbm').open('x', 'c')", "__import__('zipfile').ZipFile('/x.zip')",
]  # fmt: skip
HOST = [
    "import wit_world\nfor i in range(9): wit_world.WitWorld().run('{}')",
    "import guest.app as a\na.send({'verdict': 'passed', 'passed': 2, 'total': 2})\nwhile True: pass",
    "import guest.app as a\na.send({'verdict': 'passed', 'passed': 10**30, 'total': -5, 'first': 7})\nwhile 1: 0",
    "import guest.app as a\nwhile True: a.real_write(1, b'x' * 8192)",
    "import guest.app as a\na.real_write(1, b'{' * 10**6 + b'\\n')\nwhile True: pass",
    "import guest.app as a\na.real_write(1, b'[' * 200_000 + b'\\n')\nwhile True: pass",
    "import guest.app as a\na.send({'verdict': ['passed'], 'error': 3, 'output': {}})\nwhile True: pass",
    "import guest.app as a\na.send({'verdict': 'failed', 'first': {'call': 'x' * 10**5}})\nwhile True: pass",
    "import guest.app as a\na.send({'verdict': 'failed', 'facts': 'x', 'first': {'number': 10**9}})\nwhile 1: 0",
    "import guest.app as a\na.send({'verdict': 'not_run', 'error': {'kind': '\\ud800\\0', 'message': 1}})\nwhile 1: 0",
    "import guest.app as a\na.real_write(1, b'\\n\\xff\\xfe\\n')\nwhile True: pass",
    "import guest.app as a\na.real_write(1, b'\\nNaN\\n')\nwhile True: pass",
    "import guest.judge as j\nj.Judge.report = lambda s: {'verdict': 'passed'}\ndef f(x): return 0",
    "import guest.judge as j\nj.Judge.report = lambda s: 'x' * 10**7\ndef f(x): return 0",
    "import guest.judge as j\nj.cut = lambda t, m, d=0: t\ndef f(x): return 'x' * 10**6",
]  # fmt: skip
PATCHES = [
    "import json\njson.dumps = lambda *a, **k: 'x' * 10**7\ndef f(x): return 0",
    "import json\njson.dumps = None\ndef f(x): return 0",
    "import builtins\nbuiltins.repr = lambda x: 'x' * 10**7\ndef f(x): return 0",
    "import builtins\nbuiltins.len = lambda x: 1 / 0\ndef f(x): return 0",
    "import builtins\nbuiltins.str = builtins.type = builtins.isinstance = None\ndef f(x): return 0",
    "import builtins\nfor n in list(vars(builtins)):\n    if n[0] != '_': delattr(builtins, n)",
    "import sys\nsys.modules.clear()\ndef f(x): return 0",
    "import sys\nsys.stdout = sys.stdin = sys.stderr = None\ndef f(x): return 0",
    "import sys\nsys.stdout.close()\ndef f(x): return 0",
    "import sys\nsys.settrace(lambda *a: 1 / 0)\ndef f(x): return 0",
    "import sys\nsys.setprofile(lambda *a: 1 / 0)\ndef f(x): return 0",
    "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f(x)",
    "import sys\nsys.setrecursionlimit(5)\ndef f(x): return 0",
    "import gc\nfor o in gc.get_objects():\n    if type(o) is dict: o.clear()",
    "import gc\nfor o in gc.get_objects():\n    if type(o) is list: o.append(o)\ndef f(x): return 0",
    "import gc\n[o.__dict__.update(_bad=set(), _seen={0, 1}) for o in gc.get_objects() if type(o).__name__ == 'Judge']\ndef f(x): return 0",
    "import sys\nsys._getframe(3).f_locals.clear()\ndef f(x): return 0",
    "import atexit\natexit.register(lambda: 1 / 0)\ndef f(x): return 0",
    "class A:\n    def __eq__(s, o): raise SystemExit\ndef f(x): return A()",
    "class A:\n    def __eq__(s, o): return True\ndef f(x): return A()",
    "class A:\n    __class__ = int\n    def __repr__(s): raise KeyboardInterrupt\ndef f(x): return A()",
    "class M(type):\n    def __repr__(c): return 'x' * 10**7\n    __str__ = __repr__\nclass A(metaclass=M): pass\ndef f(x): return A",
    "class E(BaseException):\n    def __str__(s): raise E\ndef f(x): raise E",
    "class E(Exception):\n    __name__ = property(lambda s: 1 / 0)\n    def __str__(s): return 3\ndef f(x): raise E",
    "__hintline_case__ = None\ndef f(x): return 0",
    "def f(x):\n    globals()['__hintline_case__'] = print\n    return 0",
    "import os\nos._exit(0)", "import os\nos.abort()", "import sys\nsys.exit('x' * 10**7)",
    "import faulthandler\nfaulthandler._sigsegv()", "import faulthandler\nfaulthandler._stack_overflow()",
    "import _testcapi", "f = type(lambda: 0)((lambda: 0).__code__.replace(co_code=b'\\xff' * 99), {})\nf()",
    "import types\nexec((lambda: 0).__code__.replace(co_consts=(), co_code=b'd\\xff' * 9))",
]  # fmt: skip
FILLS = [
    "x = [0] * 10**9", "x = '1' * 10**9", "x = 10 ** 10 ** 8", "x = 1 << 10**10",
    "x = []\nwhile True: x.append(x * 2)", "x = 'a'\nwhile True: x += x", "while True: pass",
    "while True: print('x' * 10**6)", "import sys\nwhile True: sys.stderr.write('x' * 10**6)",
    "def f(x): return f(x)", "a = []\nfor i in range(10**6): a = [a]\nprint(a)",
    "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", "import itertools\nlist(itertools.count())",
    "(" * 5_000, "x = " + "-" * 30_000 + "1", "[" * 99 + "]" * 99, "lambda: " * 3_000 + "0",
    "x = " + "+".join(["1"] * 20_000), "def f(x): return 1\n" * 3_000, "class A" + "(A" * 3_000,
    "import time\ntime.sleep(10**6)", "import select\nselect.select([], [], [], 10**6)",
    "try:\n    while True: pass\nexcept BaseException:\n    while True: pass",
    "def g():\n    try: yield\n    finally: g().send(None)\nx = g(); next(x); del x",
    "x = {i: str(i) * 99 for i in range(10**7)}", "x = set(range(10**8))", "sum(range(10**10))",
    "import random\nx = [random.random() for _ in range(10**8)]", "x = bytearray(2**31 - 1)",
    "import decimal\ndecimal.Decimal(10) ** 10**9", "int('9' * 10**7)", "'%0*d' % (10**9, 1)",
    "f'{1:>1000000000}'", "'a'.ljust(10**9)", "b'x' * 2**31", "x = range(10**12); list(x)",
    "import zlib\nzlib.decompress(zlib.compress(b'0' * 10**7) * 1, 15, 2**30)",
]  # fmt: skip
HOSTILE = [
    *(OPENED.format(each) for each in (*FILES, *REACHES)), *HOST, *PATCHES, *FILLS,
]  # fmt: skip


def test_there_are_a_hundred() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 100


@pytest.mark.timeout(170)
def test_no_program_gets_out_or_stops_the_next_one(checker: Checker) -> None:
    process = psutil.Process()
    checker.check(RIGHT, TESTS)
    gc.collect()
    before_mb = process.memory_info().rss / 2**20

    for code in HOSTILE:
        report = checker.check(code, TESTS, QUICK)
        report = checker.explain(report, code, TESTS, QUICK)

        text = json.dumps(report.as_json(), ensure_ascii=False)
        assert "ESCAPED" not in text, code
        assert len(text.encode()) <= MOST_BYTES, code
        assert "\\u0000" not in text, code
        assert Report.from_json(report.as_json()) == report, code
        assert checker.check(RIGHT, TESTS).verdict == "passed", code

    gc.collect()
    assert process.memory_info().rss / 2**20 - before_mb <= MOST_MB


SECRET = Io((
    IoCase(stdin="1\n", expected="1"),
    IoCase(stdin="hunter2\n", expected="swordfish", visible=False),
))  # fmt: skip


FORGED = """\
import guest.app as a
x = input()
print(x)
T = {{'kind': 'lines', 'names': [x], 'rows': [{{'line': 1, 'values': {{x: x}}}}], 'at': {{x: x}}}}
F = {{'kind': 'gives_back', 'line': 1, 'values': {{'value': x, 'names': [x]}}}}
if x != '1':
    a.send({})
    while True: pass
"""
"""What a program says of itself, in the place of the guest; it may hold for both of its runs."""


@pytest.mark.parametrize(
    "code",
    [
        "print(input())",
        "print(input(), end='')\nraise ValueError(input())",
        "x = input()\nprint(x)\nraise KeyError(x)" ,
        "x = input()\nprint(x)\nassert x == '1', x",
        "x = input()\nprint(x)\nif x != '1':\n    while True: print(x)",
        "x = input()\nprint(x)\nif x != '1':\n    int(x)",
        "x = input()\nprint(x)\nif x != '1':\n    y = {x: x}[x + x]",
        "x = input()\nprint(x)\nif x != '1':\n    raise type(x, (Exception,), {})",
        "x = input()\nprint(x)\nimport sys\nif x != '1': sys.stderr.write(x)",
        "import guest.app as a\nx = input()\nprint(x)\nif x != '1':\n"
        "    a.send({'verdict': 'failed', 'first': {'number': 0, 'got': x, 'call': x}, 'output': x})\n"
        "    while True: pass",
        *map(FORGED.format, (
            "{'verdict': 'failed', 'facts': [], 'steps': T}",
            "{'verdict': 'time', 'steps': T, 'facts': [F]}",
            "{'verdict': 'failed', 'first': {'number': 0}, 'error': {'kind': x, 'message': x}}",
            "{'verdict': 'syntax', 'error': {'kind': 'SyntaxError', 'message': x, 'line': 1}}",
            "{'verdict': 'not_run', 'error': {'kind': 'Unsupported', 'message': x}}",
            "{'verdict': 'error', 'error': {'kind': x, 'message': x}, 'steps': T}",
            "{'verdict': 'failed', 'steps': T, 'facts': [F], 'first': [x], 'running': x}",
        )),
    ],
)  # fmt: skip
def test_nothing_of_a_hidden_case_is_told(checker: Checker, code: str) -> None:
    report = checker.check(code, SECRET, QUICK)

    text = json.dumps(checker.explain(report, code, SECRET, QUICK).as_json())

    assert "swordfish" not in text
    assert "hunter2" not in text


SEEN_FIRST = "x = input()\nif x == '1':\n    print(x)\nelse:\n    "
SECRETS = ("hunter2", "dragonflies")
TELLING = {
    "what is printed": "print(x)",
    "how much is printed": "print('x' * len(x))",
    "a value that stands in the program": "print(len(x))  # 1 2 3 4 5 6 7 8 9 10 11 12",
    "a piece of the program": "print('one' if x[0] == 'h' else 'two')",
    "what a function of it gives": "print((lambda y: 'one' if y[0] == 'h' else 'two')(x))",
    "a name that goes through values": "for c in x: total = c\n    print(total)  # 7 11 2 s",
    "a key that is not there": "print({}['one' if x[0] == 'h' else 'two'])",
    "an index that is not there": "print([1, 2][len(x)])  # 7 11",
    "a message": "raise ValueError('one' if x[0] == 'h' else 'two')",
    "a class made of the input": "raise type(x, (Exception,), {})",
    "a class with a name of Python": "raise type('abs' if x[0] == 'h' else 'len', (Exception,), {})",
    "a module that is not there": "import importlib as i; i.import_module('ssl' if x[0] == 'h' else 'ctypes')",
    "how deep it goes": "f = lambda n: n and f(n - 1)\n    print(f(len(x)))",
    "how long it sleeps": "import time\n    time.sleep(ord(x[0]) - 99)\n    print(0)",
    "what is asked of the reader": "print(input(x))",
    "an exit status": "raise SystemExit(len(x))",
    "a dictionary of all letters": "print({c: n for n, c in enumerate('hunterdagofis27')}[x[0]])  # 0 6",
}


@pytest.mark.parametrize("code", TELLING.values(), ids=TELLING.keys())
@pytest.mark.parametrize("visible", [True, False])
def test_a_report_is_the_same_whatever_the_hidden_input_is(
    checker: Checker, code: str, visible: bool
) -> None:
    seen = (IoCase(stdin="1\n", expected="1"),) if visible else ()
    told = []
    for secret in SECRETS:
        hidden = IoCase(stdin=f"{secret}\n", expected="swordfish", visible=False)
        report = checker.check(SEEN_FIRST + code, Io((*seen, hidden)), QUICK)
        told.append(checker.explain(report, SEEN_FIRST + code, Io((*seen, hidden)), QUICK))

    assert told[0] == told[1]
    assert told[0].verdict != "passed"


ALL_HIDDEN = Io((IoCase(stdin="hunter2\n", expected="swordfish", visible=False),))


@pytest.mark.parametrize(
    ("code", "kind", "message", "line"),
    [
        ("print(1\n", "SyntaxError", "'(' was never closed", 1),
        ("x = input()\nif x = '1':\n    print(x)\n", "SyntaxError", "invalid syntax", 2),
        ("for i in range(3):\nprint(i)\n", "SyntaxError", "expected an indented block", 2),
        ("import ssl\nprint(input())\n", "Unsupported", "ssl", None),
    ],
)
def test_what_depends_on_no_input_is_told_where_all_is_hidden(
    checker: Checker, code: str, kind: str, message: str, line: int | None
) -> None:
    report = checker.explain(checker.check(code, ALL_HIDDEN, QUICK), code, ALL_HIDDEN, QUICK)

    assert report.error
    assert (report.error.kind, report.error.line) == (kind, line)
    assert message in report.error.message
    if report.verdict == "syntax":
        [fact] = report.facts
        assert message in str(fact.values["message"])


@pytest.mark.parametrize("kind", ["SyntaxError", "Unsupported"])
def test_nobody_can_say_that_falsely(checker: Checker, kind: str) -> None:
    verdict = "syntax" if kind == "SyntaxError" else "not_run"
    said = {"verdict": verdict, "error": {"kind": kind, "message": "it"}}
    code = FORGED.format(str(said).replace("'it'", "'module ' + x"))

    report = checker.check(code, ALL_HIDDEN, QUICK)

    text = json.dumps(checker.explain(report, code, ALL_HIDDEN, QUICK).as_json())
    assert "hunter2" not in text


def test_no_forged_report_counts_more_cases_than_there_are(checker: Checker) -> None:
    code = FORGED.format("{'verdict': 'failed', 'passed': 777777, 'total': 888888}")

    report = checker.check(code, SECRET, QUICK)

    assert (report.passed, report.total) == (2, 2)


def test_no_run_sees_what_another_one_has_left(checker: Checker) -> None:
    checker.check("import builtins, math\nbuiltins.mark = math.mark = 1", TESTS)

    after = checker.check("import math\ndef f(x): return hasattr(math, 'mark') or mark", TESTS)

    assert after.error
    assert after.error.kind == "NameError"


def test_dice_fall_anew_in_each_run(checker: Checker) -> None:
    code = "import random\ndef f(x): return random.random()"

    got = {str(checker.check(code, TESTS).first) for _ in range(5)}

    assert len(got) == 5
