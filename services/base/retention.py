"""Retention of personal data: every model declares a policy, and a periodic job applies it.

A model sets `RETENTION` to `NO_PERSONAL_DATA` or to a policy: what the data is for, how long it is kept, counted from
which column, and whether rows are then deleted or anonymised. Anonymous rows hold no personal data, but still count.
"""

import datetime
from dataclasses import dataclass, field

from django.apps import apps
from django.core.checks import Error, register
from django.db import models, transaction
from django.utils import timezone

BATCH_SIZE = 1000


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """A model's retention policy. `purpose` is an English sentence for the record of processing (GDPR Art. 30).

    - since: the column from which `days` count; while it is empty, the row is kept.
    - days: None means as long as the person wants, or by a rule that the purpose states.
    - sooner: a condition for rows with a shorter retention, and the days of it.
    - only: the rows to which the policy applies.
    - anonymise: the columns' values in an anonymous row, which may be database expressions; if empty, rows are deleted.
    """

    purpose: str
    since: str = ""
    days: int | None = None
    sooner: tuple[models.Q, int] | None = None
    only: models.Q = field(default_factory=models.Q)
    anonymise: dict[str, object] = field(default_factory=dict)

    def expired_rows(self, model: type[models.Model]) -> models.QuerySet:
        """Return the rows whose retention is over."""
        if self.days is None:
            return model._base_manager.none()
        is_over = self._older_than(self.days)
        if self.sooner:
            which, days = self.sooner
            is_over |= which & self._older_than(days)
        rows = model._base_manager.filter(self.only, is_over)
        if self.anonymise:  # leave out rows that are anonymous already
            return rows.exclude(**_literal_values(self.anonymise))
        return rows.exclude(_protected_rows(model))

    def _older_than(self, days: int) -> models.Q:
        return models.Q(**{f"{self.since}__lt": timezone.now() - datetime.timedelta(days=days)})


def _protected_rows(model: type[models.Model]) -> models.Q:
    """Match the rows that a PROTECT foreign key points to: they stay until the referring rows are gone."""
    needed = models.Q(pk__in=[])
    for relation in model._meta.get_fields(include_hidden=True):
        if getattr(relation, "on_delete", None) is models.PROTECT:
            holders = relation.related_model._base_manager.filter(**{relation.field.name: models.OuterRef("pk")})
            needed |= models.Q(models.Exists(holders))
    return needed


NO_PERSONAL_DATA = RetentionPolicy("Nothing about a person.")


def retention_policies() -> dict[type[models.Model], RetentionPolicy]:
    """Return every model of the project with its policy."""
    return {model: model.RETENTION for model in _project_models() if hasattr(model, "RETENTION")}


class _DryRunRollback(Exception):
    """Raised to roll a dry run back."""


def apply_retention(*, dry_run: bool = False) -> dict[str, int]:
    """Delete or anonymise all rows whose retention is over; return their number by model.

    A dry run does the same and rolls it back.
    """
    counts = {}
    for model, policy in retention_policies().items():
        if count := _apply_policy(model, policy, dry_run=dry_run):
            counts[model._meta.label] = count
    return counts


def _apply_policy(model: type[models.Model], policy: RetentionPolicy, *, dry_run: bool) -> int:
    done = 0
    try:
        with transaction.atomic():
            while keys := list(policy.expired_rows(model).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
                rows = model._base_manager.filter(pk__in=keys)
                done += rows.update(**policy.anonymise) if policy.anonymise else _delete(rows, model)
            if dry_run:
                raise _DryRunRollback
    except _DryRunRollback:
        pass
    return done


def _delete(rows: models.QuerySet, model: type[models.Model]) -> int:
    _all, by_model = rows.delete()
    return by_model[model._meta.label]


def _literal_values(anonymise: dict[str, object]) -> dict[str, object]:
    """Return the values that identify an anonymous row: all but database expressions."""
    return {name: value for name, value in anonymise.items() if not hasattr(value, "resolve_expression")}


def _project_models() -> list[type[models.Model]]:
    ours = ("services.", "consultations.", "classes.", "events.", "portal.")
    return [model for model in apps.get_models() if f"{model.__module__}.".startswith(ours)]


@register()
def check_every_model_has_a_policy(app_configs, **options):
    """Every model must declare how long its rows are kept."""
    return [
        Error(f"{model._meta.label} does not say how long it is kept: set RETENTION.", obj=model, id="base.E001")
        for model in _project_models()
        if "RETENTION" not in model.__dict__
    ]
