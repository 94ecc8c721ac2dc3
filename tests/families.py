"""Tiny models of real transformers families with random weights, and tiny data that they can learn.

Each model folder is what `save_pretrained` writes and weighs less than half a megabyte; none has ever seen data.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny_writers

TEXT = ("bert", "roberta", "distilbert")
IMAGE = ("resnet", "mobilenet", "vit", "convnext")
GOOD = ("fine", "great", "lovely", "superb", "warm", "bright", "kind", "clear")
BAD = ("poor", "awful", "dull", "broken", "cold", "grim", "rude", "vague")
PLAIN = ("the", "a", "film", "book", "meal", "room", "was", "and", "very", "it", "with", "one", "day", "view", "staff")
SPEECH = ("wav2vec2", "hubert", "wavlm", "parakeet")
SIDE = 32
WEIGHTS = {"initializer_range": 0.1}
LIMIT = {"bert": 24, "roberta": 64, "distilbert": 24}
"""Tokens that the text models read."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Family = Callable[[str], Path]


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """Gives the folder of a tiny model by its family's name; each is made once."""
    root = tmp_path_factory.mktemp("families")

    def folder(name: str) -> Path:
        if not (root / name).exists():
            make(name, root / name)
        return root / name

    return folder


@pytest.fixture
def hub_cache(family: Family) -> Iterator[Path]:
    """The tests' own cache of the Hub, in which for once the tiny BERT lies as "tests/tiny-bert"."""
    from huggingface_hub import constants

    repo = Path(constants.HF_HUB_CACHE) / "models--tests--tiny-bert"
    shutil.copytree(family("bert"), repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    yield repo
    shutil.rmtree(repo)


def make(name: str, folder: Path) -> None:
    """Writes a tiny model with its tokenizer or image processor."""
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    if name in tiny_writers.NAMES:
        tiny_writers.make(name, folder)
        return
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _model(name).save_pretrained(folder)
    _preparing(name).save_pretrained(folder)


def _preparing(name: str) -> Any:
    """What makes a model's input of items."""
    if name in TEXT:
        return tokenizer(name)
    return listener(name) if name in SPEECH else processor()


def _model(name: str) -> Any:
    import transformers as t

    if name in SPEECH:
        return _speech(name)

    words: dict[str, Any] = {"vocab_size": 160, "type_vocab_size": 2}
    # so narrow a model tells words apart only when its weights begin larger than the usual 0.02
    width: dict[str, Any] = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48, **WEIGHTS}
    maps: dict[str, Any] = {"hidden_sizes": [8, 16], "depths": [1, 1]}
    if name == "bert":
        return t.BertModel(t.BertConfig(**words, **width, num_hidden_layers=2, max_position_embeddings=LIMIT[name]))
    if name == "roberta":
        positions = LIMIT[name] + 2  # it counts positions from the id of the padding token, 1, on
        return t.RobertaModel(t.RobertaConfig(**words, **width, num_hidden_layers=2, max_position_embeddings=positions))
    if name == "distilbert":
        sizes: dict[str, Any] = {"vocab_size": 160, "dim": 32, "n_heads": 2, "hidden_dim": 48, "n_layers": 2, **WEIGHTS}
        return t.DistilBertModel(t.DistilBertConfig(**sizes, max_position_embeddings=LIMIT[name]))
    if name == "resnet":
        return t.ResNetModel(t.ResNetConfig(**maps, embedding_size=8, layer_type="basic"))
    if name == "mobilenet":
        return t.MobileNetV1Model(t.MobileNetV1Config(depth_multiplier=0.1, image_size=SIDE))
    if name == "vit":
        return t.ViTModel(t.ViTConfig(**width, num_hidden_layers=2, image_size=SIDE, patch_size=8))
    return t.ConvNextModel(t.ConvNextConfig(**maps, num_stages=2))


