"""The minimal sending loop with which the broadcast is compared: `python -m benchmarks.bare_mail PORT FOLDER MAILS`.

Sends ready-made bytes by smtplib on one connection. FOLDER holds an email for each language. Prints the times, on the
monotonic clock, at which it started and ended.
"""

import itertools
import smtplib
import sys
import time
from pathlib import Path

from benchmarks.readers import languages


def main(port: int, folder: Path, mails: int) -> None:
    """Send the emails."""
    ready = {file.stem: file.read_bytes() for file in folder.glob("*.eml")}
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.ehlo()
        began = time.monotonic()
        for number, language in enumerate(itertools.islice(languages(), mails)):
            server.sendmail("noreply@tabunka.example", [f"bare{number}@example.org"], ready[language])
        print(began, time.monotonic())


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
