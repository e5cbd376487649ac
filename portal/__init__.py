"""The Django project, and the pages that span several programmes."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
