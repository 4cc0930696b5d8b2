"""Settings, read strictly from the environment: a value that does not parse stops the start.

On one machine every setting has a default (SQLite, embedded broker, a secret key generated into the
data folder). With ``PRODUCTION=true`` secrets and addresses have none. Each module holds one
concern.
"""

# ruff: noqa: F403, F405  (Django reads the settings as names of this module)

from creativefilter.settings.api import *
from creativefilter.settings.base import *
from creativefilter.settings.content_policy import *
from creativefilter.settings.environment import *
from creativefilter.settings.limits import *
from creativefilter.settings.openapi import *
from creativefilter.settings.queue import *
from creativefilter.settings.recognition import *
from creativefilter.settings.storage import *
from creativefilter.settings.theme import UNFOLD as UNFOLD

# Until here wrong values were replaced by their defaults, so that one error names them all.
env.seal()
