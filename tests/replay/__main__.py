"""`python -m tests.replay FILE`: what a running site makes of the programs in it."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django.setup()

from tests.replay.replay import Command  # noqa: E402  # it needs the settings of the line above

Command().run_from_argv(["python -m", "tests.replay", *sys.argv[1:]])
