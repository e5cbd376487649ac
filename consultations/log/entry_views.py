"""The logging screen: one page for an adviser's day, with drafts that survive whatever happens to it."""

import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST

from consultations import taxonomy
from consultations.actions import drafts
from consultations.actions.consultations import amend as amend_consultation
from consultations.actions.consultations import entry_of, open_consultation
from consultations.actions.entering import LoggedOtherwise, enter
from consultations.forms.log import AmendForm, EntryForm, facts_as_typed
from consultations.log_words import for_staff, named
from consultations.models import Asker, Bridging, Channel, Consultation, Draft, Duty, Outcome
from consultations.views.log import or_404
from services.base.public_ids import public_id as new_key
from services.base.refusals import Refused

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
SEVERAL = {"ticked", "safe_channels"}
OLDEST_TIMER = datetime.timedelta(hours=24)
COPIED = ("language", "bridging", "channel", "asker", "outcome", "referred_to")


@GET_OR_POST
def new(request):
    """An empty form, or a draft to go on with; POST logs it."""
    if request.method == "POST":
        return _entered(request)
    key = request.GET.get("draft", "")
    draft = Draft.objects.visible_to(request.user).filter(public_id=key).first() if key else None
    if draft is None and key and Consultation.objects.readable_by(request.user).filter(public_id=key).exists():
        return redirect("log:consultation", key)
    initial = _defaults(request) | _as_initial(drafts.open_draft(draft, by=request.user) if draft else {})
    form = EntryForm(initial=initial, user=request.user)
    return _page(request, form, key if drafts.KEY.fullmatch(key) else new_key())


def _entered(request):
    key = request.POST.get("key", "")
    key = key if drafts.KEY.fullmatch(key) else new_key()
    form = EntryForm(request.POST, user=request.user)
    if form.is_valid():
        words = form.cleaned_data
        asked = {"client": words["client_code"], "person": form.person(), "sending": form.sending()}
        try:
            logged = enter(form.entry(), by=request.user, key=key, case=words["case"], **asked)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            if isinstance(refusal, LoggedOtherwise):
                key = new_key()
        else:
            told = pgettext("staff", "Logged: %(minutes)s min, %(topics)s.")
            messages.success(request, told % {"minutes": logged.minutes, "topics": _names(words["topics"])})
            if words["article"] and not words["send_to"]:  # a frequent question brings its page along
                messages.info(request, pgettext("staff", "The page of the city guide was sent to nobody: no address."))
            return redirect("log:index")
    return _page(request, form, key, status=400)


def _page(request, form: EntryForm, key: str, status: int = 200):
    language = for_staff()
    context = {
        "form": form,
        "key": key,
        "began": _moment(form["started_at"].value()),
        "spoken": " ".join(_spoken_by(request.user)),
        "questions": [(it.code, it.name(language)) for it in taxonomy.questions().values()],
        "topics": _topics(),
        "today": timezone.localdate(),
    }
    return render(request, "consultations/log/new.html", context, status=status)


def _topics() -> list[tuple[str, str, str]]:
    """Code, name and the words that lead to it, for log.js."""
    language = for_staff()
    return [(it.code, it.name(language), " ".join(it.found_by())) for it in taxonomy.topics().values()]


def _defaults(request) -> dict:
    """What is so most of the time: just now, at the desk, the person themselves, in the adviser's language."""
    began = _asked_beginning(request.GET.get("at", ""))
    return {
        "channel": Channel.VISIT,
        "asker": Asker.SELF,
        "language": next(iter(_spoken_by(request.user))),
        "bridging": Bridging.ADVISER,
        "outcome": Outcome.INFO,
        "day": timezone.localdate(began),
        "time": timezone.localtime(began).time(),
        "started_at": began.isoformat(timespec="seconds"),
    }


def _asked_beginning(typed: str) -> datetime.datetime:
    """When the timer began: the address of the page keeps it, so that it survives a reload. Seconds since 1970."""
    now = timezone.now()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 12):
        return now
    began = datetime.datetime.fromtimestamp(int(typed), datetime.UTC)
    return began if now - OLDEST_TIMER < began <= now else now


