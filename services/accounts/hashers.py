"""The password hasher."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Argon2id as OWASP recommends (19 MiB, two passes). Django's defaults manage only ten sign-ins a second."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
