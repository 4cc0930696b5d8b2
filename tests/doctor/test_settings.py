"""Wrong settings prevent the start, each with a sentence; misspelt names give warnings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.utils import translation
from environs import EnvError, ValidationError

from classifier.speech.languages import LANGUAGES
from creativefilter.doctor import setting_checks
from creativefilter.doctor.setting_checks import ALIKE, ALIKE_IN_FILE, TAG, misspelt
from creativefilter.settings.environment import known_names
from creativefilter.site import former_names, setting_values
from creativefilter.site.variables import Variables
from tests.conftest import ROOT

WRONG = [
    ("SECRET_KEY", "abc", "50 characters"),
    ("SECRET_KEY_FALLBACKS", "k" * 50 + ",", "50 characters"),
    ("NUM_PROXIES", "-1", "greater than or equal to 0"),
    ("ALLOWED_HOSTS", "http://x/", "no name of a host"),
    ("ALLOWED_HOSTS", "x.example:8000", "no name of a host"),
    ("PUBLIC_URL", "creatives.example", "begins with https://"),
    ("STORAGE_S3_ENDPOINT", "minio:9000", "begins with https://"),
    ("UPLOAD_MAX_BYTES", "0", "greater than or equal to 1"),
    ("REQUEST_MAX_BYTES", "1", "greater than or equal to"),
    ("WEB_THREADS", "2", "greater than or equal to 3"),
    ("MEDIA_CPU_SECONDS", "241", "less than or equal to 240"),
    ("WHISPER_THREADS", "0", "greater than or equal to 1"),
    ("WHISPER_LANGUAGE", "xx", "none of the languages"),
    ("SWEEP_SECONDS", "0", "greater than or equal to 1"),
    ("JOB_REPUBLISH_SECONDS", "0", "greater than or equal to 1"),
    ("SOFT_SHUTDOWN_SECONDS", "-1", "greater than or equal to 0"),
    ("STAGE_SOFT_SECONDS", "0", "greater than or equal to 1"),
    ("REDIS_URL", "nonsense", "such as redis://"),
    ("REDIS_URL", "redis://:word@host:port/0", "such as redis://"),
    ("DATABASE_URL", "nonsense", "such as postgres://"),
    ("DATABASE_URL", "mysql://u:p@host/name", "such as postgres://"),
    ("TIME_ZONE", "Mars", "no time zone"),
    ("API_RATE", "600 per minute", "such as 600/min"),
    ("SEGMENT_MIX", "1", "reads like"),
    ("PREDICT_ANONYMOUS", "perhaps", "true or false is needed"),
    ("TOKEN_DAYS", "many", "a whole number is needed"),
    ("TARGET_PRECISION", "most", "a number is needed"),
    ("LEAST_LABELS_OF_SEGMENT", "1", "greater than or equal to 2"),
    ("LOG_LEVEL", "loud", "one of DEBUG"),
]


def manage_check(**environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py check`` with these environment variables."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "en_US.UTF-8", **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_all_wrong_settings_are_reported_in_one_run(tmp_path: Path) -> None:
    """A run sets each variable to one wrong value; runs repeat until all values were used."""
    cases_left = list(WRONG)
    while cases_left:
        cases = {name: (value, words) for name, value, words in reversed(cases_left)}
        cases_left = [case for case in cases_left if (case[1], case[2]) != cases[case[0]]]
        done = manage_check(
            DATA_DIR=str(tmp_path), **{name: value for name, (value, _) in cases.items()}
        )
        assert done.returncode == 2
        lines = {line.split('"')[1]: line for line in done.stderr.splitlines()}
        assert set(lines) == set(cases)
        for name, (_value, words) in cases.items():
            assert words in lines[name]


def test_production_reports_all_missing_settings(tmp_path: Path) -> None:
    absent = {"SECRET_KEY", "ALLOWED_HOSTS", "REDIS_URL", "DATABASE_URL"}
    environ = {name: value for name, value in os.environ.items() if name not in absent}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env={**environ, "PRODUCTION": "true", "DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert {line.split('"')[1] for line in done.stderr.splitlines()} == absent


def test_production_needs_a_broker_of_its_own(tmp_path: Path) -> None:
    done = manage_check(DATA_DIR=str(tmp_path), PRODUCTION="true", REDIS_URL="")
    assert '"REDIS_URL"' in done.stderr
    assert "such as redis://" in done.stderr


def test_defaults_follow_the_settings_they_depend_on(tmp_path: Path) -> None:
    larger = {"UPLOAD_MAX_BYTES": str(10**12), "MEDIA_WALL_SECONDS": "60.5"}
    done = manage_check(DATA_DIR=str(tmp_path), STAGE_SOFT_SECONDS="600", **larger)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_file_is_valid_and_names_known_settings(tmp_path: Path) -> None:
    done = manage_check(DATA_DIR=str(tmp_path), ENV_FILE=str(ROOT / ".env.example"))
    assert (done.returncode, done.stderr) == (0, "")
    text = (ROOT / ".env.example").read_text("utf-8").replace("# ", "")
    names = set(re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE))
    assert "PICTURES_ENCODER" in names
    assert names <= known_names() - set(former_names.SETTINGS)


def test_a_secret_is_not_printed(tmp_path: Path) -> None:
    wrong = {
        "SECRET_KEY_FALLBACKS": "hush",
        "SECRET_KEY": "hush",
        "REDIS_URL": "http://:hush@x/",
        "DATABASE_URL": "x://u:hush@h/n",
    }
    done = manage_check(DATA_DIR=str(tmp_path), **wrong)
    assert done.returncode == 2
    assert "hush" not in done.stderr


def test_former_secret_keys_are_separated_by_commas(tmp_path: Path) -> None:
    program = "from creativefilter import settings; print(settings.SECRET_KEY_FALLBACKS)"
    for value, expected in (("", []), (f"{'a' * 50},{'b' * 50}", ["a" * 50, "b" * 50])):
        environ = {**os.environ, "SECRET_KEY_FALLBACKS": value, "DATA_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == str(expected)


def test_a_wrong_value_is_replaced_by_the_default_until_seal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = Variables()
    monkeypatch.setenv("TOKEN_DAYS", "many")
    assert env.int("TOKEN_DAYS", 90) == 90
    assert env.str("NOT_SET_ANYWHERE") == ""
    with pytest.raises(EnvError) as raised:
        env.seal()
    assert str(raised.value).splitlines() == [
        'Environment variable "TOKEN_DAYS" invalid: Not a valid integer. '
        "(a whole number is needed)",
        'Environment variable "NOT_SET_ANYWHERE" invalid: Environment variable not set.',
    ]


@pytest.mark.parametrize(
    ("rule", "right"),
    [
        (setting_values.host_names, ["x.example", ".x.example", "*", "10.1.2.3", "[::1]", "my_pc"]),
        (setting_values.web_addresses, ["", "https://x.example", "http://10.1.2.3:8000"]),
        (setting_values.web_addresses, ["https://*.x.example"]),
    ],
)
def test_valid_values_are_accepted(rule: object, right: list[str]) -> None:
    assert rule(right) is None  # type: ignore[operator]


def test_broker_addresses_are_validated() -> None:
    for right in ("", "redis://localhost", "rediss://:word@host:6380/1"):
        setting_values.broker_address(right)
    for wrong in ("localhost:6379", "http://localhost", "redis://", "redis://host:x"):
        with pytest.raises(ValidationError):
            setting_values.broker_address(wrong)


def test_the_languages_are_those_of_whisper() -> None:
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(tokenizer._LANGUAGE_CODES) == LANGUAGES


# Names


def documented() -> set[str]:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}


def names_in_sources() -> set[str]:
    """Return the names that the settings modules read."""
    folder = ROOT / "creativefilter" / "settings"
    sources = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', sources))


def test_every_setting_is_known_and_documented() -> None:
    assert names_in_sources() - known_names() == set()
    assert names_in_sources() - documented() == set()
    assert documented() - known_names() == set()


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("WHISPER_BEEM_SIZE", "WHISPER_BEAM_SIZE"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("DATADIR", "DATA_DIR"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("Public_Url", "PUBLIC_URL"),
        ("STORAGE_S3_BUCKETS", "STORAGE_S3_BUCKET"),
    ],
)
def test_a_misspelt_name_is_matched_to_the_setting(name: str, guess: str) -> None:
    assert list(misspelt([name], known_names(), ALIKE)) == [(name, guess)]


OTHERS = [
    "PATH", "HOME", "HOSTNAME", "PGHOST", "PGDATABASE", "POSTGRES_USER", "POSTGRES_DB", "TZ",
    "XDG_DATA_DIRS", "XDG_DATA_HOME", "REDIS_PORT", "REDIS_PORT_6379_TCP", "REDIS_SERVICE_PORT",
    "WEB_CONCURRENCY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PYTHONPATH", "SUPPORT",
    "TEST_DATABASE", "DJANGO_SETTINGS_MODULE", "SSL_CERT_FILE", "PORTS", "GHOST", "TMPDIR",
]  # fmt: skip


def test_variables_of_other_programs_are_not_taken_for_misspelt() -> None:
    assert list(misspelt(OTHERS, known_names(), ALIKE)) == []
    assert list(misspelt(known_names(), known_names(), ALIKE_IN_FILE)) == []


def test_the_system_check_warns_about_misspelt_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_checks(tags=[TAG]) == []
    monkeypatch.setenv("WHISPER_BEEM_SIZE", "1")
    monkeypatch.setattr(setting_checks, "NAMES_IN_FILE", {"TARGET_PRECISON", "COMPOSE_PROFILES"})
    with translation.override("en"):
        warnings = [message.msg for message in run_checks(tags=[TAG])]
    assert warnings == [
        "TARGET_PRECISON is not a setting and is ignored: did you mean TARGET_PRECISION?",
        "WHISPER_BEEM_SIZE is not a setting and is ignored: did you mean WHISPER_BEAM_SIZE?",
    ]


def test_the_file_sets_environment_variables_and_accepts_former_names(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("VIDEO_ENCODER=\nHOST=10.9.9.9\nAWS_REGION=ru\nDATADIR=/x\n")
    code = (
        "import os; from creativefilter import settings; "
        "print(repr(settings.PICTURES_ENCODER), os.environ['HOST'], os.environ['AWS_REGION'])"
    )
    environ = {name: value for name, value in os.environ.items() if name != "PICTURES_ENCODER"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        cwd=ROOT, env={**environ, "ENV_FILE": str(file), "DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "'' 10.9.9.9 ru\n"
    [former] = former_names.SETTINGS
    assert f"{former} is now called" in done.stderr


def test_only_one_key_of_a_bucket_gives_a_warning(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"access_key": "a", "secret_key": None}
    monkeypatch.setattr("django.conf.settings.STORAGE_S3_BUCKET", "creatives")
    monkeypatch.setattr("django.conf.settings.STORAGE_S3", keys)
    with translation.override("en"):
        [message] = run_checks(tags=[TAG])
    assert "Set both STORAGE_S3_ACCESS_KEY" in message.msg
