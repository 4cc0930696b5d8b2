"""A server of ``manage.py`` command lines, each run in a forked process.

A start of the interpreter with all imports takes seconds; here that is done once and forked. Each
line of standard input is a request (see ``tests.commands.matrix.Program``), each line of standard
output the exit status of the command.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from typing import Any

OPENED = ("open", "os.listdir", "os.scandir")


def requested() -> dict[str, Any]:
    """Read requests and fork for each; return the request in the child process."""
    while line := os.read(0, 65536):
        child = os.fork()
        if not child:
            request: dict[str, Any] = json.loads(line)
            return request
        _pid, status = os.waitpid(child, 0)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def redirect(request: dict[str, Any]) -> None:
    """Redirect standard output to a file or a closed pipe, and standard error to a file."""
    if request["closed_pipe"]:
        reader, out = os.pipe()
        os.close(reader)
    else:
        out = os.open(request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(os.open(request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def interrupt_at_work(number: int, folder: str) -> None:
    """Send this process a signal as soon as it opens the database or a file of the folder."""
    sent: list[int] = []

    def hook(event: str, arguments: Any) -> None:
        opened = event in OPENED and str(arguments[0]).startswith(folder)
        if (opened or event == "sqlite3.connect") and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)

    sys.addaudithook(hook)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
    import django
    from django.core.management import get_commands, load_command_class

    from creativefilter.site.commands import main

    django.setup()
    for name, app in get_commands().items():
        if app.startswith("creativefilter."):
            load_command_class(app, name)
    gc.freeze()
    asked = requested()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redirect(asked)
    if asked["signal"]:
        interrupt_at_work(asked["signal"], asked["folder"])
    main(["manage.py", *asked["arguments"]])
