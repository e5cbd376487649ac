"""What is typed about a case, turned into clean arguments of its verbs."""

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, pgettext, pgettext_lazy

from consultations import taxonomy
from consultations.case_words import about, topic_names
from consultations.log_words import named
from consultations.models import (
    Agreed,
    Case,
    CaseState,
    Consultation,
    Decision,
    FollowUpKind,
    ReferralState,
    Way,
)
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.hygiene import DayField, LineField, ProseField
from services.languages.choice import staff_language
from services.languages.fields import LanguageField

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
LONGEST_TEXT = 4000


def _few_lines(label, *, required: bool = False) -> ProseField:
    return ProseField(label=label, max_length=LONGEST_TEXT, required=required, widget=forms.Textarea(attrs={"rows": 2}))


class PersonField(forms.ModelChoiceField):
    """Somebody who works here, by their public id."""

    def __init__(self, **options):
        super().__init__(User.objects.none(), to_field_name="public_id", **options)

    def label_from_instance(self, person):
        """The name."""
        return person.name or person.email


class VerbForm(forms.Form):
    """What a verb of a case needs. Its cleaned data are the verb's arguments."""

    def __init__(self, data=None, *, case: Case, user: User, **options):
        self.case, self.user = case, user
        super().__init__(data, **options)
        self.offer()

    def offer(self) -> None:
        """Fill in what can be chosen in this case."""

    def _members(self):
        return User.objects.filter(case_memberships__case=self.case).order_by("name", "pk")

    def _advisers(self):
        return User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")


class NothingForm(VerbForm):
    """A press of a button."""


class NoteForm(VerbForm):
    """A note for a case."""

    text = _few_lines(pgettext_lazy("staff", "Note"), required=True)


class ReasonForm(VerbForm):
    """Why, if somebody wants to say so."""

    text = _few_lines(pgettext_lazy("staff", "Why"))


class LiftForm(VerbForm):
    """Why a case need not be restricted any more."""

    text = _few_lines(pgettext_lazy("staff", "Why it need not be restricted any more"), required=True)


class AddMemberForm(VerbForm):
    """Somebody more."""

    user = PersonField(label=pgettext_lazy("staff", "Adviser"))

    def offer(self):
        """All advisers who are no members."""
        self.fields["user"].queryset = self._advisers().exclude(case_memberships__case=self.case)


class RemoveMemberForm(VerbForm):
    """One of the members."""

    user = PersonField(label=pgettext_lazy("staff", "Member"))

    def offer(self):
        """The members."""
        self.fields["user"].queryset = self._members()


class HandOverForm(VerbForm):
    """Who has it from now on. A manager who is no member says why."""

    to = PersonField(label=pgettext_lazy("staff", "Hand over to"))
    text = _few_lines(pgettext_lazy("staff", "Why"))

    def offer(self):
        """The other members; for a manager all advisers."""
        is_member = self.case.members.filter(user=self.user).exists()
        people = self._members() if is_member else self._advisers()
        self.fields["to"].queryset = people.exclude(pk=self.case.assigned_id)
        self.fields["text"].required = not is_member


class CaseField(forms.ModelChoiceField):
    """Another case, told apart by what can be said of it without opening it."""

    def label_from_instance(self, case):
        """Its person's code, its topic, its language, who has it, the day on which it began."""
        code = case.client.code if case.client else pgettext("staff", "Not known by name")
        language = named(taxonomy.tongues(), case.language)
        day = f"{timezone.localdate(case.opened_at):%Y-%m-%d}"
        return " · ".join(filter(None, [code, about(case), language, str(case.assigned), day]))


class MergeForm(VerbForm):
    """Into which case."""

    into = CaseField(Case.objects.none(), to_field_name="public_id", label=pgettext_lazy("staff", "Merge into"))

    def offer(self):
        """What the reader may read and what is open, both restricted or neither."""
        mine = Case.objects.readable_by(self.user).filter(state=CaseState.OPEN, is_restricted=self.case.is_restricted)
        others = mine.exclude(pk=self.case.pk).select_related("client", "assigned")
        self.fields["into"].queryset = others.prefetch_related("consultations__topics")


