"""The page of each URL that only accepts a form's POST: where its errors are shown, and where links back lead."""

from django.urls import reverse

FORM_PAGES = {  # the page's URL name, and the arguments that it shares with the form's URL
    "choose": ("first_visit",),
    "notices:put_away": ("notices:notice", "public_id"),
    "registration:party": ("registration:show", "token"),
    "registration:answer": ("registration:show", "token"),
    "own_data_download": ("own_data",),
    "own_data_forget": ("own_data",),
    "newsroom:try_again": ("newsroom:ledger",),
    "newsroom:lift": ("newsroom:ledger",),
    "newsroom:arrived": ("newsroom:ledger",),
    "newsroom:submit": ("newsroom:notice", "public_id"),
    "newsroom:approve": ("newsroom:notice", "public_id"),
    "newsroom:send_back": ("newsroom:notice", "public_id"),
    "newsroom:cancel": ("newsroom:notice", "public_id"),
    "newsroom:end": ("newsroom:notice", "public_id"),
    "newsroom:pause": ("newsroom:notice", "public_id"),
    "newsroom:resume": ("newsroom:notice", "public_id"),
    "newsroom:correct": ("newsroom:notice", "public_id"),
    "desk:cancel": ("desk:appointments",),
    "desk:record_call": ("desk:appointments",),
    "desk:record_attendance": ("desk:appointments",),
    "desk:reopen": ("desk:closed_days",),
    "desk:change": ("desk:edit", "kind", "public_id"),
    "desk:keep": ("desk:edit", "kind", "public_id"),
    "desk:end": ("desk:edit", "kind", "public_id"),
    "cases:earlier": ("cases:index",),
    "cases:follow_up": ("cases:today",),
    "cases:refer": ("cases:referral", "public_id"),
    "cases:undo": ("cases:index",),
    "cases:do": ("cases:case", "public_id"),
    "cases:forget": ("cases:person", "public_id"),
    "cases:tell": ("cases:person", "public_id"),
    "cases:same_person": ("cases:person", "public_id"),
    "statistics:export": ("statistics:index",),
    "statistics:export_rows": ("statistics:index",),
    "statistics:export_hours": ("statistics:hours",),
    "statistics:export_report": ("statistics:report",),
    "statistics:close": ("statistics:months",),
    "statistics:reopen": ("statistics:months",),
    "importing:discard": ("importing:plan", "public_id"),
    "log:keep": ("log:new",),
    "log:discard": ("log:new",),
    "log:find": ("log:index",),
    "log:open_by_code": ("log:index",),
    "log:assign": ("log:consultation", "public_id"),
    "log:glass": ("log:consultation", "public_id"),
}


def page_of_form(request) -> str:
    """Return the page to which a request's URL belongs; "" if it is a page itself."""
    match = request.resolver_match
    name, *shared = FORM_PAGES.get(match.view_name, ("",)) if match else ("",)
    return reverse(name, kwargs={it: match.kwargs[it] for it in shared}) if name else ""
