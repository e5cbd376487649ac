"""The invented users of the demo city, one for each role and a resident. Their password is public."""

from allauth.account.models import EmailAddress

from services.accounts.actions import create_resident, grant_role
from services.accounts.models import User
from services.accounts.roles import Role

PASSWORD = "tabunka-demo-2026"  # noqa: S105  only for invented people
RESIDENT = "resident"

PEOPLE = (
    # role, name, language
    (RESIDENT, "Sita Gurung", "ne"),
    (Role.ADVISER, "Maricel Santos", "fil"),
    (Role.CLASS_COORDINATOR, "森 由美", "ja"),
    (Role.EVENT_COORDINATOR, "Kim Ji-woo", "ko"),
    (Role.TEACHER, "中村 悟", "ja"),
    (Role.VOLUNTEER, "Nguyễn Thị Lan", "vi"),
    (Role.INTERPRETER, "李 梅", "zh-hans"),
    (Role.REQUESTER, "北 小学校 職員", "ja"),
    (Role.DISPATCHER, "Omar Haddad", "ar"),
    (Role.EDITOR, "高橋 彩", "ja"),
    (Role.TRANSLATOR, "Bikash Shrestha", "ne"),
    (Role.MANAGER, "佐々木 健", "ja"),
    (Role.ADMINISTRATOR, "Anna Lund", "da"),
)


def is_invented(user: User) -> bool:
    """Whether the user is one of the demo's: nobody owns a domain in `.example` (RFC 2606)."""
    return user.email.endswith("@demo.example")


def load() -> None:
    """Create each user once; running again changes nothing."""
    for role, name, language in PEOPLE:
        email = f"{role}@demo.example"
        if User.objects.filter(email=email).exists():
            continue
        user = User.objects.create_user(email, PASSWORD)
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
        create_resident(user, name=name, language=language)
        if role != RESIDENT:
            grant_role(user, role, by=None)
