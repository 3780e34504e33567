"""Every kind of fact: a program that has it, and one that nearly has."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.pure.playing import inputs, own_streams, told
from web.runner.guest.scores import OCHIAI, SCORES
from web.runner.guest.stdio import IoCases
from web.tutor.evidence.facts import MOST_FACTS, Fact, FactKind, facts_from_json


class Sample(NamedTuple):
    """values: some of those that the fact carries. near: has it not."""

    kind: FactKind
    code: str
    tests: str
    line: int
    values: dict[str, Any]
    near: str
    ends: bool = True


SAMPLES = [
    Sample(
        FactKind.LEFT_BEHIND,
        "memo = {}\ndef f(n, k):\n    if n in memo:\n        return memo[n]\n"
        "    memo[n] = n * k\n    return memo[n]",
        "assert f(3, 2) == 6\nassert f(3, 3) == 9", 1, {"name": "memo"},
        "def f(n, k):\n    memo = {}\n    memo[n] = n * 2\n    return memo[n]",
    ),
    Sample(
        FactKind.LEFT_BEHIND,
        "count = 0\ndef f(xs):\n    global count\n    for x in xs:\n        count += 1\n"
        "    return count",
        "assert f([1]) == 1\nassert f([1, 2]) == 2", 1, {"name": "count"},
        "count = 0\ndef f(xs):\n    global count\n    count = 1\n    return count",
    ),
    Sample(
        FactKind.LEFT_BEHIND,
        "class Shop:\n    sold = 0\n    def sell(self):\n        Shop.sold += 1\n"
        "        return Shop.sold\ndef f():\n    return Shop().sell()",
        "assert f() == 1\nassert f() == 1", 2, {"name": "sold"},
        "class Shop:\n    sold = 0\n    def sell(self):\n        self.sold += 1\n"
        "        return self.sold\ndef f():\n    return Shop().sell() + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "class Bag:\n    items = []\n    def put(self, x):\n        self.items.append(x)\n"
        "def f(x, y):\n    a, b = Bag(), Bag()\n    a.put(x)\n    b.put(y)\n"
        "    return len(a.items)",
        "assert f(1, 2) == 1", 2, {"attribute": "items"},
        "class Bag:\n    items = []\n    def __init__(self):\n        self.items = []\n"
        "    def put(self, x):\n        self.items.append(x)\n"
        "def f(x, y):\n    a, b = Bag(), Bag()\n    a.put(x)\n    b.put(y)\n"
        "    return len(a.items) + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "class Shop:\n    stock = {}\n    def put(self, x):\n        self.stock[x] = 1\n"
        "def f(xs):\n    s = Shop()\n    for x in xs:\n        s.put(x)\n    return len(s.stock)",
        "assert f([1]) == 1\nassert f([2]) == 1", 2, {"attribute": "stock"},
        "class Shop:\n    stock = {}\n    def put(self, x):\n        self.stock[x] = 1\n"
        "def f(xs):\n    s = Shop()\n    for x in xs:\n        s.put(x)\n"
        "    return len(s.stock) + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "class Bag:\n    def __init__(self, items=[]):\n        self.items = items\n"
        "def f(x):\n    a, b = Bag(), Bag()\n    a.items.append(x)\n    return len(b.items)",
        "assert f(1) == 0", 2, {"places": ["items"]},
        "class Bag:\n    def __init__(self, items=[]):\n        self.items = list(items)\n"
        "def f(x):\n    a, b = Bag(), Bag()\n    a.items.append(x)\n    return len(a.items) + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "def f(n):\n    seen = [[False] * n] * n\n    seen[0][0] = True\n"
        "    return sum(map(sum, seen))",
        "assert f(2) == 1", 2, {"whole": "seen"},
        "def f(n):\n    seen = [[False] * n] * n\n    seen[0] = [True]\n    seen[0][0] = 1\n"
        "    return sum(map(sum, seen)) + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "def f(ks):\n    d = dict.fromkeys(ks, [])\n    d[ks[0]].append(1)\n    return d",
        "assert f(['a', 'b']) == {'a': [1], 'b': []}", 2,
        {"places": ["'a'", "'b'"]},
        "def f(ks):\n    d = {k: [] for k in ks}\n    d[ks[0]].append(2)\n    return d",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "def f():\n    a = [set()] * 2\n    a[0].add(1)\n    return a",
        "assert f() == [{1}, set()]", 2, {"places": ["0", "1"]},
        "def f():\n    a = [set(), set()]\n    a[1].add(1)\n    return a",
    ),
    Sample(
        FactKind.ENDED_WITHOUT_VALUE,
        "def ends(xs):\n    lo = min(xs)\n    hi = max(xs)\ndef f(xs):\n    lo, hi = ends(xs)\n"
        "    return hi - lo",
        "assert f([1, 4]) == 3", 3, {},
        "def ends(xs):\n    return None\ndef f(xs):\n    lo, hi = ends(xs)\n    return hi - lo",
    ),
    Sample(
        FactKind.ENDED_WITHOUT_VALUE,
        "def f(n):\n    if n <= 1:\n        return 1\n    n * f(n - 1)", "assert f(3) == 6", 4,
        {"branch": "n <= 1"},
        "def f(n):\n    if n <= 1:\n        return 1\n    return n - f(n - 1)",
    ),
    Sample(
        FactKind.NEVER_CALLED, "def f(d):\n    return max(d.values)", "assert f({1: 2}) == 2", 2,
        {"name": "values"}, "def f(d):\n    return max(d.values()) + 1",
    ),
    Sample(
        FactKind.NEVER_CALLED,
        "def f(d):\n    n = 0\n    for k in d.keys:\n        n += k\n    return n",
        "assert f({1: 2}) == 1", 3, {"name": "keys"},
        "def f(d):\n    return list(map(d.get, d.keys()))",
    ),
    Sample(
        FactKind.NEVER_CALLED,
        "class C:\n    def __init__(self, r):\n        self.r = r\n    def area(self):\n"
        "        return 3 * self.r\ndef f(rs):\n    return [C(r).area for r in rs]",
        "assert f([1]) == [3]", 7, {"name": "area"},
        "class C:\n    def __init__(self, r):\n        self.r = r\n    @property\n"
        "    def area(self):\n        return 2 * self.r\ndef f(rs):\n"
        "    return [C(r).area for r in rs]",
    ),
    Sample(
        FactKind.NEVER_CALLED, "def f(w):\n    return f'{w.upper}'", "assert f('a') == 'A'", 2,
        {"name": "upper"}, "def f(w):\n    return f'{w.upper()}!'",
    ),
    Sample(
        FactKind.LIMIT_TIME,
        "def g(n):\n    return n if n < 2 else g(n - 1) + g(n - 2)\n"
        "def f(n):\n    g(3)\n    for i in range(10 ** 9):\n        n += 1\n    return n",
        "assert f(60) == 1", 5, {},
        "def f(n):\n    for i in range(10):\n        n += 1\n    return n", ends=False,
    ),
    Sample(
        FactKind.LIMIT_TIME,
        "def f(n):\n    if n < 2:\n        return n\n    return f(n - 1) + f(n - 2)",
        "assert f(60) == 1", 4, {},
        "def f(n):\n    if n < 2:\n        return n\n    return 2 + f(n - 2)", ends=False,
    ),
    Sample(
        FactKind.LIMIT_DEPTH,
        "class T:\n    def __init__(self, c):\n        self.c = c\n    @property\n"
        "    def c(self):\n        return 1\n    @c.setter\n    def c(self, v):\n"
        "        self.c = v\ndef f(n):\n    return T(n).c",
        "assert f(1) == 1", 9, {},
        "def f(n):\n    return [n]",
    ),
    Sample(
        FactKind.LIMIT_DEPTH,
        "class T:\n    @property\n    def c(self):\n        return self.c\ndef f(n):\n"
        "    return T().c",
        "assert f(1) == 1", 4, {},
        "def f(n):\n    return [n]",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(n):\n    Print(n)", "assert f(1) == 1", 2,
        {"name": "Print", "near_builtin": 1}, "def f(n):\n    print(n)",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(xs):\n    best = xs[0]\n    return bset", "assert f([1]) == 2",
        3, {"name": "bset", "close": "best", "near_builtin": None},
        "def f(xs):\n    best = xs[0]\n    return best",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(height):\n    return lenght(height)", "assert f([1]) == 2",
        2, {"name": "lenght", "close": None, "near_builtin": 1},
        "def f(height):\n    return len(height)",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(xs):\n    return lenght(xs)", "assert f([1]) == 1", 2,
        {"near_builtin": 1}, "def f(xs):\n    return len(xs) + 1",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(n):\n    done = true\n    return done", "assert f(1) == 1", 2,
        {"name": "true", "near_builtin": 1}, "def f(n):\n    done = True\n    return [done]",
    ),
    Sample(
        FactKind.WRONG_NAME,
        "class Q:\n    def __init__(self):\n        self.items = []\n    def put(self, x):\n"
        "        items.append(x)\ndef f(x):\n    Q().put(x)",
        "assert f(1) == 1", 5, {"name": "items", "close": "self.items"},
        "class Q:\n    def __init__(self):\n        self.items = []\n    def put(self, x):\n"
        "        self.items.append(x)\ndef f(x):\n    Q().put(x)",
    ),
    Sample(
        FactKind.SYNTAX, "def f(n)\n    return n", "assert f(1) == 1", 1, {},
        "def f(n):\n    return 2",
    ),
    Sample(
        FactKind.STOPPED, "def f(n):\n    m = n - 1\n    return n // m", "assert f(1) == 1", 3,
        {"type": "ZeroDivisionError", "names": ["n = 1", "m = 0"]},
        "def f(n):\n    try:\n        return n // 0\n    except ZeroDivisionError:\n"
        "        return 5",
    ),
    Sample(
        FactKind.MISSING_FUNCTION, "x = 1\ndef g(n):\n    return n\ndef ff(n):\n    return n",
        "assert f(1) == 2", 4, {"called": "f", "close": "ff"}, "def f(n):\n    return g(n)",
    ),
    Sample(
        FactKind.MISSING_FUNCTION, "def total(n):\n    return n", "assert f(1) == 2", 1,
        {"called": "f"}, "def f(n):\n    return n",
    ),
    Sample(
        FactKind.CALLED_OTHERWISE, "def f(a, b, c):\n    return a", "assert f(1, 2) == 3", 1,
        {"name": "f"}, "def f(a, b, c=0):\n    return a",
    ),
    Sample(
        FactKind.CALLED_OTHERWISE, "x = 1\ndef f():\n    return x", "assert f(1) == 3", 2,
        {"name": "f"}, "x = 1\ndef f(n):\n    return g(n)\ndef g():\n    return 1",
    ),
    Sample(
        FactKind.NO_WHOLE_NUMBER, "def f(s):\n    return int(s)", "assert f('3.7') == 3", 2,
        {"text": "'3.7'"}, "def f(s):\n    return int(s + '.')",
    ),
    Sample(
        FactKind.UNCALLED, "def f(n):\n    return n\ndef main():\n    print(f(1))",
        "assert f(1) == 2", 3, {"name": "main"},
        "def f(n):\n    return main(n)\ndef main(n):\n    return n",
    ),
    Sample(
        FactKind.GROWS_ON, "def f(xs):\n    for x in xs:\n        xs.append(x)\n    return xs",
        "assert f([1]) == [1, 1]", 2, {"sequence": "xs"},
        "def f(xs):\n    for x in list(xs):\n        xs.append(x)\n    return xs[0]", ends=False,
    ),
    Sample(
        FactKind.SHRINKS_ON,
        "def f(xs):\n    for x in xs:\n        if x > 1:\n            xs.remove(x)\n    return xs",
        "assert f([2, 3, 1]) == [1]", 2, {"sequence": "xs", "rounds": 2},
        "def f(xs):\n    for x in xs[:]:\n        if x > 2:\n            xs.remove(x)\n"
        "    return xs",
    ),
    Sample(
        FactKind.SHRINKS_ON,
        "def f(xs):\n    for i, x in enumerate([1]):\n        pass\n    for x in xs:\n"
        "        del xs[0]\n    return xs",
        "assert f([2, 3, 1]) == []", 4, {"rounds": 2},
        "def f(xs):\n    ys = [1]\n    for i, x in enumerate([1]):\n        pass\n"
        "    for x in xs:\n        if x > 9:\n            xs.pop()\n    return xs",
    ),
    Sample(
        FactKind.OUT_OF_RANGE, "def f(rows, i):\n    return rows[0][i]",
        "assert f([[1]], 3) == 1", 2, {}, "def f(rows, i):\n    return rows[0][:i]",
    ),
    Sample(
        FactKind.OUT_OF_RANGE, "def f(s, i):\n    return s.split()[i]",
        "assert f('a b', 3) == 1", 2, {"index": 3}, "def f(s, i):\n    return s.split()[:i]",
    ),
    Sample(
        FactKind.BEFORE_STOP,
        "def f(xs):\n    rest = [x for x in xs if x > 9]\n    return min(rest)",
        "assert f([1]) == 1", 2, {"name": "rest", "value": "[]", "stop": 3},
        "def f(xs):\n    rest = [x for x in xs if x > 9]\n    return len(rest)",
    ),
    Sample(
        FactKind.BEFORE_STOP, "def f(xs):\n    ys = xs.sort()\n    return ys[0]",
        "assert f([2, 1]) == 1", 2, {"name": "ys", "value": "None", "stop": 3},
        "def f(xs):\n    ys = sorted(xs)\n    return ys[1]",
    ),
    Sample(
        FactKind.DROPPED, "def f(xs):\n    sorted(xs)\n    return xs", "assert f([2, 1]) == [1, 2]",
        2, {"expression": "sorted(xs)"}, "def f(xs):\n    print(sorted(xs))\n    return xs",
    ),
    Sample(
        FactKind.DROPPED, "def f(n):\n    n + 1\n    return n", "assert f(1) == 2",
        2, {"expression": "n + 1"}, 'def f(n):\n    "n + 1"\n    return n',
    ),
    Sample(
        FactKind.DROPPED,
        "def f(n):\n    if n > 0:\n        f(n - 1)\n        return 7\n    return 0",
        "assert f(2) == 2", 3, {"expression": "f(n - 1)"},
        "def f(n):\n    if n > 0:\n        g(n - 1)\n        return 7\n    return 0\n"
        "def g(n):\n    pass",
    ),
    Sample(
        FactKind.DROPPED, "def f(s):\n    s.upper()\n    return s", "assert f('a') == 'A'",
        2, {"expression": "s.upper()"}, "def f(s):\n    [].append(s)\n    return s",
    ),
    Sample(
        FactKind.PRINTED_GAVE_NONE, "def f(n):\n    print(n + 1)", "assert f(1) == 2", 2,
        {"printed": "2"}, "def f(n):\n    print(n + 1)\n    return n",
    ),
    Sample(
        FactKind.ENDED_WITHOUT_VALUE,
        "def f(n):\n    if n > 3:\n        return n\n    m = n", "assert f(1) == 1", 4,
        {"branch": "n > 3"}, "def f(n):\n    if n > 3:\n        return n\n    return 0",
    ),
    Sample(
        FactKind.ANOTHER_TYPE, "x = 1\ndef f(n):\n    yield n", "assert f(1) == [1]", 2,
        {"got_type": "generator", "expected_type": "list"},
        "x = 1\ndef f(n):\n    return [n, n]\ndef g():\n    yield 1",
    ),
    Sample(
        FactKind.ANOTHER_TYPE, "def f(n):\n    return str(n)", "assert f(1) == 1", 2,
        {"got_type": "str", "expected_type": "int"}, "def f(n):\n    return n + 0.5",
    ),
    Sample(
        FactKind.ENDS_FIRST_ROUND,
        "def f(xs):\n    for x in xs:\n        if x > 1:\n            return True\n"
        "        else:\n            return False",
        "assert f([1, 2]) == True", 6, {"loop": 2, "word": "return", "round": 1},
        "def f(xs):\n    for x in xs:\n        if x > 2:\n            return True\n"
        "    return False",
    ),
    Sample(
        FactKind.NEVER_ENDS, "def f(n):\n    k = n\n    while n > 0:\n        k -= 1\n    return k",
        "assert f(3) == 0", 3,
        {"condition": "n > 0", "unchanged": ["n"], "changed": [], "names": ["n = 3"]},
        "def f(n):\n    while n > 0:\n        n -= 1\n    return 5", ends=False,
    ),
    Sample(
        FactKind.NO_ROUND, "def f(n):\n    t = 0\n    for i in range(n, 1):\n        t += i\n"
        "    return t",
        "assert f(3) == 6", 3, {"loop": "range(n, 1)"},
        "def f(n):\n    t = 0\n    for i in range(n, 4):\n        t += i\n    return t + 1",
    ),
    Sample(
        FactKind.ROUNDS, "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n"
        "    return t",
        "assert f(4) == 10", 3, {"rounds": 4, "variable": "i", "first": "0", "last": "3"},
        "def f(n):\n    t = 0\n    for i in range(0):\n        t += i\n    return t",
    ),
    Sample(
        FactKind.LAST_UNSEEN,
        "def f(xs):\n    t = 0\n    for i in range(len(xs) - 1):\n        t += xs[i]\n    return t",
        "assert f([1, 2, 3, 4]) == 10", 3, {"sequence": "xs", "index": 2, "length": 4},
        "def f(xs):\n    t = 0\n    for i in range(len(xs) - 1):\n        t += xs[i + 1]\n"
        "    return t",
    ),
    Sample(
        FactKind.FIRST_UNSEEN,
        "def f(xs):\n    t = 0\n    for i in range(1, len(xs)):\n        t += xs[i]\n    return t",
        "assert f([1, 2, 3, 4]) == 10", 3, {"sequence": "xs", "index": 1, "length": 4},
        "def f(xs):\n    t = xs[0]\n    for i in range(1, len(xs)):\n        t += xs[i]\n"
        "    return t * 2",
    ),
    Sample(
        FactKind.OUT_OF_RANGE,
        "def f(xs):\n    t = 0\n    for i in range(len(xs) + 1):\n        t += xs[i]\n    return t",
        "assert f([1, 2]) == 3", 4, {"sequence": "xs", "index": 2, "length": 2},
        "def f(xs):\n    t = 0\n    for i in range(len(xs) + 1):\n        t += xs[i - 1] // 0\n"
        "    return t",
    ),
    Sample(
        FactKind.MISSING_KEY, "def f(ages):\n    return ages.pop('eve')",
        "assert f({'bo': 1}) == 3", 2, {"key": "'eve'"},
        "def f(ages):\n    return set(ages).remove('eve')",
    ),
    Sample(
        FactKind.MISSING_KEY, "def f(ages):\n    return ages['eve']",
        "assert f({'ann': 1, 'bob': 2}) == 3", 2, {"key": "'eve'", "keys": ["'ann'", "'bob'"]},
        "def f(ages):\n    return ages.get('eve')",
    ),
    Sample(
        FactKind.BRANCH_NOT_TAKEN,
        "def f(n):\n    if n > 5:\n        n = 0\n    return n", "assert f(5) == 0", 2,
        {"condition": "n > 5", "values": ["n = 5"]},
        "def f(n):\n    if n > 4:\n        n = 1\n    return n",
    ),
    Sample(
        FactKind.BRANCH_ALWAYS_TAKEN,
        "def f(n):\n    if n > 3:\n        n = 1\n    return n", "assert f(5) == 0", 2,
        {"condition": "n > 3", "values": ["n = 5"]},
        "def f(n):\n    if n > 6:\n        n = 1\n    return n",
    ),
    Sample(
        FactKind.BRANCH_SOMETIMES_TAKEN,
        "def f(n):\n    t = 0\n    for i in range(n):\n        if i > 1:\n            t += i\n"
        "    return t",
        "assert f(4) == 6", 4, {"condition": "i > 1", "times": 2, "asked": 4},
        "def f(n):\n    t = 0\n    for i in range(n):\n        if i > -1:\n            t += i\n"
        "    return t + 1",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "def f(n):\n    grid = [[0] * n] * n\n    grid[0][0] = 1\n    return grid",
        "assert f(2) == [[1, 0], [0, 0]]", 2, {"places": ["0", "1"]},
        "def f(n):\n    grid = [[0] * n for _ in range(n)]\n    grid[0][1] = 1\n    return grid",
    ),
    Sample(
        FactKind.ONE_LIST_MANY_TIMES,
        "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)",
        "assert f(1) == 1\nassert f(2) == 1", 1, {"places": ["seen"]},
        "def f(x, seen=None):\n    seen = [0]\n    seen.append(x)\n    return len(seen)",
    ),
    Sample(
        FactKind.CHANGED_INPUT,
        "def f(xs):\n    xs.append(0)\n    return len(xs)", "assert f([1]) == 1", 2,
        {"name": "xs", "before": "[1]", "after": "[1, 0]"},
        "def f(xs):\n    xs = xs + [0]\n    return len(xs)",
    ),
    Sample(
        FactKind.PARAMETER_OVERWRITTEN,
        "def f(n):\n    n = 5\n    return n", "assert f(1) == 1", 2, {"name": "n"},
        "def f(n):\n    n = n + 5\n    return n",
    ),
    Sample(
        FactKind.LOOP_VARIABLE_OVERWRITTEN,
        "def f(n):\n    t = 0\n    for i in range(n):\n        i = 1\n        t += i\n    return t",
        "assert f(4) == 6", 4, {"name": "i"},
        "def f(n):\n    t = 0\n    for i in range(n):\n        j = 1\n        t += j\n    return t",
    ),
    Sample(
        FactKind.HIDES_BUILTIN, "def f(xs):\n    sum = 0\n    return sum", "assert f([1]) == 1", 2,
        {"name": "sum"}, "def f(xs):\n    total = 0\n    return total",
    ),
    Sample(
        FactKind.NEVER_CALLED, "def f(s):\n    s.upper\n    return s", "assert f('a') == 'A'", 2,
        {"name": "upper"}, "def f(s):\n    u = s.upper()\n    return s",
    ),
    Sample(
        FactKind.NEVER_CALLED,
        "def even(n):\n    return n % 2 == 0\ndef f(n):\n    if even:\n        return 1\n"
        "    return 0",
        "assert f(3) == 0", 4, {"name": "even"},
        "def even(n):\n    return n % 2 == 0\ndef f(n):\n    if even(n + 1):\n        return 1\n"
        "    return 0",
    ),
    Sample(
        FactKind.WRONG_NAME, "def f(count):\n    return cuont + 1", "assert f(1) == 2", 2,
        {"name": "cuont", "close": "count"},
        "def f(count):\n    return count + other\nother = 5",
    ),
    Sample(
        FactKind.ALWAYS_TRUE_PART,
        "def f(n):\n    if n == 1 or 2:\n        return True\n    return False",
        "assert f(3) == False", 2, {"part": "2"},
        "def f(n):\n    if n == 1 or n == 3:\n        return True\n    return False",
    ),
    Sample(
        FactKind.WRITES_ANSWER,
        "def f(xs):\n    best = 0\n    for x in xs:\n        best = x\n    return best",
        "assert f([3, 1]) == 3", 4, {"name": "best", "values": ["3", "1"]},
        "def f(xs):\n    best = 0\n    for x in xs:\n        other = x\n    return 9",
    ),
    Sample(
        FactKind.GIVES, "def f(n):\n    return n + 2", "assert f(1) == 2", 2, {"value": "3"},
        "def f(n):\n    return n // 0",
    ),
    Sample(
        FactKind.LIMIT_TIME,
        "def f(n):\n    while True: n += 1", "assert f(1) == 2", 2, {},
        "def f(n):\n    while True:\n        n += 1\n        if n > 5:\n            return n",
        ends=False,
    ),
    Sample(
        FactKind.LIMIT_MEMORY,
        "def f(n):\n    raise MemoryError\n", "assert f(1) == 2", 2, {},
        "def f(n):\n    raise IndexError\n",
    ),
    Sample(
        FactKind.LIMIT_DEPTH, "def f(n):\n    return n + f(n - 1)", "assert f(1) == 1", 2,
        {"function": "f"},
        "def f(n):\n    if n < 0:\n        return 1\n    return n + f(n - 1)",
    ),
    Sample(
        FactKind.AGAINST_PASSING,
        "def f(n):\n    if n > 5:\n        return 'big'\n    return 'small'",
        "assert f(9) == 'big'\nassert f(1) == 'small'\nassert f(5) == 'big'", 2,
        {
            "call": "f(9)", "condition": "n > 5", "values_failing": ["n = 5"],
            "values_passing": ["n = 9"],
        },
        "def f(n):\n    if n > 0:\n        return 'big'\n    return 'small'",
    ),
]  # fmt: skip


def facts_of(sample: Sample, code: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for fact in told(code, sample.tests, ends=sample.ends):
        found.setdefault(fact["kind"], []).append(fact)
    return found


def names(sample: Sample) -> str:
    return f"{sample.kind}-{SAMPLES.index(sample)}"


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_a_program_that_has_it(sample: Sample) -> None:
    found = facts_of(sample, sample.code)

    fitting = [fact for fact in found.get(sample.kind, []) if fact["line"] == sample.line]
    assert fitting, found
    assert {key: fitting[0]["values"].get(key) for key in sample.values} == sample.values


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_a_program_that_nearly_has_it(sample: Sample) -> None:
    found = facts_of(sample, sample.near)

    assert found, "the near program fails too"
    assert [each for each in found.get(sample.kind, []) if each["line"] == sample.line] == []


@pytest.mark.parametrize(
    ("code", "tests", "kinds"),
    [
        ("def f(n):\n    yield n", "assert f(1) == [1]", {FactKind.UNCALLED}),
        ("def f(n):\n    return {1}.remove(n)", "assert f(2) == 1", {FactKind.MISSING_KEY}),
        ("def f(n):\n    return set().pop()", "assert f(2) == 1", {FactKind.MISSING_KEY}),
        ("def f(n):\n    return {}.popitem()", "assert f(2) == 1", {FactKind.MISSING_KEY}),
        ("best = 0\ndef f(n):\n    if n > 0:\n        global best\n        best = n + 1\n"
         "    return best", "assert f(4) == 4", {FactKind.BRANCH_NOT_TAKEN}),
        ("total = 0\ndef f(ns):\n    for n in ns:\n        global total\n        total += n\n"
         "    return total", "assert f([1, 2]) == 4", {FactKind.NO_ROUND}),
        ("def f(n):\n    f = n * 2\n    if f > 3:\n        return f\n    return 0",
         "assert f(2) == 5", {FactKind.NEVER_CALLED}),
        ("class Box:\n    def __init__(self):\n        self.n = 1\n    @property\n"
         "    def count(self):\n        return self.n\ndef f():\n    b = Box()\n"
         "    if b.count > 0:\n        return b.n\n    return 0", "assert f() == 3",
         {FactKind.NEVER_CALLED}),
        ("def g(n):\n    return n\ndef f(h):\n    return h is g", "assert f(1) == True",
         {FactKind.NEVER_CALLED}),
        ("def f(xs):\n    for x in xs:\n        xs.append(xs.pop(0))\n    return xs",
         "assert f([1, 2]) == [3]", {FactKind.SHRINKS_ON}),
        ("def f(xs):\n    ys = []\n    xs[0] = ys.pop()\n    return xs", "assert f([1]) == [3]",
         {FactKind.OUT_OF_RANGE}),
        ("def f(n):\n    print(n)\n    return [None, n]", "assert f(1)[0] == 3",
         {FactKind.PRINTED_GAVE_NONE, FactKind.ENDED_WITHOUT_VALUE, FactKind.ANOTHER_TYPE}),
        ("class Box:\n    def __init__(self, n):\n        self.size = None\ndef f():\n"
         "    return 1", "assert Box(3).size == 3", {FactKind.ENDED_WITHOUT_VALUE}),
        ("def f(ps, k):\n    for a, b in ps:\n        if a == k: return b\n    raise KeyError(k)",
         "assert f([], 'b') == 3", {FactKind.MISSING_KEY}),
        ("def f(xs):\n    for x in xs:\n        if x < 0:\n            xs.remove(x)\n    return 3",
         "assert f([1, 2]) == 4", {FactKind.SHRINKS_ON}),
        ("def f(xs):\n    for x in xs:\n        if x == 2:\n            xs.remove(x)\n"
         "            break\n    return 3", "assert f([1, 2]) == 4", {FactKind.SHRINKS_ON}),
        ("class Stack:\n    def max(self):\n        return max([1, 2])\ndef f():\n"
         "    return Stack().max()", "assert f() == 3", {FactKind.HIDES_BUILTIN}),
        ("def f(n):\n    zeros = [0] * n\n    a = b = []\n    return [a, b]",
         "assert f(2) == [[], [1]]", {FactKind.ONE_LIST_MANY_TIMES}),
        ("def f(d):\n    t = 0\n    for i in range(1, 4):\n        t += d[i]\n    return t",
         "assert f({1: 4, 2: 5, 3: 6}) == 3", {FactKind.FIRST_UNSEEN, FactKind.LAST_UNSEEN}),
        ("class B:\n    items = []\n    def __init__(self):\n        self.items, self.n = [], 0\n"
         "    def put(self, x):\n        self.items.append(x)\ndef f(x):\n    a, b = B(), B()\n"
         "    a.put(x)\n    b.put(x)\n    return len(a.items)",
         "assert f(1) == 2", {FactKind.ONE_LIST_MANY_TIMES}),
        ("def f(n):\n    rows = [[0], [1]] * n\n    rows[0][0] = 5\n    return sum(rows[1])",
         "assert f(1) == 2", {FactKind.ONE_LIST_MANY_TIMES}),
        ("def f(a):\n    return '{b} {a}'.format(a=a)", "assert f(1) == '1'",
         {FactKind.MISSING_KEY}),
        ("def f(s):\n    try:\n        float(s)\n    except ValueError:\n        return False",
         "assert f('1') == True", {FactKind.DROPPED}),
        ("def f(n):\n    try:\n        1 / n\n    except ZeroDivisionError:\n        return 0",
         "assert f(1) == 1", {FactKind.DROPPED}),
        ("def g():\n    raise KeyError('b')\ndef f():\n    return '{b}'.format(b=g())",
         "assert f() == '1'", {FactKind.MISSING_KEY}),
        ("import random\nseen = []\ndef f(n):\n    seen.append(n)\n    return n + 1",
         "assert f(1) == 2\nassert f(2) == 2", {FactKind.LEFT_BEHIND}),
        ("class Odd(dict):\n    pass\ndef f():\n    return Odd(a=1)", "assert f() == {'a': 2}",
         {FactKind.ANOTHER_TYPE}),
    ],
)  # fmt: skip
def test_what_is_not_so_is_not_told(code: str, tests: str, kinds: set[FactKind]) -> None:
    found = told(code, tests)

    assert found
    assert kinds.isdisjoint(fact["kind"] for fact in found)


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("def g(x):\n    return list(x)\ndef f(list):\n    raise TypeError(A())",
         "assert f(1) == 2"),
        ("from abc import ABC\nclass B(ABC):\n    @classmethod\n"
         "    def __subclasshook__(cls, other):\n        ran.append(1)\n        return False\n"
         "def f(n):\n    return A()", "assert f(3) == B()"),
        ("class Meta(type):\n    def __eq__(cls, other):\n        ran.append(1)\n"
         "        return False\n    __hash__ = type.__hash__\nclass R(metaclass=Meta):\n"
         "    def __getitem__(self, at):\n        return [][at]\n"
         "def f(n):\n    rows = R()\n    return rows[n]", "assert f(3) == 4"),
    ],
)  # fmt: skip
def test_nothing_of_the_students_own_classes_runs_while_facts_are_looked_for(
    code: str, tests: str
) -> None:
    own = (
        "import builtins\nran = []\nbuiltins.ran_while_told = ran\nclass A:\n"
        "    def __repr__(self):\n        ran.append(1)\n        raise ValueError\n"
        "    def __eq__(self, other):\n        return False\n"
    )

    told(own + code, tests)

    assert builtins.ran_while_told == []  # type: ignore[attr-defined]


def test_a_loop_over_what_is_added_to_by_a_sign_grows_too() -> None:
    code = "def f(xs):\n    for x in xs:\n        xs += [x]\n    return xs"

    assert told(code, "assert f([1]) == [1, 1]", ends=False)[0]["kind"] == FactKind.GROWS_ON


def test_what_the_tests_only_look_at_is_no_missing_function() -> None:
    assert told("def f(n):\n    return n", "assert f(1) + total == 3") == []


@pytest.mark.parametrize(
    ("code", "case", "kind"),
    [
        ("a = input('')\nprint(a + 'x')\n", ("3", "4"), FactKind.PROMPT_PRINTED),
        ("import sys\nprint(sys.stdin.read(1))\n", ("3", "4"), FactKind.PROMPT_PRINTED),
        ("i = input()\nprint(f'({i}) item')\n", ("3", "3: item"), FactKind.LIST_PRINTED),
        ("no = int(input())\nprint('no' if no else 'yes')\n", ("3", "yes"), FactKind.NAME_PRINTED),
        ("a = 1\nprint('a')\n", ("", "b 10"), FactKind.NAME_PRINTED),
        ("xs = [1, 2]\nprint('{' + str(xs) + '}')\n", ("", "1 2"), FactKind.LIST_PRINTED),
    ],
)
def test_nor_is_it_of_what_is_printed(code: str, case: tuple[str, str], kind: FactKind) -> None:
    found = told(code, inputs(case))

    assert found
    assert kind not in {fact["kind"] for fact in found}


@pytest.mark.parametrize(
    "body",
    ["s = s + 'ab'", "s = s[:40] + 'c' + s[40:]"],
)
def test_what_is_too_long_to_be_seen_is_not_said_to_stay_the_same(body: str) -> None:
    code = f"def f(s):\n    while len(s) != 7:\n        {body}\n    return s"

    first = told(code, "assert f('a' * 100) == 'b'", ends=False)[0]

    assert first["kind"] == FactKind.NEVER_ENDS
    assert first["values"]["unchanged"] == first["values"]["settled"] == []


def test_the_length_of_what_an_inner_call_was_given_is_told() -> None:
    code = "def f(xs):\n    if len(xs) == 2:\n        return f(xs[1:])\n    return xs[1]"

    found = {fact["kind"]: fact["values"] for fact in told(code, "assert f([1, 2]) == 2")}

    assert found[FactKind.OUT_OF_RANGE] == {"index": 1, "sequence": "xs", "length": 1}


def test_of_two_dictionaries_that_lack_a_key_none_is_told() -> None:
    code = "def f(a, b):\n    return a['x'] - b['x']"

    found = {fact["kind"]: fact["values"] for fact in told(code, "assert f({'y': 1}, {}) == 2")}

    assert found[FactKind.MISSING_KEY]["keys"] == []


def test_the_names_of_the_call_that_stopped_are_told_and_of_no_caught_one() -> None:
    code = (
        "def g(n):\n    return int(n)\ndef f(n):\n    try:\n        g('x')\n"
        "    except ValueError:\n        pass\n    return 6 / n"
    )

    found = {fact["kind"]: fact["values"] for fact in told(code, "assert f(0) == 2")}

    assert found[FactKind.STOPPED]["names"] == ["n = 0"]


def test_a_method_that_calls_itself_is_told_by_the_line_of_its_call() -> None:
    code = (
        "class A:\n    def f(self, n):\n        m = n + 1\n        return self.f(m)\n"
        "def f(n):\n    return A().f(n)"
    )

    found = {fact["kind"]: fact for fact in told(code, "assert f(1) == 2")}

    assert found[FactKind.LIMIT_DEPTH]["line"] == 4


@pytest.mark.parametrize("name", ["list", "sum"])
def test_a_hidden_builtin_comes_first_where_calling_it_stops_the_program(name: str) -> None:
    hidden = f"def f(xs):\n    {name} = [1]\n    return {name}(xs)"

    assert told(hidden, "assert f([2]) == [2]")[0]["kind"] == FactKind.HIDES_BUILTIN


def test_only_the_line_that_puts_a_list_into_places_is_told_of_it() -> None:
    code = (
        "def f(s):\n    cur, out = [], []\n    for c in s:\n        cur.append(c)\n"
        "        out.append(cur)\n    return out"
    )

    found = told(code, "assert f('ab') == [['a'], ['a', 'b']]")

    lines = {fact["line"] for fact in found if fact["kind"] == FactKind.ONE_LIST_MANY_TIMES}
    assert lines == {5}


def test_before_a_stop_the_last_of_many_values_is_told() -> None:
    code = "def f(n):\n    x = 0\n    for i in range(n):\n        x += i\n    return x // 0"

    found = {fact["line"]: fact for fact in told(code, "assert f(50) == 1")}

    assert found[4]["kind"] == FactKind.BEFORE_STOP
    assert found[4]["values"]["value"] == str(sum(range(50)))


def test_every_kind_has_a_sample() -> None:
    printing = {kind for kind, *_ in PRINTING}

    assert {kind for kind, *_ in NEARLY} == printing
    sampled = {sample.kind for sample in SAMPLES} | printing
    assert sampled | {FactKind.FIRST_DIFFERENCE} == set(FactKind)


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_facts_are_read_as_they_were_found(sample: Sample) -> None:
    found = told(sample.code, sample.tests, ends=sample.ends)

    read = facts_from_json(found)

    assert [fact.as_json() for fact in read] == found


RIGHT = (
    "def f(xs):\n    best = xs[0]\n    for x in xs:\n        if x > best:\n            best = x\n"
    "    return best"
)
WRONG = [
    (RIGHT.replace("x > best", "x >= 9"), "assert f([3, 5]) == 5", 4),
    (RIGHT.replace("best = xs[0]", "best = 0"), "assert f([-3, -5]) == -3", 2),
    (RIGHT.replace("best = x\n", "best = xs\n"), "assert f([3, 5]) == 5", 5),
    (RIGHT.replace("return best", "return x"), "assert f([5, 3]) == 5", 6),
]  # fmt: skip


@pytest.mark.parametrize(("code", "tests", "line"), WRONG)
def test_beside_a_right_program_where_the_runs_part_comes_first(
    code: str, tests: str, line: int
) -> None:
    first, *rest = told(code, tests, reference=RIGHT)

    assert (first["kind"], first["line"]) == ("first_difference", line)
    assert "first_difference" not in {fact["kind"] for fact in rest}


def test_the_first_difference_tells_the_students_value() -> None:
    code = RIGHT.replace("best = xs[0]", "best = 0")

    first = told(code, "assert f([-3, -5]) == -3", reference=RIGHT)[0]

    assert first["values"] == {"name": "best", "value": "0", "at": "best = 0"}


@pytest.mark.parametrize(
    "reference",
    ["def f(xs):\n    return max(xs)", "def f(xs:", "f = 1", "def f(xs):\n    while 1: pass", "\0"],
)
def test_a_reference_that_cannot_be_laid_beside_tells_nothing(reference: str) -> None:
    found = told(WRONG[0][0], WRONG[0][1], reference=reference)

    assert found
    assert "first_difference" not in {fact["kind"] for fact in found}


PRINTING = [
    (FactKind.PROMPT_PRINTED, 'n = int(input("n: "))\nprint(n + 1)\n', ("3", "4"), 1,
     {"prompt": '"n: "'}),
    (FactKind.PROMPT_PRINTED, "a = input('이름? ')\nprint('Hi', a)\n", ("Bo", "Hi Bo"), 1,
     {"prompt": "'이름? '"}),
    (FactKind.LIST_PRINTED, "xs = input().split()\nprint(xs)\n", ("3 4", "3 4"), 2,
     {"printed": "['3', '4']"}),
    (FactKind.LIST_PRINTED, "import sys\nn = int(input())\nsys.stdout.write(str((n, n)))\n",
     ("3", "3 3"), 3, {"printed": "(3, 3)"}),
    (FactKind.BLANKS_DIFFER, "for x in input().split():\n    print(x, end='')\n",
     ("3 4", "3 4"), 2, {"printed": "4"}),
    (FactKind.BLANKS_DIFFER, "a, b = input().split()\nprint(a + b)\n", ("3 4", "3\n4"), 2,
     {"printed": "34"}),
    (FactKind.PARTS_DIFFER, "a, b = input().split()\nprint(a)\n", ("3 4 5", "3"), 1,
     {"wanted": 2}),
    (FactKind.PARTS_DIFFER, "n, m, k = map(int, input().split(','))\nprint(n)\n", ("3,4", "3"), 1,
     {"wanted": 3, "found": 2}),
    (FactKind.PRINTS_WRONG, "a = int(input())\nprint(a)\nprint(a + 2)\n", ("3", "3\n4"), 3,
     {"printed": "5"}),
    (FactKind.PRINTS_NOTHING, "a = int(input())\nif a > 5:\n    print(a)\n", ("3", "3"), 2, {}),
    (FactKind.OUTPUT_ENDS, "for x in input().split():\n    print(x)\n", ("3 4", "3\n4\n7"), 2, {}),
    (FactKind.OUTPUT_ENDS, "for x in input().split():\n    print(x)\n", ("3 4", "3 4 7"), 2,
     {"breaks": 1}),
    (FactKind.OUTPUT_ENDS, "print()\nfor x in input().split():\n    print(x)\n",
     ("3 4", "3\n4\n7"), 3, {"breaks": 1}),
    (FactKind.NO_NUMBER, "n = int(input())\nprint(n)\n", ("3 4", "7"), 1, {"text": "'3 4'"}),
    (FactKind.NO_NUMBER, "x = [float(p) for p in input().split(',')]\nprint(sum(x))\n",
     ("3;4", "7"), 1, {"text": "'3;4'"}),
    (FactKind.INPUT_OVER, "a = input()\nb = input()\nprint(a, b)\n", ("3 4", "3 4"), 2,
     {"read": 1}),
    (FactKind.INPUT_OVER, "while True:\n    print(input())\n", ("3\n4\n", "3 4"), 2,
     {"read": 2}),
    (FactKind.INPUT_LEFT, "n = int(input())\nt = int(input())\nprint(t)\n", ("2\n3\n4", "7"),
     2, {"left": 1}),
    (FactKind.OBJECT_PRINTED, "xs = map(int, input().split())\nprint(xs)\n", ("3 4", "3 4"), 2,
     {"got_type": "map"}),
    (FactKind.OBJECT_PRINTED, "s = input()\nprint(reversed(s))\n", ("ab", "ba"), 2,
     {"got_type": "reversed"}),
    (FactKind.NAME_PRINTED, "n = int(input())\nprint('{n} x 2 = {n * 2}')\n", ("3", "3 x 2 = 6"), 2,
     {"name": "n"}),
    (FactKind.NAME_PRINTED, "total = int(input()) + 1\nprint('total')\n", ("3", "4"), 2,
     {"name": "total", "printed": "total"}),
    (FactKind.INPUT_LEFT, "import sys\nprint(sys.stdin.readline())\n", ("2\n3\n\n", "5"), 2,
     {"left": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "case", "line", "values"), PRINTING)
def test_what_a_program_did_with_input_and_output_comes_first(
    kind: FactKind, code: str, case: tuple[str, str], line: int, values: dict[str, Any]
) -> None:
    found = told(code, inputs(case))

    fitting = [fact for fact in found if (fact["kind"], fact["line"]) == (kind, line)]
    assert fitting, found
    assert values.items() <= fitting[0]["values"].items()
    # A program may have what it needs, and leave the rest unread.
    assert found[0]["kind"] == kind or kind is FactKind.INPUT_LEFT


NEARLY = [
    (FactKind.PROMPT_PRINTED, 'n = input("n: ")\nprint(n + n)\n', ("3", "n: 6")),
    (FactKind.PROMPT_PRINTED, "n = input('')\nprint(n)\n", ("3", "4")),
    (FactKind.LIST_PRINTED, "print([input()])\n", ("3", "[3]")),
    (FactKind.LIST_PRINTED, "print('x[0]', input())\n", ("3", "x 3")),
    (FactKind.LIST_PRINTED, "n = input()\nprint('{n} x')\n", ("3", "3 x")),
    (FactKind.OBJECT_PRINTED, "print('<map>', input())\n", ("3", "3")),
    (FactKind.NAME_PRINTED, "total = input()\nprint(total)\n", ("total", "4")),
    (FactKind.NAME_PRINTED, "total = input()\nprint('sum')\n", ("total", "4")),
    (FactKind.INPUT_LEFT, "print('ok')\n", ("2\n3\n", "5")),
    (FactKind.BLANKS_DIFFER, "print(input())\n", ("3 4", "3 5")),
    (FactKind.PARTS_DIFFER, "a, b = input().split()\nraise ValueError(a)\n", ("3 4", "4")),
    (FactKind.PRINTS_WRONG, "print(input())\n", ("3", "3\n4")),
    (FactKind.OUTPUT_ENDS, "print(input())\n", ("3", "4\n5")),
    (FactKind.PRINTS_NOTHING, "print(input())\n", ("3", "4")),
    (FactKind.OUTPUT_ENDS, "n = input()\nprint(n, n)\n", ("3", "3")),
    (FactKind.NO_NUMBER, "n = int(input())\nraise ValueError(n)\n", ("3", "4")),
    (FactKind.INPUT_OVER, "a = input()\nraise KeyError(a)\n", ("3", "4")),
    (FactKind.INPUT_LEFT, "n = input()\nprint(n)\n", ("3\n\n  \n", "4")),
    (FactKind.INPUT_LEFT, "n = int(input()) // 0\nprint(n)\n", ("3\n4\n", "4")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "case"), NEARLY)
def test_what_a_program_nearly_did_with_input_and_output_is_not_told(
    kind: FactKind, code: str, case: tuple[str, str]
) -> None:
    found = told(code, inputs(case))

    assert found
    assert kind not in {fact["kind"] for fact in found}


WRITES = [
    ("import sys\nfor w in input().split():\n    sys.stdout.write(w + ' ')\n"
     "    sys.stdout.write('x\\n')\n", ("a b", "a y b y"), 4, "x"),
    ("import sys\nout = sys.stdout.write\nout(input())\nout('!')\n", ("a", "a?"), 4, "!"),
    ("a = input()\nprint(a, end=' '); print(a + a)\n", ("a", "a a"), 2, "aa"),
    ("print(*[c for c in input()], sep='-')\n", ("abc", "a b c"), 1, "a-b-c"),
    ("def show(x):\n    print(x)\nfor c in input():\n    show(c)\n", ("abc", "a b d"), 2, "c"),
    ("print('\\n'.join(input().split()))\nprint('end')\n", ("a b", "a b END"), 2, "end"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "case", "line", "value"), WRITES)
def test_whatever_way_a_program_writes_its_first_wrong_line_is_known(
    code: str, case: tuple[str, str], line: int, value: str
) -> None:
    first = told(code, inputs(case))[0]

    told_of = (first["kind"], first["line"], first["values"]["printed"])
    assert told_of == ("prints_wrong", line, value)


def test_a_number_that_is_near_enough_is_no_wrong_print() -> None:
    cases = IoCases(
        [{"stdin": "3", "expected": "0.33333\n2.0\n", "visible": True}], "float",
        {"absolute": 0.001, "relative": 0.0}, False,
    )  # fmt: skip
    code = "n = int(input())\nprint(1 / n)\nprint(3)\n"

    with own_streams():
        first = told(code, cases.play)[0]

    assert (first["kind"], first["line"]) == ("prints_wrong", 3)
    assert first["values"] == {"printed": "3", "behind": 1}


ADDS = "n = int(input())\nt = 0\nfor i in range(n):\n    t += i\nprint(t)\n"


def test_a_program_that_reads_input_has_facts_too() -> None:
    found = {fact["kind"]: fact for fact in told(ADDS, inputs(("0", "0"), ("4", "10")))}

    assert found["rounds"]["values"] == {"rounds": 4, "variable": "i", "first": "0", "last": "3"}
    assert found["gives_back"]["line"] == 5
    assert found["gives_back"]["values"] == {"value": "6"}


LINES = "for word in input().split():\n    print(word)\n    print('sum', len(word))\n"
GREETS = "print('name?')\nname = input()\nprint('hello', name)\n"
JOINS = "for word in input().split():\n    print(word, end='')\nprint('.')\n"


@pytest.mark.parametrize(
    ("code", "case", "line", "value"),
    [
        (LINES, ("a bc", "a\nbc\nsum 2\n"), 3, "sum 1"),
        (LINES, ("a bc", "a\nsum 1\nbc\nsum 3\n"), 3, "sum 2"),
        (LINES, ("a bc", "A\nsum 1\nBC\nsum 2\n"), 2, "a"),
        (GREETS, ("Bo", "hello Bo\n"), 1, "name?"),
    ],
)
def test_the_first_print_that_is_not_as_expected_comes_first(
    code: str, case: tuple[str, str], line: int, value: str
) -> None:
    first = told(code, inputs(case))[0]

    told_of = (first["kind"], first["line"], first["values"]["printed"])
    assert told_of == ("prints_wrong", line, value)


def test_of_what_is_written_past_its_own_streams_no_print_is_the_first_wrong_one() -> None:
    code = "import os\nos.write(1, b'x')\n" + JOINS

    found = told(code, inputs(("a b", "a b.")))

    assert [fact["score"] for fact in found if fact["kind"] == "gives_back"] == [0.53] * 2


def test_what_stops_a_program_that_reads_input_is_found() -> None:
    code = "xs = input().split()\nt = 0\nfor x in xs:\n    t = t + x\nprint(t)\n"

    first = told(code, inputs(("1 2", "3")))[0]

    assert (first["kind"], first["line"]) == ("stopped", 4)
    assert first["values"]["names"] == ["t = 0", "x = '1'"]


def test_functions_that_a_program_never_calls_are_named() -> None:
    code = "def main():\n    print(int(input()) + 1)\n"

    found = told(code, inputs(("1", "2")))

    assert ("uncalled", "main") in [(f["kind"], f["values"].get("name")) for f in found]


def test_no_hidden_case_is_compared_with() -> None:
    code = "n = int(input())\nif n > 5:\n    print('big')\nelse:\n    print('small')\n"
    cases = (("9", "big"), ("5", "big"))

    shown = {fact["kind"] for fact in told(code, inputs(*cases))}
    hidden = {fact["kind"] for fact in told(code, inputs(*cases, hidden=True))}

    assert "against_passing" in shown
    assert "against_passing" not in hidden


@pytest.mark.parametrize(
    "code",
    [
        "class f:\n    def __init__(self, n):\n        self.n = n\n    def __eq__(self, o):\n"
        "        return self.n == o\n    def __repr__(self):\n        raise ValueError\n",
        "class N(int):\n    def __len__(self):\n        raise ValueError\n"
        "def f(n):\n    m = N(n)\n    return m\n",
        "class L(list):\n    def __iter__(self):\n        raise SystemExit\n"
        "def f(n):\n    m = L([n])\n    m.append(3)\n    return m\n",
        "class M(type):\n    @property\n    def __name__(cls):\n        raise ValueError\n"
        "class C(metaclass=M):\n    __class__ = property(lambda self: 1 / 0)\n"
        "def f(n):\n    c = C()\n    return c\n",
        "import sys\ndef f(n):\n    sys.settrace(None)\n    return n + 5\n",
        "def f(n):\n    try:\n        while True:\n            n += 1\n"
        "            if n > 10:\n                raise KeyboardInterrupt\n"
        "    except:\n        return n\n",
        "def f(n):\n    yield n\n    yield n + 1\n",
        "def f(n):\n    xs = [[n] * 1000] * 1000\n    xs.append(10 ** 5000)\n    return xs\n",
        "def f(n):\n    raise BaseException(n)\n",
        "def f(n):\n    class E(Exception):\n        def __str__(self):\n            1 / 0\n"
        "    raise E\n",
        "def f(n):\n    xs = []\n    xs.append(xs)\n    return xs\n",
        "def f(n):\n    return [i for i in range(n) if i % 2 == 0 for j in range(i)]\n",
        "f = lambda n: n + 1\n",
        "def f(n, /, *, k=1):\n    match n:\n        case 1:\n            return k + 9\n"
        "        case _:\n            return 0\n",
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
        "def f(n):\n    p = P(n)\n    p.x += 1\n    return p\n",
        "def f(n):\n    global g\n    del n\n    g = 3\n    return g\n",
        "def f(수):\n    합 = 수 + 1\n    return 합  # 😀\n",
        "1 / 0\n",
        "import sys\nsys.exit(3)\n",
        "def f(n):\n" + "".join(f"    if n > {i}:\n        n -= 1\n" for i in range(200)),
    ],
)
def test_whatever_a_program_does_its_facts_can_be_read(code: str) -> None:
    found = told(code, "assert f(1) == 77")

    assert [fact.as_json() for fact in facts_from_json(found)] == found


def test_what_a_run_replaces_is_as_before() -> None:
    told("def f(n):\n    print(n)\n    raise KeyError(n)", "assert f(1) == 2")

    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())
    assert print.__name__ == "print"


def test_a_long_run_is_counted_whole_and_kept_in_part() -> None:
    code = "def f(n):\n    t = 0\n    for i in range(n):\n        t += 1\n    return t"

    found = {fact["kind"]: fact for fact in told(code, "assert f(20000) == 1", most_events=50_000)}

    assert found["rounds"]["values"]["rounds"] == 20_000
    assert len(found["writes_answer"]["values"]["values"]) < 10


def test_a_run_that_is_too_long_to_follow_still_has_facts() -> None:
    code = "def f(n):\n    t = 0\n    for i in range(n):\n        t += 1\n    return t"

    found = told(code, "assert f(300000) == 1", budget_s=0.001)

    assert "rounds" not in {fact["kind"] for fact in found}
    assert found


def test_a_small_change_that_cures_names_its_line_first() -> None:
    code = (
        "def f(xs):\n    n = 0\n    seen = []\n    for x in xs:\n        seen.append(x)\n"
        "        if x > 10:\n            n += 1\n    return n"
    )
    tests = "assert f([1, 10]) == 1\nassert f([11, 12]) == 2\nassert f([]) == 0"

    assert told(code, tests)[0]["line"] == 6


def test_a_program_that_matches_patterns_is_cured_too() -> None:
    code = (
        "def f(xs):\n    n = 0\n    seen = []\n    for x in xs:\n        seen.append(x)\n"
        '        match x:\n            case 0 | "":\n                n -= 7\n'
        "        if x > 10:\n            n += 1\n    return n"
    )
    tests = "assert f([1, 10]) == 1\nassert f([11, 12]) == 2\nassert f([0]) == -7"

    first = told(code, tests)[0]

    assert first["line"] == 9
    assert first["score"] > SCORES[first["kind"]] + OCHIAI


def test_a_right_program_has_no_facts() -> None:
    assert told("def f(n):\n    return n", "assert f(1) == 1") == []


def test_three_lines_are_named_before_one_is_named_twice() -> None:
    code = (
        "def f(xs):\n    t = 0\n    for x in xs:\n        if x > 9:\n            t += x\n"
        "    return t"
    )

    found = told(code, "assert f([1, 2]) == 3")

    assert len(found) <= MOST_FACTS
    assert len({fact["line"] for fact in found[:3]}) == 3


@pytest.mark.parametrize(
    "data",
    [
        None, 1, "x", [], {}, {"kind": "stopped"}, {"kind": "none", "line": 1},
        {"kind": [], "line": 1}, {"kind": "stopped", "line": 0}, {"kind": "stopped", "line": True},
        {"kind": "stopped", "line": "1"}, {"kind": "stopped", "line": 10**9},
        {"kind": "stopped", "line": 1, "values": []}, {"kind": "stopped", "line": 1, "lines": 3},
    ],
)  # fmt: skip
def test_what_is_no_fact_is_none(data: object) -> None:
    assert Fact.from_json(data) is None


def test_each_field_of_a_fact_is_cut() -> None:
    fact = Fact.from_json({
        "kind": "stopped", "line": 3, "lines": [1, "2", -1, *range(1, 50)],
        "score": float("nan"),
        "values": {
            "a": "x" * 500, "b": ["y" * 500, 3] * 50, "c": {"d": 1}, "<b>": "z", "e": 10**40,
            "f": "a\0b\ud800", "g": True, 5: "h",
        },
    })  # fmt: skip

    assert fact is not None
    assert fact.score == 0
    assert fact.lines == (1, 1, 2)
    assert set(fact.values) == {"a", "b", "f", "g"}
    assert len(str(fact.values["a"])) == 120
    assert len(fact.values["b"]) <= 12
    assert fact.values["f"] == "ab"
    assert fact.values["g"] == "True"


def test_a_report_keeps_the_first_facts() -> None:
    facts = [{"kind": "stopped", "line": line} for line in range(1, 100)]

    assert len(facts_from_json([*facts[:3], None, *facts])) <= MOST_FACTS
    assert facts_from_json("no") == ()


STALE = [
    ("def f(s):\n    s = s.lower\n    return s[0]", "assert f('Ab') == 'a'", "s"),
    ("def f(n):\n    m = n\n    del m\n    return m + n", "assert f(1) == 3", "m"),
    ("def f(n):\n    n = len\n    return n + 1", "assert f(1) == 3", "n"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "tests", "name"), STALE)
def test_no_value_is_told_that_a_name_has_no_more(code: str, tests: str, name: str) -> None:
    stopped = next(fact for fact in told(code, tests) if fact["kind"] == "stopped")

    assert not [each for each in stopped["values"]["names"] if each.startswith(f"{name} =")]


def test_nothing_but_the_print_is_told_of_an_answer_that_is_right() -> None:
    code = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    print(t)"

    kinds = {fact["kind"] for fact in told(code, "assert f(4) == 6")}

    assert kinds == {"printed_gave_none"}
    assert "rounds" in {fact["kind"] for fact in told(code, "assert f(4) == 7")}


def test_what_stopped_has_come_to_no_value() -> None:
    code = "def f(n):\n    if n > 1:\n        low == n\n    return n"

    kinds = [fact["kind"] for fact in told(code, "assert f(2) == 1")]

    assert "wrong_name" in kinds
    assert "dropped" not in kinds


def test_a_function_of_another_name_is_not_one_that_nobody_calls() -> None:
    found = told("def ff(n):\n    return n\ndef g(n):\n    return n", "assert f(1) == 1")

    assert {fact["kind"] for fact in found} == {"missing_function"}


@pytest.mark.parametrize(
    "made",
    [
        "    def __init__(self):\n        self.items = []\n",
        "    items = []\n",
        "    items: list = []\n",
    ],
)
def test_what_an_object_holds_is_no_method_that_nobody_calls(made: str) -> None:
    code = (
        f"class Cart:\n{made}    def add(self, price):\n        self.items.append(price)\n"
        "        last = self.items\n        return last == self.items\n"
        "def f(n):\n    cart = Cart()\n    cart.add(n)\n    return sum(cart.items) + 1"
    )

    assert "never_called" not in {fact["kind"] for fact in told(code, "assert f(2) == 2")}


@pytest.mark.parametrize("asked", ["digit", "c.isdigit", "c and digit", "not (c and c.isdigit)"])
def test_a_condition_that_calls_nothing_is_told_first(asked: str) -> None:
    code = (
        "def digit(c):\n    return c in '0123456789'\ndef f(s):\n    out = []\n    for c in s:\n"
        f"        if {asked}:\n            out.append(c)\n    return out"
    )

    first = told(code, "assert f('a1') == ['1']\nassert f('1') == ['1']")[0]

    assert (first["kind"], first["line"]) == ("never_called", 6)


@pytest.mark.parametrize(
    ("kind", "dropped"),
    [
        ("int", False),
        ("list[int]", False),
        ("int | None", False),
        ("'int'", False),
        ("0", True),
        ("n", True),
        ("n + 1", True),
        ("[]", True),
    ],
)
def test_a_name_with_its_type_is_no_value_that_nothing_keeps(kind: str, dropped: bool) -> None:
    code = f"n = int(input())\ntotal: {kind}\ntotal = n\nprint(total)\n"

    kinds = {fact["kind"] for fact in told(code, inputs(("2", "3")))}

    assert ("dropped" in kinds) == dropped


@pytest.mark.parametrize("own", ["strip", "lower"])
def test_a_method_of_an_own_class_may_work_without_giving_anything(own: str) -> None:
    code = (
        f"class Bag:\n    def __init__(self):\n        self.text = ''\n    def {own}(self):\n"
        "        self.text += 'x'\nclass Box:\n    def __init__(self):\n        self.bag = Bag()\n"
        "def f(n):\n    box = Box()\n    box.bag.strip()\n    return box.bag.text + n"
    )
    if own != "strip":
        code = code.replace("Bag()", "' a '").replace("box.bag.text", "box.bag")

    kinds = {fact["kind"] for fact in told(code, "assert f('y') == 'z'")}

    assert ("dropped" in kinds) == (own != "strip")


def test_what_changes_its_list_and_gives_it_back_is_not_dropped() -> None:
    code = (
        "def push(xs, x):\n    xs.append(x)\n    return xs\ndef f(n):\n    xs = []\n"
        "    push(xs, n)\n    return xs"
    )

    assert "dropped" not in {fact["kind"] for fact in told(code, "assert f(2) == [3]")}


def test_what_a_name_went_through_is_told_of_one_call_alone() -> None:
    code = (
        "def g(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
        "def f(n):\n    return g(2) + g(n)"
    )

    found = told(code, "assert f(3) == 9")

    values = [fact["values"]["values"] for fact in found if fact["kind"] == "writes_answer"]
    assert ["0", "1", "3"] in values
    assert all(len(each) <= 3 for each in values)


def test_what_an_inner_call_gives_is_told_as_that() -> None:
    code = "def f(n):\n    if n == 0:\n        return 0\n    return n * f(n - 1)"

    found = told(code, "assert f(3) == 6")

    gives = {fact["line"]: fact["values"] for fact in found if fact["kind"] == "gives_back"}
    assert gives == {3: {"value": "0", "inner": 1}, 4: {"value": "0"}}


def test_of_functions_that_call_each_other_none_calls_itself() -> None:
    code = "def f(n):\n    return g(n - 1)\ndef g(n):\n    return f(n - 1)"

    first = told(code, "assert f(3) == 0")[0]

    assert first["kind"] == "limit_depth"
    assert "function" not in first["values"]


def test_a_method_that_is_kept_and_not_called_is_named() -> None:
    found = told("def f(s):\n    s = s.lower\n    return s[0]", "assert f('Ab') == 'a'")

    assert ("never_called", 2) in [(fact["kind"], fact["line"]) for fact in found]


def test_where_none_came_from_is_told_before_where_it_stopped() -> None:
    found = told("def f(xs):\n    xs = xs.sort()\n    return xs[0]", "assert f([2, 1]) == 1")

    assert (found[0]["kind"], found[0]["line"]) == ("before_stop", 2)
    assert found[0]["values"] == {"name": "xs", "value": "None", "stop": 3}


def test_of_a_loop_that_ran_again_and_again_no_first_and_last_are_told() -> None:
    code = (
        "def f(n):\n    t = 0\n    for i in range(n):\n        for j in range(i):\n"
        "            t += j\n    return t"
    )

    rounds = {
        fact["line"]: fact["values"]
        for fact in told(code, "assert f(4) == -1")
        if fact["kind"] == "rounds"
    }

    assert rounds[3] == {"rounds": 4, "variable": "i", "first": "0", "last": "3"}
    assert rounds[4] == {"rounds": 6, "runs": 4}


def test_a_name_that_changes_no_more_is_told_as_unchanged() -> None:
    code = (
        "def f(xs, t):\n    lo, hi = 0, len(xs)\n    while lo < hi:\n        mid = (lo + hi) // 2\n"
        "        if xs[mid] < t:\n            lo = mid\n        else:\n            hi = mid\n"
        "    return lo"
    )

    found = told(code, "assert f([1, 3, 5], 9) == 3", ends=False)

    never = next(fact for fact in found if fact["kind"] == "never_ends")
    assert (never["values"]["unchanged"], never["values"]["settled"]) == (["hi"], ["lo"])


UNRULY = [
    "class N:\n    def __eq__(self, other):\n        raise KeyError(3)\ndef f(n):\n    return N()",
    "class N:\n    def __eq__(self, other):\n        raise SystemExit\ndef f(n):\n    return N()",
    "import sys\ndef f(n):\n    if n > 0:\n        sys.exit()\n    return n",
    "def f(n):\n    if n > 0:\n        raise KeyboardInterrupt\n    return n",
    "def f(n):\n    return n\nf.__code__ = (lambda n: n + 2).__code__",
    "import sys\ndef f(n):\n    sys.setrecursionlimit(50)\n    return f(n + 1)",
    "def f(n):\n    return " + "+".join(["n"] * 900),
    "def f(n):\n    return " + "(" * 150 + "n" + ")" * 150,
    "def f(n):\n    def g():\n        nonlocal n\n        n += 1\n        yield n\n"
    "    return list(g())",
    "class T(type):\n    def __hash__(cls):\n        raise ValueError\n"
    "class C(metaclass=T):\n    pass\ndef f(n):\n    c = C()\n    return c",
    "def f(n):\n    import builtins\n    builtins.print = 3\n    return n",
]  # fmt: skip


@pytest.fixture
def _own_builtins() -> Iterator[None]:
    kept, limit = builtins.print, sys.getrecursionlimit()
    yield
    builtins.print = kept
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("_own_builtins")
@pytest.mark.parametrize("code", UNRULY)
def test_an_unruly_program_ends_no_more_than_itself(code: str) -> None:
    found = told(code, "assert f(1) == 77\nassert f(2) == 78")

    assert [fact.as_json() for fact in facts_from_json(found)] == found


@pytest.mark.parametrize("code", ["\0", "x = '\0'", "(" * 5_000])
def test_what_python_cannot_even_read_has_a_fact_or_none(code: str) -> None:
    assert {fact["kind"] for fact in told(code, "assert f(1) == 1")} <= {"syntax"}


def test_nothing_is_left_among_pythons_own_names() -> None:
    before = set(vars(builtins))

    told("def f(n):\n    return n + 1", "assert f(1) == 1")

    assert set(vars(builtins)) == before


def test_tests_that_break_by_themselves_are_no_trouble() -> None:
    found = told("def f(n):\n    return n", "assert f(1) == 2\nraise ValueError")

    assert found


@pytest.mark.parametrize("budget_s", [0.0, 0.0001, 0.001])
def test_a_case_that_is_seen_further_at_the_second_look_is_no_trouble(budget_s: float) -> None:
    ifs = "".join(f"    if n > {bound}:\n        n -= 1\n" for bound in range(150))

    found = told(f"def f(n):\n{ifs}    return n", "assert f(99) == 1", budget_s=budget_s)

    assert [fact.as_json() for fact in facts_from_json(found)] == found


def test_a_generator_that_goes_on_is_one_call() -> None:
    code = (
        "def steps(n):\n    for i in range(n):\n        yield i\n\ndef f(n):\n"
        "    return sum(steps(n))"
    )

    rounds = [fact for fact in told(code, "assert f(3) == 6") if fact["kind"] == "rounds"]

    assert [fact["values"] for fact in rounds] == [
        {"rounds": 3, "variable": "i", "first": "0", "last": "2"}
    ]


def test_a_change_that_makes_a_loop_endless_ends_all_the_same() -> None:
    code = (
        "def f(n):\n    k = n\n    if n > 1:\n        k = n - 1\n    while n > 5:\n"
        "        n -= n - k\n    while k != n:\n        k += 1\n    return k"
    )

    assert told(code, "assert f(1) == 2\nassert f(3) == 3", budget_s=0.5)


@contextmanager
def busy(threads: int) -> Iterator[None]:
    """The same process with others at work in it: each step takes several times as long."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            sum(range(1_000))

    others = [threading.Thread(target=work) for _ in range(threads)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        over.set()
        for other in others:
            other.join()


SLOW = [
    ("def f(n):\n    t = 0\n    for i in range(n):\n        for j in range(i):\n"
     "            if (i + j) % 3:\n                t += j\n    return t",
     "assert f(3) == 2\nassert f(40) == 7\nassert f(50) == 7\nassert f(1) == 0", True),
    ("def f(n):\n    if n < 2:\n        return n\n    return f(n - 1) + f(n - 2) + 0",
     "assert f(9) == 34\nassert f(12) == 1", True),
    ("def f(n):\n    k = n\n    while k != 1:\n        k = k // 2 if k % 2 == 0 else 3 * k + 1\n"
     "        n += 1\n        if n > 50:\n            k = 7\n    return n",
     "assert f(27) == 9", False),
    ("def f(xs):\n    return [x for x in xs for y in xs if x < y]",
     "assert f(range(90)) == 1", True),
]  # fmt: skip


@pytest.mark.parametrize(("code", "tests", "ends"), SLOW)
def test_a_busy_machine_finds_what_an_idle_one_does(code: str, tests: str, ends: bool) -> None:
    idle = told(code, tests, ends=ends, budget_s=60)

    with busy(3):
        assert told(code, tests, ends=ends, budget_s=60) == idle


def test_a_case_after_the_failing_one_that_never_ends_is_left() -> None:
    code = "def f(n):\n    while n != 1:\n        n -= 1\n    return n"

    found = told(code, "assert f(3) == 2\nassert f(0) == 1", budget_s=60)

    assert found
    assert "never_ends" not in {fact["kind"] for fact in found}


def test_a_cure_of_all_cases_counts_more_than_one_that_breaks_another() -> None:
    """A wrong start makes up for the loop in the failing case alone."""
    code = (
        "def rice_days(cups, per_day):\n    days = 0\n    while cups >= per_day:\n"
        "        cups = cups - per_day\n        days = days + 1\n    return days"
    )
    tests = (
        "assert rice_days(7, 3) == 3\nassert rice_days(9, 3) == 3\nassert rice_days(1, 5) == 1\n"
        "assert rice_days(0, 4) == 0\nassert rice_days(6, 6) == 1"
    )

    assert told(code, tests)[0]["line"] == 3


NO_END = [
    ("    t = 0\n    for i in range(n):\n        t += i\n    return t", "limit_time", 3),
    ("    for i in range(n):\n        for j in range(n):\n            if i * j == n + 1:\n"
     "                return 1\n    return 0", "limit_time", 3),
    ("    xs = [n]\n    for x in xs:\n        xs.append(x)\n    return xs", "grows_on", 3),
    ("    while n:\n        n += 1\n    return n", "never_ends", 2),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "line"), NO_END)
