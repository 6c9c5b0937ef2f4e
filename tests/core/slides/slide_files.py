"""Small slides in the formats of scanners, written for the tests."""

import numpy as np
import tifffile

LABEL = np.full((60, 50, 3), (255, 0, 255), np.uint8)  # what nobody may see
MACRO = np.full((90, 200, 3), (254, 0, 254), np.uint8)


def pyramid(picture, levels=3):
    """The picture and smaller ones, each half as wide."""
    found = [picture]
    for _ in range(levels - 1):
        last = found[-1][: found[-1].shape[0] // 2 * 2, : found[-1].shape[1] // 2 * 2].astype(np.float32)
        half = (last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4
        found.append(half.round().astype(picture.dtype))
    return found


def write_svs(path, picture, *, mpp=0.25, compression="jpeg", aside=True):
    """As Aperio writes it: the scan, a thumbnail, the smaller levels, then label and macro, which carry names."""
    made = "Aperio Image Library v11.2.1\r\n"
    height, width = picture.shape[:2]
    about = f"{width}x{height} [0,0 {width}x{height}] (64x64) JPEG/RGB Q=90|AppMag = 40|MPP = {mpp}|Title = a smear"
    tiles = {"tile": (64, 64), "photometric": "rgb", "compression": compression, "metadata": None}
    if compression == "jpeg":
        tiles["compressionargs"] = {"level": 95}
    first, *smaller = pyramid(picture)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(first, description=made + about, **tiles)
        tiff.write(pyramid(picture, 4)[-1], photometric="rgb", description=f"{made}thumbnail", metadata=None)
        for one in smaller:
            tiff.write(one, description=made + about, **tiles)
        if aside:
            for name, what, kind in (("label", LABEL, 1), ("macro", MACRO, 9)):
                described = f"{made}{name} {what.shape[1]}x{what.shape[0]}"
                tiff.write(what, photometric="rgb", subfiletype=kind, description=described, metadata=None)
    return path


def write_ome_tiff(path, picture, *, um=0.25, aside=True):
    """As Bio-Formats writes it: SubIFDs, and the label as another image."""
    first, *smaller = pyramid(picture)
    size = {"PhysicalSizeX": um, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": um, "PhysicalSizeYUnit": "µm"}
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as tiff:
        options = {"tile": (64, 64), "photometric": "rgb", "compression": "zlib"}
        axes = {"axes": "YXS", "Name": "scan", **size}
        tiff.write(first, subifds=len(smaller), metadata=axes, **options)
        for one in smaller:
            tiff.write(one, subfiletype=1, **options)
        if aside:
            tiff.write(LABEL, photometric="rgb", metadata={"axes": "YXS", "Name": "label image"})
            tiff.write(MACRO, photometric="rgb", metadata={"axes": "YXS", "Name": "macro image"})
    return path


def write_plain_tiff(path, picture, *, um=0.25, **options):
    """One level without any metadata but a resolution, in one block unless ``options`` say otherwise."""
    dots = {"resolution": (1e4 / um, 1e4 / um), "resolutionunit": "CENTIMETER"}
    photometric = "rgb" if picture.ndim == 3 else "minisblack"
    tifffile.imwrite(path, picture, photometric=photometric, metadata=None, **dots, **options)
    return path


def write_zarr(path, picture, *, version="0.5", um=0.25, axes="cyx"):
    """OME-Zarr, with the colours in front as converters put them."""
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    datasets = []
    for number, one in enumerate(pyramid(picture)):
        pixels = np.moveaxis(one, -1, 0)[(np.newaxis,) * (len(axes) - 3)] if one.ndim == 3 else one
        chunks = (1,) * (len(axes) - 2) + (64, 64)
        array = group.create_array(str(number), shape=pixels.shape, dtype=pixels.dtype, chunks=chunks)
        array[:] = pixels
        scale = [1.0] * (len(axes) - 2) + [um * 2**number] * 2
        datasets.append({"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    kinds = {"c": {"type": "channel"}, "t": {"type": "time"}}
    named = [{"name": a, **kinds.get(a, {"type": "space", "unit": "micrometer"})} for a in axes]
    multiscales = [{"axes": named, "datasets": datasets, "name": "scan"}]
    if version == "0.5":
        group.attrs.put({"ome": {"version": "0.5", "multiscales": multiscales}})
    else:
        group.attrs.put({"multiscales": [{"version": "0.4", **multiscales[0]}]})
    return path
