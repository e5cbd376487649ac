"""Import a past log: upload it, assign its columns, try the import, import it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import npgettext, pgettext
from django.views.decorators.http import require_POST

from consultations.imports import actions, parsing
from consultations.imports.forms import ImportPlanForm, ImportUploadForm
from consultations.imports.models import ImportUpload
from consultations.records.models import ClosedMonth
from services.base.csv_files import read_table
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages import negotiation

MOST_FAULTS = 20


@GET_OR_POST
def index(request):
    """Choose a file. Also shows the upload that is waiting."""
    form = ImportUploadForm()
    if request.method == "POST":
        form = ImportUploadForm(request.POST, request.FILES, sent_bytes=_sent_bytes(request))
        with negotiation.staff_language_override():
            is_valid = form.is_valid()
        if is_valid:
            upload = actions.store_upload(form.cleaned_data["file"], by=request.user)
            return redirect("importing:plan", upload.public_id)
    context = {"form": form, "waiting": ImportUpload.objects.filter(by=request.user).defer("text")}
    return render(request, "consultations/importing/index.html", context, status=400 if form.errors else 200)


@GET_OR_POST
def plan(request, public_id):
    """Assign the columns, then try the import, which lists unreadable cells, or run it."""
    upload = get_object_or_404(ImportUpload, public_id=public_id, by=request.user)
    table = read_table(actions.decrypt_upload(upload, by=request.user))
    form = ImportPlanForm(table, request.POST if request.method == "POST" else None)
    context = {"form": form, "upload": upload, "number": len(table.rows), "faults": [], "tried": None}
    with negotiation.staff_language_override():
        if form.is_bound and form.is_valid():
            rows, context["faults"] = parsing.parse_rows(table, form.plan(), ClosedMonth.months(), MOST_FAULTS)
            if not context["faults"] and _import_or_try(request, upload, rows, context):
                return redirect("importing:index")
    is_wrong = form.errors or context["faults"]
    return render(request, "consultations/importing/plan.html", context, status=400 if is_wrong else 200)


def _import_or_try(request, upload: ImportUpload, rows, context: dict) -> bool:
    """Return whether the rows have been imported. After a dry run or a refusal the user stays on the page."""
    is_import = request.POST.get("step") == "import"
    try:
        context["tried"] = counts = actions.import_rows(upload, rows, by=request.user, dry_run=not is_import)
    except Refused as refusal:
        context["form"].add_error(None, str(refusal))
        return False
    if is_import:
        text = npgettext(
            "staff",
            "%(number)s consultation has been imported.",
            "%(number)s consultations have been imported.",
            counts.added,
        )
        messages.success(request, text % {"number": f"{counts.added:,}"})
    return is_import


@require_POST
def discard(request, public_id):
    """Discard an upload."""
    actions.discard_upload(
        get_object_or_404(ImportUpload.objects.defer("text"), public_id=public_id, by=request.user), by=request.user
    )
    messages.success(request, pgettext("staff", "The file has been discarded."))
    return redirect("importing:index")


def _sent_bytes(request) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0