def test_no_loop_that_has_an_end_is_said_to_have_none(body: str, kind: str, line: int) -> None:
    first = told(f"def f(n):\n{body}", "assert f(10 ** 9) == 3", ends=False, budget_s=5)[0]

    assert (first["kind"], first["line"]) == (kind, line)


def test_a_loop_over_texts_may_go_on_with_what_it_got() -> None:
    body = (
        "    t = ''\n    for w in s.split():\n        w = w.strip('.')\n        t = t + w + ' '\n"
    )
    code = f"def f(s):\n{body}    return t"

    found = told(code, "assert f('a b.') == 'a b'")

    assert "loop_variable_overwritten" not in {fact["kind"] for fact in found}


def test_the_dictionary_that_lacks_the_key_is_the_one_whose_keys_are_told() -> None:
    code = "def f(need, stock):\n    for name in need:\n        if need[name] > stock[name]:\n"
    code += "            return name"

    found = told(code, "assert f({'cup': 1}, {'pen': 2}) == 'cup'")

    missing = next(fact for fact in found if fact["kind"] == "missing_key")
    assert missing["values"] == {"key": "'cup'", "keys": ["'pen'"]}


def test_the_branch_that_was_to_make_a_name_comes_first() -> None:
    code = "def f(n):\n    if n % 2 == 0:\n        half = n // 2\n    return half"

    first = told(code, "assert f(3) == 1")[0]

    assert (first["kind"], first["line"]) == ("branch_not_taken", 2)


