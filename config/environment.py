"""The environment, where a value may also stand in the file that NAME_FILE names."""

from datetime import datetime, time

from celery.schedules import ParseException, crontab_parser
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class _Trimmed(FileAwareMapping):
    """Values without the newline that an editor puts at the end of a file."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip()


class Env(FileAwareEnv):
    ENVIRON = _Trimmed()

    def names(self, variable: str, default: str = "") -> list[str]:
        """Read a list of names, separated by commas."""
        return [name.strip() for name in self.str(variable, default=default).split(",") if name.strip()]

    def one_of(self, variable: str, *choices: str) -> str:
        """Read one of these words; the first one is the default. Raises ImproperlyConfigured for any other."""
        word = self.str(variable, default=choices[0]) or choices[0]
        if word not in choices:
            raise ImproperlyConfigured(f"{variable} is {word!r}; it takes {', '.join(choices[:-1])} or {choices[-1]}.")
        return word

    def day_of_year(self, variable: str, *, default: str) -> tuple[int, int]:
        """Read a day that each year has, such as 07-01, as month and day. Raises ImproperlyConfigured if it is none."""
        text = self.str(variable, default=default) or default
        try:
            day = datetime.strptime(f"2025-{text}", "%Y-%m-%d")  # noqa: DTZ007 (2025 has no February 29)
        except ValueError:
            raise ImproperlyConfigured(
                f"{variable} is {text!r}; it takes the month and day of every year, such as 07-01."
            ) from None
        return day.month, day.day

    def minutes(self, variable: str, *, always: str) -> frozenset[int]:
        """Read minutes of every hour in crontab's notation, and add the minutes in `always`.

        Raises ImproperlyConfigured for what crontab does not understand.
        """
        text = self.str(variable, default="")
        try:
            return frozenset(crontab_parser(60).parse(",".join(filter(None, [always, text]))))
        except (ValueError, ParseException):
            raise ImproperlyConfigured(
                f"{variable} is {text!r}; it takes minutes as crontab does, such as 15,30,45 or */5."
            ) from None

    def hours(self, variable: str, *, default: str) -> tuple[time, time]:
        """Read a part of a day, such as 08:00-21:00. Raises ImproperlyConfigured if it is none."""
        text = self.str(variable, default=default)
        try:
            opens, closes = (datetime.strptime(part.strip(), "%H:%M").time() for part in text.split("-"))  # noqa: DTZ007
        except ValueError:
            opens = closes = time()
        if opens >= closes:
            raise ImproperlyConfigured(f"{variable} is {text!r}; it takes hours of a day, such as 08:00-21:00.")
        return opens, closes
