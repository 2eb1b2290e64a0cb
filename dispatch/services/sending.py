"""Hand claims over, many at a time. Each step is committed before the next, so that after a crash we know how far a
claim came.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import stamina
import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from core.timeouts import words_for
from dispatch.gateways import (
    Answer,
    BusyError,
    CanceledError,
    Gateway,
    Item,
    Result,
    TryLaterError,
    UnknownError,
    gateway_for,
)
from dispatch.models import Claim
from dispatch.services.claims import claim_next, lock_running, mark_handed
from dispatch.services.items import hand_off_of, items_of, without_opted_out
from dispatch.services.rate_limit import at_once, may_go, pause, slow_down, spend, take
from dispatch.services.recording import record_answers, release_claim
from dispatch.services.scheduling import restrict_calls
from dispatch.services.under_way import Request, UnderWay, forbid, let_begin
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage

log = structlog.get_logger(__name__)

# Answers are recorded together: those of so many seconds. More in one transaction cost less each, and wait longer.
RECORD_SECONDS = 0.1
# Only a record makes room for more. Without one, whether more is due and may go is asked again after so many seconds.
_LOOK_SECONDS = 1.0
# A provider that takes longer for an answer has too much to do.
SLOW_SECONDS = 8
# After an answer that asks for patience, nothing new begins for so long.
_REST_SECONDS = 1.0
# The database may be away for so long without a loss of the answers that wait to be recorded.
_DATABASE_AWAY_SECONDS = 60
# A turn that is cut off still records the answers of so many seconds.
_LAST_SECONDS = 2.0
_CRASHED_PAUSE = timedelta(minutes=1)


def send_due(mode: Mode, *, until: float | None = None) -> int:
    """Hand over the due deliveries of a mode. Returns how many went to the provider.

    It ends when nothing is due, when the pace is used up, or when ``until`` (time.monotonic()) is past; then it waits
    for the answers that it has no record of. Any number of workers may do this at once.
    """
    gateway = gateway_for(mode)
    if gateway is None:
        return 0
    if mode is Mode.VOICE:
        restrict_calls()
    return _Turn(mode, gateway, until).run()


def hand_over(claim: Claim, gateway: Gateway) -> int:
    """Hand a claim to its provider and record the answer. Returns how many deliveries the provider answered for.

    Without an answer the claim stays as it is, and services/recovery.py looks it up.
    """
    turn = _Turn(Mode(claim.mode), gateway)
    turn.over = True
    return turn.run(claim)


class _Turn:
    """One turn of a worker at a mode: it keeps as many requests on the way as may be, until its time is over.

    Nothing of a message leaves after its cancel has committed; a worker that dies leaves those in doubt that were on
    the way. The most urgent message is looked for before each claim, and no claim is larger than what leaves at once:
    so an emergency overtakes in the middle of another message.
    """

    def __init__(self, mode: Mode, gateway: Gateway, until: float | None = None) -> None:
        self.mode, self.gateway, self.until = mode, gateway, until
        self.under_way = UnderWay(gateway)
        self.over = False
        self.handed = 0
        self.rests_until = self.recorded_at = self.looked_at = 0.0
        # Of claims that are handed over: how many hand-offs have no answer, which deliveries others had locked, and
        # which of the claims somebody has to look up.
        self.open: Counter[UUID] = Counter()
        self.held: dict[UUID, set[int]] = {}
        self.lost: set[UUID] = set()

    def run(self, *claims: Claim) -> int:
        """Do the turn, beginning with these claims. Returns how many deliveries the provider answered for."""
        try:
            for claim in claims:
                self._begin(claim, taken=0)
            self._work()
        except Exception as error:
            self._end(error)
            raise
        finally:
            self.under_way.close()
        return self.handed

    def _work(self) -> None:
        while True:
            self._fill()
            if not self.under_way:
                return
            until = time.monotonic() + _LOOK_SECONDS
            while not self._go_on() and time.monotonic() < until:
                pass

    def _go_on(self) -> bool:
        """Wait for what happens, let requests begin, and record answers. Returns whether any were recorded."""
        self.under_way.wait(self._record_in() if self.under_way.answered else _LOOK_SECONDS)
        self._decide()
        self._notice_slow_answers()
        if not self.under_way.answered or self._record_in():
            return False
        self._record()
        self.recorded_at = time.monotonic()
        return True

    def _record_in(self) -> float:
        """Return in how many seconds answers are recorded; at once if no more are to come."""
        return max(0.0, self.recorded_at + RECORD_SECONDS - time.monotonic()) if self.under_way.open else 0.0

    def _decide(self) -> None:
        """Let the requests begin that ask for it, if their message runs."""
        asking = self.under_way.take_asking()
        try:
            for message_id, asks in asking.items():
                with transaction.atomic():
                    (let_begin if lock_running(message_id) else forbid)(asks)
        except BaseException:
            for asks in asking.values():
                forbid(asks)  # nobody else would tell them
            raise

    def _end(self, error: Exception) -> None:
        """Leave the state right after an error: nothing begins any more, and no answer is lost that can be had."""
        self.over = True
        cut_off = isinstance(error, SoftTimeLimitExceeded)
        until = time.monotonic() + _LAST_SECONDS if cut_off else float("inf")
        while self.under_way and time.monotonic() < until:
            self.under_way.wait(0.2)
            for asks in self.under_way.take_asking().values():
                forbid(asks)
            if self.under_way.answered:
                self._record()
        if cut_off:
            _look_up_now(self.open)
            pause(self.mode, after=_CRASHED_PAUSE, words="The provider did not answer in time.")

    # What goes out

    def _fill(self) -> None:
        """Claim and hand over until as many are on the way as may be, or nothing is due."""
        while len(self.under_way) < max(1, self.gateway.at_once) and self._may_begin():
            most = at_once(self.mode, self.gateway.at_once) if self.gateway.at_once else 1
            free = most - len(self.under_way)
            if free <= 0 or not (claim := self._claim(free)):
                return
            self._begin(*claim)

    def _may_begin(self) -> bool:
        now = time.monotonic()
        if self.over or now < self.rests_until or not self._has_time(now):
            return False
        self.over = not may_go(self.mode)
        return not self.over

    def _has_time(self, now: float) -> bool:
        """Whether the turn goes on. Requests with a slow answer keep this process, so it uses that time for others."""
        if self.until is None or now < self.until:
            return True
        return now < self.until + settings.PROVIDER_TIMEOUT_SECONDS and self.under_way.has_older(self.until)

    def _claim(self, free: int) -> tuple[Claim, int] | None:
        """Claim what may leave at once: one batch, or many single items. Returns the claim, and the pace taken."""
        batch = self.gateway.batch
        taken = take(self.mode, free if batch == 1 else batch, batch=batch)
        claim = claim_next(self.mode, batch=taken) if taken else None
        if claim is None:
            spend(self.mode, -taken)
            return None
        return claim, taken

    def _begin(self, claim: Claim, taken: int) -> None:
        """Mark a claim as handed over and let its requests go. When nothing of it may leave, it is released."""
        items = items_of(claim)
        if self.mode == Mode.TEXT:
            items = without_opted_out(claim, items)
        # No thread may ask the database for the sender.
        claim.message = SentMessage.objects.select_related("sender").get(pk=claim.message_id)
        marked = mark_handed(claim) if items else set()
        leaving = [item for item in items if item.delivery_id in marked]
        if leaving:
            self.held[claim.pk] = {item.delivery_id for item in items} - marked
            self._start(claim, leaving)
        elif items:
            release_claim(claim, why="released: its message was canceled, its worker was slow, or others have its rows")
        spend(self.mode, len(leaving) - taken)

    def _start(self, claim: Claim, items: list[Item]) -> None:
        whole = hand_off_of(claim, items, timezone.now())
        parts = [whole] if self.gateway.batch > 1 else [replace(whole, items=[item]) for item in items]
        self.open[claim.pk] = len(parts)
        self.under_way.start(claim, parts)

    # What comes back

    def _record(self) -> None:
        """Record the answers that came, those of one message together."""
        by_message: dict[int, dict[UUID, tuple[Claim, list[Answer]]]] = {}
        answered = self.under_way.take_answered()
        for request in answered:
            if answer := self._answer_of(request):
                claims = by_message.setdefault(request.claim.message_id, {})
                claims.setdefault(request.claim.pk, (request.claim, []))[1].append(answer)
        for claims in by_message.values():
            answers = [(claim, self._joined(claim, found)) for claim, found in claims.values()]
            _record_patiently(answers)
            self.handed += sum(result.report is not None for _, answer in answers for result in answer.results)
        self._close_claims(answered)
        self._slow_down(answered)
        for request in answered:
            if isinstance(request.error, SoftTimeLimitExceeded):
                raise request.error

    def _joined(self, claim: Claim, answers: list[Answer]) -> Answer:
        held = [Result(pk, None) for pk in self.held.pop(claim.pk, ())]
        results = [result for answer in answers for result in answer.results]
        return Answer([*results, *held], "\n".join(answer.raw for answer in answers if answer.raw))

    def _answer_of(self, request: Request) -> Answer | None:
        """Return the answer to a request. None when none came: the provider may have something of it."""
        mode, error = self.mode.value, request.error
        match error:
            case None:
                return request.answer
            case TryLaterError():
                if not isinstance(error, CanceledError):
                    log.warning("dispatch.try_later", mode=mode, error=str(error))
                return Answer([Result(item.delivery_id, None) for item in request.items], raw=str(error))
            case UnknownError():
                log.warning("dispatch.unknown", mode=mode, claim=str(request.claim.pk), error=str(error))
            case SoftTimeLimitExceeded():
                pass
            case Exception():
                # A bug in this program: nobody knows what the provider has.
                log.exception("dispatch.crashed", mode=mode, claim=str(request.claim.pk), exc_info=error)
            case _:
                raise error
        self.lost.add(request.claim.pk)
        return None

    def _close_claims(self, answered: Iterable[Request]) -> None:
        """Let those claims be looked up of which the last answer was lost or has come."""
        self.open.subtract(request.claim.pk for request in answered)
        ended = [pk for pk, left in self.open.items() if not left]
        for pk in ended:
            del self.open[pk]
        _look_up_now(self.lost.intersection(ended))
        self.lost.difference_update(ended)

    # The pace

    def _slow_down(self, answered: Sequence[Request]) -> None:
        """Slow down or pause after answers that ask for it."""
        pauses = [found for request in answered if (found := _pause_of(request.error))]
        if pauses:
            after, words = max(pauses)
            pause(self.mode, after=after, words=words)
        strained = [request for request in answered if _strain(request)]
        if not strained:
            return
        self.rests_until = time.monotonic() + _REST_SECONDS
        last = max(strained, key=lambda request: request.began)
        words, since = _strain(last), _wall_clock(last.began)
        slower = slow_down(self.mode, most=max(1, self.gateway.at_once), words=words, since=since)
        if not slower and not pauses and isinstance(last.error, BusyError):
            pause(self.mode, after=last.error.after, words=str(last.error))

    def _notice_slow_answers(self) -> None:
        now, oldest = time.monotonic(), self.under_way.oldest()
        if oldest is not None and now - oldest > SLOW_SECONDS and now - self.looked_at > 1:
            self.looked_at = now
            words = f"The provider takes longer than {SLOW_SECONDS} seconds to answer."
            slow_down(self.mode, most=self.gateway.at_once, words=words, since=_wall_clock(oldest))


def _pause_of(error: BaseException | None) -> tuple[timedelta, str] | None:
    """Return the pause that an error asks for, and why; None if it asks for none."""
    match error:
        case CanceledError() | UnknownError() | SoftTimeLimitExceeded() | None:
            return None
        case BusyError() if not error.asked:
            return None
        case TryLaterError():
            return error.after, str(error)
    return _CRASHED_PAUSE, words_for(error)


def _strain(request: Request) -> str:
    """Return why the provider of a request seems to have too much to do; "" if it does not."""
    match request.error:
        case None:
            return request.answer.strain if request.answer else ""
        case BusyError():
            return f"The provider answers with {request.error.status}."
        case UnknownError():
            return str(request.error)
    return ""


def _wall_clock(moment: float) -> datetime:
    return timezone.now() - timedelta(seconds=time.monotonic() - moment)


def _record_patiently(answers: Sequence[tuple[Claim, Answer]]) -> None:
    """Record answers. While the database is away they are kept, for a minute: nobody gives them a second time."""
    attempts = 1 if connection.in_atomic_block else 100
    retry = stamina.RetryingCaller(attempts=attempts, timeout=_DATABASE_AWAY_SECONDS, wait_initial=0.5, wait_max=5)
    retry(_database_away, record_answers, answers)


def _database_away(error: Exception) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    log.warning("dispatch.not_recorded", error=str(error))
    connection.close_if_unusable_or_obsolete()
    return True


def _look_up_now(claims: Iterable[UUID]) -> None:
    if found := list(claims):
        Claim.objects.filter(pk__in=found).update(look_up_at=timezone.now())
