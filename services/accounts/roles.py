"""The roles of staff."""

from django.db import models
from django.utils.translation import pgettext_lazy


class Role(models.TextChoices):
    """What a member of staff does at the centre. Everyone else is a resident."""

    ADVISER = "adviser", pgettext_lazy("staff", "Adviser")
    CLASS_COORDINATOR = "class_coordinator", pgettext_lazy("staff", "Class coordinator")
    EVENT_COORDINATOR = "event_coordinator", pgettext_lazy("staff", "Event coordinator")
    TEACHER = "teacher", pgettext_lazy("staff", "Teacher")
    VOLUNTEER = "volunteer", pgettext_lazy("staff", "Volunteer")
    INTERPRETER = "interpreter", pgettext_lazy("staff", "Interpreter")
    REQUESTER = "requester", pgettext_lazy("staff", "Requester")
    DISPATCHER = "dispatcher", pgettext_lazy("staff", "Dispatcher")
    EDITOR = "editor", pgettext_lazy("staff", "Editor")
    TRANSLATOR = "translator", pgettext_lazy("staff", "Translator")
    MANAGER = "manager", pgettext_lazy("staff", "Manager")
    ADMINISTRATOR = "administrator", pgettext_lazy("staff", "Administrator")


# Roles that see other people's data or change what the city publishes need a second factor to sign in.
NEED_SECOND_FACTOR = frozenset(Role) - {Role.TEACHER, Role.VOLUNTEER}
