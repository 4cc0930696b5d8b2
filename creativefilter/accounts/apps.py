from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "creativefilter.accounts"
    verbose_name = _("Access")

    def ready(self) -> None:
        from creativefilter.accounts import roles, tokens, user_signals  # noqa: F401

        # ``accounts`` is last in INSTALLED_APPS, so all permissions exist when this is called.
        post_migrate.connect(roles.synchronise, sender=self)
        post_save.connect(tokens.describe, sender="knox.AuthToken")
