"""The audit trail: who saw or changed what."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit app."""

    name = "services.audit"
    label = "audit"