class SplitForm(VerbForm):
    """What moves out, and who works on it."""

    consultations = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "These consultations move"), widget=forms.CheckboxSelectMultiple
    )
    subject = LineField(label=pgettext_lazy("staff", "What the new case is about"), max_length=200)
    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        to_field_name="public_id",
        label=pgettext_lazy("staff", "Who works on it beside you"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def offer(self):
        """The case's consultations and its other members."""
        rows = self.case.consultations.select_related("adviser").prefetch_related("topics").order_by("began_at", "pk")
        self.fields["consultations"].choices = [(it.public_id, self._told_apart(it)) for it in rows]
        self.fields["members"].queryset = self._members().exclude(pk=self.user.pk)

    def _told_apart(self, it: Consultation) -> str:
        began = f"{timezone.localtime(it.began_at):%Y-%m-%d %H:%M}"
        return " · ".join([began, ", ".join(topic_names(it)), named(taxonomy.tongues(), it.language), str(it.adviser)])


class OpenForm(forms.Form):
    """A new case."""

    subject = LineField(label=pgettext_lazy("staff", "What it is about, in a few words"), max_length=200)
    is_restricted = forms.BooleanField(
        label=pgettext_lazy("staff", "Restricted: it exists for its members alone"),
        help_text=pgettext_lazy("staff", "For violence and whatever else could endanger somebody."),
        required=False,
    )


class PersonForm(VerbForm):
    """Somebody who chooses to be known."""

    name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    contact = LineField(
        label=pgettext_lazy("staff", "E-mail address or telephone number"), max_length=254, required=False
    )
    language = LanguageField(label=pgettext_lazy("staff", "Language"))
    safe_channels = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Safe ways to reach the person"),
        help_text=pgettext_lazy(
            "staff", "Ask. Somebody else may read the mail or answer the telephone. No tick: not at all."
        ),
        choices=Way.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class OtherRecordForm(forms.Form):
    """The code by which a person has a second record."""

    code = LineField(label=pgettext_lazy("staff", "Code of the other record"), max_length=20)


class EarlierForm(forms.Form):
    """By what an earlier thread is looked for."""

    name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    contact = LineField(
        label=pgettext_lazy("staff", "E-mail address or telephone number"), max_length=254, required=False
    )
    code = LineField(label=pgettext_lazy("staff", "Code of the person"), max_length=20, required=False)


class PlanForm(VerbForm):
    """Something to do by a day."""

    kind = forms.ChoiceField(label=pgettext_lazy("staff", "What to do"), choices=FollowUpKind.choices)
    what = LineField(label=pgettext_lazy("staff", "In words"), max_length=300)
    due_on = DayField(label=pgettext_lazy("staff", "By"), widget=_DATE)
    owner = PersonField(label=pgettext_lazy("staff", "Who"))

    def offer(self):
        """The members; the reader first."""
        self.fields["owner"].queryset = self._members()
        self.fields["owner"].initial = self.user.public_id


class AttemptForm(VerbForm):
    """By which way somebody was tried, and whether it worked."""

    way = forms.ChoiceField(
        label=pgettext_lazy("staff: a way to reach somebody", "By"),
        choices=Way.choices,
        error_messages={
            it: pgettext_lazy("staff", "Please choose a safe way to reach the person.")
            for it in ("required", "invalid_choice")
        },
    )
    was_reached = forms.TypedChoiceField(choices=[("yes", ""), ("no", "")], coerce=lambda value: value == "yes")

    def offer(self):
        """What is safe, and nothing else."""
        if self.case.client:
            self.fields["way"].choices = [it for it in Way.choices if it[0] in self.case.client.safe_channels]


class DecideForm(VerbForm):
    """What follows three attempts."""

    decision = forms.ChoiceField(label=pgettext_lazy("staff", "Three attempts: what now?"), choices=Decision.choices)
    due_on = DayField(label=pgettext_lazy("staff", "To wait: until"), widget=_DATE, required=False)
    text = _few_lines(pgettext_lazy("staff", "Why"))


class ReferralForm(VerbForm):
    """What a body is to be told."""

    body = forms.ChoiceField(label=pgettext_lazy("staff", "Who is told"))
    what = ProseField(
        label=pgettext_lazy("staff", "What is told"),
        help_text=pgettext_lazy("staff", "As little as needed. The person reads exactly these words."),
        max_length=LONGEST_TEXT,
    )
    why = ProseField(label=pgettext_lazy("staff", "Why"), max_length=LONGEST_TEXT)
    written_in = LanguageField(label=pgettext_lazy("staff", "Language of these words"))

    def offer(self):
        """The bodies by their names; the language of the person."""
        self.fields["body"].choices = [
            (body.code, body.name(staff_language(get_language()))) for body in taxonomy.bodies().values()
        ]
        self.fields["written_in"].initial = self.case.language


class ConsentForm(VerbForm):
    """How the person agreed to the text on the screen."""

    language = forms.CharField(widget=forms.HiddenInput)
    shown = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.ChoiceField(
        label=pgettext_lazy("staff", "How the person agreed"), choices=Agreed.choices, widget=forms.RadioSelect
    )


class AnswerForm(VerbForm):
    """What the body answered."""

    state = forms.ChoiceField(
        choices=ReferralState.choices,
        error_messages={
            it: pgettext_lazy("staff", "Please choose what the answer was.") for it in ("required", "invalid_choice")
        },
    )
