"""Whether a message reached each of its people: rows and kept totals, which follow the deliveries.

The best of a person's devices decides, and the best of the devices of a mode decides for that mode. A duplicate counts
as the row that it duplicates. A person without any row for a mode of the message has no device for it.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from core.prepared import Prepared
from messenger_logs.choices import EMAIL_ARRIVED, EMAIL_FAILURES, DeliveryStatus, Mode, Outcome, Reach
from messenger_logs.models import Delivery, DeviceAttempt, PersonReach, ReachTotals, Recipient, School, SentMessage
from messenger_logs.services.conditions import contacted_sql

# In SQL a kind is its place in this list, from 1, so that the best kind is the highest.
_WORST_FIRST = list(reversed(Reach))
_PLACES = {kind: place for place, kind in enumerate(_WORST_FIRST, 1)}


def _texts(values: Collection[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


def _reached_sql(row: str) -> str:
    """The condition under which a device says that the message reached somebody."""
    inbox = f"{row}.mode = '{Mode.INBOX}' AND ({row}.outcome = '{Outcome.SUCCESS}' OR {row}.reached_earlier)"
    email = f"{row}.mode = '{Mode.EMAIL}' AND {row}.email_outcome IN ({_texts(EMAIL_ARRIVED)})"
    return f"({inbox} OR {email} OR {contacted_sql(row)})"


def _unconfirmed_sql(row: str) -> str:
    """The condition under which an e-mail or a text left, and nothing more is known.

    The provider has an e-mail also if it says so itself: it accepted it, or tries again.
    """
    left = f"({row}.status = '{DeliveryStatus.SENT}' OR {row}.reached_earlier OR {row}.email_outcome <> '')"
    email = f"{row}.mode = '{Mode.EMAIL}' AND {left} AND {row}.email_outcome NOT IN ({_texts(EMAIL_FAILURES)})"
    text = f"{row}.mode = '{Mode.TEXT}' AND {row}.status = '{DeliveryStatus.VENDOR_RECEIVED}'"
    return f"({email} OR {text})"


def _kind_sql(row: str) -> str:
    """The place of a device's kind; ``row`` is the alias of the delivery in the statement."""
    return f"""CASE
        WHEN {row}.status = '{DeliveryStatus.NO_DEVICE}' THEN {_PLACES[Reach.NO_DEVICE]}
        WHEN {_reached_sql(row)} THEN {_PLACES[Reach.REACHED]}
        WHEN {_unconfirmed_sql(row)} THEN {_PLACES[Reach.UNCONFIRMED]}
        WHEN {row}.outcome = '{Outcome.CANCELED}' THEN {_PLACES[Reach.CANCELED]}
        ELSE {_PLACES[Reach.NOT_REACHED]} END"""


def _time_sql(row: str) -> str:
    """When a device first reached somebody; NULL if it did not, or if nobody said when."""
    first = f"""(
        SELECT min(attempt.ended_at) FROM {DeviceAttempt._meta.db_table} AS attempt
        WHERE attempt.delivery_id = {row}.id AND attempt.outcome = '{Outcome.SUCCESS}')"""  # noqa: S608  (names only)
    return f"""CASE
        WHEN NOT {_reached_sql(row)} THEN NULL
        WHEN {row}.mode = '{Mode.EMAIL}' THEN {row}.email_outcome_at
        WHEN {row}.reached_earlier THEN {first}
        ELSE {row}.last_attempt_at END"""


def _name_sql(place: str) -> str:
    names = ", ".join(f"'{kind}'" for kind in _WORST_FIRST)
    return f"(ARRAY[{names}])[{place}]"


# What a mode without a row becomes depends on whether the message uses it.
_BECOMES = ", ".join(
    f"coalesce({_name_sql(f'person.{mode}')},"
    f" CASE WHEN '{mode}' = ANY(message.modes) THEN '{Reach.NO_DEVICE}' ELSE '' END) AS {mode}"
    for mode in Mode
)
_DEVICE = f"d.mode, {_kind_sql('d')} AS kind, {_time_sql('d')} AS reached_at"
_BY_MODE = ", ".join(f"max(kind) FILTER (WHERE mode = '{mode}') AS {mode}" for mode in Mode)
_MODES = ", ".join(Mode)
_KINDS = f"reach, {_MODES}, reached_at"
# What a recount alone changes.
_PERSON = "school_id, language, filed_under"


