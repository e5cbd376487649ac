"""Strings of Django and django-allauth that residents can see, extracted into our own catalogues.

The libraries' own catalogues lack many of them (Nepali has 81 %, Vietnamese 72 %, Filipino and Easy Japanese none);
ours take precedence. Nothing imports this file: makemessages reads it. A test checks that each string is still
in the libraries' code.
"""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

LIMIT = 0

# Forms and validators of Django.
_("This field is required.")
_("Enter a valid value.")
_("Enter a valid email address.")
_("Enter a valid date.")
_("Enter a whole number.")
_("Null characters are not allowed.")
_("Select a valid choice. %(value)s is not one of the available choices.")
_("Ensure this value is less than or equal to %(limit_value)s.")
_("Ensure this value is greater than or equal to %(limit_value)s.")
ngettext(
    "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
    "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
    LIMIT,
)
# Passwords, in Django.
ngettext(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
    LIMIT,
)
ngettext(
    "Your password must contain at least %(min_length)d character.",
    "Your password must contain at least %(min_length)d characters.",
    LIMIT,
)
_("The password is too similar to the %(verbose_name)s.")
_("Your password can’t be too similar to your other personal information.")
_("This password is too common.")
_("Your password can’t be a commonly used password.")
# Dates, in Django.
_("January")
_("February")
_("March")
_("April")
_("May")
_("June")
_("July")
_("August")
_("September")
_("October")
_("November")
_("December")
_("Monday")
_("Tuesday")
_("Wednesday")
_("Thursday")
_("Friday")
_("Saturday")
_("Sunday")
_("midnight")
_("noon")
_("a.m.")
_("p.m.")
_("AM")
_("PM")
# Labels of django-allauth.
_("Email")
_("Email address")
_("Password")
_("Password (again)")
_("Current Password")
_("New Password")
_("New Password (again)")
_("Remember Me")
_("Code")
_("Forgot your password?")
# Errors of django-allauth.
_("This account is currently inactive.")
_("You cannot remove your primary email address.")
_("This email address is already associated with this account.")
_("The email address and/or password you specified are not correct.")
_("A user is already registered with this email address.")
_("Please type your current password.")
_("Incorrect code.")
_("Incorrect password.")
_("Invalid login.")
_("You cannot add more than %d email addresses.")
_("Too many failed login attempts. Try again later.")
_("The email address is not assigned to any user account.")
_("Your primary email address must be verified.")
_("You must type the same password each time.")
_("The new value must be different from the current one.")
_("Be patient, you are sending too many requests.")
# Messages of django-allauth.
_("You cannot remove your primary email address (%(email)s).")
_("Confirmation email sent to %(email)s.")
_("You have confirmed %(email)s.")
_("Removed email address %(email)s.")
_("Successfully signed in as %(name)s.")
_("You have signed out.")
_("A sign-in code has been sent to %(recipient)s.")
_("Password successfully changed.")
_("Password successfully set.")
_("Primary email address set.")
