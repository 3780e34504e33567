"""The contract of the rooms breaks where it should: it holds what no other test would see."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from tests.structure.rooms import Rooms

TABLE = ["low:", "high.hall: low json5", "high.*: high.hall"]
"""As a house that the imports below are built into."""
HOUSE = (("high.hall.a", "low.x"), ("high.hall.a", "json5"), ("high.top", "high.hall.a"))


def wrong(*more: tuple[str, str], table: list[str] = TABLE) -> list[str]:
    graph = ImportGraph()
    for importer, imported in (*HOUSE, *more):
        graph.add_import(importer=importer, imported=imported)
    contract = Rooms("rooms", {}, {"table": table})
    found: list[str] = contract.check(graph, verbose=False).metadata["wrong"]
    return found


def test_a_house_in_order_is_kept() -> None:
    assert wrong() == []


def test_a_room_is_free_inside_and_to_use_the_standard_library() -> None:
    assert wrong(("high.hall.a", "high.hall.b"), ("low.x", "json.decoder")) == []


@pytest.mark.parametrize(
    ("importer", "imported", "told"),
    [
        ("low.x", "high.hall.a", "low.x (low) imports high.hall.a."),
        ("low.x", "json5", "low.x (low) imports json5."),
        ("high.hall.b", "high.top", "high.hall.b (high.hall) imports high.top."),
        ("high.top", "low.x", "high.top (high.*) imports low.x."),
        ("high.cellar.a", "low.x", "high.cellar.a is in no room."),
    ],
)
def test_what_no_line_allows_is_named(importer: str, imported: str, told: str) -> None:
    assert wrong((importer, imported)) == [told]


def test_a_line_that_allows_too_much_is_named() -> None:
    loose = [*TABLE[:2], "high.*: high.hall low redis"]

    assert wrong(table=loose) == [
        "Nobody of high.* imports low.", "Nobody of high.* imports redis."
    ]  # fmt: skip
