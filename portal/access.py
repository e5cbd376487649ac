"""The access rule of every URL name. Nobody may open a URL without a rule.

A rule says who may open a page; each view's `visible_to` query says which objects they see there.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core.checks import Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from services.accounts.roles import NEED_SECOND_FACTOR, Role


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may open a URL: everybody, signed-in users, or users with one of some roles.

    `enrols` marks the pages to enrol a second factor, which cannot require one.
    """

    roles: frozenset[str] = frozenset()
    signed_in: bool = False
    only_in_demo: bool = False
    enrols: bool = False

    def admits(self, user) -> bool:
        """Whether a user may open the URL."""
        if self.roles:
            return user.is_authenticated and not self.roles.isdisjoint(user.roles)
        return user.is_authenticated or not self.signed_in

    def needs_second_factor(self, user) -> bool:
        """Whether a user must have enrolled a second factor to open the URL."""
        return bool(self.roles) and not self.enrols and not NEED_SECOND_FACTOR.isdisjoint(user.roles)


EVERYBODY = AccessRule()
SIGNED_IN = AccessRule(signed_in=True)
STAFF = AccessRule(roles=frozenset(Role))
ENROLMENT = AccessRule(roles=frozenset(Role), enrols=True)
NOBODY = AccessRule(roles=frozenset({"nobody"}))
ADMIN = AccessRule(roles=frozenset({Role.ADMINISTRATOR, Role.EDITOR}))
DEMO_ONLY = AccessRule(only_in_demo=True)
WRITES_NEWS = AccessRule(roles=frozenset({Role.EDITOR}))
WORDS_NEWS = AccessRule(roles=frozenset({Role.EDITOR, Role.TRANSLATOR}))
DECIDES_NEWS = AccessRule(roles=frozenset({Role.EDITOR, Role.MANAGER}))
SEES_NEWS = AccessRule(roles=frozenset({Role.EDITOR, Role.TRANSLATOR, Role.MANAGER}))
WATCHES_LEDGER = AccessRule(roles=frozenset({Role.MANAGER, Role.ADMINISTRATOR}))
MENDS_LEDGER = AccessRule(roles=frozenset({Role.ADMINISTRATOR}))
SEES_ROSTER = AccessRule(roles=frozenset({Role.ADVISER, Role.MANAGER}))
EDITS_ROSTER = AccessRule(roles=frozenset({Role.MANAGER}))
SEES_CASES = AccessRule(roles=frozenset({Role.ADVISER, Role.MANAGER}))
SEES_FIGURES = AccessRule(roles=frozenset({Role.ADVISER, Role.MANAGER}))
REPORTS_FIGURES = AccessRule(roles=frozenset({Role.MANAGER}))
IMPORTS_LOG = AccessRule(roles=frozenset({Role.MANAGER}))
LOGS = AccessRule(roles=frozenset({Role.ADVISER}))
SEES_LOG = AccessRule(roles=frozenset({Role.ADVISER, Role.MANAGER}))

