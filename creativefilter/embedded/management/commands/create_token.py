"""A new access token for a user, shown once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from creativefilter.accounts import tokens


class Command(BaseCommand):
    help = "Creates an access token for a user and prints it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="What the token is for.")

    def handle(self, *args: Any, username: str, name: str, **options: Any) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(_("There is no user named %s.") % username)
        try:
            issued = tokens.issue(user, name)
        except tokens.TooManyError as error:
            raise CommandError(_("%s has as many tokens as one may have.") % username) from error
        self.stdout.write(issued.value)
