"""What runs beside the web app, and what ops type to look after it."""

from __future__ import annotations

import argparse
import os
import re
import sys

from broker.base.errors import HintlineError
from broker.base.settings import check_environment


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    node = commands.add_parser("node", help="run the workers of this machine")
    node.add_argument(
        "--gpu", type=gpus, default={}, metavar="0,1",
        help="serve only the engines gpu0 and gpu1, each worker seeing its GPU alone",
    )  # fmt: skip
    worker = commands.add_parser("worker", help="run one worker process")
    worker.add_argument("engine", help="name of the engine it serves, as in the admin")
    worker.add_argument("--slots", type=int, required=True, help="hints it may write at once")
    commands.add_parser("engine", help="run the local model server")
    scale = commands.add_parser("scale", help="set how many workers an engine has, over all nodes")
    scale.add_argument("counts", nargs="+", metavar="ENGINE=COUNT", help="for example gpu0=3")
    scale.add_argument("--slots", default="", help="hints that each of these workers may write")
    for name, about_it in (
        ("drain", "let an engine finish what it has, then stop its workers"),
        ("resume", "end the drain of an engine"),
    ):
        command = commands.add_parser(name, help=about_it)
        command.add_argument("engines", nargs="+", metavar="ENGINE", help="name, as in the admin")
    status = commands.add_parser("status", help="show engines, workers and nodes, live")
    status.add_argument("--once", action="store_true", help="print the table once")
    return top


def gpus(text: str) -> dict[str, str]:
    """Engine to GPU index, from `0,1`."""
    if not re.fullmatch(r"\d+(,\d+)*", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r}: write GPU indexes such as 0 or 0,1")
    # Through int, so that 01 and 1 are one GPU.
    return {f"gpu{int(index)}": str(int(index)) for index in text.split(",")}


def main() -> int:
    options = parser().parse_args()
    try:
        check_environment()
        return run(options)
    except HintlineError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def run(options: argparse.Namespace) -> int:
    """The exit status. Each command imports only what it needs: the model server no Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    if options.command == "engine":
        import asyncio

        from workers.engine.switch import serve

        asyncio.run(serve())
        return 0
    if options.command == "worker":
        # Not as a default: the node that starts a worker hands on its own settings.
        os.environ["DJANGO_SETTINGS_MODULE"] = "workers.settings"
        # Celery would run Django's checks, which load the pages and the admin.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
    import django

    django.setup()
    if options.command == "worker":
        from workers.process import run_worker

        run_worker(options.engine, options.slots)
    elif options.command == "node":
        import uvloop

        from workers.node.exposition import together

        # Loaded within, as a metric is shared with other processes from when it is made.
        with together():
            from workers.node.node import Node

            uvloop.run(Node(options.gpu).run())
    else:
        from workers import console

        return console.run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
