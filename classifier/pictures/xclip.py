"""X-CLIP (Ni et al. 2022) in transformers. Imported only when an encoder is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoImageProcessor, XCLIPModel

from classifier.errors import WeightsCode, WeightsError
from classifier.hub import arguments, device_of, loading
from classifier.pictures.frames import check, clips, mean_direction
from classifier.pictures.types import Picture


def load(model: str, weights_folder: Path, device: str, threads: int) -> XCLIP:
    """Load the encoder from the hub or a folder; see `encoders.load_picture_encoder`.

    Raises:
        WeightsError: The weights can't be loaded, or the model is no X-CLIP.
    """
    arguments_of_load = arguments(model, weights_folder)
    with loading("X-CLIP", model):
        # Check the configuration first: weights of another kind would be ignored without an error.
        if AutoConfig.from_pretrained(model, **arguments_of_load).model_type != "xclip":
            raise _not_xclip(model)
        processors: Any = AutoImageProcessor
        # The default backend needs torchvision.
        processor = processors.from_pretrained(model, backend="pil", **arguments_of_load)
        loaded: Any = XCLIPModel.from_pretrained(
            model, output_loading_info=True, dtype=torch.float32, **arguments_of_load
        )
        network, report = loaded[0].eval().to(device_of(device)), loaded[1]
    # transformers replaces missing weights by random numbers.
    if report["missing_keys"] or report["mismatched_keys"]:
        raise _not_xclip(model)
    torch.set_num_threads(threads)
    return XCLIP(Path(model).name if Path(model).is_dir() else model, network, processor)


def _not_xclip(model: str) -> WeightsError:
    return WeightsError(WeightsCode.NOT_XCLIP, {"model": model})


@dataclass(frozen=True, slots=True)
class XCLIP:
    """The `PictureEncoder` of X-CLIP."""

    name: str
    network: Any
    processor: Any

    @property
    def dimension(self) -> int:
        return int(self.network.config.projection_dim)

    def encode(self, frames: Sequence[Picture]) -> NDArray[np.float32]:
        """See `PictureEncoder`: frames (height, width, 3) give (dimension,), the mean of clips."""
        check(frames)
        chosen = clips(len(frames), self.network.config.vision_config.num_frames)
        videos = [[frames[place] for place in clip] for clip in chosen]
        pixels = torch.cat(
            [self.processor(video, return_tensors="pt")["pixel_values"] for video in videos]
        )
        pixels = pixels.reshape(*chosen.shape, *pixels.shape[-3:]).to(self.network.device)
        with torch.inference_mode():
            vectors = self.network.get_video_features(pixel_values=pixels).pooler_output
        return mean_direction(vectors.float().cpu().numpy())
