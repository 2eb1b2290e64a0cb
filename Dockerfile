# The digest is that of the image for all platforms. To renew it: docker buildx imagetools inspect python:3.11-slim-trixie
FROM python:3.11.16-slim-trixie@sha256:e41613d42d4891e4930f79523f93f81bbc7632584ec65e36ab055f41a800b41e

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/srv/static DJANGO_SETTINGS_MODULE=config.settings
WORKDIR /srv/messenger-logs

COPY requirements.txt .
# Only wheels: to build a package, pip would fetch tools that no hash pins.
RUN pip install --no-cache-dir --require-hashes --only-binary=:all: --requirement requirements.txt && pip check

COPY . .
# Collecting static files reads the settings, and uses none of these.
RUN SECRET_KEY=none DATABASE_URL=postgres://none REDIS_URL=redis://none python manage.py collectstatic --no-input

RUN useradd --system --uid 10001 messenger-logs && install --directory --owner=10001 --mode=700 /srv/reports
USER messenger-logs

EXPOSE 8000
CMD ["gunicorn", "--config=config/gunicorn.conf.py", "--bind=0.0.0.0:8000"]