def test_where_none_came_from_is_told_if_the_same_line_stops() -> None:
    code = (
        "def f(n):\n    xs = []\n    for i in range(n):\n        xs = xs.append(i)\n    return xs"
    )

    first = told(code, "assert f(3) == [0, 1, 2]")[0]

    assert (first["kind"], first["line"]) == ("before_stop", 4)
    assert first["values"] == {"name": "xs", "value": "None", "stop": 4}


def test_a_function_within_the_line_does_not_make_a_value_several() -> None:
    code = "def f(xs):\n    s = sorted(xs, key=lambda x: -x)\n    return s"

    found = told(code, "assert f([1, 3, 2]) == [1, 2, 3]")

    writes = next(fact for fact in found if fact["kind"] == "writes_answer")
    assert writes["values"] == {"name": "s", "values": ["[3, 2, 1]"], "answer": 1}


def test_a_line_that_writes_into_the_wrong_one_of_two_names_is_found_late_in_a_program() -> None:
    code = (
        "def f(start, changes):\n    money = start\n    low = start\n    for c in changes:\n"
        "        money = money + c\n        if money < low:\n            money = low\n"
        "    return low"
    )

    first = told(code, "assert f(9, [-3, -5, 4, -1]) == 1\nassert f(0, [-9, -9, 7]) == -18")[0]

    assert (first["kind"], first["line"]) == ("writes_answer", 7)


