"""Django's admin is part of the portal: it carries the portal's name, and every link in its header works."""

import re

import pytest

from services.accounts.roles import Role
from tests.factories import UserFactory


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.EDITOR])
def test_admin_bears_the_centres_name_and_its_links_lead_somewhere(client, role):
    client.force_login(UserFactory(roles=[role]))
    page = client.get("/en/staff/admin/").content.decode()
    assert "Ota Multicultural Centre" in page
    assert "Django" not in page
    links = re.findall(r'<a href="([^"#]+)"', page)
    assert links[:3] == ["/en/staff/admin/", "/en/staff/", "/en/me/"]
    assert [link for link in links if client.get(link).status_code != 200] == []
    assert client.post("/en/me/logout/").status_code == 302
    assert client.get("/en/staff/admin/").status_code == 302
