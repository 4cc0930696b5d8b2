"""Reader of environment variables for the other settings modules, and the base folders."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values, load_dotenv

from creativefilter.site import former_names, setting_values
from creativefilter.site.variables import Variables

BASE_DIR = Path(__file__).resolve().parents[2]
env = Variables()
# Variables of the environment take precedence over the file. ENV_FILE names another file than .env;
# "" means none. The lines of the file become environment variables of this process, so libraries
# and child processes see them too.
_file = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
NAMES_IN_FILE = frozenset(dotenv_values(_file)) if _file else frozenset()
if _file:
    load_dotenv(_file)
former_names.adopt(os.environ)
PRODUCTION: bool = env.bool("PRODUCTION", False)
DATA_DIR: Path = Path(env.str("DATA_DIR", str(BASE_DIR / "data"))).resolve()
if PRODUCTION:
    REDIS_URL: str = env.str("REDIS_URL", validate=setting_values.broker_server)
else:
    # "" means the embedded broker; the supervisor sets REDIS_URL for the processes it starts.
    REDIS_URL = env.str("REDIS_URL", "", validate=setting_values.broker_address)


# Variables that ``env`` may not have read: some are read only under a condition, some by commands
# or by docker-compose.yml. Former names are accepted, too.
_OTHER_NAMES = (
    "CSRF_TRUSTED_ORIGINS",
    "ENV_FILE",
    "HOST",
    "HTTP_PORT",
    "PORT",
    "POSTGRES_PASSWORD",
    "SECURE_HSTS_PRELOAD",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "STATIC_ROOT",
    *former_names.SETTINGS,
)


def known_names() -> set[str]:
    """Return the names of all accepted variables; complete once all settings are loaded."""
    return {*env.dump(), *_OTHER_NAMES}
