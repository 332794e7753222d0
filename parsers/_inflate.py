"""What a damaged zip member raises in this process.

fastnda puts isal's inflate in the place of zlib's for the whole process once its .ndax reader is imported, and isal
has an error class of its own that is no ``zlib.error``.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import Final, cast


def _isal_error() -> type[Exception]:
    try:
        from isal.igzip_lib import IsalError  # noqa: PLC0415 not on every machine
    except ImportError:
        return zlib.error
    return cast("type[Exception]", IsalError)  # its stubs declare an instance


INFLATE_ERRORS: Final[tuple[type[Exception], ...]] = (zipfile.BadZipFile, zlib.error, _isal_error())
