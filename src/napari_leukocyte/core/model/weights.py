"""Weight files: safetensors whose metadata header alone says what the model is; never a pickle."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists, file_hash, unreadable
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.schema import Fields, object_from

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
_FLOATS = ("F16", "BF16", "F32", "F64")
_LEVELS, _WIDEST = 8, 4096  # far more than any network of this kind has; what is larger would take all memory


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
    if not exists(path) or path.is_dir():
        raise LeukocyteError(
            f"There is no model {str(model)!r}: give a weight file or one of {', '.join(SHIPPED_MODELS)}."
        )
    return path


def read_info(path: Path) -> ModelInfo:
    """The header of a weight file, checked, without reading its weights.

    Raises
    ------
    LeukocyteError
        As `load_model`, but for its weights.
    """
    with _opened(path) as file:
        return _parse(path, file.metadata())


def load_model(path: Path, *, device: torch.device | None = None) -> tuple[UNet, ModelInfo]:
    """Build the network that a weight file describes, float32, in evaluation mode, on ``device``.

    Raises
    ------
    LeukocyteError
        When the file cannot be read, is no safetensors file, damaged, not one of ours, of a newer format, or its
        weights do not fit the architecture that its header names.
    """
    info, state = _read(path)
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise LeukocyteError(f"The weights in {path} hold values that are not finite: the file is damaged.")
    model = UNet(info.architecture)
    model.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in state.items()})
    model.to(device or torch.device("cpu")).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval(), info


def model_hash(path: Path) -> str:
    """First 16 digits of the file's SHA-256: the model's identity in every table we write."""
    return file_hash(path)[:16]


def _read(path: Path) -> tuple[ModelInfo, dict[str, torch.Tensor]]:
    """Header and weights, these only when shapes and types are those of the network."""
    with _opened(path) as file:
        info = _parse(path, file.metadata())
        with torch.device("meta"):  # shapes without memory
            expected = UNet(info.architecture).state_dict()
        stored = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
        if {key: tuple(one.get_shape()) for key, one in stored.items()} != {
            key: tuple(value.shape) for key, value in expected.items()
        }:
            raise LeukocyteError(f"The weights in {path} do not fit the network that its header describes.")
        for key, value in expected.items():
            allowed = _FLOATS if value.is_floating_point() else ("I64",)
            if stored[key].get_dtype() not in allowed:
                raise LeukocyteError(
                    f"{path} holds '{key}' as {stored[key].get_dtype()}, which should be {' or '.join(allowed)}: "
                    "choose another weight file."
                )
        return info, {key: file.get_tensor(key) for key in expected}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open safetensors file; what keeps it from being read is said in one sentence."""
    try:
        path.open("rb").close()  # safetensors does not say why a file cannot be opened
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise LeukocyteError(f"{path} is damaged or no safetensors file: choose another weight file.") from error


def _parse(path: Path, metadata: dict[str, str] | None) -> ModelInfo:
    text = (metadata or {}).get(_KEY)
    if text is None:
        raise LeukocyteError(f"{path} was not written by napari-leukocyte: its header does not describe a model.")
    fields = object_from(
        text,
        f"The header of {path}",
        mend="choose another weight file",
        format_key="format_version",
        known=FORMAT_VERSION,
    )
    fields.only(*(field.name for field in dataclass_fields(ModelInfo)))
    return ModelInfo(
        name=fields.text("name"),
        architecture=_architecture(fields.within("architecture")),
        pixel_size=fields.number("pixel_size", low=0.01, high=10),
        recipe=fields.text("recipe"),
        licence=fields.text("licence"),
        training=fields.free("training"),
        scores=fields.free("scores"),
        format_version=fields.format,
    )


def _architecture(given: Fields) -> UNetConfig:
    given.only(*(field.name for field in dataclass_fields(UNetConfig)))
    return UNetConfig(
        classes=given.whole("classes", low=2, high=3),
        widths=given.wholes("widths", least=2, most=_LEVELS, high=_WIDEST),
        bottom_kernel=given.take("bottom_kernel", "1 or 3", lambda value: value if _is_kernel(value) else None),
        dropout=given.number("dropout", low=0, high=0.999),
        input_mean=given.number("input_mean", low=-100, high=100),
        input_std=given.number("input_std", low=1e-4, high=100),
        inputs=given.whole("inputs", low=3, high=_WIDEST) if "inputs" in given else 3,
    )


def _is_kernel(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in (1, 3)
