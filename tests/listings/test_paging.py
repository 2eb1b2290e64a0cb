from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from listings.columns import Column
from listings.paging import Bounds, Key, Sort, Total, fetch_page, key_name, read_key, rows_beyond
from tests.examples import examples
from tests.listings.conftest import NOW
from tests.listings.letter_log import Letter, LetterLog, LetterTable, Shown, letter_view, make_letters

pytestmark = pytest.mark.django_db

TODAY = Bounds("posted_at", NOW - timedelta(hours=12), NOW + timedelta(hours=12))
BY_TIME = Sort("posted_at", "posted_at", descending=True)


def walk(client: Client, address: str, link: str) -> list[Shown]:
    """The page at an address and all those behind its link of that name."""
    pages = [Shown(client.get(address))]
    while following := pages[-1].href(link):
        pages.append(Shown(client.get(following)))
    return pages


def subjects_of(pages: list[Shown]) -> list[str]:
    return [subject for page in pages for subject in page.subjects]


@pytest.mark.slow
def test_paging_forth_and_back_shows_every_row_once_and_in_order(client):
    make_letters(120, newest=NOW)
    forth = walk(client, "/letters/?rows=25", "grid-next")
    assert [page.count for page in forth] == [
        "1–25 of 120",
        "26–50 of 120",
        "51–75 of 120",
        "76–100 of 120",
        "101–120 of 120",
    ]
    assert subjects_of(forth) == [f"Letter {i}" for i in range(120)]
    back = [forth[-1], *walk(client, forth[-1].href("grid-previous"), "grid-previous")]
    assert [page.subjects for page in reversed(back)] == [page.subjects for page in forth]
    assert [page.count for page in reversed(back)] == [page.count for page in forth]


@pytest.mark.parametrize("sort", ["status", "-status", "pages", "-pages", "recipient", "posted_at", "-posted_at"])
def test_rows_that_tie_are_neither_lost_nor_doubled(client, sort):
    make_letters(60, newest=NOW, apart=timedelta(0), pages=7)
    pages = walk(client, f"/letters/?rows=25&sort={sort}", "grid-next")
    shown = subjects_of(pages)
    assert len(shown) == 60
    assert len(set(shown)) == 60


@given(
    days=st.lists(st.integers(0, 3), min_size=1, max_size=30),
    size=st.integers(1, 12),
    column=st.sampled_from(["posted_at", "status", "pages", "id"]),
    descending=st.booleans(),
    first_day=st.integers(0, 3),
    last_day=st.integers(0, 3),
)
@examples(60)
def test_pages_joined_together_are_the_sorted_list(days, size, column, descending, first_day, last_day):
    Letter.objects.all().delete()
    for i, day in enumerate(days):
        make_letters(1, newest=NOW + timedelta(days=day), pages=i % 4, status=("sent", "lost")[day % 2])
    sort = Sort(column, column, descending)
    bounds = Bounds("posted_at", NOW + timedelta(days=first_day), NOW + timedelta(days=last_day))
    everything = list(sort.order(Letter.objects.filter(bounds.condition())))

    forth, key = [], None
    while True:
        page, _ = fetch_page(Letter.objects.all(), sort=sort, bounds=bounds, key=key, size=size)
        forth += page.rows
        if not page.more_after:
            break
        key = Key(page.rows[-1].pk, getattr(page.rows[-1], column), backward=False)
    assert forth == everything

    back = page.rows
    while page.more_before:
        key = Key(page.rows[0].pk, getattr(page.rows[0], column), backward=True)
        page, _ = fetch_page(Letter.objects.all(), sort=sort, bounds=bounds, key=key, size=size)
        back = page.rows + back
    assert back == everything


