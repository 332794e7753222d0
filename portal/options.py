"""How a portal is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RATE_PER_SECOND: Final = 50.0
BURST: Final = 200.0
LOGINS_PER_MINUTE: Final = 10.0


@dataclass(frozen=True)
class PortalOptions:
    """What may differ between one portal and another.

    Args:
        registry_url: the registry; as of the home by default.
        secure: whether it is reached by https alone, so that cookies go nowhere else.
        origins: addresses besides its own from which forms may be sent: that of a proxy that changes the Host header.
        rate_per_second: how many requests a caller may send in the long run; 0 for no limit.
        burst: how many at once.
        logins_per_minute: how many log-ins may be tried from one address.
    """

    registry_url: str | None = None
    secure: bool = False
    origins: tuple[str, ...] = ()
    rate_per_second: float = RATE_PER_SECOND
    burst: float = BURST
    logins_per_minute: float = LOGINS_PER_MINUTE
