"""Sentences for what keeps a webhook from being called."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ERRORS: dict[str, str | Promise] = {
    "bad_address": _("This is not an address of the form https://host/path."),
    "address_with_password": _("An address with a name or a password in it is not used."),
    "port_refused": _("Ports below 1024 are not used, except 80 and 443."),
    "private_address": _(
        "The address belongs to an internal network; calls go to public addresses only. "
        "The administrator can allow internal ones."
    ),
    "name_unknown": _("The name of the host is not known."),
    "timeout": _("No answer within ten seconds."),
    "tls": _("The certificate of the host is not valid, or no secure connection came about."),
    "no_answer": _("The host did not answer, or not as a web server does."),
    "secret_lost": _(
        "The key of this installation was changed, so the secret is lost. Make a new secret."
    ),
    "too_many": _("You have as many webhooks as one user may have."),
    "off": _("The webhook is off. Switch it on first."),
}


def sentence(code: str) -> str:
    """The sentence of a code in the language of the reader; the code itself if there is none."""
    return str(ERRORS.get(code, code))
