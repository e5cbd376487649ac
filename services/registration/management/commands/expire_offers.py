"""manage.py expire_offers: end overdue offers, on servers where cron does the background work."""

from django.core.management.base import BaseCommand

from services.registration.actions import expire_offers


class Command(BaseCommand):
    """Does what the background task does every minute."""

    help = "End overdue offers and offer the places to others. For cron. Prints how many offerings had one."

    def handle(self, *args, **options):
        """Running twice at the same time does no harm."""
        self.stdout.write(f"Passed on places of {expire_offers()}.")