def _values(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in ("reach", *Mode, "reached_at"))


def _person(row: str) -> str:
    return f"{row}.school_id, {row}.language, {row}.filed_under"


# The row that a duplicate duplicates. One that has none stands for itself.
_FIRST = f"""
    LEFT JOIN {Delivery._meta.db_table} AS first
        ON first.message_id = twin.message_id AND first.mode = twin.mode AND first.address = twin.address
            AND NOT first.duplicate AND first.address <> ''
    JOIN {Delivery._meta.db_table} AS d ON d.id = coalesce(first.id, twin.id) AND d.message_id = twin.message_id
"""

# The order of a call sheet. It has an index, whose entries may not be long.
FILED_UNDER = """left(concat_ws(
    E'\\n', coalesce(upper(school.name), ''), r.plain_student_name, r.student_number, r.plain_name), 400)"""

# Each table is narrowed to the messages, also where a join says so already: PostgreSQL would read all of it.
# Nearly everybody is in a message once, so the id of a row stands for the person. What the counted row does not say of
# school and language, another row of the person may say; then the school of the message is that of its students.
_RECOUNT = f"""
WITH again AS MATERIALIZED (
    SELECT again.id, counted.id AS counted_id, again.student_school_id, nullif(again.language, '') AS language
    FROM {Recipient._meta.db_table} AS again JOIN {Recipient._meta.db_table} AS counted USING (message_id, person_id)
    WHERE again.message_id = ANY(%(messages)s) AND counted.message_id = ANY(%(messages)s)
        AND counted.counted AND NOT again.counted
), elsewhere AS (
    SELECT counted_id, min(student_school_id) AS school_id, min(language COLLATE "C") AS language FROM again GROUP BY 1
), device AS (
    SELECT d.recipient_id, {_DEVICE}
    FROM {Delivery._meta.db_table} AS d WHERE d.message_id = ANY(%(messages)s) AND NOT d.duplicate
    UNION ALL
    SELECT twin.recipient_id, {_DEVICE}
    FROM (SELECT * FROM {Delivery._meta.db_table} WHERE message_id = ANY(%(messages)s) AND duplicate) AS twin
    LEFT JOIN (
        SELECT * FROM {Delivery._meta.db_table}
        WHERE message_id = ANY(%(messages)s) AND NOT duplicate AND address <> ''
    ) AS first USING (message_id, mode, address)
    JOIN {Delivery._meta.db_table} AS d ON d.id = coalesce(first.id, twin.id)
    WHERE d.message_id = ANY(%(messages)s)
), person AS (
    SELECT
        coalesce(again.counted_id, device.recipient_id) AS recipient_id, max(kind) AS kind, {_BY_MODE},
        min(reached_at) AS reached_at
    FROM device LEFT JOIN again ON again.id = device.recipient_id GROUP BY 1
), now AS MATERIALIZED (
    SELECT
        r.id AS recipient_id, r.message_id,
        coalesce(r.student_school_id, elsewhere.school_id, message.school_id) AS school_id,
        coalesce(nullif(r.language, ''), elsewhere.language, '') AS language,
        {_name_sql(f"coalesce(person.kind, {_PLACES[Reach.NO_DEVICE]})")} AS reach,
        {_BECOMES},
        person.reached_at,
        {FILED_UNDER} AS filed_under
    FROM {Recipient._meta.db_table} AS r
    JOIN {SentMessage._meta.db_table} AS message ON message.id = r.message_id
    LEFT JOIN person ON person.recipient_id = r.id
    LEFT JOIN elsewhere ON elsewhere.counted_id = r.id
    LEFT JOIN {School._meta.db_table} AS school
        ON school.id = coalesce(r.student_school_id, elsewhere.school_id, message.school_id)
    WHERE r.message_id = ANY(%(messages)s) AND message.id = ANY(%(messages)s) AND r.counted
), gone AS (
    DELETE FROM {PersonReach._meta.db_table} AS kept
    WHERE kept.message_id = ANY(%(messages)s)
        AND NOT EXISTS (SELECT FROM now WHERE now.recipient_id = kept.recipient_id)
), changed AS (
    UPDATE {PersonReach._meta.db_table} AS kept
    SET ({_PERSON}, {_KINDS}) = ROW ({_person("now")}, {_values("now")})
    FROM now
    WHERE kept.recipient_id = now.recipient_id AND kept.message_id = ANY(%(messages)s)
        AND ({_person("kept")}, {_values("kept")}) IS DISTINCT FROM ({_person("now")}, {_values("now")})
)
INSERT INTO {PersonReach._meta.db_table} (recipient_id, message_id, {_PERSON}, {_KINDS})
SELECT recipient_id, message_id, {_PERSON}, {_KINDS}
FROM now
WHERE NOT EXISTS (
    SELECT FROM {PersonReach._meta.db_table} AS kept
    WHERE kept.recipient_id = now.recipient_id AND kept.message_id = ANY(%(messages)s))
"""  # noqa: S608  (names only)


