"""The kinds of messages about signing in. They only go to email addresses, so they need no short text."""

from services.messaging.kinds import MessageKind

SIGN_IN_CODE = MessageKind("accounts/sign_in_code", needs_short_text=False)
CONFIRM_ADDRESS = MessageKind("accounts/confirm_address", needs_short_text=False)
PASSWORD_CODE = MessageKind("accounts/password_code", needs_short_text=False)
UNKNOWN_ADDRESS = MessageKind("accounts/unknown_address", needs_short_text=False)
ADDRESS_KNOWN = MessageKind("accounts/address_known", needs_short_text=False)

KINDS = (SIGN_IN_CODE, CONFIRM_ADDRESS, PASSWORD_CODE, UNKNOWN_ADDRESS, ADDRESS_KNOWN)
