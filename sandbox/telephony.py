"""Accepted calls and texts: their course, and the requests that the provider makes to the product about them."""

import json
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sandbox.accepted import AcceptedLog
from sandbox.agenda import Agenda
from sandbox.chances import Chances
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.posting import post

CHARACTERS_A_SECOND = 15
RINGS = {"no answer": 25.0, "busy": 2.0, "failed": 1.0}
"""Seconds until a call ends that nobody answers."""
ERRORS = {"failed": "The number could not be reached"}
ATTEMPT_DELAYS = (0.0, 2.0, 15.0)
"""Seconds before each attempt to report a text to the product."""


@dataclass
class Call:
    """A call that the provider places. Moments are epoch seconds."""

    id: str
    to: str
    caller_id: str
    session_data: Any
    outcome: str
    placed_at: float
    repeats: int = 1
    status: str = ""
    """Empty while the call is live."""
    detection: str = ""
    answered: bool = False
    ended_at: float = 0.0
    logged_from: float = 0.0
    """When the call log starts to show it."""

    def log(self) -> dict[str, Any]:
        """Return its entry in the call log."""
        return {
            "id": self.id.partition("@")[0],
            "call_id": self.id,
            "caller_no": self.to,
            "api_no": self.caller_id,
            "start_time": _iso(self.placed_at),
            "end_time": _iso(self.ended_at),
            "type": "voice",
            "direction": "outbound",
            "duration": round((self.ended_at - self.placed_at) * 1000),
            "status": self.status,
            "detection": self.detection,
            "error": ERRORS.get(self.status, ""),
        }


@dataclass(frozen=True)
class Callback:
    """A request that the provider made to the product, and the answer; status 0 without an answer."""

    url: str
    body: dict[str, Any]
    status: int
    answer: str = field(repr=False)


