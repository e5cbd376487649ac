"""The web server."""

import sys


def web_server_command(
    port: str, *, host: str = "127.0.0.1", workers: int = 1, application: str = "portal.wsgi:application"
) -> list[str]:
    """Return the command of the web server; its options were chosen by measurement (docs/adr/0003-web-server.md)."""
    return [
        sys.executable, "-m", "granian", application,
        "--interface", "wsgi", "--host", host, "--port", port,
        "--workers", str(workers), "--blocking-threads", "4", "--log-level", "warning", "--no-ws",
    ]  # fmt: skip
