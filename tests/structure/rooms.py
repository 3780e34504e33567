"""A contract for import-linter: rooms, and all that each may import."""

from __future__ import annotations

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class Rooms(Contract):
    """An allow-list for every module of the root packages.

    table: lines `room: what it may import`, each of them a name: `web.tutor` for all that is
    below it, `broker.*` for the modules that stand in it, or one module. A module belongs to the
    longest name that fits; one that belongs to none breaks the contract, as does a name in a line
    that nobody of that room imports any more. Of other packages the first name counts; the
    standard library is open to all.
    """

    table = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        lines = [line.partition(":") for line in cast(list[str], self.table)]
        allowed = {room: more.split() for room, _, more in lines}
        unused = {(room, name) for room, names in allowed.items() for name in names}
        wrong = []
        for module in sorted(graph.modules):
            room = longest(module, allowed)
            for other in graph.find_modules_directly_imported_by(module):
                if other.partition(".")[0] in sys.stdlib_module_names:
                    continue
                if room is None:
                    wrong.append(f"{module} is in no room.")
                elif (name := longest(other, allowed[room])) is not None:
                    unused.discard((room, name))
                elif longest(other, allowed) != room:
                    wrong.append(f"{module} ({room}) imports {other}.")
        wrong += [f"Nobody of {room} imports {name}." for room, name in sorted(unused)]
        return ContractCheck(kept=not wrong, metadata={"wrong": sorted(set(wrong))})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in cast(list[str], check.metadata["wrong"]):
            output.print_error(line)


def longest(module: str, names: object) -> str | None:
    """Of these names the one that says most of the module; None if none fits."""
    found = [name for name in cast(list[str], names) if fits(module, name)]
    return max(found, key=len, default=None)


def fits(module: str, name: str) -> bool:
    if name.endswith(".*"):
        return module.rpartition(".")[0] == name[:-2]
    return module == name or module.startswith(f"{name}.")
