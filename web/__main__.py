"""`python -m web COMMAND`: Django's management commands, and ours."""

import os
import sys
from io import TextIOWrapper

from broker.base.errors import BadSetting, HintlineError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that is not of UTF-8 shows a mark for what it lacks.
        sys.stdout.reconfigure(errors="replace")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["python -m web", *sys.argv[1:]])
    except BadSetting as error:
        sys.exit(f"Bad setting: {error}")
    # Such as prompts that cannot be used, which are read as soon as anything is loaded.
    except HintlineError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
