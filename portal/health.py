"""Whether the portal is alive, and whether it can do its work."""

import datetime

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from services.notices.models import Heartbeat, Message

WORKER_SILENT = datetime.timedelta(minutes=2)
WAITS_TOO_LONG = datetime.timedelta(minutes=10)


@never_cache
@require_safe
def healthz(request):
    """200 as long as this process answers: whether to restart it."""
    return JsonResponse({"alive": True})


@never_cache
@require_safe
def readyz(request):
    """200 if everything is there, else 503, with each part by name: whether to send readers here, whom to wake."""
    try:
        parts = {"database": True, **_parts()}
    except Error:
        parts = {"database": False}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def _parts() -> dict[str, bool]:
    now = timezone.now()
    executor = MigrationExecutor(connection)
    oldest = Message.objects.due().order_by("due_at").values_list("due_at", flat=True).first()
    return {
        "migrations": not executor.migration_plan(executor.loader.graph.leaf_nodes()),
        "worker": Heartbeat.objects.filter(seen_at__gt=now - WORKER_SILENT).exists(),
        "waiting": oldest is None or now - oldest < WAITS_TOO_LONG,
    }
