"""Who saw or changed what."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit trail."""

    name = "services.audit"
    label = "audit"
