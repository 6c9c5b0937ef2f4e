"""Weight files: safetensors whose metadata header alone says what the model is; never a pickle."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, file_hash
from napari_leukocyte.core.model.unet import UNet, UNetConfig

__all__ = [
    "FORMAT_VERSION",
    "GESTURE_MODEL",
    "SHIPPED_MODELS",
    "ModelInfo",
    "load_model",
    "model_hash",
    "model_path",
    "read_info",
    "replace_info",
    "save_model",
]

FORMAT_VERSION = 1
SHIPPED_MODELS = ("default", "default-4", "thesis-three-class", "thesis-binary")
GESTURE_MODEL = "gestures"
"""The shipped model that follows gestures; it segments nothing by itself."""
_FOLDER = Path(__file__).parents[2] / "weights"
_KEY = "napari-leukocyte"  # one JSON text under one key: the header stays readable and typed


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The header of a weight file.

    Attributes
    ----------
    name
        What the user sees in lists.
    architecture
        Enough to build the network; it also holds the input normalisation.
    pixel_size
        Working resolution, um per px: images are brought to it before the network sees them.
    recipe
        ``thesis`` or ``default``.
    training
        Summary of the training: data with hashes, split, parameters, seed, time, plugin version.
    scores
        Held-out scores per source with their intervals.
    licence
        The terms that the training data put on the weights.
    """

    name: str
    architecture: UNetConfig
    pixel_size: float
    recipe: str
    licence: str
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def classes(self) -> int:
        """2 or 3."""
        return self.architecture.classes


def save_model(path: Path, model: UNet, info: ModelInfo, *, half: bool = True) -> None:
    """Write the weights (half precision by default) and their header, whole or not at all."""
    dtype = torch.float16 if half else torch.float32
    state = {
        key: value.detach().cpu().to(dtype if value.is_floating_point() else value.dtype).contiguous()
        for key, value in model.state_dict().items()
    }
    _write(path, state, info)


def replace_info(path: Path, **changes: Any) -> None:
    """Change entries of a weight file's header (scores, licence, ...); the weights stay bit for bit."""
    info, state = _read(path)
    _write(path, state, replace(info, **changes))


def _write(path: Path, state: dict[str, torch.Tensor], info: ModelInfo) -> None:
    header = asdict(info)
    if info.architecture.inputs == 3:  # versions that know of nothing else read such a file too
        del header["architecture"]["inputs"]
    # as bytes: safetensors' own writer hides the reason (disk full) from atomic_path
    content = save(state, metadata={_KEY: json.dumps(header)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def model_path(model: str | Path) -> Path:
    """Path of a shipped model's file by its name, else the path itself.

    Raises
    ------
    LeukocyteError
        When there is no such model or file; the sentence lists the shipped names.
    """
    path = _FOLDER / f"{model}.safetensors" if str(model) in (*SHIPPED_MODELS, GESTURE_MODEL) else Path(model)
    if not path.is_file():
        raise LeukocyteError(
            f"There is no model {str(model)!r}: give a weight file or one of {', '.join(SHIPPED_MODELS)}."
        )
    return path


def read_info(path: Path) -> ModelInfo:
    """The header of a weight file, checked, without reading its weights."""
    try:
        with safe_open(path, framework="pt") as file:
            return _parse(path, file.metadata())
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def load_model(path: Path, *, device: torch.device | None = None) -> tuple[UNet, ModelInfo]:
    """Build the network that a weight file describes, float32, in evaluation mode, on ``device``.

    Raises
    ------
    LeukocyteError
        When the file is no safetensors file, damaged, not one of ours, of a newer format, or its weights do
        not fit the architecture that its header names.
    """
    info, state = _read(path)
    model = UNet(info.architecture)
    expected = {key: value.shape for key, value in model.state_dict().items()}
    if {key: value.shape for key, value in state.items()} != expected:
        raise LeukocyteError(f"The weights in {path} do not fit the network that its header describes.")
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise LeukocyteError(f"The weights in {path} hold values that are not finite: the file is damaged.")
    model.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in state.items()})
    model.to(device or torch.device("cpu")).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval(), info


def model_hash(path: Path) -> str:
    """First 16 digits of the file's SHA-256: the model's identity in every table we write."""
    return file_hash(path)[:16]


def _read(path: Path) -> tuple[ModelInfo, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return _parse(path, file.metadata()), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> LeukocyteError:
    return LeukocyteError(f"{path} is damaged or no safetensors file: choose another weight file.")


def _parse(path: Path, metadata: dict[str, str] | None) -> ModelInfo:
    text = (metadata or {}).get(_KEY)
    if text is None:
        raise LeukocyteError(f"{path} was not written by napari-leukocyte: its header does not describe a model.")
    try:
        header = json.loads(text)
        version = int(header["format_version"])
        if version > FORMAT_VERSION:
            raise LeukocyteError(
                f"{path} has format {version}, newer than this plugin's {FORMAT_VERSION}: update napari-leukocyte."
            )
        architecture = header.pop("architecture")
        architecture["widths"] = tuple(architecture["widths"])
        info = ModelInfo(architecture=UNetConfig(**architecture), **header)
        if not 0.01 < info.pixel_size < 10:
            raise ValueError("working resolution")
    except LeukocyteError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise LeukocyteError(f"The header of {path} is incomplete or damaged: choose another weight file.") from error
    return info
