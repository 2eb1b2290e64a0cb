from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        from web import listings  # noqa: F401 (importing registers them, also for reports that workers make)
