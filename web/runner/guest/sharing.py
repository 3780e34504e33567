"""What several places, objects or tests share, where a student meant each to have its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .answers import CHANGING, MUTABLE, stored
from .clue import Clue, Scene
from .listing import FUNCTIONS, names_in, names_stored, walk
from .show import show, type_name

MOST_PLACES = 1_000
MAKERS = {"list", "dict", "set", "defaultdict", "deque", "Counter"}
"""Functions that make something new that can change."""
LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
INSIDE = -0.1
"""Added where the sharing does not show in the result itself."""


def sharing(scene: Scene) -> Iterator[Clue]:
    yield from _places(scene)
    for node in scene.nodes:
        match node:
            case ast.FunctionDef():
                yield from _kept_default(scene, node)
            case ast.ClassDef():
                yield from _of_class(scene, node)
            case ast.Assign([ast.Name(name)], value) if scene.ran(node) and _is_one(value):
                if _changes_part(scene, name):
                    yield Clue("one_list_many_times", scene.at(node), {"whole": name}, INSIDE)
    if scene.right_alone:
        yield from _left_behind(scene)


def _places(scene: Scene) -> Iterator[Clue]:
    """Places of the result that hold one and the same value."""
    got = scene.failing.got
    # Exactly these: a class of the student's may count and iterate as it likes.
    if type(got) is list or type(got) is tuple:
        row = [(str(place), each) for place, each in enumerate(got[:MOST_PLACES])]
    elif type(got) is dict:
        row = [(show(key, 20), each) for key, each in list(got.items())[:MOST_PLACES]]
    else:
        return
    places: dict[int, list[str]] = {}
    for place, each in row:
        if type(each) in MUTABLE:
            places.setdefault(id(each), []).append(place)
    if shared := next((found for found in places.values() if len(found) > 1), None):
        for at in _repeating(scene):
            yield Clue("one_list_many_times", at, {"places": shared[:6]})


def _repeating(scene: Scene) -> list[int]:
    """Statements that put one list into many places; else those that put a name into a list."""
    multiplied = [scene.at(node) for node in scene.nodes if repeats(node) and scene.ran(node)]
    put = [
        scene.at(node) for node in scene.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and scene.ran(node)
        if node.func.attr == "append" and node.args and _is_mutable(scene, node.args[0])
    ]  # fmt: skip
    return list(dict.fromkeys(multiplied or put))


def repeats(node: ast.AST) -> bool:
    """Whether it puts one value that can change into many places."""
    match node:
        case ast.BinOp(left, ast.Mult(), right):
            return any(_holds_lists(each) for each in (left, right))
        case ast.Call(ast.Attribute(ast.Name("dict"), "fromkeys"), [_, value]):
            return is_new(value)
    return False


def _is_one(node: ast.expr) -> bool:
    """Whether it is one value in all of its places, and not two of them in turns."""
    match node:
        case ast.BinOp(ast.List([_]), ast.Mult()) | ast.BinOp(_, ast.Mult(), ast.List([_])):
            return repeats(node)
        case ast.Call():
            return repeats(node)
    return False


def _holds_lists(node: ast.expr) -> bool:
    """Whether what is repeated holds what can change: `[0] * n` shares nothing."""
    match node:
        case ast.ListComp(elt):
            held = [elt]
        case ast.List(elts):
            held = elts
        case _:
            return False
    return any(not isinstance(each, ast.Constant | ast.UnaryOp) for each in held)


def is_new(node: ast.AST | None) -> bool:
    """Whether it makes something that can change, as `[]` or `dict()`."""
    match node:
        case ast.Call(ast.Name(name)):
            return name in MAKERS
    return isinstance(node, LITERALS)


def _changes_part(scene: Scene, name: str) -> bool:
    """Whether lines that ran changed what stands in a place of the name's value, as `rows[0][1]`,
    and none gave a place another value.
    """
    changed = False
    for node in (each for each in scene.nodes if scene.ran(each)):
        match node:
            case ast.Subscript(ast.Name(base), ctx=ast.Store()) if base == name:
                return False
            case ast.Subscript(ast.Subscript(ast.Name(base)), ctx=ast.Store()):
                changed |= base == name
            case ast.Call(ast.Attribute(ast.Subscript(ast.Name(base)), method)):
                changed |= base == name and method in CHANGING
    return changed


def _is_mutable(scene: Scene, node: ast.expr) -> bool:
    """Whether it is a name that held a list, dictionary or set there, as far as that is known."""
    if not isinstance(node, ast.Name):
        return False
    return scene.values_at(node, last=True).get(node.id, "[")[:1] in ("[", "{")


def _kept_default(scene: Scene, node: ast.FunctionDef) -> Iterator[Clue]:
    """A default that calls share, and that one of them has filled."""
    arguments = node.args.args
    for argument, default in zip(arguments[::-1], node.args.defaults[::-1], strict=False):
        if not is_new(default) or (isinstance(default, ast.Call) and default.args):
            continue
        # The first call finds it as it was written.
        empty = {ast.List: "[]", ast.Dict: "{}"}.get(type(default), "set()")
        held = [
            call for call in scene.failing.calls
            if call.made_at == scene.at(node) and argument.arg in call.default_names
        ]  # fmt: skip
        # Several objects may get it while it is empty, and share what is put in later.
        later = [show(call.inputs[argument.arg]) for call in held] if len(held) > 1 else []
        if any(shown != empty for shown in [call.arguments[argument.arg] for call in held] + later):
            yield Clue("one_list_many_times", scene.at(node), {"places": [argument.arg]})


def _of_class(scene: Scene, node: ast.ClassDef) -> Iterator[Clue]:
    """A value that the class makes once, and that its objects change."""
    for part in node.body:
        match part:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), value=value):
                # One object alone has nobody to share it with, but for those of other tests.
                shared = scene.right_alone or _objects(scene, node.name) > 1
                if is_new(value) and shared and _changed_in_place(scene, name):
                    yield Clue("one_list_many_times", scene.at(part), {"attribute": name})


def _changed_in_place(scene: Scene, name: str) -> bool:
    """Whether lines that ran changed what stands behind this dot, and no object got its own."""
    changed = False
    for node in scene.nodes:
        match node:
            case ast.Attribute(attr=attribute, ctx=ast.Store()) if attribute == name:
                # `self.items += [x]` changes what is there, and gives nobody another one.
                if not isinstance(scene.listing.parent[node], ast.AugAssign):
                    return False
            case ast.Call(ast.Attribute(ast.Attribute(attr=attribute), method)) if (
                attribute == name and method in CHANGING
            ):
                changed |= scene.ran(node) > 0
            case ast.Subscript(ast.Attribute(attr=attribute), ctx=ast.Store() | ast.Del()):
                changed |= attribute == name and scene.ran(node) > 0
    return changed


def _objects(scene: Scene, kind: str) -> int:
    """How many objects of the class the calls of the failing case were given."""
    given = (each for call in scene.failing.calls for each in call.inputs.values())
    return len({id(each) for each in given if type_name(each) == kind})


def _left_behind(scene: Scene) -> Iterator[Clue]:
    """Names outside of functions that calls change: a test finds there what others have left."""
    made = {
        name: scene.at(part) for part in scene.listing.tree.body
        if isinstance(part, ast.Assign | ast.AnnAssign) for name in names_stored(part)
    }  # fmt: skip
    read = {name for node in scene.nodes if scene.ran(node) for name in names_in(node)}
    told: set[str] = set()
    for node in (each for each in scene.nodes if isinstance(each, FUNCTIONS)):
        shared = {
            name for part in walk(node) if isinstance(part, ast.Global) for name in part.names
        }
        own = {each.arg for each in node.args.args} | (set(names_stored(node)) - shared)
        for part in walk(node):
            if any(scene.at(part) in trace.counts for trace in (scene.failing, *scene.passing)):
                told |= {name for name in stored(part) if name in made and name not in own}
    for name in sorted(told & read):
        yield Clue("left_behind", made[name], {"name": name})
    yield from _left_on_class(scene)


def _left_on_class(scene: Scene) -> Iterator[Clue]:
    """What a class counts in a name of its own, as `Shop.sold += 1`."""
    for node in (each for each in scene.nodes if isinstance(each, ast.ClassDef)):
        for part in (each for each in node.body if isinstance(each, ast.Assign)):
            for name in names_stored(part):
                changed = (
                    each for each in scene.nodes
                    if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
                    if each.attr == name and isinstance(each.value, ast.Name)
                    if each.value.id in (node.name, "cls") and scene.ran(each)
                )  # fmt: skip
                if any(changed):
                    yield Clue("left_behind", scene.at(part), {"name": name})
