"""`python -m workers node | worker ENGINE | engine | scale | drain | resume | status`."""

from __future__ import annotations

import argparse
import os
import re
import sys

from broker.errors import HintlineError
from broker.settings import check_environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    node = commands.add_parser("node", help="run the workers of this machine")
    node.add_argument(
        "--gpu", type=gpus, default={}, metavar="0,1",
        help="serve only the engines gpu0 and gpu1, each worker seeing its GPU alone",
    )  # fmt: skip
    worker = commands.add_parser("worker", help="run one worker process")
    worker.add_argument("engine", help="name of the engine it serves, as in the admin")
    worker.add_argument("--slots", type=int, required=True, help="hints it may write at once")
    commands.add_parser("engine", help="run the local model server")
    options = parser.parse_args()
    try:
        check_environment()
        run(options)
    except HintlineError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    return 0


def run(options: argparse.Namespace) -> None:
    # Each command imports only what it needs: the model server has no use for Django.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    if options.command == "engine":
        from workers.engine import serve

        serve()
        return
    import django

    django.setup()
    if options.command == "worker":
        from workers.process import run_worker

        run_worker(options.engine, options.slots)
    else:
        import asyncio

        from workers.node import Node

        asyncio.run(Node(options.gpu).run())


def gpus(text: str) -> dict[str, str]:
    """Engine to GPU index, from `0,1`."""
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write GPU indexes such as 0 or 0,1")
    return {f"gpu{int(index)}": str(int(index)) for index in text.split(",")}


if __name__ == "__main__":
    sys.exit(main())
