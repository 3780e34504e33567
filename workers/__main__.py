"""What runs beside the web app, and what ops type to look after it."""

from __future__ import annotations

import argparse
import os
import sys

from broker.base.errors import HintlineError
from broker.base.settings import check_environment
from workers.arguments import parser


def main() -> int:
    options = parser(__doc__).parse_args()
    try:
        check_environment()
        return run(options)
    except HintlineError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def run(options: argparse.Namespace) -> int:
    """The exit status. Each command imports only what it needs: the model server no Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    if options.command == "engine":
        from workers.engine.local import serve

        serve()
        return 0
    if options.command == "worker":
        os.environ["DJANGO_SETTINGS_MODULE"] = "workers.settings"
    import django

    django.setup()
    if options.command == "worker":
        from workers.process import run_worker

        run_worker(options.engine, options.slots)
    elif options.command == "node":
        import uvloop

        from workers.node.exposition import together

        with together():
            from workers.node.node import Node

            uvloop.run(Node(options.gpu).run())
    else:
        from workers import console

        return console.run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