def _counts_sql(amount: str) -> str:
    """The five figures of a group of kinds; each row stands for so many people."""
    return ", ".join(f"coalesce(sum({amount}) FILTER (WHERE kind.reach = '{kind}'), 0) AS {kind}" for kind in Reach)


_BY_MODES = ", ".join(f"('{mode}', t.{mode})" for mode in Mode)
_EACH_KIND = f"(VALUES ('', t.reach), {_BY_MODES}) AS kind (mode, reach)"
_COUNTS = ", ".join(Reach)

_FORGET_TOTALS = f"DELETE FROM {ReachTotals._meta.db_table} WHERE message_id = ANY(%(messages)s)"  # noqa: S608
# Equal people are put together first: there are few groups, however many people.
_COUNT_TOTALS = f"""
WITH t AS (
    SELECT message_id, school_id, language, reach, {_MODES}, count(*) AS n
    FROM {PersonReach._meta.db_table} WHERE message_id = ANY(%(messages)s)
    GROUP BY message_id, school_id, language, reach, {_MODES}
)
INSERT INTO {ReachTotals._meta.db_table} (message_id, school_id, language, mode, {_COUNTS})
SELECT t.message_id, t.school_id, t.language, kind.mode, {_counts_sql("t.n")}
FROM t CROSS JOIN LATERAL {_EACH_KIND}
WHERE kind.reach <> ''
GROUP BY 1, 2, 3, 4
"""  # noqa: S608  (names only)

