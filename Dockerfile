FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/srv/static DJANGO_SETTINGS_MODULE=config.settings
WORKDIR /srv/messenger-logs

COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt && pip check

COPY . .
# Collecting static files reads the settings, and uses none of these.
RUN SECRET_KEY=none DATABASE_URL=postgres://none REDIS_URL=redis://none python manage.py collectstatic --no-input

RUN useradd --system --uid 10001 messenger-logs && install --directory --owner=10001 --mode=700 /srv/reports
USER messenger-logs

EXPOSE 8000
CMD ["gunicorn", "--config=config/gunicorn.conf.py", "--bind=0.0.0.0:8000"]
