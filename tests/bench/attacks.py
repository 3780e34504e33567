"""What gets near and what gets past of the attacks, as a table; python -m tests.bench.attacks
tells each text that passes the rules, which the judge then is for."""

from __future__ import annotations

from tests.bench.apart import printed


def table() -> str:
    # The steps of an attempt need Django.
    return printed("from tests.bench import injected; print(injected.table())")


if __name__ == "__main__":
    print(printed("from tests.bench import injected; injected.tell()"))
