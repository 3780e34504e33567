"""`python -m workers node | worker ENGINE | engine`: what runs beside the web app."""

from __future__ import annotations

import argparse
import os
import sys

from broker.errors import HintlineError
from broker.settings import check_environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("node", help="run a worker process for every engine of the AI mode")
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

        asyncio.run(Node().run())


if __name__ == "__main__":
    sys.exit(main())
