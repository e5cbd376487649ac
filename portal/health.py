"""Health checks: whether the portal is alive, and whether it is ready."""

import datetime

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from services.messaging.models import Heartbeat, Message

MAX_WORKER_SILENCE = datetime.timedelta(minutes=2)
MAX_MESSAGE_DELAY = datetime.timedelta(minutes=10)


@never_cache
@require_safe
def healthz(request):
    """Liveness: 200 as long as this process responds."""
    return JsonResponse({"alive": True})


@never_cache
@require_safe
def readyz(request):
    """Readiness: 200 if every part works, else 503; the JSON names each part."""
    try:
        parts = {"database": True, **_check_parts()}
    except Error:
        parts = {"database": False}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def _check_parts() -> dict[str, bool]:
    now = timezone.now()
    executor = MigrationExecutor(connection)
    oldest = Message.objects.due().order_by("due_at").values_list("due_at", flat=True).first()
    return {
        "migrations": not executor.migration_plan(executor.loader.graph.leaf_nodes()),
        "worker": Heartbeat.objects.filter(seen_at__gt=now - MAX_WORKER_SILENCE).exists(),
        "waiting": oldest is None or now - oldest < MAX_MESSAGE_DELAY,
    }
