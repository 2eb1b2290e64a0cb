"""The web server's way in. A person waits for each answer, so it gives up on the database sooner than a task."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.chunked_bodies import ChunkedBodies
from config.telemetry import start_tracing

# Reports that are made at once have 20 seconds for a statement (web/responses.py).
_SECONDS = {"STATEMENT_SECONDS": "30", "LOCK_SECONDS": "5", "IDLE_TRANSACTION_SECONDS": "60"}

for name, seconds in _SECONDS.items():
    os.environ.setdefault(name, seconds)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
    # Before the application reads its middleware.
    start_tracing(settings.OTEL_EXPORTER_OTLP_ENDPOINT)
application = ChunkedBodies(get_wsgi_application(), most=settings.API_MAX_BYTES)
