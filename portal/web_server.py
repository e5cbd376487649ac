"""The web server that stands in front of Django."""

import sys


def web_server(
    port: str, *, host: str = "127.0.0.1", workers: int = 1, application: str = "portal.wsgi:application"
) -> list[str]:
    """The command of the web server, chosen by measurement: docs/adr/0003-web-server.md."""
    return [
        sys.executable, "-m", "granian", application,
        "--interface", "wsgi", "--host", host, "--port", port,
        "--workers", str(workers), "--blocking-threads", "4", "--log-level", "warning", "--no-ws",
    ]  # fmt: skip
