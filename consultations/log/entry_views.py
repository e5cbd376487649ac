"""The logging form: one page for an adviser's day, with drafts that survive a crash."""

import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from consultations.log import drafts
from consultations.log.actions import amend as amend_consultation
from consultations.log.actions import decrypt_consultation, entry_of
from consultations.log.forms import AmendmentForm, LogEntryForm, initial_from_entry
from consultations.log.submission import AlreadyLoggedDifferently, log_once
from consultations.log.views import call_or_404
from consultations.records import taxonomy
from consultations.records.models import (
    Consultation,
    ConsultationChannel,
    ConsultationDraft,
    EnquirerRelationship,
    LanguageSupport,
    Outcome,
)
from consultations.records.presentation import name_of_code
from consultations.timetable.models import DeskShift
from services.base.http import GET_OR_POST
from services.base.public_ids import public_id as new_key
from services.base.refusals import Refused
from services.languages.negotiation import current_staff_language

MULTIPLE_CHOICE_FIELDS = {"ticked", "safe_channels"}
OLDEST_TIMER = datetime.timedelta(hours=24)
COPIED_FIELDS = ("language", "language_support", "channel", "enquirer", "outcome", "referred_to")


@GET_OR_POST
def new(request):
    """Show an empty form or a draft; POST logs the consultation."""
    if request.method == "POST":
        return _submit(request)
    key = request.GET.get("draft", "")
    draft = ConsultationDraft.objects.visible_to(request.user).filter(public_id=key).first() if key else None
    if draft is None and key and Consultation.objects.readable_by(request.user).filter(public_id=key).exists():
        return redirect("log:consultation", key)
    initial = _defaults(request) | _draft_initial(drafts.decrypt_draft(draft, by=request.user) if draft else {})
    form = LogEntryForm(initial=initial, user=request.user)
    return _page(request, form, key if drafts.DRAFT_KEY.fullmatch(key) else new_key())


def _submit(request):
    key = request.POST.get("key", "")
    key = key if drafts.DRAFT_KEY.fullmatch(key) else new_key()
    form = LogEntryForm(request.POST, user=request.user)
    if form.is_valid():
        data = form.cleaned_data
        more = {"client": data["client_code"], "person": form.person(), "sending": form.article_delivery()}
        try:
            logged = log_once(form.entry(), by=request.user, key=key, case=data["case"], **more)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            if isinstance(refusal, AlreadyLoggedDifferently):
                key = new_key()
        else:
            text = pgettext("staff", "The consultation has been logged: %(minutes)s min, %(topics)s.")
            messages.success(request, text % {"minutes": logged.minutes, "topics": _names(data["topics"])})
            if data["article"] and not data["send_to"]:  # a frequent question fills in its article
                messages.info(
                    request,
                    pgettext(
                        "staff", "The article was not sent, because you did not enter an email address or phone number."
                    ),
                )
            return redirect("log:index")
    return _page(request, form, key, status=400)


def _page(request, form: LogEntryForm, key: str, status: int = 200):
    language = current_staff_language()
    context = {
        "form": form,
        "key": key,
        "began": _parse_start(form["started_at"].value()),
        "spoken": " ".join(_languages_of(request.user)),
        "questions": [(it.code, it.name(language)) for it in taxonomy.questions().values()],
        "topics": _topics(),
        "today": timezone.localdate(),
    }
    return render(request, "consultations/log/new.html", context, status=status)


def _topics() -> list[tuple[str, str, str]]:
    """Return each topic's code, name and search terms, for log.js."""
    language = current_staff_language()
    return [(it.code, it.name(language), " ".join(it.search_keys())) for it in taxonomy.topics().values()]


def _defaults(request) -> dict:
    """Return the usual values: now, at the desk, the person themselves, in the adviser's language."""
    began = _timer_start(request.GET.get("at", ""))
    return {
        "channel": ConsultationChannel.VISIT,
        "enquirer": EnquirerRelationship.SELF,
        "language": next(iter(_languages_of(request.user))),
        "language_support": LanguageSupport.ADVISER,
        "outcome": Outcome.INFO,
        "day": timezone.localdate(began),
        "time": timezone.localtime(began).time(),
        "started_at": began.isoformat(timespec="seconds"),
    }


def _timer_start(typed: str) -> datetime.datetime:
    """Return when the timer started: Unix seconds in the page's URL, so that it survives a reload."""
    now = timezone.now()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 12):
        return now
    began = datetime.datetime.fromtimestamp(int(typed), datetime.UTC)
    return began if now - OLDEST_TIMER < began <= now else now


