"""What a program's text alone shows, of statements that ran in the failing case."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from .clue import Clue, Scene
from .listing import FUNCTIONS, head, names_in, names_stored, walk
from .loops import counts
from .trace import is_scalar

GIVES_ONLY = {
    "sorted", "reversed", "len", "abs", "min", "max", "sum", "str", "int", "float", "list",
    "tuple", "set", "dict", "round", "range", "zip", "map", "filter", "enumerate", "bool", "ord",
    "chr",
}  # fmt: skip
"""Functions of Python's own that do nothing but give a value."""
METHODS_GIVE_ONLY = {
    "replace", "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "split",
    "join", "copy", "get", "count", "index", "union", "intersection", "difference", "swapcase",
    "find", "startswith", "endswith", "isdigit", "isalpha", "zfill", "format", "keys", "values",
    "items",
}  # fmt: skip
RAISING = {"int", "float", "ord", "chr", "len", "index", "max", "min", "next", "iter"}
"""Functions and methods that stop at a value which they cannot use."""
BUILTINS = {name for name in dir(builtins) if name.islower() and not name.startswith("_")}
WANT_VALUES = {"print", *GIVES_ONLY} - {"map", "filter"}
"""Functions of Python's own that do nothing with a function."""
ASKED = (ast.If, ast.While, ast.BoolOp)
"""Where a function that is not called is always true."""
GIVING = (ast.Return, ast.ListComp)
"""Where a method of the program's own that is not called is given to others."""
ALWAYS_TRUE = 0.4
CALLED = re.compile(r"\b(\w+)\(")
MISSED, STOPS, HARMLESS = 0.2, 1.3, -0.35
"""Added where a name of Python's own that is hidden is called, where that stops the program, and
where the program never calls it, so that only its own meaning counts."""
OFTEN_HIDDEN = {"input", "id", "type", "vars", "dir", "copyright", "credits", "license", "exit"}
"""Names of Python's own whose loss rarely harms."""


def habits(scene: Scene) -> Iterator[Clue]:
    methods = METHODS_GIVE_ONLY - _attributes(scene)
    for node in scene.nodes:
        match node:
            case ast.Expr() | ast.AnnAssign(value=None) if scene.ran(node):
                yield from _lost(scene, node)
            case ast.For() if scene.ran(node):
                yield from _loop_variable(scene, node)
            case ast.FunctionDef():
                yield from _parameters(scene, node)
            case ast.Assign(value=ast.Attribute(base, name)) if scene.ran(node):
                if name in methods and scene.is_builtin(base, name):
                    yield Clue("never_called", scene.at(node), {"name": name})
            case ast.Attribute(ast.Attribute(attr=name)) if scene.ran(node):
                # `text.strip.lower()`
                if name in methods:
                    yield Clue("never_called", scene.at(node), {"name": name}, 0.2)
            case ast.BoolOp() if scene.ran(node):
                yield from _always_true(scene, node)
        yield from _hides(scene, node)
    yield from _never_called(scene, methods)


def _attributes(scene: Scene) -> set[str]:
    """Of the program's own objects: what looks like a method's name there is data."""
    found = {
        node.attr for node in scene.nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }  # fmt: skip
    classes = (node for node in scene.nodes if isinstance(node, ast.ClassDef))
    return found.union(*map(names_stored, classes))


def _lost(scene: Scene, node: ast.Expr | ast.AnnAssign) -> Iterator[Clue]:
    # What stopped there has come to no value.
    if scene.at(node) != scene.failing.error_at and not _is_tried(scene, node):
        yield from _dropped(scene, node)


def _is_tried(scene: Scene, node: ast.stmt) -> bool:
    """Whether it may be there for its error alone."""
    if not isinstance(scene.listing.parent[node], ast.Try) or not isinstance(node, ast.Expr):
        return False
    match node.value:
        case ast.Call(ast.Name(name)) | ast.Call(ast.Attribute(attr=name)):
            return name in RAISING or name in scene.functions
        case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod()) | ast.Subscript():
            return True
    return False


