"""manage.py expire_offers: pass on the places that nobody has taken in time, where cron does the background work."""

from django.core.management.base import BaseCommand

from services.registration.actions import expire_offers


class Command(BaseCommand):
    """Does what the background work does each minute."""

    help = "Pass on the offered places that nobody has taken in time; for cron. Says for how many things."

    def handle(self, *args, **options):
        """Two at once do no harm."""
        self.stdout.write(f"Passed on places of {expire_offers()}.")
