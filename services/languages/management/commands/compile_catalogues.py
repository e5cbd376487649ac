"""manage.py compile_catalogues: compile the catalogues without the gettext programs."""

from django.core.management.base import BaseCommand

from services.languages.catalogue import compile_all


class Command(BaseCommand):
    """Compile the catalogues that have changed."""

    help = "Compile the catalogues that changed, in Python alone."
    requires_system_checks = []

    def handle(self, *args, **options):
        """Compile them and print their names."""
        done = compile_all()
        self.stdout.write(f"Compiled: {', '.join(done)}." if done else "All catalogues are compiled.")
