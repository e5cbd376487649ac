"""Forms for the actions on a case."""

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, pgettext, pgettext_lazy

from consultations.cases.presentation import case_summary
from consultations.records import taxonomy
from consultations.records.contact_methods import contact_method_choices
from consultations.records.models import (
    Case,
    CaseState,
    ConsentMethod,
    Consultation,
    FollowUpDecision,
    FollowUpKind,
    ReferralState,
)
from consultations.records.presentation import name_of_code, topic_names
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.form_fields import CodeField, DayField, LineField, MachineTextField, ProseField
from services.languages.form_fields import LanguageField
from services.languages.negotiation import staff_language

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
LONGEST_TEXT = 4000


def _short_text_field(label, *, required: bool = False) -> ProseField:
    return ProseField(label=label, max_length=LONGEST_TEXT, required=required, widget=forms.Textarea(attrs={"rows": 2}))


class StaffField(forms.ModelChoiceField):
    """A choice of a member of staff, by public id."""

    def __init__(self, **options):
        super().__init__(User.objects.none(), to_field_name="public_id", **options)

    def label_from_instance(self, person):
        """Return the person's name, or their email address if they have none."""
        return person.name or person.email


class CaseActionForm(forms.Form):
    """A form for an action on a case. Its cleaned data are the action's arguments."""

    def __init__(self, data=None, *, case: Case, user: User, **options):
        self.case, self.user = case, user
        super().__init__(data, **options)
        self.limit_choices()

    def limit_choices(self) -> None:
        """Set the choices that this case allows. Subclasses override it."""

    def _members(self):
        return User.objects.filter(case_memberships__case=self.case).order_by("name", "pk")

    def _advisers(self):
        return User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")


class ConfirmForm(CaseActionForm):
    """A button without any fields."""


class NoteForm(CaseActionForm):
    """A note in a case."""

    text = _short_text_field(pgettext_lazy("staff", "Note"), required=True)


class OptionalReasonForm(CaseActionForm):
    """An optional reason."""

    text = _short_text_field(pgettext_lazy("staff", "Reason"))


class LiftRestrictionForm(CaseActionForm):
    """The reason for lifting a restriction."""

    text = _short_text_field(pgettext_lazy("staff", "Reason for lifting the restriction"), required=True)


class AddMemberForm(CaseActionForm):
    """The adviser to add."""

    user = StaffField(label=pgettext_lazy("staff", "Adviser"))

    def limit_choices(self):
        """Offer all advisers who are not members."""
        self.fields["user"].queryset = self._advisers().exclude(case_memberships__case=self.case)


class RemoveMemberForm(CaseActionForm):
    """The member to remove."""

    user = StaffField(label=pgettext_lazy("staff", "Member"))

    def limit_choices(self):
        """Offer the members."""
        self.fields["user"].queryset = self._members()


class HandOverForm(CaseActionForm):
    """The new assigned adviser. A manager who is not a member must give a reason."""

    to = StaffField(label=pgettext_lazy("staff", "Hand over to"))
    text = _short_text_field(pgettext_lazy("staff", "Reason"))

    def limit_choices(self):
        """Offer the other members, or to a manager all advisers."""
        is_member = self.case.members.filter(user=self.user).exists()
        people = self._members() if is_member else self._advisers()
        self.fields["to"].queryset = people.exclude(pk=self.case.assigned_id)
        self.fields["text"].required = not is_member


class MergeableCaseField(forms.ModelChoiceField):
    """A choice of another case, described without decrypting it."""

    def label_from_instance(self, case):
        """Return the client's code, the topic, the language, the assigned adviser and the opening date."""
        code = case.client.code if case.client else pgettext("staff", "Anonymous")
        language = name_of_code(taxonomy.languages(), case.language)
        day = f"{timezone.localdate(case.opened_at):%Y-%m-%d}"
        return " · ".join(filter(None, [code, case_summary(case), language, str(case.assigned), day]))


class MergeForm(CaseActionForm):
    """The case to merge into."""

    into = MergeableCaseField(
        Case.objects.none(), to_field_name="public_id", label=pgettext_lazy("staff", "Merge into")
    )

    def limit_choices(self):
        """Offer the user's open cases, restricted exactly if this case is."""
        mine = Case.objects.readable_by(self.user).filter(state=CaseState.OPEN, is_restricted=self.case.is_restricted)
        others = mine.exclude(pk=self.case.pk).select_related("client", "assigned")
        self.fields["into"].queryset = others.prefetch_related("consultations__topics")


