"""Static files: names with hashes, compressed (whitenoise), their addresses looked up once a process."""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage whose addresses never change while a process lives."""

    @cache
    def url(self, name, force=False):
        """The file's address with its hash."""
        return super().url(name, force)
