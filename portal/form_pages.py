"""To which page an address belongs that only takes what a form sends: where its errors are shown, and the way back."""

from django.urls import reverse

BELONGS_TO = {  # the name of the page, and what it takes of the form's address
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
    "desk:came": ("desk:appointments",),
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
    """The page to which a request's address belongs; nothing if it is a page itself."""
    match = request.resolver_match
    name, *taken = BELONGS_TO.get(match.view_name, ("",)) if match else ("",)
    return reverse(name, kwargs={it: match.kwargs[it] for it in taken}) if name else ""
