from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

    def ready(self) -> None:
        # Every process that queues a job or a delivery sends it to the broker: pages and commands
        # as well as workers.
        from tasks import doctor, publishing  # noqa: F401
