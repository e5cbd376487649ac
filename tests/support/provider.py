"""A test provider of messages: `python -m tests.support.provider PORT FILE DELAY` records each request in a line."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Provider(ThreadingHTTPServer):
    """Accepts each idempotency key once; a request without a key is always a new message."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, port: int, file: Path, delay: float):
        super().__init__(("127.0.0.1", port), Request)
        self.file, self.delay, self.keys, self.lock = file, delay, set(), threading.Lock()

    def take(self, key: str, words: dict) -> int:
        """Return the response status: 200 for a new message, 409 for one that was already accepted."""
        with self.lock, self.file.open("a", encoding="utf-8") as file:
            status = 409 if key and key in self.keys else 200
            self.keys.add(key)
            file.write(json.dumps({"status": status, "key": key, "words": words}) + "\n")
            return status


class Request(BaseHTTPRequestHandler):
    """One request. A message is accepted before the response is sent, as with a real provider."""

    def do_POST(self):
        """Accept or refuse a message, depending on the beginning of its address."""
        words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if words["to"].startswith("silent"):
            return
        refused = {"unknown": 400, "busy": 429}.get(words["to"].rstrip("0123456789"))
        status = refused or self.server.take(self.headers.get("Idempotency-Key", ""), words)
        time.sleep(self.server.delay)
        self.send_response(status)
        self.end_headers()

    def log_message(self, *words):
        """Do not log requests."""


if __name__ == "__main__":
    Provider(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])).serve_forever()