def _dropped(scene: Scene, node: ast.Expr | ast.AnnAssign) -> Iterator[Clue]:
    told = scene.listing.source(node)
    match node:
        # `total: 0` reads like an assignment, and makes nothing.
        case ast.AnnAssign(target=ast.Name(), simple=1) if not _is_type(scene, node.annotation):
            yield Clue("dropped", scene.at(node), {"expression": told})
        case ast.Expr(ast.Attribute(attr=name)) | ast.Expr(ast.Name(name)):
            if not isinstance(node.value, ast.Name) or name in scene.functions:
                yield Clue("never_called", scene.at(node), {"name": name}, 0.1)
            else:
                yield Clue("dropped", scene.at(node), {"expression": told})
        case ast.Expr(ast.BinOp() | ast.Compare() | ast.Subscript() | ast.BoolOp() | ast.UnaryOp()):
            yield Clue("dropped", scene.at(node), {"expression": told})
        case ast.Expr(ast.Call(ast.Name(name))):
            # A function that gives nothing back is called for what it does.
            own = _gave_something(scene, name)
            if own or (name in GIVES_ONLY and name not in scene.functions):
                yield Clue("dropped", scene.at(node), {"expression": told})
        case ast.Expr(ast.Call(ast.Attribute(base, name))) if name in METHODS_GIVE_ONLY:
            if scene.is_builtin(base, name):
                yield Clue("dropped", scene.at(node), {"expression": told})


def _is_type(scene: Scene, node: ast.expr) -> bool:
    """Whether it may stand behind the colon of `count: int`, as far as its text tells."""
    match node:
        case ast.Name(name):
            return name not in scene.values_at(node, last=True)
        case ast.BinOp(op=ast.BitOr()) | ast.Subscript() | ast.Attribute():
            return True
        case ast.Constant(value):
            return value is None or isinstance(value, str)
    return False


def _gave_something(scene: Scene, name: str) -> bool:
    # What gives back the list that it was given is called for what it does to that.
    return any(
        call.name == name
        and call.gave not in (None, "None")
        and not any(
            call.after.get(given) == call.gave and not is_scalar(value)
            for given, value in call.inputs.items()
        )
        for call in scene.failing.calls
    )


def _loop_variable(scene: Scene, node: ast.For) -> Iterator[Clue]:
    names = {each.id for each in walk(node.target) if isinstance(each, ast.Name)}
    for part in node.body:
        for inner in walk(part):
            for name in sorted(names & _stored(inner)):
                # `line = line.strip()` is how one goes on with what the loop has given.
                goes_on = isinstance(inner, ast.Assign) and name in names_in(inner.value)
                if scene.ran(inner) and not (goes_on and not counts(node)):
                    yield Clue("loop_variable_overwritten", scene.at(inner), {"name": name})


def _stored(node: ast.AST) -> set[str]:
    """Names that the statement itself gives a value."""
    match node:
        case ast.Assign(targets=targets):
            found = targets
        case ast.AugAssign(target=target) | ast.For(target=target):
            found = [target]
        case _:
            return set()
    return {name for one in found for name in names_stored(one)}


def _parameters(scene: Scene, node: ast.FunctionDef) -> Iterator[Clue]:
    """Those that get a new value before anything has read them."""
    unread = {each.arg for each in node.args.args}
    for inner in node.body:
        # In a branch or loop the parameter may be wanted on another way.
        if not isinstance(inner, ast.Assign | ast.Expr):
            return
        read = set(names_in(inner))
        unread -= read
        for name in sorted(unread & _stored(inner)):
            if scene.ran(inner):
                yield Clue("parameter_overwritten", scene.at(inner), {"name": name})


def _always_true(scene: Scene, node: ast.BoolOp) -> Iterator[Clue]:
    """`x == 1 or 2`: only where its truth is asked for, as in a condition."""
    asked = scene.listing.parent[node]
    if not isinstance(node.op, ast.Or) or not isinstance(asked, ast.If | ast.While | ast.IfExp):
        return
    # `name or 'guest'` is a default, and meant so.
    if not any(isinstance(part, ast.Compare) for part in node.values):
        return
    for part in node.values:
        if isinstance(part, ast.Constant) and part.value not in (None, False, 0, ""):
            yield Clue("always_true_part", scene.at(node), {"part": scene.listing.source(part)})


