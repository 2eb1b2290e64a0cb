"""The environment, where a value may also stand in the file that NAME_FILE names."""

from datetime import datetime, time

from celery.schedules import ParseException, crontab
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class _Trimmed(FileAwareMapping):
    """Without the newline with which an editor ends a file; no value of ours ends with one."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip()


class Env(FileAwareEnv):
    ENVIRON = _Trimmed()

    def names(self, variable: str, default: str = "") -> list[str]:
        """Names with commas between them."""
        return [name.strip() for name in self.str(variable, default=default).split(",") if name.strip()]

    def minutes(self, variable: str, *, always: str) -> crontab:
        """Minutes of every hour, as crontab writes them, beside those that are meant `always`."""
        text = self.str(variable, default="")
        try:
            return crontab(minute=",".join(filter(None, [always, text])))
        except (ValueError, ParseException):
            raise ImproperlyConfigured(
                f"{variable} is {text!r}; it takes minutes as crontab does, such as 15,30,45 or */5."
            ) from None

    def hours(self, variable: str, *, default: str) -> tuple[time, time]:
        """From when to when of a day, such as 08:00-21:00."""
        text = self.str(variable, default=default)
        try:
            opens, closes = (datetime.strptime(part.strip(), "%H:%M").time() for part in text.split("-"))  # noqa: DTZ007
        except ValueError:
            opens = closes = time()
        if opens >= closes:
            raise ImproperlyConfigured(f"{variable} is {text!r}; it takes hours of a day, such as 08:00-21:00.")
        return opens, closes
