"""A site that fails with a person's data everywhere, and tells Sentry and a collector. A test runs it as a program."""

import logging
import os
import sys
from io import BytesIO
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
sys.argv = ["site"]

import requests  # noqa: E402
from celery import shared_task  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

# Not in the source, which is part of a stack.
PERSON = os.environ["PERSON"]


@shared_task(name="tests.fails")
def fails(address: str) -> None:
    raise ValueError(f"{address} is odd")


def broken(request: HttpRequest, person: str) -> HttpResponse:
    whose = request.POST["name"]
    logging.getLogger("tests").error("%s is ill", whose)
    requests.get(f"{os.environ['STAND_IN']}/v3/{whose}?to={whose}", auth=("api", whose), timeout=10)
    fails.apply(args=[whose])
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [whose])
    return HttpResponse(whose)


urlpatterns = [path("broken/<str:person>/", broken)]
handler500 = "web.views.errors.failed"


def main() -> None:
    from django.conf import settings

    from config.wsgi import application

    settings.ROOT_URLCONF = "telemetry_site"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    application.application.load_middleware()
    body = f"name={PERSON}".encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/broken/{PERSON}/",
        "QUERY_STRING": f"person={PERSON}",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": f"seen={PERSON}",
        "HTTP_X_REQUEST_ID": "request-of-a-test",
        "HTTP_BAGGAGE": f"who={PERSON}",
        "HTTP_USER_AGENT": PERSON,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }
    answers: list[str] = []
    b"".join(application(environ, lambda status, headers: answers.append(status)))
    print(answers[0])

    import sentry_sdk
    from opentelemetry import trace

    sentry_sdk.flush(20)
    trace.get_tracer_provider().force_flush()


if __name__ == "__main__":
    sys.modules["telemetry_site"] = sys.modules["__main__"]
    main()