ACCESS = {
    # Every page for residents.
    "first_visit": EVERYBODY,
    "home": EVERYBODY,
    "emergency": EVERYBODY,
    "search": EVERYBODY,
    "choose": EVERYBODY,
    "manifest": EVERYBODY,
    "consultations:index": EVERYBODY,
    "consultations:calendar": EVERYBODY,
    "consultations:appointments": EVERYBODY,
    "consultations:times": EVERYBODY,
    "consultations:book": EVERYBODY,
    "consultations:figures": EVERYBODY,
    "classes": EVERYBODY,
    "events": EVERYBODY,
    "volunteers": EVERYBODY,
    "interpreting": EVERYBODY,
    "guide:index": EVERYBODY,
    "guide:category": EVERYBODY,
    "guide:article": EVERYBODY,
    "notices:index": EVERYBODY,
    "notices:archive": EVERYBODY,
    "notices:notice": EVERYBODY,
    "notices:alert": EVERYBODY,
    "notices:calendar": EVERYBODY,
    "notices:feed": EVERYBODY,
    "notices:topic_feed": EVERYBODY,
    "notices:put_away": EVERYBODY,
    # Without an account; what a link opens its signature says.
    "notices:subscribe": EVERYBODY,
    "notices:asked": EVERYBODY,
    "notices:confirm": EVERYBODY,
    "notices:manage": EVERYBODY,
    "notices:leave": EVERYBODY,
    "consultations:booked": EVERYBODY,
    "consultations:another": EVERYBODY,
    "consultations:change": EVERYBODY,
    "registration:show": EVERYBODY,
    "registration:answer": EVERYBODY,
    "registration:party": EVERYBODY,
    "registration:calendar": EVERYBODY,
    # Watched by machines.
    "healthz": EVERYBODY,
    "readyz": EVERYBODY,
    # Signing in.
    "account_login": EVERYBODY,
    "account_logout": EVERYBODY,
    "account_signup": EVERYBODY,
    "account_inactive": EVERYBODY,
    "account_request_login_code": EVERYBODY,
    "account_confirm_login_code": EVERYBODY,
    "account_email_verification_sent": EVERYBODY,
    "account_reset_password": EVERYBODY,
    "account_confirm_password_reset_code": EVERYBODY,
    "account_complete_password_reset": EVERYBODY,
    "account_password_reset_completed": EVERYBODY,
    "mfa_authenticate": EVERYBODY,
    # One's own.
    "me": SIGNED_IN,
    "messages": SIGNED_IN,
    "message": SIGNED_IN,
    "own_data": SIGNED_IN,
    "own_data_download": SIGNED_IN,
    "own_data_forget": SIGNED_IN,
    "account_email": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_reauthenticate": SIGNED_IN,
    "mfa_index": ENROLMENT,
    "mfa_reauthenticate": ENROLMENT,
    "mfa_activate_totp": ENROLMENT,
    "mfa_deactivate_totp": ENROLMENT,
    "mfa_view_recovery_codes": ENROLMENT,
    "mfa_generate_recovery_codes": ENROLMENT,
    "mfa_download_recovery_codes": ENROLMENT,
    # Staff.
    "staff": STAFF,
    "desk:index": SEES_ROSTER,
    "desk:appointments": SEES_ROSTER,
    "desk:book": SEES_ROSTER,
    "desk:cancel": SEES_ROSTER,
    "desk:record_call": SEES_ROSTER,
    "desk:record_attendance": SEES_ROSTER,
    "desk:new": EDITS_ROSTER,
    "desk:edit": EDITS_ROSTER,
    "desk:change": EDITS_ROSTER,
    "desk:keep": EDITS_ROSTER,
    "desk:end": EDITS_ROSTER,
    "desk:closed_days": EDITS_ROSTER,
    "desk:reopen": EDITS_ROSTER,
    "cases:index": SEES_CASES,
    "cases:today": SEES_CASES,
    "cases:earlier": SEES_CASES,
    "cases:open": SEES_CASES,
    "cases:follow_up": SEES_CASES,
    "cases:referral": SEES_CASES,
    "cases:consent": SEES_CASES,
    "cases:refer": SEES_CASES,
    "cases:undo": SEES_CASES,
    "cases:case": SEES_CASES,
    "cases:person": SEES_CASES,
    "cases:forget": SEES_CASES,
    "cases:tell": SEES_CASES,
    "cases:same_person": SEES_CASES,
    "cases:new_referral": SEES_CASES,
    "cases:do": SEES_CASES,
    "statistics:index": SEES_FIGURES,
    "statistics:export": SEES_FIGURES,
    "statistics:export_rows": SEES_FIGURES,
    "statistics:hours": SEES_FIGURES,
    "statistics:export_hours": SEES_FIGURES,
    "statistics:report": REPORTS_FIGURES,
    "statistics:export_report": REPORTS_FIGURES,
    "statistics:months": REPORTS_FIGURES,
    "statistics:close": REPORTS_FIGURES,
    "statistics:reopen": REPORTS_FIGURES,
    "importing:index": IMPORTS_LOG,
    "importing:plan": IMPORTS_LOG,
    "importing:discard": IMPORTS_LOG,
    # The log; of each consultation, Consultation.objects.visible_to and readable_by say more.
    "log:index": SEES_LOG,
    "log:new": LOGS,
    "log:keep": LOGS,
    "log:discard": LOGS,
    "log:find": SEES_LOG,
    "log:open_by_code": SEES_LOG,
    "log:consultation": SEES_LOG,
    "log:amend": SEES_LOG,
    "log:assign": SEES_LOG,
    "log:glass": SEES_LOG,
    "log:print": SEES_LOG,
    "log:version": SEES_LOG,
    "newsroom:index": SEES_NEWS,
    "newsroom:write": WRITES_NEWS,
    "newsroom:edit": WORDS_NEWS,
    "newsroom:notice": SEES_NEWS,
    "newsroom:preview": SEES_NEWS,
    "newsroom:page": SEES_NEWS,
    "newsroom:progress": SEES_NEWS,
    "newsroom:submit": WRITES_NEWS,
    "newsroom:approve": DECIDES_NEWS,
    "newsroom:send_back": DECIDES_NEWS,
    "newsroom:cancel": DECIDES_NEWS,
    "newsroom:end": DECIDES_NEWS,
    "newsroom:pause": DECIDES_NEWS,
    "newsroom:resume": DECIDES_NEWS,
    "newsroom:correct": WRITES_NEWS,
    "newsroom:add_language": DECIDES_NEWS,
    "newsroom:patterns": DECIDES_NEWS,
    "newsroom:warn": DECIDES_NEWS,
    "newsroom:ledger": WATCHES_LEDGER,
    "newsroom:try_again": MENDS_LEDGER,
    "newsroom:arrived": MENDS_LEDGER,
    "newsroom:lift": MENDS_LEDGER,
    "admin": ADMIN,  # the whole admin; `open_to` of its classes says which role edits what
    "admin:password_change": NOBODY,  # passwords are only changed at account_change_password
    # In the demo only.
    "demo": DEMO_ONLY,
    "styleguide": DEMO_ONLY,
}


def access_rule_for(view_name: str) -> AccessRule | None:
    """Return the rule for a URL name, or for its namespace; None if nobody may open it."""
    rule = ACCESS.get(view_name) or ACCESS.get(view_name.partition(":")[0])
    return None if rule is None or (rule.only_in_demo and not settings.DEMO) else rule


def url_names(patterns=None, namespace: str = "") -> set[str]:
    """Return all URL names of the portal; for a pattern without a name, its route."""
    names = set()
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            names |= url_names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            names.add(f"{namespace}{pattern.name or pattern.pattern}")
    return names


@register()
def check_every_url_has_a_rule(app_configs, **options):
    """Every URL needs a rule, and every rule a URL."""
    names = url_names()
    known = {name for name in names if name in ACCESS or name.partition(":")[0] in ACCESS}
    used = known | {name.partition(":")[0] for name in known}
    return [
        Error(f"The URL {name} has no row in portal/access.py.", id="portal.E001") for name in sorted(names - known)
    ] + [
        Error(f"portal/access.py has a row for {name}, which no URL has.", id="portal.E002")
        for name in sorted(set(ACCESS) - used)
    ]
