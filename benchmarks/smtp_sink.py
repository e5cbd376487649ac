"""A mail server that uses hardly any CPU: `python -m benchmarks.smtp_sink PORT FOLDER`.

Logs the time and recipient of each accepted email in FOLDER/accepted, and saves the first email of each language.
"""

import asyncio
import re
import sys
import time
from pathlib import Path

END = b"\r\n.\r\n"
LANGUAGE = re.compile(rb"^Content-Language: ([\w-]+)\r$", re.MULTILINE)
ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 Bye\r\n",
}


class Sink(asyncio.Protocol):
    """A connection (RFC 5321) that accepts everything."""

    def __init__(self, folder: Path, accepted: list[str]):
        self.folder, self.accepted, self.got, self.is_data, self.to = folder, accepted, b"", False, b""

    def connection_made(self, transport):
        """Send the greeting."""
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        """Answer each complete line, or the end of an email."""
        self.got += data
        answers = []
        while (end := self.got.find(END if self.is_data else b"\r\n")) >= 0:
            if self.is_data:
                whole, self.got, self.is_data = self.got[:end], self.got[end + len(END) :], False
                self._accept(whole)
                answers.append(b"250 Kept\r\n")
            else:
                line, self.got = self.got[:end], self.got[end + 2 :]
                verb = line[:4].upper()
                if verb == b"RCPT":
                    self.to = line[line.find(b"<") + 1 : line.rfind(b">")]
                self.is_data = verb == b"DATA"
                answers.append(ANSWERS.get(verb, b"250 OK\r\n"))
        self.transport.write(b"".join(answers))

    def _accept(self, mail: bytes) -> None:
        self.accepted.append(f"{time.monotonic():.3f} {self.to.decode()}\n")
        if language := LANGUAGE.search(mail[:2000]):
            file = self.folder / f"{language[1].decode()}.eml"
            if not file.exists():
                file.write_bytes(mail)


async def serve(port: int, folder: Path) -> None:
    """Serve until the process ends."""
    accepted: list[str] = []
    server = await asyncio.get_running_loop().create_server(lambda: Sink(folder, accepted), "127.0.0.1", port)
    async with server:
        with (folder / "accepted").open("a", encoding="ascii") as log:
            while True:
                await asyncio.sleep(0.2)
                log.writelines(accepted)
                log.flush()
                accepted.clear()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
