"""Former names of settings and options: still accepted, with a warning that gives the new name."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import MutableMapping, Sequence
from typing import Any

SETTINGS = {"VIDEO_ENCODER": "PICTURES_ENCODER"}
"""Environment variables: former name to current name."""


def adopt(environment: MutableMapping[str, str]) -> None:
    """Set current names from former ones; a current name that is set takes precedence."""
    for former, name in SETTINGS.items():
        if former in environment:
            # Python shows a FutureWarning by default, but not a DeprecationWarning.
            warnings.warn(
                f"{former} is now called {name}; set that instead.", FutureWarning, stacklevel=2
            )
            environment.setdefault(name, environment[former])


class FormerOption(argparse.Action):
    """Command option under its former name; ``dest`` is that of the current option."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        hidden = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        super().__init__(option_strings, dest, **{**options, **hidden})

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        name = self.dest.replace("_", "-")
        sys.stderr.write(f"{option_string} is now called --{name}; use that instead.\n")
        setattr(namespace, self.dest, values)
