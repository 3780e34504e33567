"""The command line of `python -m workers`: names and arguments, nothing that runs."""

from __future__ import annotations

import argparse
import re


def parser(about: str | None) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m workers", description=about)
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
    return {f"gpu{int(index)}": str(int(index)) for index in text.split(",")}
