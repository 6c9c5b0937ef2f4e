"""JSON files of exchange formats: written whole or not at all, read without a surprise."""

import gzip
import json
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.files import atomic_path

__all__ = ["read_json", "write_json"]


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
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
    except (OSError, EOFError) as error:
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): check that it is there.") from error
    except (ValueError, RecursionError) as error:
        raise LeukocyteError(f"{path} is no JSON file ({reason_in(error)}): export it again.") from error
