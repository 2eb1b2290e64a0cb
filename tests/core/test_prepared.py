"""Statements that a session of the database plans once."""

import pytest
from django.db import connection

from core.prepared import Prepared

pytestmark = pytest.mark.django_db

SUMS = Prepared(
    "sums",
    "SELECT n, coalesce(n, 0) + %(more)s, '5 %%' FROM unnest(%(numbers)s::smallint[]) AS t (n)",
    {"numbers": "smallint[]", "more": "int"},
)


def rows(statement: Prepared, **parameters: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        statement.execute(cursor, parameters)
        return cursor.fetchall()


def plans_of(name: str) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE starts_with(name, %s)", [f"{name}_"]
        )
        return cursor.fetchall()


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([1, 2], [(1, 11, "5 %"), (2, 12, "5 %")]),
        ([], []),
        ([None, None], [(None, 10, "5 %")] * 2),
    ],
    ids=["some", "none", "all-null"],
)
def test_it_gives_the_rows_for_any_values(numbers: list[int | None], found: list[tuple[object, ...]]) -> None:
    assert rows(SUMS, numbers=numbers, more=10, other="is left out") == found
    assert rows(SUMS, numbers=numbers, more=10) == found


def test_a_session_plans_it_once() -> None:
    statement = Prepared("planned", "SELECT %(one)s", {"one": "int"})
    for number in range(10):
        assert rows(statement, one=number) == [(number,)]
    ((generic, custom),) = plans_of("planned")
    assert generic > 0
    assert custom == 0


@pytest.mark.parametrize(
    ("few", "items", "plans"),
    [(3, 3, (1, 0)), (3, 4, (0, 1)), (None, 4, (1, 0))],
    ids=["few", "many", "any number"],
)
def test_many_rows_are_planned_with_their_number(few: int | None, items: int, plans: tuple[int, int]) -> None:
    name = f"up_to_{few}_get_{items}".lower()
    statement = Prepared(name, "SELECT n FROM unnest(%(numbers)s) AS t (n)", {"numbers": "int[]"}, few=few)
    rows(statement, numbers=[1])  # it is prepared now
    (before,) = plans_of(name)
    assert len(rows(statement, numbers=list(range(items)))) == items
    (after,) = plans_of(name)
    assert (after[0] - before[0], after[1] - before[1]) == plans


def test_another_text_is_another_statement() -> None:
    for text in ("SELECT %(one)s", "SELECT 2 * %(one)s"):
        Prepared("texts", text, {"one": "int"}).execute(connection.cursor(), {"one": 3})
    assert len(plans_of("texts")) == 2


def test_its_plan_takes_the_index_also_while_the_table_is_empty() -> None:
    """The plan stays while rows come, until PostgreSQL counts them."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE growing (id bigint PRIMARY KEY, words text)")
        cursor.execute("ANALYZE growing")
    statement = Prepared("growing", "SELECT words FROM growing WHERE id = %(id)s", {"id": "bigint"})
    assert rows(statement, id=1) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'growing%'")
        (name,) = cursor.fetchone()
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
        cursor.execute(f"EXPLAIN EXECUTE {name} (1)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index" in plan or "Bitmap" in plan
    assert "Seq Scan" not in plan