@pytest.mark.slow
@pytest.mark.parametrize(("descending", "backward"), [(True, False), (True, True), (False, False), (False, True)])
def test_a_far_page_starts_in_the_index_where_it_begins(descending, backward):
    letters = make_letters(6_000, newest=NOW, apart=timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE listings_tests_letter")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
    middle = letters[3_000]
    rows = rows_beyond(
        Letter.objects.all(),
        sort=Sort("posted_at", "posted_at", descending),
        bounds=Bounds("posted_at", NOW - timedelta(days=1), NOW + timedelta(days=1)),
        key=Key(middle.pk, middle.posted_at, backward),
    )
    plan = rows[:51].explain(analyze=True)
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    removed = [int(line.split(":")[1]) for line in plan.splitlines() if "Rows Removed by Filter" in line]
    key_time, other_bound = "2026-11-20 17:10:00+00", "2026-11-19" if descending is not backward else "2026-11-21"
    assert "letter_posted_id" in plan
    assert key_time in condition
    assert other_bound in condition
    assert condition.count("posted_at") == 2, "the bound that the key replaces is gone"
    assert sum(removed) <= 1, "rows are not stepped over"


def test_paging_stays_within_the_dates(client):
    make_letters(60, newest=NOW)
    make_letters(60, newest=NOW - timedelta(days=1))
    pages = walk(client, "/letters/?rows=25&created_from=2026-11-20&created_to=2026-11-20&sort=posted_at", "grid-next")
    assert sum(len(page.subjects) for page in pages) == 60


def test_the_links_to_other_pages_have_the_same_names_in_each_order(client):
    make_letters(80, newest=NOW)
    for sort in ("-posted_at", "pages"):
        second = Shown(client.get(Shown(client.get(f"/letters/?rows=25&sort={sort}")).href("grid-next")))
        assert second.texts("//nav[@aria-label='Pages']/a") == ["first", "previous", "next"]


def test_new_rows_on_top_do_not_shift_the_next_page(client):
    make_letters(60, newest=NOW - timedelta(hours=1))
    first = Shown(client.get("/letters/?rows=25"))
    make_letters(5, newest=NOW, subject="new")
    second = Shown(client.get(first.href("grid-next")))
    assert second.subjects == [f"Letter {i}" for i in range(25, 50)]


def test_going_back_to_the_top_shows_a_whole_first_page(client):
    make_letters(60, newest=NOW - timedelta(hours=1))
    second = Shown(client.get(Shown(client.get("/letters/?rows=25")).href("grid-next")))
    make_letters(3, newest=NOW, subject="new")
    Letter.objects.filter(subject="Letter 3").delete()
    top = Shown(client.get(Shown(client.get(second.href("grid-previous"))).href("grid-previous")))
    assert top.count == "1–25 of 62"
    assert top.subjects[:4] == ["new", "new", "new", "Letter 0"]


def test_a_page_that_lost_its_rows_gives_the_first_page(client):
    make_letters(30, newest=NOW)
    following = Shown(client.get("/letters/?rows=25")).href("grid-next")
    Letter.objects.filter(pages__gte=25).delete()
    page = Shown(client.get(following))
    assert page.count == "1–25 of 25"
    assert not page.href("grid-next")


@pytest.mark.parametrize(
    "key",
    ["123456", "user-1", "letter-", "letter--1", "letter-1e3", "letter-٣", "letter-" + "9" * 190, "x", "letter-9" * 9],
)
def test_a_key_of_no_row_of_this_log_is_told_and_gives_the_first_page(client, key):
    make_letters(60, newest=NOW)
    for direction in ("after", "before"):
        page = Shown(client.get("/letters/", {direction: key, "n": "51"}))
        assert "That page is not there any more" in page.message_text
        assert page.count == "1–50 of 60"


def test_a_key_tells_nothing_of_rows_one_may_not_see(client):
    make_letters(10, newest=NOW)
    (secret,) = make_letters(1, newest=NOW - timedelta(minutes=5), subject="secret")
    absent = Shown(client.get(f"/letters/?after=letter-{secret.pk + 1000}"))
    hidden = Shown(client.get(f"/letters/?after=letter-{secret.pk}"))
    assert hidden.message_text == absent.message_text
    assert hidden.subjects == absent.subjects
    assert "secret" not in hidden.subjects


def test_a_key_outside_the_dates_does_not_open_them(client):
    (old,) = make_letters(1, newest=NOW - timedelta(days=3), subject="old")
    make_letters(5, newest=NOW)
    sort = Sort("posted_at", "posted_at", descending=False)
    assert read_key(Letter.objects.all(), key_name(old), sort=sort, bounds=TODAY, backward=False) is None
    page = Shown(client.get(f"/letters/?sort=posted_at&after={key_name(old)}"))
    assert len(page.subjects) == 5
    assert "not there any more" in page.message_text


@pytest.mark.parametrize("asked", ["0", "1", "26", "999999", "-3", "9" * 150, "x", "²"])
def test_the_number_in_the_address_is_held_within_the_count(client, asked):
    make_letters(60, newest=NOW)
    following = Shown(client.get("/letters/?rows=25")).href("grid-next")
    page = Shown(client.get(following.replace("n=26", f"n={asked}")))
    first, last = page.count.split(" ")[0].split("–")
    assert int(last) - int(first) == 24
    assert int(first) >= 1
    assert int(last) <= 60


@pytest.mark.slow
def test_counts_are_exact_up_to_ten_thousand():
    make_letters(10_000, newest=NOW, apart=timedelta(0))
    assert str(Total.of(Letter.objects.all())) == "10,000"
    make_letters(1, newest=NOW)
    assert str(Total.of(Letter.objects.all())) == "10,000+"


def test_a_search_whose_hits_fit_on_one_page_is_made_once(client, django_assert_num_queries):
    make_letters(30, newest=NOW)
    # savepoint, time limit, rows, savepoint: no count
    with django_assert_num_queries(4):
        assert Shown(client.get("/letters/?subject=Letter 7")).count == "1–1 of 1"


@pytest.mark.parametrize("size", [25, 200])
def test_the_number_of_queries_does_not_grow_with_the_rows(client, django_assert_num_queries, size):
    make_letters(210, newest=NOW)
    # savepoint, time limit, rows, count, savepoint
    with django_assert_num_queries(5):
        assert len(Shown(client.get(f"/letters/?rows={size}")).subjects) == size


def test_a_column_that_may_be_null_cannot_be_sorted_by():
    class RemarkTable(LetterTable):
        remark = Column()

    class RemarkLog(LetterLog):
        table_class = RemarkTable
        default_sort = "remark"

    request = RequestFactory().get("/letters/")
    request.session, request.user = {}, None
    with pytest.raises(ImproperlyConfigured, match="remark may be NULL"):
        letter_view(RemarkLog)(request)


class TopTenOfADay(LetterLog):
    """At most ten letters of each day, whatever the filters."""

    seen_rows: list[list[Letter]]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen_rows = []
        self.days = set()

    def cap_rows(self, queryset, rows):
        self.seen_rows.append(rows)
        days = {row.posted_at.date() for row in rows} - self.days
        self.days |= days
        if not days:
            return None
        for day in days:
            of_day = queryset.filter(posted_at__date=day)
            kept = of_day.order_by("-posted_at").values_list("pk", flat=True)[:10]
            queryset = queryset.exclude(pk__in=of_day.exclude(pk__in=list(kept)).values("pk"))
        return queryset

    def notices(self):
        return [f"{len(self.page.rows)} rows, {len(self.seen_rows)} rounds"]


def test_a_log_may_let_fewer_rows_through_once_it_knows_the_days(rf):
    for day in range(3):
        make_letters(20, newest=NOW - timedelta(days=day), subject=f"day {day}")
    request = rf.get("/letters/?created_from=2026-11-01&created_to=2026-11-20&rows=25")
    request.session = {}
    request.user = None
    shown = Shown(letter_view(TopTenOfADay)(request))
    assert shown.subjects == ["day 0"] * 10 + ["day 1"] * 10 + ["day 2"] * 5
    assert shown.count == "1–25 of 30"
    assert shown.message_text == "25 rows, 3 rounds"


def test_the_first_page_in_place_of_one_that_is_gone_is_narrowed_too(rf):
    letters = make_letters(20, newest=NOW)
    request = rf.get(f"/letters/?rows=25&after={key_name(letters[-1])}")
    request.session = {}
    request.user = None
    assert Shown(letter_view(TopTenOfADay)(request)).count == "1–10 of 10"


def test_narrowing_ends(rf):
    class NeverContent(LetterLog):
        rounds = 0

        def cap_rows(self, queryset, rows):
            type(self).rounds += 1
            return queryset.exclude(pk=rows[0].pk) if rows else queryset

    make_letters(60, newest=NOW)
    request = rf.get("/letters/")
    request.session = {}
    request.user = None
    assert len(Shown(letter_view(NeverContent)(request)).subjects) == 50
    assert NeverContent.rounds < 10


def test_bounds_hold_what_lies_in_them():
    day = Bounds("posted_at", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    assert day.hold(datetime(2026, 11, 20, tzinfo=UTC))
    assert not day.hold(datetime(2026, 11, 21, tzinfo=UTC))
    assert not day.hold(datetime(2026, 11, 19, 23, 59, tzinfo=UTC))