def tokenizer(name: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(**(_pairs_of_bytes() if name == "roberta" else _pieces_of_words()))


def _pieces_of_words() -> dict[str, Any]:
    """A WordPiece tokenizer that knows whole words, single letters, and its limit."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [mark + letter for mark in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", ",", *GOOD, *BAD, *PLAIN, *letters]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return {"tokenizer_object": made, **names, "model_max_length": LIMIT["bert"]}


def _pairs_of_bytes() -> dict[str, Any]:
    """A byte-pair tokenizer that does not know how much its model reads."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    starts = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ"]
    letters = list(dict.fromkeys("abcdefghijklmnopqrstuvwxyz.,XYZ0123456789"))
    vocab = {piece: number for number, piece in enumerate(starts + letters)}
    made = Tokenizer(models.BPE(vocab, [], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.RobertaProcessing(("</s>", vocab["</s>"]), ("<s>", vocab["<s>"]))
    names = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    return {"tokenizer_object": made, **names, "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}


def _speech(name: str) -> Any:
    """Models that read samples at 16 kHz with a frame every 40 ms, or spectra (Parakeet)."""
    import transformers as t

    width: dict[str, Any] = dict.fromkeys(("hidden_size", "intermediate_size"), 32)
    width |= dict.fromkeys(("num_hidden_layers", "num_attention_heads"), 2)
    if name == "parakeet":
        spectra: dict[str, Any] = {"subsampling_factor": 2, "subsampling_conv_channels": 8, "num_mel_bins": 40}
        still: dict[str, Any] = dict.fromkeys(("dropout", "layerdrop", "activation_dropout", "attention_dropout"), 0.0)
        inner = t.ParakeetEncoderConfig(**width, **spectra, **still, initializer_range=0.1)
        return t.ParakeetForCTC(t.ParakeetCTCConfig(vocab_size=8, pad_token_id=0, encoder_config=inner))
    sounds: dict[str, Any] = {"conv_dim": (32, 32), "conv_kernel": (400, 4), "conv_stride": (160, 4)}
    sounds |= {"num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    # wav2vec 2.0 base normalises over time, which padding changes; the others do not
    sounds |= {"feat_extract_norm": "group" if name == "wav2vec2" else "layer", "layerdrop": 0.0, **WEIGHTS}
    family = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}[name]
    made: Any = getattr(t, f"{family}Model")(getattr(t, f"{family}Config")(**width, **sounds))
    return made


def listener(name: str) -> Any:
    """What prepares recordings for a tiny speech model."""
    import transformers as t

    if name == "parakeet":
        return t.ParakeetFeatureExtractor(feature_size=40)
    return t.Wav2Vec2FeatureExtractor(return_attention_mask=name != "wav2vec2", do_normalize=True)


def processor() -> Any:
    from transformers import ViTImageProcessorPil

    return ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}, do_convert_rgb=True)


# ------------------------------------------------------------------------------------------------------------ data


def reviews(num: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Different short texts and their classes, "neg" and "pos" in turn, told apart by a single word."""
    rng = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < num:
        label = ("neg", "pos")[len(found) % 2]
        plain = rng.sample(PLAIN, rng.randint(3, 9))
        plain.insert(rng.randrange(len(plain)), rng.choice(GOOD if label == "pos" else BAD))
        found.setdefault(" ".join(plain), label)
    return list(found.items())


def csv_of(path: Path, rows: list[tuple[str, str]]) -> Path:
    """A CSV file of texts and their classes."""
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def picture(shade: tuple[int, int, int], *, seed: int) -> Any:
    """A noisy Pillow image of about one colour."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(seed).integers(-30, 31, (SIDE, SIDE, 3))
    return Image.fromarray((np.array(shade) + noise).clip(0, 255).astype(np.uint8))


SHADES = {"blue": (60, 60, 180), "red": (180, 60, 60)}


def pictures(folder: Path, num: int) -> Path:
    """A folder with a folder of PNG files for each class; made once."""
    if folder.exists():
        return folder
    for number, (name, shade) in enumerate(SHADES.items()):
        (folder / name).mkdir(parents=True)
        for each in range(num // len(SHADES)):
            picture(shade, seed=1000 * number + each).save(folder / name / f"{each}.png")
    return folder


@contextlib.contextmanager
def threads(num: int) -> Iterator[None]:
    """So many threads for torch while the block lasts."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)