def _moment(value) -> datetime.datetime:
    """The beginning as the form has it, whatever somebody made of it."""
    try:
        moment = datetime.datetime.fromisoformat(value or "")
        return timezone.localtime(moment) if moment.tzinfo else timezone.now()
    except (ValueError, OverflowError):  # the year 1 is there, but not in every place of the world
        return timezone.now()


def _spoken_by(user) -> list[str]:
    """What an adviser speaks at the desk, their first language on duty first."""
    on_duty = Duty.objects.filter(adviser=user).values_list("languages", flat=True)
    spoken = dict.fromkeys([code for languages in on_duty for code in languages] + [user.language or "en"])
    return [code for code in spoken if code in taxonomy.tongues()] or ["en"]


@require_POST
def keep(request, key):
    """Keep what was typed as a draft; perhaps filled in like the last consultation, or as for a frequent question."""
    typed = {name: values for name, values in request.POST.lists() if name in EntryForm.base_fields}
    if "like" in request.POST:
        typed |= _as_last(request.user)
    if question := taxonomy.questions().get(request.POST.get("question", "")):
        typed |= _as_for(question, typed)
    try:
        drafts.keep_draft(key, typed, by=request.user)
    except Draft.DoesNotExist as nothing:
        raise Http404 from nothing
    if request.headers.get("X-Draft"):
        return HttpResponse(status=204)
    return redirect(f"{reverse('log:new')}?draft={key}")


def _as_last(user) -> dict[str, list[str]]:
    """What the adviser's own last entry says; nothing of the person, and no words."""
    own = Consultation.objects.readable_by(user).filter(adviser=user)
    last = own.order_by("-pk").prefetch_related("topics").first()
    if last is None:
        return {}
    topics = ", ".join(row.topic for row in last.topics.all())
    return {name: [getattr(last, name)] for name in COPIED} | {"topics": [topics], "ticked": []}


def _as_for(question: taxonomy.Question, typed: dict) -> dict[str, list[str]]:
    """What is usually written down of a question; topics and a note that are there already stay, with its own after."""
    note = question.note(for_staff())
    before = "".join(typed.get("note", [])).strip()
    note = before if note in before else "\n".join(filter(None, [before, note]))
    topics = ", ".join(filter(None, ["".join(typed.get("topics", [])).strip(), *question.topics]))
    filled = {"topics": topics, "outcome": question.outcome, "referred_to": question.referred_to}
    return {name: [value] for name, value in (filled | {"note": note, "article": question.article}).items()}


def _as_initial(typed: dict[str, list[str]]) -> dict:
    """What was typed, as a form that is not yet sent takes it."""
    return {name: values if name in SEVERAL else "".join(values[:1]) for name, values in typed.items()}


@require_POST
def discard(request, key):
    """Throw a draft away."""
    drafts.discard_draft(get_object_or_404(Draft.objects.visible_to(request.user), public_id=key), by=request.user)
    messages.success(request, pgettext("staff", "The draft is gone."))
    return redirect("log:index")


@GET_OR_POST
def amend(request, public_id):
    """Change what was written down, with a reason."""
    found = get_object_or_404(Consultation.objects.kept_by(request.user), public_id=public_id)
    if request.method == "POST":
        form = AmendForm(request.POST)
        if form.is_valid() and _amended(request, found, form):
            return redirect("log:consultation", public_id)
    else:
        words = or_404(open_consultation, found, by=request.user)
        form = AmendForm(initial=facts_as_typed(entry_of(found, note=words.get("note", ""))))
    context = {"form": form, "consultation": found, "topics": _topics(), "today": timezone.localdate()}
    return render(request, "consultations/log/amend.html", context, status=400 if form.errors else 200)


def _amended(request, found: Consultation, form: AmendForm) -> bool:
    try:
        amend_consultation(found, form.entry(), by=request.user, reason=form.cleaned_data["reason"])
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, pgettext("staff", "Changed. What stood there before is kept."))
    return True


def _names(topics: tuple[str, ...]) -> str:
    return ", ".join(named(taxonomy.topics(), code) for code in topics)
