"""Unit tests as asserts: each plain assertion becomes one, and the others are named."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from web.courses.importing.package import Package
from web.courses.importing.remarks import Reason, Remark, refuse
from web.tutor.parsing import read

EQUAL = "{0} == {1}"
FORMS = {
    **dict.fromkeys(
        ("assertEqual", "assertEquals", "assertListEqual", "assertTupleEqual", "assertDictEqual",
         "assertSetEqual", "assertSequenceEqual", "assertMultiLineEqual"), EQUAL,
    ),
    "assertNotEqual": "{0} != {1}", "assertIs": "{0} is {1}", "assertIsNot": "{0} is not {1}",
    "assertTrue": "{0}", "assertFalse": "not {0}", "assertIsNone": "{0} is None",
    "assertIsNotNone": "{0} is not None", "assertIn": "{0} in {1}",
    "assertNotIn": "{0} not in {1}", "assertGreater": "{0} > {1}", "assertLess": "{0} < {1}",
    "assertGreaterEqual": "{0} >= {1}", "assertLessEqual": "{0} <= {1}",
    "assertIsInstance": "isinstance({0}, {1})", "assertAlmostEqual": "round({0} - {1}, 7) == 0",
}  # fmt: skip
"""What each method asserts of its arguments."""
BUILTINS = frozenset(vars(builtins))
MOST_CHARS = 2_000
"""Of one assert: names stand for values, of values, and so on."""

NO_PYTHON = _("This is not Python.")
NOT_PLAIN = _("%(test)s is left out: only plain assertions are taken over.")
NOT_ALONE = _("%(test)s is left out: %(name)s comes from elsewhere.")
NO_CALL = _("%(test)s is left out: it tests nothing of the student's.")


class _NotPlain(Exception):
    """A test cannot be told as asserts. reason: with a blank for its name."""

    def __init__(self, node: ast.AST, reason: Reason = NOT_PLAIN, name: str = "") -> None:
        super().__init__(name)
        self.line, self.reason, self.name = getattr(node, "lineno", None), reason, name


def asserts(package: Package, file: str) -> tuple[str, list[Remark]]:
    """The tests of a file as asserts, one a line, and what was left out of it.

    Raises: BadPackage for a file that is no Python.
    """
    try:
        tree = read(package.text(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        refuse(package.spot(file, getattr(error, "lineno", None)), NO_PYTHON)
    solution = _Solution(tree)
    lines: list[str] = []
    left_out: list[Remark] = []
    for test in tests(tree):
        try:
            lines += solution.told(test)
        except _NotPlain as why:
            params = {"test": test.name, "name": why.name}
            left_out.append(Remark(package.spot(file, why.line), why.reason, params))
        except RecursionError:
            params = {"test": test.name}
            left_out.append(Remark(package.spot(file, test.lineno), NOT_PLAIN, params))
    return "\n".join(lines), left_out


def tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        for test in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test"):
                yield test


class _Solution:
    """The names that a test file takes from the student's: modules, and what is in them."""

    def __init__(self, tree: ast.Module) -> None:
        self.modules: set[str] = set()
        self.names: dict[str, str] = {}
        for node in tree.body:
            match node:
                case ast.Import(names):
                    # The test file's own module, unittest, is never asked for anything else.
                    self.modules |= {each.asname or each.name for each in names}
                case ast.ImportFrom(module=str(), names=names):
                    self.names |= {each.asname or each.name: each.name for each in names}

    def told(self, test: ast.FunctionDef) -> list[str]:
        """Raises: _NotPlain."""
        known: dict[str, ast.expr] = {}
        used: set[str] = set()
        lines = []
        for node in test.body:
            match node:
                case ast.Expr(ast.Constant()) | ast.Pass():
                    continue
                case ast.Assign([ast.Name(name)], value):
                    # The name stands for its value from here on, and is not an assert's own.
                    known[name] = self.resolved(value, known, used)
                    used.discard(name)
                case ast.Expr(ast.Call(ast.Attribute(ast.Name("self"), method)) as call):
                    lines.append(self.asserted(method, call, known, used))
                case _:
                    raise _NotPlain(node)
        return lines

    def asserted(
        self, method: str, call: ast.Call, known: dict[str, ast.expr], used: set[str]
    ) -> str:
        form = FORMS.get(method)
        wanted = 2 if form and "{1}" in form else 1
        # What follows these arguments is a message, or how exact it must be.
        extra = len(call.args) > wanted or any(each.arg != "msg" for each in call.keywords)
        if form is None or len(call.args) < wanted or (extra and "Almost" in method):
            raise _NotPlain(call)
        sides = [self.resolved(each, known, used) for each in call.args[:wanted]]
        # Whatever a student wrote would pass.
        if not any(isinstance(node, ast.Call) for side in sides for node in ast.walk(side)):
            raise _NotPlain(call, NO_CALL)
        text = form.format(*(bracketed(side) for side in sides))
        line = ast.unparse(read(f"assert {text}"))
        if len(line) > MOST_CHARS or "\n" in line:
            raise _NotPlain(call)
        return line

    def resolved(self, node: ast.expr, known: dict[str, ast.expr], used: set[str]) -> ast.expr:
        """The expression with what its names stand for."""
        found: ast.expr = _Names(self, known, used, bound(node)).visit(copy.deepcopy(node))
        return found


class _Names(ast.NodeTransformer):
    def __init__(
        self, solution: _Solution, known: dict[str, ast.expr], used: set[str], bound: set[str]
    ) -> None:
        self.solution, self.known, self.used, self.bound = solution, known, used, bound

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node.value:
            case ast.Name(name) if name in self.solution.modules and name not in self.known:
                return ast.Name(node.attr, ast.Load())
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.bound:
            return node
        if (value := self.known.get(node.id)) is not None:
            # An object that was made once may have changed by its second use.
            if node.id in self.used and any(isinstance(each, ast.Call) for each in ast.walk(value)):
                raise _NotPlain(node)
            self.used.add(node.id)
            if len(ast.unparse(value)) > MOST_CHARS:
                raise _NotPlain(node)
            return copy.deepcopy(value)
        if node.id in self.solution.names:
            return ast.Name(self.solution.names[node.id], ast.Load())
        if node.id not in BUILTINS:
            raise _NotPlain(node, NOT_ALONE, node.id)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        raise _NotPlain(node)


def bound(node: ast.expr) -> set[str]:
    """The names that the expression itself binds: of a comprehension or a lambda."""
    names = set()
    for each in ast.walk(node):
        match each:
            case ast.Name(name, ast.Store()):
                names.add(name)
            case ast.arg(name):
                names.add(name)
    return names


def bracketed(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if isinstance(node, ast.Call | ast.Constant | ast.Name | ast.List) else f"({text})"
