"""The roof: the Django project, and every page that spans programmes."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
