"""What a model is asked for a hint: how long that is, and how soon a worker has made it."""

from __future__ import annotations

from tests.bench.apart import printed


def table() -> str:
    # What is asked is made of the seed's rows.
    return printed("from tests.bench import prompts; print(prompts.table())")
