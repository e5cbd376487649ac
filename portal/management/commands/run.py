"""manage.py run: run the whole portal by one command, and stop all of it by one Ctrl-C."""

import os
import signal
import subprocess
import threading

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from portal import embedded_worker, environment
from portal.web_server import web_server_command
from services.accounts.demo import PASSWORD, PEOPLE


class Command(BaseCommand):
    """Migrate, load the demo, serve pages and do the background work."""

    help = "Migrate, load the demo (DEMO=1), serve on PORT (8000) and do the background work, until Ctrl-C."

    def handle(self, *args, **options):
        """Run until the web server ends or a signal comes; leave no process behind."""
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0)
        if settings.DEMO:
            call_command("load_demo", verbosity=0, stdout=self.stdout)
        call_command("collectstatic", interactive=False, verbosity=0)
        port = environment.read("PORT")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
            signal.signal(number, lambda *_: stop.set())
        # In a session of its own, so that only we react to Ctrl-C.
        web = subprocess.Popen(web_server_command(port), start_new_session=True)  # noqa: S603  no user input
        worker = None
        if not settings.CELERY_BROKER_URL:
            worker = threading.Thread(target=embedded_worker.run_until_stopped, args=(stop,))
            worker.start()
        try:
            self._print_addresses(port)
            while web.poll() is None and not stop.wait(0.2):
                pass
        finally:
            stop.set()
            _terminate(web)
            if worker:
                worker.join()
        if web.returncode not in (0, -signal.SIGTERM, -signal.SIGINT):
            raise CommandError(
                f"The web server ended by itself. Is port {port} taken? PORT=8001 make run takes another."
            )

    def _print_addresses(self, port: str) -> None:
        self.stdout.write(f"\n  The portal is at http://localhost:{port}/   (Ctrl-C ends it)\n")
        if settings.DEMO:
            self.stdout.write(
                f"  Sign in as anybody at http://localhost:{port}/en/demo/, or with the password {PASSWORD}:\n"
            )
            for role, name, _language in PEOPLE:
                self.stdout.write(f"    {role}@demo.example  {name}\n")
        self.stdout.flush()


def _terminate(web: subprocess.Popen) -> None:
    web.terminate()
    try:
        web.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(web.pid, signal.SIGKILL)
        web.wait()