_STAYS = ", ".join(f"coalesce({_name_sql(f'now.{mode}')}, before.{mode}) AS {mode}" for mode in Mode)
_BEFORE = ", ".join(f"before.{mode}" for mode in Mode)
# One statement reads the rows as they were before it, so it can compare them with the rows that it changes. OFFSET 0
# keeps PostgreSQL on the indexes: without it, a large batch reads the whole message.
_SETTLE = f"""
WITH touched AS (
    SELECT recipient_id FROM {Delivery._meta.db_table} WHERE id = ANY(%(deliveries)s)
    UNION
    SELECT twin.recipient_id
    FROM {Delivery._meta.db_table} AS d
    JOIN {Delivery._meta.db_table} AS twin
        ON twin.message_id = d.message_id AND twin.mode = d.mode AND twin.address = d.address AND twin.duplicate
    WHERE d.id = ANY(%(deliveries)s) AND NOT d.duplicate
), person AS MATERIALIZED (
    SELECT DISTINCT counted.id AS recipient_id, counted.message_id, counted.person_id
    FROM touched
    JOIN {Recipient._meta.db_table} AS r ON r.id = touched.recipient_id
    JOIN {Recipient._meta.db_table} AS counted
        ON counted.message_id = r.message_id AND counted.person_id = r.person_id AND counted.counted
), device AS (
    SELECT person.recipient_id, found.mode, found.kind, found.reached_at
    FROM person
    CROSS JOIN LATERAL (
        SELECT {_DEVICE}
        FROM {Recipient._meta.db_table} AS r
        JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = r.id AND NOT d.duplicate
        WHERE r.message_id = person.message_id AND r.person_id = person.person_id
        UNION ALL
        SELECT {_DEVICE}
        FROM {Recipient._meta.db_table} AS r
        JOIN {Delivery._meta.db_table} AS twin ON twin.recipient_id = r.id AND twin.duplicate {_FIRST}
        WHERE r.message_id = person.message_id AND r.person_id = person.person_id
        OFFSET 0
    ) AS found
), now AS MATERIALIZED (
    SELECT recipient_id, max(kind) AS kind, {_BY_MODE}, min(reached_at) AS reached_at FROM device GROUP BY 1
), before AS MATERIALIZED (
    SELECT kept.* FROM now JOIN {PersonReach._meta.db_table} AS kept USING (recipient_id)
), becomes AS (
    SELECT
        recipient_id, {_name_sql("now.kind")} AS reach,
        {_STAYS}, now.reached_at
    FROM now JOIN before USING (recipient_id)
), after AS (
    UPDATE {PersonReach._meta.db_table} AS kept SET ({_KINDS}) = ROW ({_values("becomes")})
    FROM becomes
    WHERE kept.recipient_id = becomes.recipient_id AND ({_values("kept")}) IS DISTINCT FROM ({_values("becomes")})
    RETURNING kept.*
), moved AS (
    SELECT t.message_id, t.school_id, t.language, kind.mode, {_counts_sql("t.n")}
    FROM (
        SELECT message_id, school_id, language, reach, {_MODES}, 1 AS n FROM after
        UNION ALL
        SELECT before.message_id, before.school_id, before.language, before.reach,
            {_BEFORE}, -1
        FROM before JOIN after USING (recipient_id)
    ) AS t
    CROSS JOIN LATERAL {_EACH_KIND}
    WHERE kind.reach <> ''
    GROUP BY 1, 2, 3, 4
)
INSERT INTO {ReachTotals._meta.db_table} AS kept (message_id, school_id, language, mode, {_COUNTS})
SELECT message_id, school_id, language, mode, {_COUNTS} FROM moved
ON CONFLICT (message_id, mode, school_id, language) DO UPDATE
SET {", ".join(f"{kind} = kept.{kind} + excluded.{kind}" for kind in Reach)}
"""  # noqa: S608  (names only)
_SETTLE_PEOPLE = Prepared("settle_reach", _SETTLE, {"deliveries": "bigint[]"})

_UNCOUNTED = f"""
SELECT id FROM unnest(%(messages)s::bigint[]) AS message (id)
WHERE NOT EXISTS (SELECT FROM {PersonReach._meta.db_table} AS kept WHERE kept.message_id = message.id)
"""  # noqa: S608  (names only)


def settle_reach(*, message_id: int, deliveries: Collection[int]) -> None:
    """Let the people of these deliveries, and of their duplicates, follow them, and move the totals by the differences.

    A caller that changed deliveries calls it in the same transaction, and holds the message's lock.
    """
    settle_reach_of_many(message_ids=[message_id], deliveries=deliveries)


def settle_reach_of_many(*, message_ids: Collection[int], deliveries: Collection[int]) -> None:
    """Do the same for deliveries of several messages, in one statement. The caller holds the locks of all of them.

    A message from the time before people were counted is counted now.
    """
    if not deliveries:
        return
    with connection.cursor() as cursor:
        cursor.execute(_UNCOUNTED, {"messages": sorted(message_ids)})
        uncounted = [pk for (pk,) in cursor.fetchall()]
        if uncounted:
            recount_reach(message_ids=uncounted)
        _SETTLE_PEOPLE.execute(cursor, {"deliveries": sorted(deliveries)})


def recount_reach(*, message_ids: Collection[int]) -> None:
    """Make the rows of all people of these messages from the deliveries, and count the totals from the rows.

    Rows that are right already stay as they are. The caller holds the locks of the messages.
    """
    parameters = {"messages": sorted(message_ids)}
    with connection.cursor() as cursor:
        # The statistics do not know rows that just came: PostgreSQL would expect few, and join each with each.
        cursor.execute("SET LOCAL enable_nestloop = off")
        for statement in (_RECOUNT, _FORGET_TOTALS, _COUNT_TOTALS):
            cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
