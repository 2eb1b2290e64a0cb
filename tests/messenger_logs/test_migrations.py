"""A database of the version before goes on with the new code: the migrations keep rows and indexes."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

APP = "messenger_logs"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def migrate(name: str) -> Apps:
    """Migrate the app to this version, within the transaction of the test; its models as they were then."""
    with connection.cursor() as cursor:
        # A table with checks that wait for the commit cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    MigrationExecutor(connection).migrate([(APP, name)])
    return MigrationExecutor(connection).loader.project_state((APP, name)).apps


def migrate_to_now() -> None:
    """Migrate the app to the newest version, which is that of the code."""
    (newest,) = MigrationExecutor(connection).loader.graph.leaf_nodes(APP)
    migrate(newest[1])


def index_file(name: str) -> int:
    """The file of an index. It changes when the index is built again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [name])
        (file,) = cursor.fetchone()
    return file


@pytest.mark.slow
@pytest.mark.thorough
class TestADatabaseOfBefore:
    """It goes back to the oldest version that a test is about, and forward again, once for all tests."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def journey(cls, class_db: None) -> None:
        cls.voice = make_delivery(
            make_recipient(make_message()), mode="voice", status="failed", attempt_count=3, reached_earlier=True
        )
        cls.without_people, cls.with_calls, cls.sent = (
            make_message(status=status, modes=["email", "voice"]) for status in ("waiting", "waiting", "sent")
        )
        cls.call, cls.call_with_detail = (
            make_delivery(make_recipient(cls.with_calls), mode="voice", status="confirmed", code=6, detail=detail)
            for detail in ("", "as told")
        )
        cls.refused = make_delivery(make_recipient(cls.sent), email_outcome="suppressed")
        recount(message_id=cls.sent.pk)
        cls.canceled = canceled_message()
        cls.kept = totals_of(cls.canceled).modes

        migrate("0011_attempt_counts")  # a newer version builds its indexes again
        cls.totals, cls.unfinished = index_file("delivery_totals"), index_file("message_unfinished")
        cls.before = migrate("0010_messages_without_an_end").get_model(APP, "Delivery").objects.get(pk=cls.voice.pk)
        cls.unfinished_before = index_file("message_without_an_end")
        cls.after = migrate("0011_attempt_counts").get_model(APP, "Delivery").objects.get(pk=cls.voice.pk)
        cls.totals_after, cls.unfinished_after = index_file("delivery_totals"), index_file("message_unfinished")
        migrate_to_now()

    def test_attempt_counts_are_renamed_with_their_values_and_without_a_new_index(self):
        assert (self.before.attempts, self.before.reached_before) == (3, True)
        assert (self.after.attempt_count, self.after.reached_earlier) == (3, True)
        assert self.unfinished_before == self.unfinished_after == self.unfinished
        assert self.totals_after == self.totals

    def test_messages_without_people_are_repaired(self):
        of = [self.without_people, self.with_calls, self.sent]
        states = dict(SentMessage.objects.filter(pk__in=[each.pk for each in of]).values_list("pk", "status"))
        assert [states[each.pk] for each in of] == ["no_recipients", "waiting", "sent"]

    def test_confirmed_calls_without_a_detail_are_repaired(self):
        of = [self.call, self.call_with_detail, self.refused]
        details = dict(Delivery.objects.filter(pk__in=[each.pk for each in of]).values_list("pk", "detail"))
        assert [details[each.pk] for each in of] == ["Voicemail detected", "as told", ""]
        assert totals_of(self.sent).modes[Mode.EMAIL].error == 1

    def test_the_figures_of_a_cancel_are_counted(self):
        now = totals_of(self.canceled).modes
        assert now == self.kept
        assert [(mode.canceled_begun, mode.untried) for mode in now.values()] == [(1, 1), (0, 1)]


def canceled_message() -> SentMessage:
    """A message that was canceled while it ran, with a device of each kind that a cancel counts."""
    message = make_message(status="canceled_ip", modes=["voice", "text"])
    for number, (mode, status, attempts) in enumerate(
        [
            ("voice", "canceled", 1),
            ("voice", "canceled", 0),
            ("voice", "failed", 2),
            ("voice", "not_eligible", 0),
            ("text", "opt_out", 0),
            ("text", "opt_out", 1),
            ("text", "canceled", 0),
        ]
    ):
        recipient = make_recipient(message)
        make_delivery(recipient, mode=mode, status=status, attempt_count=attempts, address=f"+1763555000{number}")
        make_delivery(make_recipient(message), mode=mode, address="")
    recount(message_id=message.pk)
    return message


def test_a_recount_repairs_what_an_older_version_counted():
    message = make_message(modes=["voice"], dispatch_started_at=NOW, dispatch_finished_at=NOW + timedelta(seconds=28))
    recipient = make_recipient(message)
    for number, minutes in ((1, 2), (2, 15)):
        at = {"first_attempt_at": NOW + timedelta(minutes=minutes), "last_attempt_at": NOW + timedelta(minutes=minutes)}
        make_delivery(recipient, mode="voice", address=f"+1612555010{number}", **at)
    call_command("recount", stdout=StringIO())
    message.refresh_from_db()
    totals = totals_of(message)
    assert totals.modes[Mode.VOICE].first_attempt_duration == timedelta(minutes=2)
    assert totals.duration == timedelta(minutes=15)
