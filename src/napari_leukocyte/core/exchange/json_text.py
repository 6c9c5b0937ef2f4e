"""JSON files of exchange formats: written whole or not at all, read without a surprise."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.files import atomic_path

__all__ = ["read_json", "write_json"]

_LARGEST = 10**9  # bytes, unpacked


def write_json(path: Path, content: Any) -> None:
    """Write JSON of one line in plain ASCII, whole or not at all.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="ascii")


def read_json(path: Path) -> Any:
    """Read a JSON file, also one that QuPath has packed with gzip.

    Raises
    ------
    LeukocyteError
        When it cannot be read, or is no JSON.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise LeukocyteError(f"{path} holds more than {_LARGEST // 10**9} GB: export fewer images at a time.")
        return json.loads(raw)
    except LeukocyteError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): check that it is there.") from error
    except (ValueError, RecursionError) as error:
        raise LeukocyteError(f"{path} is no JSON file ({reason_in(error)}): export it again.") from error