def test_a_program_that_only_makes_a_function_is_told_so_first() -> None:
    code = "def main():\n    s = input()\n    print(s[::-1])\n"

    first = told(code, inputs(("ab", "ba")))[0]

    assert (first["kind"], first["values"]) == ("uncalled", {"name": "main"})


@pytest.mark.parametrize(
    ("line", "name"),
    [("s.strip.lower()", "strip"), ("s.upper.replace('a', 'b')", "upper")],
)
def test_a_method_that_another_is_asked_of_without_being_called_comes_first(
    line: str, name: str
) -> None:
    first = told(f"def f(s):\n    s = {line}\n    return s", "assert f(' A ') == 'a'")[0]

    assert (first["kind"], first["line"], first["values"]) == ("never_called", 2, {"name": name})


def test_of_a_name_that_is_not_there_no_other_values_are_told() -> None:
    code = "def f(xs):\n    for x in xs:\n        low = min(low, x)\n    return low"

    stopped = next(f for f in told(code, "assert f([2, 1]) == 1") if f["kind"] == "stopped")

    assert stopped["values"]["names"] == []


@pytest.mark.parametrize(
    ("code", "tests", "kind", "values"),
    [
        ("def f(a):\n    out = []\n    for i in range(len(a) - 1, 0, -1):\n"
         "        out.append(a[i])\n    return out", "assert f([1, 2, 3]) == [3, 2, 1]",
         FactKind.FIRST_UNSEEN, {"forward": 0}),
        ("def f(a):\n    out = []\n    for i in range(len(a) - 2, -1, -1):\n"
         "        out.append(a[i])\n    return out", "assert f([1, 2, 3]) == [3, 2, 1]",
         FactKind.LAST_UNSEEN, {"forward": 0}),
        ("def f(a):\n    t = 0\n    for i in range(1, len(a)):\n        t += a[i]\n    return t",
         "assert f([1, 2, 3]) == 6", FactKind.FIRST_UNSEEN, {"forward": 1}),
        ("def f(a):\n    t = 0\n    i = 0\n    while i < len(a) - 1:\n        t += a[i]\n"
         "        i += 1\n    return t",
         "assert f([1, 2, 3]) == 6", FactKind.LAST_UNSEEN, {"forward": 1}),
        ("def f(a):\n    if a > 2:\n        return 1\n    return 0", "assert f(2) == 1",
         FactKind.BRANCH_NOT_TAKEN, {"asked": 1}),
        ("def f(a):\n    t = 0\n    for x in a:\n        if x > 0:\n            t += 1\n"
         "    return t", "assert f([1, 2]) == 1", FactKind.BRANCH_ALWAYS_TAKEN, {"asked": 2}),
        ("def f(a, i):\n    return a[i + 1]", "assert f([1], 0) == 1", FactKind.OUT_OF_RANGE,
         {"moving": 1}),
        ("def f(a):\n    return a[-1]", "assert f([]) == 1", FactKind.OUT_OF_RANGE,
         {"moving": None, "length": 0}),
        ("def f(a):\n    for x in a:\n        return x", "assert f([1, 2]) == 2",
         FactKind.ENDS_FIRST_ROUND, {"always": 1}),
        ("def f(a):\n    for x in a:\n        if x:\n            return x",
         "assert f([1, 2]) == 2", FactKind.ENDS_FIRST_ROUND, {"always": 0}),
        ("def f(n):\n    s = n + 1\n    return s", "assert f(1) == 1", FactKind.WRITES_ANSWER,
         {"answer": 1}),
        ("def f(n):\n    s = n + 1\n    return s + 0", "assert f(1) == 1", FactKind.WRITES_ANSWER,
         {"answer": None}),
    ],
)  # fmt: skip
def test_what_a_sentence_must_know_is_told_with_it(
    code: str, tests: str, kind: FactKind, values: dict[str, Any]
) -> None:
    found = next(fact["values"] for fact in told(code, tests) if fact["kind"] == kind)

    assert {name: found.get(name) for name in values} == values


