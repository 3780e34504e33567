"""The shape of the code that no other tool holds: sizes, names, headers, pins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.base.settings import SETTINGS, TABLE

ROOT = Path(__file__).parents[2]
CODE = ("broker", "web", "workers")
MODULES = sorted(
    path
    for folder in CODE
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "node_modules" not in path.parts
)
SCRIPTS = sorted((ROOT / "broker" / "lua").glob("*.lua"))
PARTS = sorted((ROOT / "broker" / "lua" / "common").glob("*.lua"))
MODULE_LINES = 400
FUNCTION_LINES = 60


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function and method."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_there_is_code_to_look_at() -> None:
    assert len(MODULES) > 80
    assert len(SCRIPTS) > 15


def test_imports_only_go_down() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout


def test_no_module_is_long() -> None:
    long = {name(path) for path in MODULES if len(path.read_text().splitlines()) > MODULE_LINES}

    assert not long


def test_no_function_is_long() -> None:
    long = {
        f"{name(path)}:{function} has {lines}"
        for path in MODULES
        for function, lines in functions(path)
        if lines > FUNCTION_LINES
    }

    assert not long


def test_programs_are_read_in_one_place() -> None:
    """Anywhere else a parse may fail that another one comes into, as CPython 3.11 has it."""
    parses = re.compile(r"ast\.parse\(|literal_eval\(|PyCF_ONLY_AST")
    found = {name(path) for path in MODULES if parses.search(path.read_text())}

    # The guest is another Python, and has one thread.
    assert {each for each in found if "guest" not in each} == {"web/tutor/parsing.py"}


def test_every_module_says_what_it_owns() -> None:
    silent = {
        name(path)
        for path in MODULES
        if path.name != "apps.py" and "commands" not in path.parts
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    }

    assert not silent


def test_every_setting_in_use_is_in_the_table() -> None:
    known = set(TABLE) | {f"{setting.name}_FILE" for setting in SETTINGS if setting.secret}
    others = [ROOT / "Makefile", ROOT / "README.md", *(ROOT / "compose").glob("**/*")]
    texts = [path.read_text() for path in (*MODULES, *others) if path.is_file()]
    used = {found for text in texts for found in re.findall(r"HINTLINE_[A-Z_]*[A-Z]", text)}

    assert used
    assert used <= known
    assert {each for each in TABLE if each.startswith("HINTLINE_")} <= used


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_lua_script_opens_with_its_header(path: Path) -> None:
    header = re.match(r"(?:--.*\n)+", path.read_text())

    assert header
    lines = header[0].splitlines()
    assert re.match(r"-- [A-Z]", lines[0])
    for part in ("keys", "args", "result"):
        assert any(re.match(rf"-- {part}: \S", line) for line in lines), part


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_every_shared_part_says_what_it_is(path: Path) -> None:
    assert re.match(r"-- [A-Z].+\.", path.read_text())


def test_every_requirement_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert pins
    loose = [pin for pin in pins if not re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[\w.]+( ; |$)", pin)]
    assert not loose
    names = [pin.split("==")[0] for pin in pins]
    assert names == sorted(set(names))


def pins() -> list[tuple[str, str]]:
    """(package, file) of each exact version that a file of the product spells."""
    # tests/vllm is an environment of its own, frozen as a whole.
    files = [ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("requirements*.txt")]
    files += [path for path in (ROOT / "compose").rglob("*") if path.suffix in ("", ".yml", ".sh")]
    return [
        (package.lower(), path.name)
        for path in files
        if path.is_file() and path.name != ".env"
        for package in re.findall(r"([A-Za-z][\w.-]*)(?:\[\w,]+\])?==\d", path.read_text())
    ]


def test_every_package_has_its_version_in_one_place() -> None:
    places: dict[str, list[str]] = {}
    for package, file in pins():
        places.setdefault(package, []).append(file)

    assert len(places) > 80
    assert not {package: files for package, files in places.items() if len(files) > 1}


def test_every_development_tool_is_pinned() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    tools = [tool for group in groups.values() for tool in group if isinstance(tool, str)]
    elsewhere = {package for package, file in pins() if file.startswith("requirements")}

    assert not [tool for tool in tools if "==" not in tool and tool not in elsewhere]


def test_the_licences_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "MIT License" in (ROOT / "tests" / "data" / "LICENSE.MIT").read_text()


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

    assert not {
        name(path) for path in (*MODULES, *SCRIPTS, *PARTS) if later.search(path.read_text())
    }


WALL_CLOCK = re.compile(r"(?<!\.)\btime\(\)|\btime\.time\(|datetime\.(utc)?now\(|timezone\.now\(")
OWN_CLOCK = {
    "web/people/tokens.py", "web/ops/aside.py", "broker/nodes.py", "web/ops/doctor/stores.py",
}  # fmt: skip
"""A token ends on a day that an admin has typed; a folder put aside is named by its day; the doctor
tells people which clock is wrong."""


def test_no_process_compares_its_own_clock_with_a_stored_time() -> None:
    """Ages are the database's, leases those of Redis: a machine whose clock is wrong harms none."""
    found = {name(path) for path in MODULES if WALL_CLOCK.search(path.read_text())}

    assert found == OWN_CLOCK
