"""Codes of webhooks: refused addresses, failed deliveries."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    "bad_address": Code(400, _("This is not an address of the form https://host/path.")),
    "address_with_password": Code(
        400, _("The address must not contain a user name or a password.")
    ),
    "port_refused": Code(400, _("Ports below 1024 are not used, except 80 and 443.")),
    "private_address": Code(
        400,
        _(
            "The address belongs to an internal network; calls go to public addresses only. "
            "The administrator can allow internal ones."
        ),
    ),
    "name_unknown": Code(None, _("The name of the host is not known.")),
    "timeout": Code(None, _("No answer within ten seconds.")),
    "tls": Code(
        None,
        _("The certificate of the host is not valid, or a secure connection could not be made."),
    ),
    "no_answer": Code(None, _("The host did not answer, or its answer was not HTTP.")),
    "secret_lost": Code(
        None,
        _("The key of this installation was changed, so the secret is lost. Make a new secret."),
    ),
    "webhook_too_many": Code(409, _("You have as many webhooks as one user may have.")),
    "webhook_off": Code(409, _("The webhook is off. Switch it on first.")),
}
