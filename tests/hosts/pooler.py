"""A pooler that does as PgBouncer in transaction mode, and less: nothing of a session stays for the next transaction.

Each transaction gets the session that rested longest, and DISCARD ALL comes after it. So what needs a session for more
than a transaction fails here at once.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import BinaryIO
from urllib.parse import quote

_STARTUP = 196_608
_CANCEL = 80_877_102
_SESSIONS = 20
_COPY_ENDS = (b"c", b"f")


class Gone(Exception):
    """The other side has closed the connection."""


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise Gone
    return data


def _message(stream: BinaryIO) -> tuple[bytes, bytes]:
    """Read a message: its kind, and all of it."""
    head = _exactly(stream, 5)
    (size,) = struct.unpack("!i", head[1:])
    return head[:1], head + _exactly(stream, size - 4)


def _startup(**parameters: str) -> bytes:
    words = "".join(f"{name}\0{value}\0" for name, value in parameters.items()).encode() + b"\0"
    return struct.pack("!ii", len(words) + 8, _STARTUP) + words


def _query(sql: str) -> bytes:
    return b"Q" + struct.pack("!i", len(sql.encode()) + 5) + sql.encode() + b"\0"


class _Session:
    """A session of the server, for one transaction after another."""

    def __init__(self, path: str, user: str, database: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(_startup(user=user, database=database))
        self.greeting = b"".join(data for kind, data in self.answer() if kind in (b"R", b"S", b"K", b"Z"))

    def answer(self) -> list[tuple[bytes, bytes]]:
        """Read until the server is ready for the next statement."""
        found = [_message(self.stream)]
        while found[-1][0] != b"Z":
            found.append(_message(self.stream))
        return found

    def clean(self) -> None:
        self.socket.sendall(_query("DISCARD ALL"))
        self.answer()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


class Pooler:
    """Serves at `url` the database of a PostgreSQL whose socket is in the folder `sockets`. Roles need no password."""

    def __init__(self, sockets: Path, at: Path, *, user: str, database: str) -> None:
        self._path, self._user, self._database = str(sockets / ".s.PGSQL.5432"), user, database
        self._resting: Queue[_Session | None] = Queue()
        for _ in range(_SESSIONS):
            self._resting.put(None)
        self.transactions = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(at / ".s.PGSQL.5432"))
        self._listener.listen(100)
        self.url = f"postgres://{user}@/{quote(str(at), safe='')}/{database}"
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")
        with suppress(Gone, OSError), client, stream:
            if not _greeted(client, stream):
                return
            session = self._take()
            client.sendall(session.greeting)
            self._rest(session)
            while True:
                kind, data = _message(stream)
                if kind == b"X":
                    return
                self._transaction(client, stream, data)

    def _transaction(self, client: socket.socket, stream: BinaryIO, data: bytes) -> None:
        """Give the client a session until its transaction ends. If either side goes, the session ends too."""
        session = self._take()
        self.transactions += 1
        try:
            while _statement(client, stream, session, data) != b"I":
                kind, data = _message(stream)
                if kind == b"X":
                    raise Gone
            session.clean()
        except BaseException:
            session.close()
            self._resting.put(None)
            raise
        self._rest(session)

    def _take(self) -> _Session:
        resting = self._resting.get(timeout=60)
        try:
            return resting or _Session(self._path, self._user, self._database)
        except BaseException:
            self._resting.put(None)
            raise

    def _rest(self, session: _Session) -> None:
        self._resting.put(session)


def _greeted(client: socket.socket, stream: BinaryIO) -> bool:
    """Refuse encryption, and take the start of a session. Its parameters, such as `options`, are ignored."""
    while True:
        size, code = struct.unpack("!ii", _exactly(stream, 8))
        _exactly(stream, size - 8)
        if code in (_STARTUP, _CANCEL):
            return bool(code == _STARTUP)
        client.sendall(b"N")


def _statement(client: socket.socket, stream: BinaryIO, session: _Session, data: bytes) -> bytes:
    """Forward a statement and its answer, with what COPY brings in between. Returns the state of the transaction."""
    session.socket.sendall(data)
    while True:
        kind, data = _message(session.stream)
        client.sendall(data)
        if kind == b"Z":
            return data[-1:]
        while kind == b"G":
            copied, data = _message(stream)
            session.socket.sendall(data)
            if copied in _COPY_ENDS:
                break
