"""A provider for measurements: it accepts everything after 100 ms, and takes some thousand requests a second.

python -m bench.provider prints its address. The sandbox knows more, and takes a thread for each request.
"""

import asyncio
import json
from itertools import count

SECONDS = 0.1
_numbers = count(1)


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each with a Content-Length or without a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            _, _, length = head.partition(b"content-length:")
            whole = end + 4 + int(length.split(b"\r\n")[0] or b"0" if length else 0)
            if len(self.received) < whole:
                return
            self.received = self.received[whole:]
            asyncio.get_running_loop().call_later(SECONDS, self.answer)

    def answer(self) -> None:
        if self.transport.is_closing():
            return
        number = str(next(_numbers))
        body = json.dumps({"id": number, "call_id": number, "status": "sent"}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