class Telephony:
    """Phones ring, people answer or not, and texts arrive, by seed. `pace` multiplies every delay."""

    def __init__(
        self, clock: Clock, chances: Chances, accepted: AcceptedLog, seed: int, journal: Journal | None = None
    ) -> None:
        self.journal = journal or Journal()
        self.call_flow_url = ""
        self.texts_url = ""
        self.pace = 1.0
        self.replies = 0.0
        """The part of the families that answer a text with STOP; half of them send START later."""
        self.calls: dict[str, Call] = {}
        self.callbacks: list[Callback] = []
        self.opted_out: set[str] = set()
        self.agenda = Agenda(clock)
        self._clock = clock
        self._chances = chances
        self._accepted = accepted
        self._rng = random.Random(f"phones {seed}")
        self._numbers = count(1)
        self._lock = threading.Lock()

    # After a restart

    def recall(self, entry: dict[str, Any]) -> None:
        """Take up an entry of the journal. A call that was live when the provider went down has failed."""
        next(self._numbers)
        if entry["kind"] == "call":
            who = entry["id"], entry["to"], entry["caller_id"], entry["session_data"]
            now = self._clock.now()
            self._keep_call(Call(*who, "failed", entry["at"], status="failed", ended_at=now, logged_from=now))
        elif entry["kind"] == "text":
            details = {name: entry[name] for name in ("api_no", "text", "status")}
            self._accepted.add("text", entry["at"], entry["id"], {entry["to"]: lambda: details})
        elif known := self.calls.get(entry["id"]):
            for name in ("status", "detection", "answered", "ended_at", "logged_from"):
                setattr(known, name, entry[name])

    def _keep_call(self, call: Call) -> None:
        self.calls[call.id] = call
        about = {"caller_id": call.caller_id, "session_data": call.session_data}
        self._accepted.add("call", call.placed_at, call.id, {call.to: lambda: about})

    # Calls

    def place(self, to: str, caller_id: str, session_data: Any, *, repeats: int = 1) -> Call:
        """Accept a call; it rings from now on. With `repeats` of 2, the provider asks the product twice each time."""
        now = self._clock.now()
        id = f"{next(self._numbers):08d}@{self._rng.randrange(10**8):08d}"
        call = Call(id, to, caller_id, session_data, self._chances.draw("call", to), now, repeats)
        self._keep_call(call)
        self.journal.write("call", id=id, to=to, caller_id=caller_id, session_data=session_data, at=now)
        if call.outcome in RINGS:
            self._later(RINGS[call.outcome], self._end, call, call.outcome)
        else:
            self._later(self._rng.uniform(2, 6), self._answer, call)
        return call

    def hang_up(self, id: str) -> bool:
        """End a live call. Returns whether there was one."""
        call = self.calls.get(id)
        return call is not None and self._end(call, "completed" if call.answered else "canceled")

    def logged(self, id: str) -> dict[str, Any] | None:
        """Return a call's entry in the call log; None until some time after its end."""
        call = self.calls.get(id)
        return call.log() if call and call.status and call.logged_from <= self._clock.now() else None

    def _answer(self, call: Call) -> None:
        if call.status:
            return
        call.answered = True
        call.detection = "live" if call.outcome == "confirm" else call.outcome
        actions = self._ask_for_flow(call, "init_call", {})
        if actions is None:
            self._end(call, "failed")
            return
        seconds, collects = _length(actions)
        self._later(seconds, self._listened if collects else self._end, call, *([] if collects else ["completed"]))

    def _listened(self, call: Call) -> None:
        """Continue after the text, when the provider has waited for a key."""
        if call.status:
            return
        pressed = "0" if call.outcome == "confirm" else ""
        actions = self._ask_for_flow(call, "collect", {"confirm": pressed})
        seconds, _ = _length(actions or [])
        self._later(seconds, self._end, call, "completed")

    def _ask_for_flow(self, call: Call, type: str, pressed: dict[str, str]) -> list[dict[str, Any]] | None:
        """Ask the product for the actions of a call. None without a usable answer."""
        body = {
            "type": type,
            "call_id": call.id,
            "direction": "outbound",
            "status": "live-in-progress",
            "detection": call.detection,
            "caller_no": call.to,
            "api_no": call.caller_id,
            "session_data": call.session_data,
            **pressed,
        }
        answers = [self._post(self.call_flow_url, body) for _ in range(call.repeats)]
        try:
            actions = json.loads(answers[-1].answer)["actions"]
            return [action for action in actions if isinstance(action, dict)]
        except (ValueError, KeyError, TypeError):
            return None

    def _end(self, call: Call, status: str) -> bool:
        with self._lock:
            if call.status:
                return False
            call.ended_at = self._clock.now()
            call.logged_from = call.ended_at + self._rng.uniform(2, 10) * self.pace
            call.status = status
            self.journal.write(
                "end",
                id=call.id,
                status=status,
                detection=call.detection,
                answered=call.answered,
                ended_at=call.ended_at,
                logged_from=call.logged_from,
            )
            return True

    # Texts

    def send_text(self, to: str, number: str, text: str, *, repeats: int = 1) -> tuple[str, str]:
        """Accept a text. Returns its id and its status; the receipts come later, `repeats` times each."""
        now = self._clock.now()
        id = f"text-{next(self._numbers):08d}"
        status = "opted out" if to in self.opted_out else "queued"
        self._accepted.add("text", now, id, {to: lambda: {"api_no": number, "text": text, "status": status}})
        self.journal.write("text", id=id, to=to, api_no=number, text=text, status=status, at=now)
        if status == "queued":
            outcome = self._chances.draw("text", to)
            for _ in range(repeats):
                self._receipt(1.5, id, to, number, "sent" if outcome != "failed" else outcome)
                if outcome not in ("sent", "failed"):
                    self._receipt(self._rng.uniform(3, 9), id, to, number, outcome)
            self._perhaps_reply(to, number)
        return id, status

    def receive_text(self, caller: str, text: str, *, number: str = "+16125550100", times: int = 1) -> None:
        """Receive a text from a family, and report it to the product, `times` times."""
        word = text.strip().upper()
        if word == "STOP":
            self.opted_out.add(caller)
        elif word == "START":
            self.opted_out.discard(caller)
        body = {"service": "sms", "type": "sms", "api_no": number, "caller_no": caller, "text_message": text}
        for _ in range(times):
            self._later(0, self._report, body, 0)

    def _receipt(self, seconds: float, id: str, to: str, number: str, status: str) -> None:
        body = {"service": "sms", "type": "receipt", "id": id, "api_no": number, "caller_no": to, "status": status}
        self._later(seconds, self._report, body, 0)

    def _perhaps_reply(self, to: str, number: str) -> None:
        if self._rng.random() < self.replies:
            seconds = self._rng.uniform(10, 90)
            self.agenda.at(self._clock.now() + seconds, lambda: self.receive_text(to, "STOP", number=number))
            if self._rng.random() < 0.5:
                seconds += self._rng.uniform(60, 600)
                self.agenda.at(self._clock.now() + seconds, lambda: self.receive_text(to, "START", number=number))

    def _report(self, body: dict[str, Any], attempt: int) -> None:
        """Report a text to the product. Try again if the answer is not a success."""
        if not self.texts_url or 200 <= self._post(self.texts_url, body).status < 300:
            return
        if attempt + 1 < len(ATTEMPT_DELAYS):
            self._later(ATTEMPT_DELAYS[attempt + 1], self._report, body, attempt + 1)

    # Both

    def _later(self, seconds: float, action: Any, *arguments: Any) -> None:
        self.agenda.at(self._clock.now() + seconds * self.pace, action, *arguments)

    def _post(self, url: str, body: dict[str, Any]) -> Callback:
        status, answer = post(url, json.dumps(body).encode(), "application/json") if url else (0, "")
        callback = Callback(url, body, status, answer)
        self.callbacks.append(callback)
        return callback


def _length(actions: list[dict[str, Any]]) -> tuple[float, bool]:
    """Return how many seconds the actions take, and whether they wait for a key."""
    seconds, collects = 0.0, False
    for action in actions:
        parameters = action.get("params") or {}
        if action.get("type") == "SAY":
            seconds += len(str(parameters.get("text", ""))) / CHARACTERS_A_SECOND
        elif action.get("type") == "COLLECT":
            seconds += float(parameters.get("timeout", 0)) / 1000
            collects = True
    return seconds, collects


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
