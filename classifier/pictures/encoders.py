"""Encoding of the frames of a spot as one vector of unit length.

Two encoders have one interface. X-CLIP was trained on videos; it comes from the hub or a folder.
EfficientNet-Lite0 was trained on the thousand classes of ImageNet; it is installed as a package and
replaces X-CLIP where its weights are not available. `xclip` and `efficientnet` run them; they and
PyTorch are imported when an encoder is loaded.
"""

from __future__ import annotations

from pathlib import Path

from classifier.pictures.types import EFFICIENTNET, PictureEncoder

XCLIP = "microsoft/xclip-base-patch32"


def load_picture_encoder(
    model: str = XCLIP, *, weights_folder: Path, device: str = "auto", threads: int = 1
) -> PictureEncoder:
    """Load an encoder and its weights.

    Args:
        model: "efficientnet-lite0", the name of an X-CLIP on the hub, or a local folder with one.
        weights_folder: Where downloads are kept.
        device: "auto" (the GPU if there is one), "cpu" or "cuda".
        threads: CPU threads for the whole process, at least 1.

    Raises:
        WeightsError: The hub can't be reached (after half a minute of attempts, unless the weights
            were downloaded before), weights are missing or damaged, or the model is no X-CLIP.
    """
    if model == EFFICIENTNET:
        from classifier.pictures import efficientnet

        return efficientnet.load(device, threads)
    from classifier.pictures import xclip

    return xclip.load(model, weights_folder, device, threads)
