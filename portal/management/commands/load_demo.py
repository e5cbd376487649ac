"""manage.py load_demo: load the demo city's data. Idempotent."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from consultations import demo as consultations
from services.accounts import demo as people
from services.guide import demo as guide
from services.notices import demo as notices


class Command(BaseCommand):
    """Load the demo data of all apps."""

    help = "Load the demo city: invented people, guide, notices, desk. A second time changes only what differs."

    def handle(self, *args, **options):
        """Load everything or nothing."""
        if not settings.DEMO:
            raise CommandError("Invented people with known passwords belong in a demo only: set DEMO=1.")
        with transaction.atomic(), translation.override("en"):
            people.load()
            guide.load()
            notices.load()
            consultations.load()
        self.stdout.write("The demo city is loaded.")
