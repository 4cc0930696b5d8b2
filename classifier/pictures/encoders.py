"""The frames of a spot become one vector of unit length.

Two encoders, one interface. X-CLIP has learned what happens in videos; it comes from a hub or a
folder. EfficientNet-Lite0 has learned the thousand things of ImageNet in single pictures: a
generic stand-in, installed as a package, for where no X-CLIP weights can be had. What runs them
is in `xclip` and `efficientnet`; they and PyTorch are imported when an encoder is loaded.
"""

from __future__ import annotations

from pathlib import Path

from classifier.pictures.types import EFFICIENTNET, PictureEncoder

XCLIP = "microsoft/xclip-base-patch32"


def load_picture_encoder(
    model: str = XCLIP, *, weights_folder: Path, device: str = "auto", threads: int = 1
) -> PictureEncoder:
    """Load an encoder and its weights.

    `model`: "efficientnet-lite0", or an X-CLIP: its name on the hub, or a local folder.
    `weights_folder`: where downloads are kept. `device`: "auto" (the GPU if there is one), "cpu"
    or "cuda". `threads`: of the CPU, at least 1; they hold for the whole process.

    Raises WeightsError for an unreachable hub (after half a minute of attempts, unless the weights
    were downloaded before), missing or damaged weights, or a model that is no X-CLIP.
    """
    if model == EFFICIENTNET:
        from classifier.pictures import efficientnet

        return efficientnet.load(device, threads)
    from classifier.pictures import xclip

    return xclip.load(model, weights_folder, device, threads)
