"""Model folders spoilt in one way each, with what must be said of them; and what else may be asked that cannot be.

The command line is run over both tables in its own tests; nothing here runs anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Spoil = Callable[[Path], object]


class Spoilt(NamedTuple):
    """A readable id, the family of a good model, what is done to its folder, and a part of the message."""

    id: str
    family: str
    spoil: Spoil
    says: str


def without(*names: str) -> Spoil:
    """Some files are gone."""

    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def renamed(old: str, new: str) -> Spoil:
    """A file has another name."""
    return lambda folder: (folder / old).rename(folder / new)


def holding(name: str, content: bytes) -> Spoil:
    """A file holds something else."""
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str, share: float) -> Spoil:
    """A file lacks its last part."""

    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return spoil


def with_values(name: str, **values: Any) -> Spoil:
    """A JSON file has these values; `None` takes one away."""

    def spoil(folder: Path) -> None:
        content = {**json.loads((folder / name).read_text()), **values}
        kept = {key: value for key, value in content.items() if value is not None}
        (folder / name).write_text(json.dumps(kept))

    return spoil


def with_tensors_named(prefix: str) -> Spoil:
    """The weights are there under names that the model does not know."""

    def spoil(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        path = folder / "model.safetensors"
        save_file({prefix + name: tensor for name, tensor in load_file(path).items()}, path, {"format": "pt"})

    return spoil


def with_larger_tokenizer(folder: Path) -> None:
    """Most pieces have numbers above 1,000, as in the tokenizer of another model."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocab = content["model"]["vocab"]
    content["model"]["vocab"] = {piece: number + 1000 * (number > 10) for piece, number in vocab.items()}
    path.write_text(json.dumps(content))


CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 90868376\n"
UNREADABLE, UNFIT = "cannot be read (", "do not fit its config.json"

