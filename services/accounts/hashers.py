"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """OWASP's recommended Argon2id (19 MiB, two passes): Django's own parameters manage ten sign-ins a second."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
