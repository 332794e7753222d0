from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey
from portal_site import ADDRESS, Site, open_site

from portal.oidc import LoginRefused, SiteLogin
from warehouse.access.audit import list_audit
from warehouse.access.provider import parse_provider
from warehouse.errors import UsageError
from warehouse.settings import read_settings

ISSUER = "https://login.test/lab"
ROLES = {"ops": "operator", "techs": "technician", "acme": "firm:FIRM-A", "other": "firm:FIRM-B"}
GIVEN = {"oidc": {"issuer": ISSUER, "client_id": "cellar", "roles": ROLES}}
BACK = f"{ADDRESS}/login/site/back"


class Provider:
    """A provider of log-ins that answers in this process."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048)
        self.asked: dict[str, str] = {}
        self.claims: dict[str, Any] = {"groups": ["acme"], "preferred_username": "kim"}
        self.signs_with = self.key

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as a provider does."""
        path = request.url.path.removeprefix("/lab")
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
            return httpx.Response(
                200, json={"issuer": ISSUER} | {name: f"{ISSUER}/{end}" for name, end in ends.items()}
            )
        if path == "/keys":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        form = parse_qs(request.content.decode())
        if create_s256_code_challenge(form["code_verifier"][0]) != self.asked["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        claims = {
            "iss": ISSUER,
            "aud": "cellar",
            "sub": "7",
            "exp": int(time.time()) + 60,
            "nonce": self.asked["nonce"],
        }
        token = jwt.encode({"alg": "RS256"}, claims | self.claims, self.signs_with)
        return httpx.Response(200, json={"id_token": token, "access_token": "x", "token_type": "Bearer"})

    def visit(self, address: str) -> None:
        """Be sent there, as a browser would be."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def login(provider: Provider) -> Iterator[SiteLogin]:
    parsed = parse_provider(GIVEN)
    assert parsed is not None
    made = SiteLogin(parsed, httpx.MockTransport(provider.answer))
    yield made
    made.close()


def test_person_gets_the_role_of_the_group(provider: Provider, login: SiteLogin) -> None:
    """Whom the provider vouches for gets the role and firm of the group, under the provider's name, for some hours."""
    state, address = login.begin(BACK, "/overview")
    provider.visit(address)
    grant, target = login.end(state, "code")
    assert (grant.name, grant.role, grant.firm, target) == ("kim", "firm", "FIRM-A", "/overview")
    assert provider.asked["redirect_uri"] == BACK
    assert time.time() < grant.expires_unix_second < time.time() + 13 * 3600


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [
        (["ops", "acme"], ("operator", None)),
        (["techs"], ("technician", None)),
        ("acme", ("firm", "FIRM-A")),
        (["acme", "other"], None),
        (["nobody"], None),
        ([], None),
        (None, None),
        ({"acme": 1}, None),
        ([["acme"]], None),
    ],
)
def test_groups_become_roles(groups: object, wanted: object) -> None:
    """The strongest role counts; nobody is of two firms, and who is of no known group stays outside."""
    provider = parse_provider(GIVEN)
    assert provider is not None
    assert provider.grant({"groups": groups}) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.test"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"groups": ["nobody"]},
    ],
)
def test_token_that_is_not_for_us_is_refused(provider: Provider, login: SiteLogin, change: dict[str, Any]) -> None:
    """An ID token of another provider, portal, log-in or time lets nobody in."""
    state, address = login.begin(BACK, "/")
    provider.visit(address)
    provider.claims |= change
    with pytest.raises(LoginRefused):
        login.end(state, "code")


def test_forged_signature_is_refused(provider: Provider, login: SiteLogin) -> None:
    """An ID token that somebody else signed lets nobody in."""
    state, address = login.begin(BACK, "/")
    provider.visit(address)
    provider.signs_with = RSAKey.generate_key(2048)
    with pytest.raises(LoginRefused):
        login.end(state, "code")


def test_login_ends_once(provider: Provider, login: SiteLogin) -> None:
    """A log-in that was not begun here, or is over, cannot end."""
    state, address = login.begin(BACK, "/")
    provider.visit(address)
    login.end(state, "code")
    for other in (state, "unknown"):
        with pytest.raises(LoginRefused):
            login.end(other, "code")


@pytest.mark.parametrize(
    "given",
    [
        {"saml": {}},
        {"oidc": 1},
        {"oidc": {"issuer": ISSUER}},
        {"oidc": GIVEN["oidc"] | {"issuer": "http://login.test"}},
        {"oidc": GIVEN["oidc"] | {"roles": {"x": "king"}}},
        {"oidc": GIVEN["oidc"] | {"roles": {"x": "firm:"}}},
        {"oidc": GIVEN["oidc"] | {"client_id": 7}},
        {"oidc": GIVEN["oidc"] | {"color": "red"}},
    ],
)
def test_provider_that_cannot_be(given: dict[str, Any]) -> None:
    """Settings of a provider that lack something, or hold what cannot be, are refused."""
    with pytest.raises(UsageError):
        parse_provider(given)


def test_pages_log_in_with_the_sites_account(portal_home: Path, tmp_path: Path, provider: Provider) -> None:
    """A browser goes to the provider and comes back logged in; another browser cannot end its log-in."""
    folder = tmp_path / "home"
    shutil.copytree(portal_home, folder)
    roles = "".join(f"{group} = {json.dumps(role)}\n" for group, role in ROLES.items())
    told = f'[portal.oidc]\nissuer = "{ISSUER}"\nclient_id = "cellar"\n[portal.oidc.roles]\n{roles}'
    (folder / "settings.toml").write_text(told, encoding="utf-8")
    assert read_settings(folder).portal["oidc"]["client_id"] == "cellar"
    site = open_site(folder)
    site.app.state.site_login._http = httpx.Client(transport=httpx.MockTransport(provider.answer))
    _go_through(site, provider)
    site.close()


def _go_through(site: Site, provider: Provider) -> None:
    browser = site.client()
    assert "/login/site" in browser.get("/login").text
    away = browser.get("/login/site?next=/audit", follow_redirects=False)
    provider.visit(away.headers["location"])
    back = {"state": provider.asked["state"], "code": "x"}
    assert site.client().get("/login/site/back", params=back).status_code == 401
    answer = browser.get("/login/site/back", params=back, follow_redirects=False)
    assert answer.headers["location"] == "/audit"
    assert "kim" in browser.get("/audit").text
    assert list_audit(site.app.state.asking.home)[0]["action"] in {"login", "read /audit"}


def test_without_a_provider_there_is_no_such_login(portal: Site) -> None:
    """Where the settings name no provider, the page does not offer one, and its address is none."""
    assert "/login/site" not in portal.client().get("/login").text
    assert portal.client().get("/login/site").status_code == 404
