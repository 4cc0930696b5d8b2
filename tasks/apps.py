from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

    def ready(self) -> None:
        # Connects the signal receivers in every process, since pages and commands queue jobs too.
        from tasks import doctor, publishing  # noqa: F401