def _parse_start(value) -> datetime.datetime:
    """Return the form's start time, or now if it is invalid."""
    try:
        moment = datetime.datetime.fromisoformat(value or "")
        return timezone.localtime(moment) if moment.tzinfo else timezone.now()
    except (ValueError, OverflowError):  # the year 1 overflows in some time zones
        return timezone.now()


def _languages_of(user) -> list[str]:
    """Return the languages that an adviser speaks at the desk, those of their shifts first."""
    shift_languages = DeskShift.objects.filter(adviser=user).values_list("languages", flat=True)
    spoken = dict.fromkeys([code for languages in shift_languages for code in languages] + [user.language or "en"])
    return [code for code in spoken if code in taxonomy.languages()] or ["en"]


@require_POST
def save_draft(request, key):
    """Save the form as a draft, optionally filled in from the last consultation or a frequent question."""
    typed = {name: values for name, values in request.POST.lists() if name in LogEntryForm.base_fields}
    if "like" in request.POST:
        typed |= _values_of_last_entry(request.user)
    if question := taxonomy.questions().get(request.POST.get("question", "")):
        typed |= _values_of_question(question, typed)
    try:
        drafts.save_draft(key, typed, by=request.user)
    except ConsultationDraft.DoesNotExist as nothing:
        raise Http404 from nothing
    if request.headers.get("X-Draft"):
        return HttpResponse(status=204)
    return redirect(f"{reverse('log:new')}?draft={key}")


def _values_of_last_entry(user) -> dict[str, list[str]]:
    """Return the facts of the adviser's last entry, without client and note."""
    own = Consultation.objects.readable_by(user).filter(adviser=user)
    last = own.order_by("-pk").prefetch_related("topics").first()
    if last is None:
        return {}
    topics = ", ".join(row.topic for row in last.topics.all())
    return {name: [getattr(last, name)] for name in COPIED_FIELDS} | {"topics": [topics], "ticked": []}


def _values_of_question(question: taxonomy.ConsultationPreset, typed: dict) -> dict[str, list[str]]:
    """Return the usual values for a question. Topics and note are appended to what has been typed."""
    note = question.note(current_staff_language())
    before = "".join(typed.get("note", [])).strip()
    note = before if note in before else "\n".join(filter(None, [before, note]))
    topics = ", ".join(filter(None, ["".join(typed.get("topics", [])).strip(), *question.topics]))
    filled = {"topics": topics, "outcome": question.outcome, "referred_to": question.referred_to}
    return {name: [value] for name, value in (filled | {"note": note, "article": question.article}).items()}


def _draft_initial(typed: dict[str, list[str]]) -> dict:
    """Return a draft's values as initial data for the form."""
    return {name: values if name in MULTIPLE_CHOICE_FIELDS else "".join(values[:1]) for name, values in typed.items()}


@require_POST
def discard_draft(request, key):
    """Discard a draft."""
    drafts.discard_draft(
        get_object_or_404(ConsultationDraft.objects.visible_to(request.user), public_id=key), by=request.user
    )
    messages.success(request, pgettext("staff", "The draft has been discarded."))
    return redirect("log:index")


@GET_OR_POST
def amend(request, public_id):
    """Amend a consultation, with a reason."""
    found = get_object_or_404(Consultation.objects.editable_by(request.user), public_id=public_id)
    if request.method == "POST":
        form = AmendmentForm(request.POST)
        if form.is_valid() and _save_amendment(request, found, form):
            return redirect("log:consultation", public_id)
    else:
        words = call_or_404(decrypt_consultation, found, by=request.user)
        form = AmendmentForm(initial=initial_from_entry(entry_of(found, note=words.get("note", ""))))
    context = {"form": form, "consultation": found, "topics": _topics(), "today": timezone.localdate()}
    return render(request, "consultations/log/amend.html", context, status=400 if form.errors else 200)


def _save_amendment(request, found: Consultation, form: AmendmentForm) -> bool:
    try:
        amend_consultation(found, form.entry(), by=request.user, reason=form.cleaned_data["reason"])
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(
        request, pgettext("staff", "The consultation has been changed. The previous version has been kept.")
    )
    return True


def _names(topics: tuple[str, ...]) -> str:
    return ", ".join(name_of_code(taxonomy.topics(), code) for code in topics)
