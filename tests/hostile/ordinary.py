"""Model folders as one finds them, none of which may be refused: each a tiny model of a family, dressed in one way.

What the Hub, git, older versions and other programs leave in a folder, and checkpoints of tasks.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import families

CONFIG, WEIGHTS, PICKLED = "config.json", "model.safetensors", "pytorch_model.bin"
TOKENIZER_CONFIG = "tokenizer_config.json"
BLOB = "0123456789abcdef"


class Ordinary(NamedTuple):
    """A readable id, the family of the model, and what is done to its folder; that may give another folder."""

    id: str
    family: str
    dress: Callable[[Path], Path | None]


def nothing(folder: Path) -> None:
    """As save_pretrained writes it."""


def told(name: str, **values: Any) -> Callable[[Path], None]:
    """A JSON file has these values too, nulls among them."""

    def dress(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**content, **values}))

    return dress


def with_files(**contents: str) -> Callable[[Path], None]:
    """There are further files; a double underscore stands for a dot, a triple one for a slash."""

    def dress(folder: Path) -> None:
        for spelt, content in contents.items():
            path = folder / spelt.replace("___", "/").replace("__", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)

    return dress


def sharded(folder: Path) -> None:
    """The weights lie in several files with an index."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder)
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1


def pickled(folder: Path, *, wrap: bool = False, old: bool = False, name: str = PICKLED) -> None:
    """The weights are a file of torch.save."""
    import torch
    from transformers import AutoModel

    weights: Any = AutoModel.from_pretrained(folder).state_dict()
    # what lies in memory mapped from the file would change with it
    weights = type(weights)((key, tensor.clone()) for key, tensor in weights.items())
    (folder / WEIGHTS).unlink()
    value = {"epoch": 3, "state_dict": weights, "best": 0.93, "notes": ["a", None]} if wrap else weights
    torch.save(value, folder / name, _use_new_zipfile_serialization=not old)


