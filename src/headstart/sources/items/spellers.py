"""What a speech model writes with: its vocabulary, told by the folder it comes in, and written into the one it leaves.

What is written with it is a task's business.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.contracts import Writing
from headstart.errors import ModelError, SettingError
from headstart.sources import _folder, _quietly

if TYPE_CHECKING:
    from torch import nn

FILES = ("vocab.json", "tokenizer.json", "tokenizer_config.json")
BLANK, UNKNOWN, SPACE = "<pad>", "<unk>", "|"
"""The first outputs of a vocabulary that is built, by the names that CTC tokenizers of transformers know them by."""
POSITIONS = ("max_target_positions", "max_position_embeddings")
"""Where configs say how many tokens their decoder has positions for."""
LENGTH = 448
"""Tokens of a text where a config does not say it, as many as Whisper writes."""
SHOWN = 8
"""Languages that a message names."""


@dataclass(frozen=True)
class TransformersSpeller:
    """The contract's Speller over a tokenizer of transformers."""

    tokenizer: Any
    blank: int | None
    num_outputs: int
    model: str = "the model"
    generation: Mapping[str, Any] = field(default_factory=dict)
    """What its config and generation_config.json say together; empty of a model that does not generate."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tokens by their numbers, as many as the model has outputs; some have no token."""
        known = {number: name for name, number in self.tokenizer.get_vocab().items()}
        return tuple(known.get(number, f"<{number}>") for number in range(self.num_outputs))

    @property
    def unknown(self) -> int | None:
        """The token for what is not known."""
        number = self.tokenizer.unk_token_id
        return None if number is None else int(number)

    def ids(self, text: str) -> list[int]:
        """The numbers of a text's tokens."""
        return list(map(int, self.tokenizer(text).input_ids))

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def writing(self, language: str | None) -> Writing | None:
        """How it writes what is said in a language; see the contract.

        Source: the tokens are those that transformers' own `generate` of Whisper begins with.
        """
        told = self.generation
        start, end = told.get("decoder_start_token_id"), told.get("eos_token_id")
        if start is None or end is None:
            return None
        most = next((int(told[name]) for name in POSITIONS if told.get(name)), LENGTH)
        before, code = [int(start)], None
        if told.get("lang_to_id") and told.get("is_multilingual", True):
            code = self._code(told.get("language") if language is None else language)
            before += [told["lang_to_id"][f"<|{code}|>"], told["task_to_id"]["transcribe"]]
        if told.get("no_timestamps_token_id") is not None:
            before.append(told["no_timestamps_token_id"])
        return Writing(tuple(before), int(end[0] if isinstance(end, list) else end), most, language=code)

    def _code(self, language: str | None) -> str:
        """The code of a language that is called by its name, by its code, or as a token."""
        from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

        known = sorted(name.strip("<|>") for name in self.generation["lang_to_id"])
        asked = "" if language is None else language.lower().strip("<|>")
        code = str(TO_LANGUAGE_CODE.get(asked, asked))
        if code in known:
            return code
        more = " …" if len(known) > SHOWN else ""
        said = f'"{self.model}" writes {len(known)} languages ({", ".join(known[:SHOWN])}{more})'
        if language is None:
            raise SettingError(f"{said} and must be told which one is spoken. Give it, as in --spoken-language en.")
        raise SettingError(f'--spoken-language "{language}": {said}. Give the name or the code of one of them.')


def of(folder: Path) -> TransformersSpeller | None:
    """The speller of a folder that has a tokenizer; None where it has none, as models that were never fine-tuned."""
    import transformers

    if not any((folder / name).is_file() for name in FILES):
        return None
    with _quietly.reading(folder):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    config = _folder.config(folder)
    sizes = _blank(config, tokenizer), int(config.get("vocab_size", len(tokenizer)))
    return TransformersSpeller(tokenizer, *sizes, str(folder), _generation(folder))


def _generation(folder: Path) -> dict[str, Any]:
    """What the config, with all that its family fills in, and generation_config.json say of how the model writes."""
    config = _defaults(folder)
    return {**config, **_folder.generation_config(folder)} if config.get("is_encoder_decoder") else {}


def _blank(config: dict[str, Any], tokenizer: Any) -> int | None:
    """The output for no letter: CTC models of transformers take the padding's; others have none."""
    if config.get("is_encoder_decoder") or not any("CTC" in name for name in config.get("architectures") or ()):
        return None
    number = config.get("pad_token_id", tokenizer.pad_token_id)
    return None if number is None else int(number)


def overrides(folder: Path, names: Sequence[str] | None) -> dict[str, Any]:
    """What to load a CTC model with: an output for each name, unless it has those already, and no masks of its own.

    Args:
        folder: Of the model.
        names: A vocabulary; None for the outputs it has.
    """
    # its family masks spans of ten frames at random and fails where a recording has fewer; see `train.hearing`
    known = _defaults(folder)
    plain = {"apply_spec_augment": False} if "apply_spec_augment" in known else {}
    speller = None if names is None else of(folder)
    if names is None or (speller is not None and speller.blank is not None and speller.names == tuple(names)):
        return plain
    if names[0] != BLANK:
        raise ModelError(f'"{folder}" has no vocabulary that begins with "{names[0]}". Use --vocabulary built.')
    id2label = dict(enumerate(names))
    return {
        **plain,
        # of no family's output is known that it begins or ends a text
        **{name: None for name in ("bos_token_id", "eos_token_id") if name in known},
        "vocab_size": len(names),
        "pad_token_id": 0,
        "id2label": id2label,
        "label2id": {name: number for number, name in id2label.items()},
        "ignore_mismatched_sizes": True,
    }


def _defaults(folder: Path) -> dict[str, Any]:
    """The config with all that its family fills in."""
    import transformers

    with _quietly.reading(folder):
        found: dict[str, Any] = transformers.AutoConfig.from_pretrained(folder, local_files_only=True).to_dict()
    return found


def save(source: Path, extractor: Any, module: nn.Module, folder: Path) -> None:
    """Writes what prepares sounds and what puts outputs together, so that AutoProcessor opens both.

    Args:
        source: Where the model came from.
        extractor: Prepares sounds.
        module: What was learnt; its config names its outputs where they were built.
        folder: Where the model is written to.
    """
    import transformers

    config: Any = module.config
    label2id = config.label2id or {}
    is_built = label2id.get(BLANK) == 0 and label2id.get(SPACE) is not None
    if is_built and label2id.get(UNKNOWN) is not None:
        transformers.Wav2Vec2Processor(feature_extractor=extractor, tokenizer=_built(label2id)).save_pretrained(folder)
    elif any((source / name).is_file() for name in FILES):
        transformers.AutoProcessor.from_pretrained(source, local_files_only=True).save_pretrained(folder)
    else:
        extractor.save_pretrained(folder)


def _built(label2id: dict[str, int]) -> Any:
    import transformers

    with tempfile.TemporaryDirectory() as place:
        vocabulary = Path(place) / "vocab.json"
        vocabulary.write_text(json.dumps(dict(label2id), ensure_ascii=False), encoding="utf-8")
        return transformers.Wav2Vec2CTCTokenizer(
            str(vocabulary),
            bos_token=None,
            eos_token=None,
            unk_token=UNKNOWN,
            pad_token=BLANK,
            word_delimiter_token=SPACE,
        )