SPOILT = [
    Spoilt("no config", "bert", without(CONFIG), "has no config.json"),
    Spoilt("no weights", "bert", without(WEIGHTS), "has a config.json and no model.safetensors"),
    Spoilt("weights called pickled", "bert", renamed(WEIGHTS, "pytorch_model.bin"), "it is no file of torch.save"),
    Spoilt("no tokenizer", "bert", without(TOKENIZER, "tokenizer_config.json"), "no tokenizer and no processor"),
    Spoilt("half a tokenizer", "bert", without(TOKENIZER), UNREADABLE),
    Spoilt("no image processor", "resnet", without("preprocessor_config.json"), "no tokenizer and no processor"),
    Spoilt("weights cut short", "bert", cut(WEIGHTS, 0.5), UNREADABLE),
    Spoilt("weights cut to nothing", "bert", cut(WEIGHTS, 0), UNREADABLE),
    Spoilt("weights cut short, of images", "resnet", cut(WEIGHTS, 0.9), UNREADABLE),
    Spoilt("a pointer for weights", "bert", holding(WEIGHTS, POINTER), UNREADABLE),
    Spoilt("weights of other names", "bert", with_tensors_named("other."), UNFIT),
    Spoilt("fewer blocks than said", "bert", with_values(CONFIG, num_hidden_layers=3), '"encoder.layer.2.'),
    Spoilt("another width than said", "bert", with_values(CONFIG, hidden_size=64), UNFIT),
    Spoilt(
        "another vocabulary than said", "bert", with_values(CONFIG, vocab_size=170), "1 missing or of another shape"
    ),
    Spoilt("config that is not JSON", "bert", holding(CONFIG, b"{oops"), "config.json is not valid JSON"),
    Spoilt("config in Latin-1", "bert", holding(CONFIG, b'{"a": "\xe9"}'), "config.json is not valid JSON"),
    Spoilt("config that is a list", "bert", holding(CONFIG, b"[1]"), UNREADABLE),
    Spoilt("config that is a number", "bert", holding(CONFIG, b"7"), UNREADABLE),
    Spoilt("config that says nothing", "bert", holding(CONFIG, b"{}"), UNREADABLE),
    Spoilt("config without a family", "bert", with_values(CONFIG, model_type=None), UNREADABLE),
    Spoilt("unknown family", "bert", with_values(CONFIG, model_type="bort"), "`bort`"),
    Spoilt("word for a number", "bert", with_values(CONFIG, hidden_size="big"), "expected int, got str"),
    Spoilt("width of nothing", "bert", with_values(CONFIG, hidden_size=0), UNREADABLE),
    Spoilt("heads that do not divide", "bert", with_values(CONFIG, num_attention_heads=5), "not a multiple"),
    Spoilt("unknown activation", "bert", with_values(CONFIG, hidden_act="nope"), "'nope'"),
    Spoilt("code of its own", "bert", with_values(CONFIG, auto_map={"AutoModel": "x.Y"}), '"auto_map" can run'),
    Spoilt("kernel to fetch", "bert", with_values(CONFIG, _attn_implementation="a/b"), '"_attn_implementation" can'),
    Spoilt(
        "code in the tokenizer",
        "bert",
        with_values("tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}),
        'tokenizer_config.json: the key "auto_map"',
    ),
    Spoilt("tokenizer that is not JSON", "bert", holding(TOKENIZER, b"{oops"), UNREADABLE),
    Spoilt("tokenizer that says nothing", "bert", holding(TOKENIZER, b"{}"), UNREADABLE),
    Spoilt("tokenizer of another model", "bert", with_larger_tokenizer, "and the model knows 160 tokens"),
    Spoilt(
        "unknown image processor",
        "resnet",
        with_values("preprocessor_config.json", image_processor_type="Nope"),
        "Unrecognized image processor",
    ),
    Spoilt(
        "image processor of no size",
        "resnet",
        with_values("preprocessor_config.json", size={"height": 0, "width": 0}),
        '"size" is 0, and an image has 1 to 16,384 pixels a side',
    ),
    Spoilt(
        "image processor that is not JSON",
        "resnet",
        holding("preprocessor_config.json", b"{oops"),
        "preprocessor_config.json is not valid JSON",
    ),
]


class Asked(NamedTuple):
    """A readable id, the words after `headstart`, with places in braces, and a part of the message."""

    id: str
    words: str
    says: str
    code: int = 1


def model(name: str, ref: str, says: str) -> Asked:
    """A fit on a model that cannot be had."""
    return Asked(name, f"fit {{rows}} --out {{out}} --model {ref}", says)


def setting(words: str, says: str, *, code: int = 1) -> Asked:
    """A fit with a value that cannot be used."""
    return Asked(words, f"fit {{rows}} --out {{out}} --model dir:{{bert}} {words}", says, code)


SHARE, COUNT, READS = "give a share between 0 and 1", "give a whole number, 1 or more", "reads 3 to 24 tokens"

ASKED = [
    model("unknown Hub model", "nobody/nothing", '"nobody/nothing" is not on this machine'),
    model("bare word", "bert", "neither a folder here nor a Hub id"),
    model("unknown scheme", "hg:some/model", 'no source "hg". Did you mean "hf"?'),
    model("unknown starter", "starter:shapes-resnot", 'Did you mean "shapes-resnet"'),
    model("no such folder", "dir:nowhere", 'There is no folder "nowhere"'),
    model("file for a folder", "dir:{rows}", "There is no folder"),
    model("no Hub id", "hf:a/b/c", 'The Hub did not give "a/b/c"'),
    model("image model for texts", "dir:{resnet}", "reads image and the rows hold text"),
    Asked("text model for images", "fit {photos} --out {out} --model dir:{bert}", "reads text and the rows hold image"),
    Asked("check with a model of images", "check {rows} --model dir:{resnet}", "reads image and the rows hold text"),
    setting("--revision main", "is a folder and has no revisions"),
    setting("--task telepathy", 'no task "telepathy". Known: automatic-speech-recognition, image-classification,'),
    setting("--task image-classification", 'no column for "image"'),
    setting("--strategy frosen", 'no strategy "frosen". Did you mean "frozen"? Known: frozen, full'),
    setting("--head tree", "'tree' is not one of 'linear', 'mlp'", code=2),
    setting("--precision float8", "'float8' is not one of", code=2),
    setting("--epochs many", "'many' is not a valid integer", code=2),
    setting("--read nonsense", '--read "nonsense" is not auto'),
    setting("--read 3", "the layers are 0 to 2"),
    setting("--read 2-1", "lower first"),
    setting("--read ''", '--read "" is not auto'),
    setting("--read classifier --head mlp", "--read classifier goes with --head linear only"),
    *[setting(f"--test-size {value}", SHARE) for value in ("0", "1", "-0.1", "nan", "inf")],
    *[setting(f"--validation-size {value}", SHARE) for value in ("0", "1", "nan")],
    *[setting(f"--batch-size {value}", COUNT) for value in ("0", "-1")],
    *[setting(f"--epochs {value}", COUNT) for value in ("0", "-1")],
    *[setting(f"--lr {value}", "--lr") for value in ("0", "-1", "nan", "inf")],
    *[setting(f"--max-length {value}", READS) for value in ("-3", "0", "2", "25")],
    *[setting(f"--layer-decay {value}", "a factor above 0 and at most 1") for value in ("0", "1.5", "nan")],
    *[setting(f"--weight-decay {value}", "give 0 or a number above it") for value in ("-1", "nan", "inf")],
    *[setting(f"--warmup {value}", "a share from 0 to 1") for value in ("-0.1", "1.5", "nan")],
    *[setting(f"--ema {value}", "a share from 0 to less than 1") for value in ("-0.1", "1", "nan")],
    setting("--patience -1", "give a whole number, 0 or more"),
    *[setting(f"--seed {value}", "a whole number from 0 to") for value in ("-1", "4294967296")],
    setting("--epochs 0 --dry-run", COUNT),
    setting("--validation nowhere.csv", "There is no file or folder nowhere.csv"),
    setting("--test nowhere.csv", "There is no file or folder nowhere.csv"),
    setting("--test {photos}", 'photos has no column for "text"'),
    Asked("run folder that exists", "fit {rows} --model dir:{bert} --out {run}", "exists already. Name another"),
    Asked("file at the run folder", "fit {rows} --model dir:{bert} --out {rows}", "exists already. Name another"),
    Asked("the folder one is in", "fit {rows} --model dir:{bert} --out .", "exists already. Name another"),
    Asked("run folder in a file", "fit {rows} --model dir:{bert} --out {rows}/run", "cannot be written: File exists"),
    Asked("run folder of a long name", f"fit {{rows}} --model dir:{{bert}} --out {'x' * 300}", "name too long"),
    Asked("like a run that is not there", "fit --like nowhere", "--like takes the folder of a finished run"),
    Asked("like an unfinished run", "fit --like {unfinished}", "--like takes the folder of a finished run"),
    Asked("like a run of another kind", "fit --like {foreign}", "--like takes the folder of a finished run"),
    Asked("fit without data", "fit", "DATA is missing", 2),
    Asked("predict by nothing", "predict nowhere {rows}", '"nowhere" holds no finished model'),
    Asked("predict by an unfinished run", "predict {unfinished} {rows}", "holds no finished model"),
    Asked("predict by a model without a head", "predict {bert} {rows}", "holds no finished model"),
    Asked("predict a file that is not there", "predict {run} nowhere.txt", 'no file or folder "nowhere.txt"'),
    Asked("predict an empty file", "predict {run} {empty}", "There is nothing to predict in"),
    Asked("predict an empty stdin", "predict {run} -", "There is nothing to predict in -"),
    Asked("predict from a column not there", "predict {run} {rows} --columns text=body", 'no column "body" for "text"'),
    Asked("predict an image by a text model", "predict {run} {photos}/red/0.png", "0.png is not UTF-8 text"),
    Asked("predict images by a text model", "predict {run} {photos}", "text-classification reads files"),
    Asked("predict texts by an image model", "predict {photo_run} {rows}", 'no column for "image"'),
    Asked("predict a broken image", "predict {photo_run} {broken}", "broken.png: it is damaged or cut short"),
    Asked("predict an empty image", "predict {photo_run} {nothing}", "nothing.png: its bytes are no image"),
    Asked("predict into an odd file", "predict {run} {rows} --out {out}.xlsx", "ends in none of .jsonl, .csv"),
    Asked("predict into a file that is there", "predict {run} {rows} --out {rows}", "exists already. Choose another"),
    Asked("predict into no folder", "predict {run} {rows} --out nowhere/a.csv", 'There is no folder "nowhere"'),
    Asked("evaluate by nothing", "evaluate nowhere {rows}", '"nowhere" holds no finished model'),
    Asked("evaluate on nothing", "evaluate {run} nowhere.csv", "There is no file or folder nowhere.csv"),
    Asked("evaluate on an unknown class", "evaluate {run} {others}", 'the class "meh", which the model does not know'),
    Asked("evaluate on images by a text model", "evaluate {run} {photos}", 'no column for "text"'),
    Asked("report of nothing", "report nowhere", '"nowhere" is not a finished run'),
    Asked("report of an unfinished run", "report {unfinished}", "is not a finished run: it has no run.json"),
    Asked("report of a model", "report {bert}", "is not a finished run: it has no run.json"),
    Asked("report of a file", "report {rows}", "is not a finished run: it has no run.json"),
]
