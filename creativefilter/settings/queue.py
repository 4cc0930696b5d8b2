"""Jobs and Celery; docs/architecture.md gives the reasons for the values."""

from __future__ import annotations

from datetime import timedelta

from environs import validate

from creativefilter.settings.environment import DATA_DIR, REDIS_URL, env
from creativefilter.site import broker_address
from creativefilter.site.lanes import PRIORITY_STEPS, Lane, priority, queue

JOB_MAX_ATTEMPTS = 3
STAGE_SOFT_SECONDS: int = env.int("STAGE_SOFT_SECONDS", 300, validate=validate.Range(1))
# Native code does not notice the soft limit; at the hard limit the process is killed.
STAGE_HARD_SECONDS: int = env.int(
    "STAGE_HARD_SECONDS",
    STAGE_SOFT_SECONDS + 30,
    validate=validate.Range(STAGE_SOFT_SECONDS, min_inclusive=False),
)
# Renewed four times per lease. Claims of a dead host are released within one and a half leases and
# two sweeps.
JOB_LEASE = timedelta(seconds=env.int("JOB_LEASE_SECONDS", 30, validate=validate.Range(2)))
# Time after which a job that is still queued gets another message.
JOB_REPUBLISH_AFTER = timedelta(
    seconds=env.int("JOB_REPUBLISH_SECONDS", 300, validate=validate.Range(1))
)
# Most open jobs per user, and how long ended jobs are kept.
OPEN_JOBS_PER_USER: int = env.int("OPEN_JOBS_PER_USER", 1000, validate=validate.Range(1))
JOBS_KEPT_DAYS: int = env.int("JOBS_KEPT_DAYS", 90, validate=validate.Range(1))
SWEEP_SECONDS: int = env.int("SWEEP_SECONDS", 15, validate=validate.Range(1))

# Placeholder for "no broker": no application runs on this data folder, so commands leave their jobs
# in the database until one does.
NO_BROKER = "redis://127.0.0.1:2/0"
CELERY_BROKER_URL = REDIS_URL or broker_address.of_running_application(DATA_DIR) or NO_BROKER
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the hard limit and the wait of one prefetched task; the same in every process.
    "visibility_timeout": 3 * STAGE_HARD_SECONDS,
    # A request that queues a job waits for the broker no longer than this.
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "max_retries": 0,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # A worker that serves several queues takes from the first one that is not empty.
    "queue_order_strategy": "priority",
    "priority_steps": PRIORITY_STEPS,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
# Redelivery after a killed process would never end: the Job row counts attempts instead.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SOFT_TIME_LIMIT = STAGE_SOFT_SECONDS
CELERY_TASK_TIME_LIMIT = STAGE_HARD_SECONDS
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = queue(Lane.UPKEEP)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT: float = env.float(
    "SOFT_SHUTDOWN_SECONDS", 10.0, validate=validate.Range(0)
)
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS, "priority": priority(Lane.UPKEEP)},
    },
}