def _hides(scene: Scene, node: ast.AST) -> Iterator[Clue]:
    names = _stored(node)
    if isinstance(node, FUNCTIONS):
        # A method's name stands for nothing outside of its class.
        own = set() if isinstance(scene.listing.parent[node], ast.ClassDef) else {node.name}
        names = own | {each.arg for each in node.args.args}
    for name in sorted((names & BUILTINS) - OFTEN_HIDDEN):
        # One that the program also calls is the one that is missed.
        missed = name in scene.called and name not in scene.functions
        weight = MISSED if missed else HARMLESS
        if missed and name in _called_in_vain(scene):
            weight = STOPS
        yield Clue("hides_builtin", scene.at(node), {"name": name}, weight)


def _called_in_vain(scene: Scene) -> set[str]:
    """Names called where the program stopped as what was called is no function."""
    trace = scene.failing
    # To show what is no text would run the student's code.
    said = trace.error.args[0] if type(trace.error) is TypeError and trace.error.args else None
    if type(said) is not str or "is not callable" not in said:
        return set()
    statement = scene.listing.statements[trace.error_at] if trace.error_at else ast.Pass()
    return {
        node.func.id for node in walk(head(statement))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }  # fmt: skip


def _never_called(scene: Scene, methods: set[str]) -> Iterator[Clue]:
    """A function of the program that nothing names, or one that stands where a value belongs."""
    read = {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in scene.nodes
        if isinstance(each, ast.Name | ast.Attribute)
    }
    traces = (scene.failing, *scene.passing)
    called = {call.name for trace in traces for call in trace.calls}
    # A generator's call runs none of its lines.
    called.update(*(CALLED.findall(trace.text) for trace in traces))
    own = _plain_methods(scene)
    for node in scene.nodes:
        match node:
            case ast.FunctionDef(name=name) if name not in read | called and name[:2] != "__":
                # A method may be there for the tests, or for Python to call.
                method = isinstance(scene.listing.parent[node], ast.ClassDef)
                if not (method or scene.never_began):
                    reads = scene.failing.outer and scene.failing.outer.name == "<module>"
                    silent = reads and scene.failing.got == ""
                    weight = 0.3 if silent else -0.3
                    yield Clue("uncalled", scene.at(node), {"name": name}, weight)
            case ast.Name(id=name, ctx=ast.Load()) if name in scene.functions and scene.ran(node):
                # A variable may have the name of a function.
                if name in scene.values_at(node, last=True):
                    continue
                # As an argument, as in `map(even, xs)`, a function's name is right.
                yield from _as_value(scene, node, name, (ast.Compare, ast.BinOp, *ASKED))
            case ast.Attribute(base, name, ast.Load()) if name in methods and scene.ran(node):
                if not scene.is_builtin(base, name):
                    continue
                yield from _as_value(scene, node, name, (ast.Compare, *ASKED))
            case ast.Attribute(attr=name, ctx=ast.Load()) if name in own and scene.ran(node):
                yield from _as_value(scene, node, name, (ast.Compare, ast.BinOp, *GIVING, *ASKED))


def _plain_methods(scene: Scene) -> set[str]:
    """Methods of the program that run only where they are called: others may be properties."""
    decorated = {
        node.name for node in scene.nodes if isinstance(node, FUNCTIONS) and node.decorator_list
    }  # fmt: skip
    return scene.methods - decorated - _attributes(scene)


def _goes_into(node: ast.expr, above: ast.AST) -> bool:
    """Whether a function of Python's own gets it that wants a value: `max(scores.values)`."""
    match above:
        case ast.Call(ast.Name(name), args):
            return isinstance(node, ast.Attribute) and name in WANT_VALUES and node in args
        case ast.For(iter=each):
            return each is node
        case ast.FormattedValue():
            return True
    return False


def _as_value(
    scene: Scene, node: ast.expr, name: str, within: tuple[type[ast.AST], ...]
) -> Iterator[Clue]:
    """A function that is not called where its value is wanted, which these kinds of nodes do."""
    above = scene.listing.parent[node]
    if _goes_into(node, above):
        yield Clue("never_called", scene.at(node), {"name": name}, ALWAYS_TRUE)
        return
    if isinstance(above, ast.Compare) and isinstance(above.ops[0], ast.Is | ast.IsNot):
        return
    if isinstance(above, within):
        weight = ALWAYS_TRUE if isinstance(above, ASKED) else 0
        yield Clue("never_called", scene.at(node), {"name": name}, weight)
