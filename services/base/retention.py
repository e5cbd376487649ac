"""How long data about people is kept. Every model of ours says so, and a periodic job sees to it.

`KEEPING = NOTHING_PERSONAL`, or what it is kept for, how long, counted from which column, and whether the rows are then
deleted or made anonymous. Anonymous rows hold nothing of the person anywhere, but still count.
"""

import datetime
from dataclasses import dataclass, field

from django.apps import apps
from django.core.checks import Error, register
from django.db import models, transaction
from django.utils import timezone

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Keeping:
    """A model's promise. `purpose` in a sentence of English, for the record of processing (GDPR Art. 30).

    since: the column of the moment from which `days` count; a row without it is still needed. days None: as long as
    the person wants, or by a rule that the purpose names. sooner: rows that need not be kept so long, and for how many
    days. only: which rows it is about. makes: the columns' values in an anonymous row; empty: the row is deleted. A
    value may be a database expression.
    """

    purpose: str
    since: str = ""
    days: int | None = None
    sooner: tuple[models.Q, int] | None = None
    only: models.Q = field(default_factory=models.Q)
    makes: dict[str, object] = field(default_factory=dict)

    def past(self, model: type[models.Model]) -> models.QuerySet:
        """The rows whose time is over."""
        if self.days is None:
            return model._base_manager.none()
        is_over = self._older_than(self.days)
        if self.sooner:
            which, days = self.sooner
            is_over |= which & self._older_than(days)
        rows = model._base_manager.filter(self.only, is_over)
        if self.makes:  # what is anonymous already need not be made so again
            return rows.exclude(**_plain(self.makes))
        return rows.exclude(_needed_by_others(model))

    def _older_than(self, days: int) -> models.Q:
        return models.Q(**{f"{self.since}__lt": timezone.now() - datetime.timedelta(days=days)})


def _needed_by_others(model: type[models.Model]) -> models.Q:
    """The rows that a protected foreign key leads to: they wait for what holds them, and let all others go."""
    needed = models.Q(pk__in=[])
    for relation in model._meta.get_fields(include_hidden=True):
        if getattr(relation, "on_delete", None) is models.PROTECT:
            holders = relation.related_model._base_manager.filter(**{relation.field.name: models.OuterRef("pk")})
            needed |= models.Q(models.Exists(holders))
    return needed


NOTHING_PERSONAL = Keeping("Nothing about a person.")


def promises() -> dict[type[models.Model], Keeping]:
    """Every model of ours with its promise."""
    return {model: model.KEEPING for model in _ours() if hasattr(model, "KEEPING")}


class _RolledBack(Exception):
    """A dry run has done everything and undoes it."""


def keep_periods(*, dry_run: bool = False) -> dict[str, int]:
    """Delete or make anonymous what is past its time; how many rows, by model. A dry run is the real one, undone."""
    counts = {}
    for model, keeping in promises().items():
        if count := _apply(model, keeping, dry_run=dry_run):
            counts[model._meta.label] = count
    return counts


def _apply(model: type[models.Model], keeping: Keeping, *, dry_run: bool) -> int:
    done = 0
    try:
        with transaction.atomic():
            while keys := list(keeping.past(model).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
                rows = model._base_manager.filter(pk__in=keys)
                done += rows.update(**keeping.makes) if keeping.makes else _deleted(rows, model)
            if dry_run:
                raise _RolledBack
    except _RolledBack:
        pass
    return done


def _deleted(rows: models.QuerySet, model: type[models.Model]) -> int:
    _all, by_model = rows.delete()
    return by_model[model._meta.label]


def _plain(makes: dict[str, object]) -> dict[str, object]:
    """The values by which an anonymous row is known: all but those that the database makes."""
    return {name: value for name, value in makes.items() if not hasattr(value, "resolve_expression")}


def _ours() -> list[type[models.Model]]:
    ours = ("services.", "consultations.", "classes.", "events.", "portal.")
    return [model for model in apps.get_models() if f"{model.__module__}.".startswith(ours)]


@register()
def every_model_says_how_long(app_configs, **options):
    """A model that does not say how long its rows are kept is a mistake."""
    return [
        Error(f"{model._meta.label} does not say how long it is kept: set KEEPING.", obj=model, id="base.E001")
        for model in _ours()
        if "KEEPING" not in model.__dict__
    ]
