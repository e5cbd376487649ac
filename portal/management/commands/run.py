"""manage.py run: the whole portal with one command, and all of it gone with one Ctrl-C."""

import os
import signal
import subprocess
import threading

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from portal import embedded
from portal.web_server import web_server
from services.accounts.demo import PASSWORD, PEOPLE


class Command(BaseCommand):
    """Prepares the database, loads the demo, serves pages and works off the ledger."""

    help = "Migrate, load the demo (DEMO=1), serve on PORT (8000) and do the background work, until Ctrl-C."

    def handle(self, *args, **options):
        """Returns when the web server ends or a signal comes; leaves no process behind."""
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0)
        if settings.DEMO:
            call_command("load_demo", verbosity=0, stdout=self.stdout)
        call_command("collectstatic", interactive=False, verbosity=0)
        port = os.environ.get("PORT", "8000")
        stop = threading.Event()
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
            signal.signal(ending, lambda *_: stop.set())
        # In a session of its own, so that Ctrl-C reaches it through us alone.
        web = subprocess.Popen(web_server(port), start_new_session=True)  # noqa: S603  our own words
        worker = None
        if not settings.CELERY_BROKER_URL:
            worker = threading.Thread(target=embedded.work, args=(stop,))
            worker.start()
        try:
            self._greet(port)
            while web.poll() is None and not stop.wait(0.2):
                pass
        finally:
            stop.set()
            _end(web)
            if worker:
                worker.join()
        if web.returncode not in (0, -signal.SIGTERM, -signal.SIGINT):
            raise CommandError(
                f"The web server ended by itself. Is port {port} taken? PORT=8001 make run takes another."
            )

    def _greet(self, port: str) -> None:
        self.stdout.write(f"\n  The portal is at http://localhost:{port}/   (Ctrl-C ends it)\n")
        if settings.DEMO:
            self.stdout.write(
                f"  Sign in as anybody at http://localhost:{port}/en/demo/, or with the password {PASSWORD}:\n"
            )
            for role, name, _language in PEOPLE:
                self.stdout.write(f"    {role}@demo.example  {name}\n")
        self.stdout.flush()


def _end(web: subprocess.Popen) -> None:
    web.terminate()
    try:
        web.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(web.pid, signal.SIGKILL)
        web.wait()
