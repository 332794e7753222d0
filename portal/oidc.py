"""Log-in through the site's own OpenID Connect provider: authorization code with PKCE, state and nonce.

The provider's keys and addresses are read from its own description. What is trusted in the end is an ID token that it
signed for this portal, now, for this very log-in.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from warehouse.access.provider import Provider
from warehouse.access.tokens import Grant
from warehouse.errors import CellarError

SECRET_VARIABLE: Final = "CELLAR_OIDC_SECRET"  # noqa: S105 the name of a variable
DESCRIPTION: Final = "/.well-known/openid-configuration"
ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA")
TIMEOUT_SECONDS: Final = 10.0
LOGIN_SECONDS: Final = 600.0
SESSION_SECONDS: Final = 12 * 3600.0
LEEWAY_SECONDS: Final = 60
MOST_WAITING: Final = 1_000
VERIFIER_LENGTH: Final = 48


class LoginRefused(CellarError):  # noqa: N818 named for what happened
    """The provider's log-in did not come to a person who may come in."""


@dataclass(frozen=True)
class Waiting:
    """A log-in that was begun: what its end has to show."""

    nonce: str
    verifier: str
    back: str
    target: str
    since: float


class SiteLogin:
    """Log-ins through a provider.

    Args:
        provider: who the provider is.
        transport: how it is reached; over the network by default.
    """

    def __init__(self, provider: Provider, transport: httpx.BaseTransport | None = None) -> None:
        self.provider = provider
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport)
        self._secret = os.environ.get(SECRET_VARIABLE)
        self._waiting: dict[str, Waiting] = {}
        self._lock = threading.Lock()

    def begin(self, back: str, target: str) -> tuple[str, str]:
        """Begin a log-in; returns its state, for the browser to keep, and the provider's address to go to.

        Args:
            back: our own address that the provider sends the browser back to.
            target: the page to show then.

        Raises:
            LoginRefused: the provider does not answer.
        """
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        verifier = generate_token(VERIFIER_LENGTH)
        address = prepare_grant_uri(
            self._describe()["authorization_endpoint"],
            client_id=self.provider.client_id,
            response_type="code",
            redirect_uri=back,
            scope=self.provider.scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        with self._lock:
            self._forget_old()
            self._waiting[state] = Waiting(nonce, verifier, back, target, time.monotonic())
        return state, str(address)

    def end(self, state: str, code: str) -> tuple[Grant, str]:
        """End a log-in; returns who it is, and the page to show.

        Raises:
            LoginRefused: nothing was begun with this state, the provider's answer is not for it, or the person is of
                no group that may come in.
        """
        with self._lock:
            self._forget_old()
            # Taken out whatever comes of it: a code that was stolen on its way cannot be tried again.
            waiting = self._waiting.pop(state, None)
        if waiting is None:
            raise LoginRefused("this log-in was not begun here, or too long ago")
        claims = self._check(self._fetch_token(waiting, code), waiting.nonce)
        # Only now: a group counts in a token that was made for us.
        given = self.provider.grant(claims)
        if given is None:
            raise LoginRefused("the person is of no group that may come in")
        name = str(claims.get(self.provider.name_claim) or claims["sub"])
        return Grant(name, *given, time.time() + SESSION_SECONDS), waiting.target

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _fetch_token(self, waiting: Waiting, code: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": waiting.back}
        form |= {"client_id": self.provider.client_id, "code_verifier": waiting.verifier}
        form |= {"client_secret": self._secret} if self._secret else {}
        token = self._ask("POST", self._describe()["token_endpoint"], data=form).get("id_token")
        if not isinstance(token, str):
            raise LoginRefused("the provider gave no ID token")
        return token

    def _check(self, token: str, nonce: str) -> Mapping[str, Any]:
        # Asked for anew each time: providers change their keys, and log-ins are rare.
        keys = KeySet.import_key_set(self._ask("GET", self._describe()["jwks_uri"]))  # type: ignore[arg-type]  # a dictionary, as its own documentation has it
        wanted = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            wanted.validate(claims)
        except (JoseError, ValueError) as error:
            raise LoginRefused(f"the provider's ID token is not good: {error}") from error
        return claims

    def _describe(self) -> dict[str, Any]:
        described = self._ask("GET", self.provider.issuer.rstrip("/") + DESCRIPTION)
        # Else one provider could speak for another.
        if described.get("issuer") != self.provider.issuer:
            raise LoginRefused("the provider calls itself another")
        return described

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, address, **more).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise LoginRefused(f"the provider does not answer: {error}") from error
        return answer if isinstance(answer, dict) else {}

    def _forget_old(self) -> None:
        now = time.monotonic()
        old = [state for state, one in self._waiting.items() if now - one.since > LOGIN_SECONDS]
        # Whoever begins thousands of log-ins pushes out the oldest.
        surplus = list(self._waiting)[: max(len(self._waiting) - MOST_WAITING, 0)]
        for state in {*old, *surplus}:
            del self._waiting[state]
