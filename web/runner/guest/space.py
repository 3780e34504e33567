"""The namespace of a student's program: that of a module which is really there."""

from __future__ import annotations

import sys
from types import ModuleType

from . import console

MODULE = "program"


def space(name: str = MODULE) -> dict[str, object]:
    """A fresh one. name: `__main__` where the program is run, else that of a module.

    Dataclasses, enums and type hints look their module up by its name.
    """
    console.fresh()
    module = ModuleType(name)
    sys.modules[name] = module
    return module.__dict__
