"""manage.py load_guide: start a city's guide with the articles that come with the portal."""

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import translation

from services.guide import demo


class Command(BaseCommand):
    """Load categories and articles as drafts, because a city is responsible for what it publishes."""

    help = "Load the guide that comes with the portal (true for Tokyo's wards) as drafts for editors to check."

    def handle(self, *args, **options):
        """Load everything or nothing."""
        with transaction.atomic(), translation.override("en"):
            demo.load(publish_all=False)
        self.stdout.write("The guide is loaded. Editors find the drafts on their board.")
