"""manage.py compile_catalogues: make the catalogues readable for Django, without gettext's programs."""

from django.core.management.base import BaseCommand

from services.languages.catalogue import compile_all


class Command(BaseCommand):
    """Compiles what changed."""

    help = "Compile the catalogues that changed, in Python alone."
    requires_system_checks = []

    def handle(self, *args, **options):
        """Compile and say which."""
        done = compile_all()
        self.stdout.write(f"Compiled: {', '.join(done)}." if done else "All catalogues are compiled.")
