"""Take a roster over: schools, terms, students, then the accounts of the staff with their groups and schools."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.account_services import close_accounts
from accounts.models import User
from accounts.services import changing_rights, record_audit_events
from accounts.tools import Right, Tool
from roster import statements
from roster.choices import Change, Kind
from roster.models import RosterAccount
from roster.reading import ROWS, Part, Reading, Unreadable

SHOWN_ROWS = 100
"""How many rows of each change a run shows."""


def role_groups() -> list[tuple[str, str]]:
    """Return the pairs of role and user group in the settings; the group is "" where a role gives only an account."""
    pairs = (entry.partition("=") for entry in settings.ROSTER_ROLE_GROUPS)
    return [(role.strip().lower(), group.strip()) for role, _, group in pairs]


class Takeover:
    """The takeover of one reading, in the transaction of the caller, who may take everything back."""

    def __init__(self, reading: Reading, *, by: User | None) -> None:
        self.reading, self.by = reading, by
        self.difference: dict[str, dict[str, Any]] = {}
        self._events: dict[str, tuple[str, dict[str, Any]]] = {}

    def run(self) -> None:
        """Do all of it. Raises Unreadable if the settings name a user group that is not there."""
        before = self._rows(statements.BEFORE)[0]
        for kind, number in zip(Kind, before, strict=True):
            self.difference[kind] = {"before": number, "rows": [], **dict.fromkeys(Change.values, 0)}
        self._stage()
        self._take_listed(Kind.ORGS, Part.ORGS, statements.ORGS)
        self._link_schools()
        self._take_listed(Kind.TERMS, Part.TERMS, statements.TERMS)
        self._take_students()
        with changing_rights():
            self._take_staff()
        record_audit_events(by=self.by, events=((action, name, more) for name, (action, more) in self._events.items()))

    # Rows of the roster

    def _stage(self) -> None:
        """Copy the rows into temporary tables."""
        with connection.cursor() as cursor:
            for part, columns in statements.TABLES.items():
                _replace(cursor, f"staged_{part}", columns)
                names = ", ".join(ROWS[part]._fields if part in ROWS else ("part", "sourced_id"))  # type: ignore[attr-defined]
                copy = f"COPY staged_{part} ({names}) FROM STDIN (FORMAT csv, NULL '\\N')"
                cursor.copy_expert(copy, self.reading.file_of(part))
            cursor.execute(statements.INDEXES)
            _replace(cursor, "staged_groups", "role text, group_id integer")
            cursor.executemany("INSERT INTO staged_groups VALUES (%s, %s)", self._role_groups())
            for table in ("student", "staff", "leaver", "claim", "wanted_group", "wanted_school"):
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")

    def _role_groups(self) -> list[tuple[str, int | None]]:
        pairs = role_groups()
        ids = dict(Group.objects.filter(name__in={group for _, group in pairs}).values_list("name", "pk"))
        if missing := sorted({group for _, group in pairs if group} - ids.keys()):
            raise Unreadable(f"ROSTER_ROLE_GROUPS names a user group that is not there: {', '.join(missing)}.")
        return [(role, ids.get(group)) for role, group in pairs]

    def _take_listed(self, kind: Kind, part: Part, sql: tuple[str, str, str]) -> None:
        for change, statement in zip((Change.LEAVING, Change.CHANGED, Change.NEW), sql, strict=True):
            self._change(kind, change, statement, part)

    def _link_schools(self) -> None:
        self._execute(statements.LINK_SCHOOLS)
        for (name,) in self._rows(statements.NAMES_TAKEN):
            self.reading.note(name, gettext_noop("has a name that another school here has; that one stays as it is"))

    def _take_students(self) -> None:
        self._execute(statements.STUDENTS)
        self._change(Kind.STUDENTS, Change.LEAVING, statements.STUDENTS_LEAVING, Part.PEOPLE)
        self._change(Kind.STUDENTS, Change.CHANGED, statements.STUDENTS_CHANGED, Part.PEOPLE)
        self._change(Kind.STUDENTS, Change.NEW, statements.STUDENTS_NEW, Part.PEOPLE)
        if without := self._rows(statements.STUDENTS_WITHOUT_NUMBER)[0][0]:
            self.reading.note("students", f"{without:,} have no {settings.ROSTER_STUDENT_NUMBER}")

    # Staff

    def _take_staff(self) -> None:
        # Superusers and the account for the day when the provider is away belong to no roster.
        complete = {"complete": Part.PEOPLE in self.reading.complete, "break_glass": settings.BREAK_GLASS_ACCOUNT}
        for statement in (statements.STAFF, statements.LEAVERS, statements.CLAIMS):
            self._execute(statement, complete)
        self._note(Change.CHANGED, "account.claimed", self._rows(statements.CLAIMED))
        self._execute(statements.KNOW_ACCOUNTS)
        self._note(Change.CHANGED, "account.reopened", self._rows(statements.REOPENED))
        self._execute(statements.NAMES)
        self._note(Change.CHANGED, "account.changed", self._rows(statements.RENAMED))
        self._execute(statements.NAMES)
        self._make_accounts()
        self._execute(statements.KNOW_ACCOUNTS + ";" + statements.WANTED_GROUPS + statements.WANTED_SCHOOLS)
        self._give(Kind.GROUPS, "group", "auth_group")
        self._give(Kind.SCHOOLS, "school", "messenger_logs_school")
        self._take_away_but_for_the_last_administrators()

    def _make_accounts(self) -> None:
        """Make the accounts of people who have none and stand in nobody's way. Nobody knows their passwords."""
        new: list[tuple[str, User]] = []
        for sourced_id, username, email, first, last, reason in self._rows(statements.WITHOUT_ACCOUNT):
            if reason:
                self.reading.note(f"users, {sourced_id}", f"{reason}; no account is made")
                continue
            user = User(username=username, email=email, first_name=first, last_name=last, password=make_password(None))
            new.append((sourced_id, user))
        User.objects.bulk_create([user for _, user in new], batch_size=1000)
        accounts = (RosterAccount(sourced_id=sourced_id, user=user, made=True) for sourced_id, user in new)
        RosterAccount.objects.bulk_create(accounts, batch_size=1000)
        self._note(Change.NEW, "account.created", ((user.username, user.listed_name) for _, user in new))

    def _take_away_but_for_the_last_administrators(self) -> None:
        """Take back rights and close accounts. Those who may change rights are spared if nobody else could."""
        may_change_rights = User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE))
        administrators = list(may_change_rights.values_list("pk", flat=True))
        mark = transaction.savepoint()
        kept = {kind: (dict(counts), list(counts["rows"])) for kind, counts in self.difference.items()}
        events = dict(self._events)
        self._take_away(spared=[])
        if not administrators or may_change_rights.exists():
            transaction.savepoint_commit(mark)
            return
        transaction.savepoint_rollback(mark)
        self.difference = {kind: counts | {"rows": rows} for kind, (counts, rows) in kept.items()}
        self._events = events
        self._take_away(spared=administrators)
        self.reading.note(
            "users", gettext_noop("nobody could change rights any more, so the administrators keep theirs")
        )

    def _take_away(self, *, spared: list[int]) -> None:
        for kind, what, names in (
            (Kind.GROUPS, "group", "auth_group"),
            (Kind.SCHOOLS, "school", "messenger_logs_school"),
        ):
            rows = self._rows(statements.taken_back(what, names), {"spared": spared})
            self._note_given(kind, Change.LEAVING, f"{what}s_taken", rows)
        leaving = self._rows(statements.LEAVING, {"spared": spared})
        ids = [user_id for user_id, _ in leaving]
        close_accounts(ids)
        RosterAccount.objects.filter(user__in=ids).update(closed_at=timezone.now())
        self._note(Change.LEAVING, "account.closed", ((username, "") for _, username in leaving))

    def _give(self, kind: Kind, what: str, names: str) -> None:
        self._note_given(kind, Change.NEW, f"{what}s_given", self._rows(statements.given(what, names)))

    # The difference, and the audit trail

    def _change(self, kind: Kind, change: Change, statement: str, part: Part) -> None:
        """Run a statement that returns `label` and `what` of the rows that it changes; count them, and keep some."""
        sql = f"""
            WITH done AS ({statement}) SELECT count(*), (
                SELECT coalesce(jsonb_agg(jsonb_build_array(label, what)), '[]')
                FROM (SELECT label, what FROM done LIMIT {SHOWN_ROWS}) AS shown) FROM done"""  # noqa: S608
        number, rows = self._rows(sql, {"complete": part in self.reading.complete})[0]
        self._add(kind, change, number, json.loads(rows))

    def _note(self, change: Change, action: str, rows: Iterable[Sequence[str]]) -> None:
        """Note what changed of accounts: pairs of username and what. Several changes of one are one event."""
        rows = list(rows)
        self._add(Kind.ACCOUNTS, change, len(rows), rows[:SHOWN_ROWS])
        for username, what in rows:
            earlier, details = self._events.get(username, ("", {}))
            self._events[username] = (earlier or action, details | ({"what": what} if what else {}))

    def _note_given(self, kind: Kind, change: Change, name: str, rows: list[tuple[str, str]]) -> None:
        """Note which groups or schools accounts got or lost: pairs of username and the name of it."""
        self._add(kind, change, len(rows), rows[:SHOWN_ROWS])
        names: defaultdict[str, list[str]] = defaultdict(list)
        for username, one in rows:
            names[username].append(one)
        for username, ones in names.items():
            action, details = self._events.get(username, ("account.changed", {}))
            self._events[username] = (action, details | {name: ones})

    def _add(self, kind: Kind, change: Change, number: int, rows: Iterable[Sequence[str]]) -> None:
        counts = self.difference[kind]
        counts[change] += number
        counts["rows"] += [[change.value, *row] for row in rows]

    def _rows(self, sql: str, params: dict[str, Any] | None = None) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def _execute(self, sql: str, params: dict[str, Any] | None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def _replace(cursor: Any, table: str, columns: str) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
    cursor.execute(f"CREATE TEMP TABLE {table} ({columns}) ON COMMIT DROP")
