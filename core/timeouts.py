"""Time limits for statements that are shorter or longer than the usual ones, which config/settings.py has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import stamina
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.files import AWAY as FILES_AWAY
from core.files import FilesAway
from core.replica import read_connection

BUSY = _("The database is busy and did not answer in time.")
FULL = _("The disk of the database is full.")
AWAY = _("The database cannot be reached right now.")

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
QUERY_CANCELED, LOCK_NOT_AVAILABLE = "57014", "55P03"
IDLE_IN_TRANSACTION, DEADLOCK, DISK_FULL = "25P03", "40P01", "53100"
_REASONS = dict.fromkeys([QUERY_CANCELED, LOCK_NOT_AVAILABLE, IDLE_IN_TRANSACTION, DEADLOCK], BUSY) | {DISK_FULL: FULL}

P = ParamSpec("P")
T = TypeVar("T")


class StatementTimeout(Exception):
    """A statement took too long, or waited too long for a lock."""


@contextmanager
def statement_timeout(seconds: float) -> Iterator[None]:
    """Run a transaction in which each statement may take `seconds`. Raises StatementTimeout if one takes longer."""
    try:
        with transaction.atomic(using=read_connection().alias):
            with read_connection().cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
            yield
    except OperationalError as error:
        if code_of(error) in {QUERY_CANCELED, LOCK_NOT_AVAILABLE}:
            raise StatementTimeout from error
        raise


def retry_when_busy(batch: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a batch that is a transaction of its own; again, up to five times in all, if others held its locks.

    Raises what the last time raised. In a transaction of the caller it runs once, because that has failed as a whole.
    """
    attempts = 1 if connection.in_atomic_block else 5
    retry = stamina.RetryingCaller(attempts=attempts, timeout=None, wait_initial=0.5, wait_max=10)
    return retry(_met_a_lock, batch, *args, **kwargs)


def _met_a_lock(error: Exception) -> bool:
    return isinstance(error, OperationalError) and code_of(error) in {DEADLOCK, LOCK_NOT_AVAILABLE}


def code_of(error: BaseException) -> str | None:
    """Return PostgreSQL's code of an error; None if the server did not say one, as when it cannot be reached."""
    return getattr(error.__cause__, "pgcode", None)


def why_unavailable(error: BaseException | None) -> str:
    """Return a sentence for an error that is about the state of the database, not about a request; "" for others."""
    match error:
        case FilesAway():
            return str(FILES_AWAY)
        case StatementTimeout():
            return str(BUSY)
        case OperationalError() | InterfaceError():
            return str(_REASONS.get(code_of(error) or "", AWAY))
    return ""


def words_for(error: BaseException) -> str:
    """Return a sentence for the office about an error that nobody expected; the log has the rest."""
    if reason := why_unavailable(error):
        return reason
    return gettext("Unexpected error (%(kind)s); the server's log has the details.") % {"kind": type(error).__name__}