class SplitForm(CaseActionForm):
    """The consultations to move to a new case, and its members."""

    consultations = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Consultations to move"), widget=forms.CheckboxSelectMultiple
    )
    subject = LineField(label=pgettext_lazy("staff", "What the new case is about"), max_length=200)
    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        to_field_name="public_id",
        label=pgettext_lazy("staff", "Other members"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def limit_choices(self):
        """Offer the case's consultations and its other members."""
        rows = self.case.consultations.select_related("adviser").prefetch_related("topics").order_by("began_at", "pk")
        self.fields["consultations"].choices = [(it.public_id, self._consultation_label(it)) for it in rows]
        self.fields["members"].queryset = self._members().exclude(pk=self.user.pk)

    def _consultation_label(self, it: Consultation) -> str:
        began = f"{timezone.localtime(it.began_at):%Y-%m-%d %H:%M}"
        return " · ".join(
            [began, ", ".join(topic_names(it)), name_of_code(taxonomy.languages(), it.language), str(it.adviser)]
        )


class OpenCaseForm(forms.Form):
    """A new case."""

    subject = LineField(label=pgettext_lazy("staff", "What the case is about, in a few words"), max_length=200)
    is_restricted = forms.BooleanField(
        label=pgettext_lazy("staff", "Restricted: only members can see that it exists"),
        help_text=pgettext_lazy("staff", "Use this in cases of violence, or if anyone could be in danger."),
        required=False,
    )


class ClientForm(CaseActionForm):
    """The details of a person who chooses to be known."""

    name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    contact = MachineTextField(
        label=pgettext_lazy("staff", "Email address or phone number"), max_length=254, required=False
    )
    language = LanguageField(label=pgettext_lazy("staff", "Language"))
    safe_channels = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Safe contact methods"),
        help_text=pgettext_lazy(
            "staff",
            "Ask the person, because someone else may read their email or answer their phone. If no contact method is "
            "safe, leave all the boxes empty.",
        ),
        choices=contact_method_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class MergeClientsForm(forms.Form):
    """The code of the person's second record."""

    code = CodeField(label=pgettext_lazy("staff", "Code on the other record"), max_length=20)


class EarlierContactForm(forms.Form):
    """Search terms for an earlier contact."""

    name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    contact = MachineTextField(
        label=pgettext_lazy("staff", "Email address or phone number"), max_length=254, required=False
    )
    code = CodeField(label=pgettext_lazy("staff", "Person's code"), max_length=20, required=False)


class PlanFollowUpForm(CaseActionForm):
    """A follow-up to plan."""

    kind = forms.ChoiceField(label=pgettext_lazy("staff", "Action"), choices=FollowUpKind.choices)
    what = LineField(label=pgettext_lazy("staff", "Details"), max_length=300)
    due_on = DayField(label=pgettext_lazy("staff", "Due date"), widget=_DATE)
    owner = StaffField(label=pgettext_lazy("staff", "Person responsible"))

    def limit_choices(self):
        """Offer the members, with the user preselected."""
        self.fields["owner"].queryset = self._members()
        self.fields["owner"].initial = self.user.public_id


class ContactAttemptForm(CaseActionForm):
    """An attempt to contact the person: the method, and whether they were reached."""

    way = forms.ChoiceField(
        label=pgettext_lazy("staff: a way to reach somebody", "Contact method"),
        choices=contact_method_choices,
        error_messages={
            it: pgettext_lazy("staff", "Choose a safe contact method.") for it in ("required", "invalid_choice")
        },
    )
    was_reached = forms.TypedChoiceField(choices=[("yes", ""), ("no", "")], coerce=lambda value: value == "yes")

    def limit_choices(self):
        """Offer only safe contact methods."""
        if self.case.client:
            safe = self.case.client.safe_channels
            self.fields["way"].choices = [it for it in contact_method_choices() if it[0] in safe]


class FollowUpDecisionForm(CaseActionForm):
    """The decision after three attempts."""

    decision = forms.ChoiceField(
        label=pgettext_lazy("staff", "Next step after three attempts"), choices=FollowUpDecision.choices
    )
    due_on = DayField(
        label=pgettext_lazy("staff", "Date to try again (only if you wait)"), widget=_DATE, required=False
    )
    text = _short_text_field(pgettext_lazy("staff", "Reason"))


class ReferralForm(CaseActionForm):
    """The information to share with an organisation."""

    body = forms.ChoiceField(label=pgettext_lazy("staff", "Organisation to refer to"))
    what = ProseField(
        label=pgettext_lazy("staff", "Information to share"),
        help_text=pgettext_lazy("staff", "Include only what is needed. The person will read exactly this text."),
        max_length=LONGEST_TEXT,
    )
    why = ProseField(label=pgettext_lazy("staff", "Reason"), max_length=LONGEST_TEXT)
    written_in = LanguageField(label=pgettext_lazy("staff", "Language of this text"))

    def limit_choices(self):
        """Offer all organisations, with the person's language preselected."""
        self.fields["body"].choices = [
            (body.code, body.name(staff_language(get_language()))) for body in taxonomy.bodies().values()
        ]
        self.fields["written_in"].initial = self.case.language


class ConsentForm(CaseActionForm):
    """How the person consented to the text on the screen."""

    language = forms.CharField(widget=forms.HiddenInput)
    shown = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.ChoiceField(
        label=pgettext_lazy("staff", "How the person gave consent"),
        choices=ConsentMethod.choices,
        widget=forms.RadioSelect,
    )


class ReferralReplyForm(CaseActionForm):
    """The organisation's reply."""

    state = forms.ChoiceField(
        choices=ReferralState.choices,
        error_messages={
            it: pgettext_lazy("staff", "Choose the organisation's reply.") for it in ("required", "invalid_choice")
        },
    )
