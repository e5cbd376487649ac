"""An SMTP server for tests: `python -m tests.support.smtp_sink PORT FOLDER DELAY` saves each message in the folder."""

import asyncio
import itertools
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Sink:
    """Stores messages; refuses `unknown…@` permanently and `busy…@` temporarily."""

    def __init__(self, folder: Path, delay: float):
        self.folder, self.delay, self.numbers = folder, delay, itertools.count()

    async def handle_RCPT(self, server, session, envelope, address, options):
        """RFC 5321, 4.2.3: 550 no such mailbox, 451 try again later."""
        if address.startswith("unknown"):
            return "550 5.1.1 No such mailbox"
        if address.startswith("busy"):
            return "451 4.3.2 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        """Kept before it is confirmed, as a real server does; renamed so that nobody reads half a file."""
        await asyncio.sleep(self.delay)
        file = self.folder / f"{next(self.numbers):06}.eml"
        head = f"X-Rcpt: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        half = file.with_suffix(".half")
        half.write_bytes(head + envelope.original_content)
        half.rename(file)
        return "250 Kept"


async def serve(port: int, folder: Path, delay: float) -> None:
    """Serve until the process ends."""
    sink = Sink(folder, delay)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
