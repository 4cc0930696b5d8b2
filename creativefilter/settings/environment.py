"""The environment as the other modules of settings read it, and where things lie."""

from __future__ import annotations

import os
from pathlib import Path

from environs import Env

from creativefilter.site import former_names

BASE_DIR = Path(__file__).resolve().parents[2]
env = Env()
# What the environment says itself wins. ENV_FILE names another file, or none.
if file := os.environ.get("ENV_FILE", str(BASE_DIR / ".env")):
    env.read_env(file, recurse=False)
former_names.adopt(os.environ)
PRODUCTION: bool = env.bool("PRODUCTION", False)
DATA_DIR: Path = Path(env.str("DATA_DIR", str(BASE_DIR / "data"))).resolve()
# Empty: the embedded broker; the supervisor sets it for the processes that it starts.
REDIS_URL: str = env.str("REDIS_URL") if PRODUCTION else env.str("REDIS_URL", "")
