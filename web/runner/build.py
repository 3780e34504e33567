"""Builds the sandbox: CPython with the guest as a WebAssembly component, and its machine code.

python -m web.runner.build makes it where it is missing; it takes about half a minute.
"""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import tempfile
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

# It takes 5 MB of each process, and workers ask of the sandbox only whether it is there. So it is
# loaded where it is used.
if TYPE_CHECKING:
    from wasmtime import Config, Engine

GUEST = Path(__file__).parent / "guest"
FOLDER = Path(sys.prefix) / "hintline"
"""Beside the packages: it is made for their versions, and like them for this kind of machine."""
STACK_BYTES = 64 << 20
"""Deep recursion in C ends in RecursionError, as in any Python, only while there is more stack
than CPython believes; wasmtime's own 0.5 MB end in a trap."""
MOST_MEMORY_BYTES = 512 << 20
"""No run may have more, whatever its limits say."""
KEPT_BYTES = 40 << 20
"""Memory that a child process holds between two runs: what Python has loaded, and a little."""
KEPT = 6
"""Builds of other guests, as of another branch, that are left where they are."""
TARGETS = {
    ("Linux", "x86_64"): "x86_64-unknown-linux-gnu",
    ("Linux", "aarch64"): "aarch64-unknown-linux-gnu",
    ("Darwin", "x86_64"): "x86_64-apple-darwin",
    ("Darwin", "arm64"): "aarch64-apple-darwin",
}


class NotBuilt(RuntimeError):
    """There is no sandbox for this guest and these packages."""


def machine_code() -> Path:
    """Where the sandbox of this guest is, or would be."""
    return FOLDER / f"{_digest()}.cwasm"


def require() -> Path:
    """As machine_code. Raises: NotBuilt."""
    path = machine_code()
    if not path.exists():
        raise NotBuilt("The sandbox for students' programs is missing: python -m web.runner.build")
    return path


def wasm_engine(*, reuses: bool = False) -> Engine:
    """wasmtime as both the build and the runs need it. Raises: NotBuilt on another machine.

    reuses: put back the memory of a run that is over, where it lies, for the next one.
    """
    target = _target()  # first, as on another machine wasmtime cannot even be loaded
    from wasmtime import Config, Engine
    from wasmtime._bindings import dll  # type: ignore[attr-defined]

    config = Config()
    config.epoch_interruption = True
    # Named, so that the code runs on every machine of its kind: else it would use whatever the
    # processor that it was built on has.
    config.target = target
    set_stack = dll.wasmtime_config_async_stack_size_set  # it has no name in wasmtime-py yet
    set_stack.argtypes, set_stack.restype = [ctypes.c_void_p, ctypes.c_size_t], None
    set_stack(ctypes.cast(config.ptr(), ctypes.c_void_p), STACK_BYTES + (1 << 20))
    config.max_wasm_stack = STACK_BYTES
    if reuses:
        _reuse(config)
    return Engine(config)


def _reuse(config: Config) -> None:
    from wasmtime._bindings import dll  # type: ignore[attr-defined]

    # To copy what a run has changed is a third of the work of asking for each page of it again.
    sizes = {
        "total_component_instances": 1, "total_core_instances": 100, "total_memories": 1,
        "total_tables": 50, "max_core_instances_per_component": 100,
        "max_memories_per_component": 1, "max_tables_per_component": 50,
        "max_tables_per_module": 10, "table_elements": 100_000,
        "max_component_instance_size": 10 << 20, "max_core_instance_size": 10 << 20,
        "max_memory_size": MOST_MEMORY_BYTES,
        "linear_memory_keep_resident": KEPT_BYTES,
    }  # fmt: skip
    make = dll.wasmtime_pooling_allocation_config_new  # nor have these
    make.argtypes, make.restype = [], ctypes.c_void_p
    pool = make()
    for name, size in sizes.items():
        set_size = getattr(dll, f"wasmtime_pooling_allocation_config_{name}_set")
        set_size.argtypes, set_size.restype = [ctypes.c_void_p, ctypes.c_size_t], None
        set_size(pool, size)
    for function, values in (
        (dll.wasmtime_pooling_allocation_strategy_set, [config.ptr(), pool]),
        (dll.wasmtime_pooling_allocation_config_delete, [pool]),
    ):
        function.argtypes, function.restype = [ctypes.c_void_p] * len(values), None
        function(*(ctypes.cast(value, ctypes.c_void_p) for value in values))


def build(path: Path) -> None:
    """Raises: CalledProcessError if componentize-py cannot read the guest."""
    from wasmtime.component import Component

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        component = Path(folder) / "runner.wasm"
        subprocess.run(  # noqa: S603  # our own arguments
            [
                str(Path(sys.executable).parent / "componentize-py"),
                "--quiet", "-d", str(GUEST / "runner.wit"), "-w", "sandbox",
                "componentize", "-p", str(GUEST.parent), "guest.app", "-o", str(component),
            ],
            check=True,
            # Told of no virtual environment, it takes the guest alone.
            env={"PATH": "/nonexistent"},
        )  # fmt: skip
        code = Path(folder) / "runner.cwasm"
        code.write_bytes(Component.from_file(wasm_engine(), str(component)).serialize())
        os.replace(code, path)
    _built_with(path).write_text(version("componentize-py"))


def main() -> None:
    path = machine_code()
    by = _built_with(path)
    try:
        if path.exists() and by.exists() and by.read_text() == version("componentize-py"):
            path.touch()
            return
        print("Building the sandbox for students' programs (half a minute, once) …", flush=True)  # noqa: T201
        build(path)
    except (PackageNotFoundError, NotBuilt) as error:
        raise SystemExit(f"The sandbox cannot be built here: {error}") from None
    old = sorted(FOLDER.glob("*.cwasm"), key=lambda each: each.stat().st_mtime)[:-KEPT]
    for each in old:
        each.unlink()
        _built_with(each).unlink(missing_ok=True)


def _built_with(path: Path) -> Path:
    return path.with_suffix(".version")


def _target() -> str:
    here = (platform.system(), platform.machine())
    if here not in TARGETS:
        allowed = ", ".join(" ".join(each) for each in TARGETS)
        raise NotBuilt(f"programs can be run on {allowed}; this is {' '.join(here)}.")
    return TARGETS[here]


def _digest() -> str:
    found = blake2b(digest_size=10)
    for part in (version("wasmtime"), platform.system(), platform.machine(), str(STACK_BYTES)):
        found.update(part.encode() + b"\0")
    for path in sorted([*GUEST.glob("*.py"), *GUEST.glob("*.wit")]):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


if __name__ == "__main__":
    main()
