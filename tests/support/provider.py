"""A provider of messages for tests: `python -m tests.provider PORT FILE DELAY` writes a line for each request."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Provider(ThreadingHTTPServer):
    """Takes each idempotency key once; a request without a key is always a new message."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, port: int, file: Path, delay: float):
        super().__init__(("127.0.0.1", port), Request)
        self.file, self.delay, self.keys, self.lock = file, delay, set(), threading.Lock()

    def take(self, key: str, words: dict) -> int:
        """The answer's status: 200 for a new message, 409 for one that it has taken already."""
        with self.lock, self.file.open("a", encoding="utf-8") as file:
            status = 409 if key and key in self.keys else 200
            self.keys.add(key)
            file.write(json.dumps({"status": status, "key": key, "words": words}) + "\n")
            return status


class Request(BaseHTTPRequestHandler):
    """One request. What is taken is taken before the answer goes out, as with a real provider."""

    def do_POST(self):
        """Judged by the beginning of the address."""
        words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if words["to"].startswith("silent"):
            return
        refused = {"unknown": 400, "busy": 429}.get(words["to"].rstrip("0123456789"))
        status = refused or self.server.take(self.headers.get("Idempotency-Key", ""), words)
        time.sleep(self.server.delay)
        self.send_response(status)
        self.end_headers()

    def log_message(self, *words):
        """Nothing."""


if __name__ == "__main__":
    Provider(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])).serve_forever()
