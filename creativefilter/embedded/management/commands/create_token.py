"""Create an access token for a user and print it once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails
from creativefilter.site.commands import BaseCommand, UsageError


class Command(BaseCommand):
    help = gettext_lazy("Creates an access token for a user and prints it once.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help=_("what the token is for"))

    def handle(self, *args: Any, username: str, name: str, **options: Any) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise UsageError(_("There is no user named %s.") % username)
        limit = TokenDetails._meta.get_field("name").max_length or 0
        if len(name) > limit:
            raise UsageError(_("The name of a token has at most %d characters.") % limit)
        self.stdout.write(tokens.issue(user, name).value)
