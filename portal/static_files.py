"""Static files: hashed names and compression by whitenoise, with URLs cached in each process."""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage with cached URLs: they never change while a process runs."""

    @cache
    def url(self, name, force=False):
        """Return the file's URL with its hash."""
        return super().url(name, force)