@pytest.mark.parametrize(
    ("code", "tests", "kind"),
    [
        ("def f(a):\n    for i in range(len(a)):\n        if a[i] == 0:\n            a.pop(i)\n"
         "            a.append(0)\n    return a",
         "assert f([0, 1]) == [1, 0]\nassert f([0, 0, 1]) == [1, 0, 0]", FactKind.CHANGED_INPUT),
        ("def f(a):\n    max = 0\n    for x in a:\n        if x > max:\n            max = x\n"
         "    return max", "assert f([1]) == 1\nassert f([-1, -2]) == -1", FactKind.HIDES_BUILTIN),
        ("def f(r, c):\n    dp = [[0] * c for _ in range(r)]\n    for i in range(r):\n"
         "        for j in range(c):\n            dp[i][j] = dp[i - 1][j] + dp[i][j - 1]\n"
         "    return dp[r - 1][c - 1]",
         "assert f(1, 1) == 1\nassert f(2, 2) == 2", FactKind.ROUNDS),
    ],
)  # fmt: skip
def test_what_may_well_be_meant_so_does_not_come_first(
    code: str, tests: str, kind: FactKind
) -> None:
    assert told(code, tests)[0]["kind"] != kind


def test_a_name_that_holds_the_same_as_the_result_is_not_taken_for_it() -> None:
    code = "def f(xs):\n    n = len(xs)\n    t = 0\n    for x in xs:\n        t += x\n    return t"

    names = [
        fact["values"]["name"]
        for fact in told(code, "assert f([1, 1]) == 3")
        if fact["kind"] == FactKind.WRITES_ANSWER and fact["values"].get("answer")
    ]

    assert set(names) == {"t"}
