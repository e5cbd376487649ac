"""manage.py load_topics: load the topics that people can subscribe to."""

from django.core.management.base import BaseCommand
from django.utils import translation

from services.notices.demo import load_topics


class Command(BaseCommand):
    """Load the topics of topics.json."""

    help = "Load the topics that people can subscribe to, in every language. A second time changes only what differs."

    def handle(self, *args, **options):
        """Load all of them or none."""
        with translation.override("en"):
            changed = load_topics()
        self.stdout.write(f"The topics are loaded: {changed} new or changed.")