def pickled_in_shards(folder: Path) -> None:
    """The weights lie in several files of torch.save, with an index."""
    import torch
    from safetensors.torch import load_file

    weights = list(load_file(folder / WEIGHTS).items())
    (folder / WEIGHTS).unlink()
    parts = {"pytorch_model-00001-of-00002.bin": weights[::2], "pytorch_model-00002-of-00002.bin": weights[1::2]}
    for name, part in parts.items():
        torch.save(dict(part), folder / name)
    index = {key: name for name, part in parts.items() for key, _ in part}
    (folder / f"{PICKLED}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def in_half(folder: Path) -> None:
    """The weights are in bfloat16."""
    import torch
    from transformers import AutoModel

    AutoModel.from_pretrained(folder).to(torch.bfloat16).save_pretrained(folder)


def task(name: str) -> Callable[[Path], None]:
    """The checkpoint of a task, with its head."""

    def dress(folder: Path) -> None:
        import torch
        import transformers

        with torch.random.fork_rng():
            torch.manual_seed(0)
            getattr(transformers, name).from_pretrained(folder).save_pretrained(folder)

    return dress


def cached(folder: Path) -> Path:
    """A snapshot in the cache of the Hub, every file a link to a blob."""
    repo = folder.parent / "models--org--name"
    snapshot = repo / "snapshots" / families.COMMIT
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        shutil.move(path, repo / "blobs" / f"{BLOB}{number}")
        (snapshot / path.name).symlink_to(f"../../blobs/{BLOB}{number}")
    return snapshot


def linked_within(folder: Path) -> None:
    """A file is a link to another one of the folder."""
    (folder / "weights").mkdir()
    shutil.move(folder / WEIGHTS, folder / "weights" / WEIGHTS)
    (folder / WEIGHTS).symlink_to(f"weights/{WEIGHTS}")


def by_a_link(folder: Path) -> Path:
    """The folder itself is a link."""
    link = folder.parent / "link"
    link.symlink_to(folder, target_is_directory=True)
    return link


def old_position_ids(folder: Path) -> None:
    """A buffer that transformers saved until version 4.30."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / WEIGHTS)
    weights["embeddings.position_ids"] = torch.arange(24)[None]
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


def without_metadata(folder: Path) -> None:
    """Weights that another program wrote, without a word of where they come from."""
    from safetensors.torch import load_file, save_file

    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)


def pickles_beside(folder: Path) -> None:
    """What the Trainer leaves in a checkpoint."""
    import torch

    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
        torch.save({"anything": torch.nn.Linear(1, 1)}, folder / name)
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": [{"loss": float("nan")}]}))


HUB = with_files(README__md="---\nlicense: mit\n---\n# Model\n", __gitattributes="*.bin filter=lfs\n", LICENSE="MIT")
CLONE = with_files(__git___HEAD="ref: refs/heads/main\n", __gitignore="*.tmp\n", __cache___x="")
SENTENCES = with_files(
    modules__json='[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]',
    config_sentence_transformers__json='{"__version__": {"pytorch": "1.8.1"}}',
    sentence_bert_config__json='{"max_seq_length": 256, "do_lower_case": false}',
    A_Pooling___config__json='{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}',
    onnx___model__onnx="",
)
PATHS = {"special_tokens_map_file": "/root/.cache/x/special_tokens_map.json", "name_or_path": "/data/models/x"}
WORDS = {"auto_map": 7, "trust_remote_code": 8, "custom_code": 9}

ORDINARY = [
    *[Ordinary(f"{name} as it was saved", name, nothing) for name in (*families.TEXT, *families.IMAGE)],
    Ordinary("what the Hub adds", "bert", HUB),
    Ordinary("a clone with git", "bert", CLONE),
    Ordinary("sentence-transformers", "bert", SENTENCES),
    Ordinary("null auto_map", "bert", told(CONFIG, auto_map=None)),
    Ordinary("null auto_map, nested", "bert", told(CONFIG, text_config={"auto_map": None, "a": [{"auto_map": None}]})),
    Ordinary("null auto_map of the tokenizer", "bert", told(TOKENIZER_CONFIG, auto_map=None)),
    Ordinary("null auto_map of the processor", "vit", told("preprocessor_config.json", auto_map=None)),
    Ordinary("nulls of other keys", "bert", told(CONFIG, custom_pipelines=None, _attn_implementation=None)),
    Ordinary("code said to be off", "bert", told(CONFIG, trust_remote_code=False)),
    Ordinary(
        "attention that torch has", "bert", told(CONFIG, _attn_implementation="sdpa", attn_implementation="eager")
    ),
    Ordinary(
        "what transformers 4 wrote", "bert", told(CONFIG, _attn_implementation_autoset=True, torch_dtype="float32")
    ),
    Ordinary("generation", "bert", told("generation_config.json", pad_token_id=0, transformers_version="4.40.0")),
    Ordinary("keys that end like those of kernels", "convnext", told(CONFIG, conv_kernel_size=3, kernel_size=2)),
    Ordinary("a tokenizer's old paths", "bert", told(TOKENIZER_CONFIG, **PATHS)),
    Ordinary("a tokenizer's other files", "bert", with_files(special_tokens_map__json="{}", vocab__txt="[PAD]\n")),
    Ordinary("words called like keys", "bert", told("added_tokens.json", **WORDS)),
    Ordinary("a chat template", "bert", with_files(chat_template__jinja="{{ messages }}")),
    Ordinary("shards", "bert", sharded),
    Ordinary("a pickle of torch", "bert", pickled),
    Ordinary("a pickle of old torch", "roberta", lambda folder: pickled(folder, old=True)),
    Ordinary("a pickle with notes", "resnet", lambda folder: pickled(folder, wrap=True, name="model.pth")),
    Ordinary("a pickle in shards", "distilbert", pickled_in_shards),
    Ordinary("pickles of the Trainer beside", "bert", pickles_beside),
    Ordinary("half precision", "bert", in_half),
    Ordinary("masked words", "bert", task("AutoModelForMaskedLM")),
    Ordinary("pretraining", "bert", task("AutoModelForPreTraining")),
    Ordinary("questions", "distilbert", task("AutoModelForQuestionAnswering")),
    Ordinary("tags", "roberta", task("AutoModelForTokenClassification")),
    Ordinary("classes of images", "vit", task("AutoModelForImageClassification")),
    Ordinary("masked images", "vit", task("AutoModelForMaskedImageModeling")),
    Ordinary("a buffer of old versions", "bert", old_position_ids),
    Ordinary("no metadata", "bert", without_metadata),
    Ordinary("the cache of the Hub", "bert", cached),
    Ordinary("a link within", "bert", linked_within),
    Ordinary("a link to the folder", "bert", by_a_link),
]
