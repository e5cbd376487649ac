"""Taking over a past log: upload it, say what its columns are, try it out, take it over."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import npgettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST

from consultations import importing, reading
from consultations.actions import importing as actions
from consultations.forms.importing import PlanForm, UploadForm
from consultations.models import Closing, Upload
from services.base.refusals import Refused
from services.base.tables import read_table

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
MOST_FAULTS = 20


@GET_OR_POST
def index(request):
    """Choose a file; the one that waits."""
    form = UploadForm()
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES, sent_bytes=_sent_bytes(request))
        with reading.for_staff():
            is_valid = form.is_valid()
        if is_valid:
            upload = actions.keep_upload(form.cleaned_data["file"], by=request.user)
            return redirect("importing:plan", upload.public_id)
    context = {"form": form, "waiting": Upload.objects.filter(by=request.user).defer("text")}
    return render(request, "consultations/importing/index.html", context, status=400 if form.errors else 200)


@GET_OR_POST
def plan(request, public_id):
    """Which column is which; then a try, whose faults are named by their cells, and the import."""
    upload = get_object_or_404(Upload, public_id=public_id, by=request.user)
    table = read_table(actions.open_upload(upload, by=request.user))
    form = PlanForm(table, request.POST if request.method == "POST" else None)
    context = {"form": form, "upload": upload, "number": len(table.rows), "faults": [], "tried": None}
    with reading.for_staff():
        if form.is_bound and form.is_valid():
            rows, context["faults"] = importing.read_rows(table, form.plan(), Closing.months(), MOST_FAULTS)
            if not context["faults"] and _taken_over(request, upload, rows, context):
                return redirect("importing:index")
    is_wrong = form.errors or context["faults"]
    return render(request, "consultations/importing/plan.html", context, status=400 if is_wrong else 200)


def _taken_over(request, upload: Upload, rows, context: dict) -> bool:
    """Whether the rows are in the log now. A try stays on the page, and so does what is refused."""
    really = request.POST.get("step") == "import"
    try:
        context["tried"] = counts = actions.take_over(upload, rows, by=request.user, dry_run=not really)
    except Refused as refusal:
        context["form"].add_error(None, str(refusal))
        return False
    if really:
        told = npgettext(
            "staff",
            "%(number)s consultation was taken over.",
            "%(number)s consultations were taken over.",
            counts.added,
        )
        messages.success(request, told % {"number": f"{counts.added:,}"})
    return really


@require_POST
def discard(request, public_id):
    """Throw an upload away."""
    actions.discard_upload(
        get_object_or_404(Upload.objects.defer("text"), public_id=public_id, by=request.user), by=request.user
    )
    messages.success(request, pgettext("staff", "The table was thrown away."))
    return redirect("importing:index")


def _sent_bytes(request) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0
