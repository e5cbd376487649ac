"""Password hashing: OWASP's Argon2id, and fast enough for a busy morning."""

from services.accounts.hashers import Argon2id


def test_password_is_kept_as_argon2id_with_owasps_parameters():
    kept = Argon2id().encode("a-long-enough-password", "somesaltsomesalt")
    assert kept.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2id().verify("a-long-enough-password", kept) is True
    assert Argon2id().verify("another-password", kept) is False
