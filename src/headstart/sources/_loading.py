"""Handing a verified folder to transformers: quietly, strictly, and with one error for its many ways to fail.

What the folder may contain was decided in `model_folder`; what the model then does is `_transformers`' business.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart import stack
from headstart.contracts import Modality
from headstart.errors import MismatchError, ModelError
from headstart.sources import _folder, _quietly, _shorter, _timm
from headstart.sources._conventions import righted
from headstart.sources.items import spellers

if TYPE_CHECKING:
    from torch import nn

PROCESSORS: dict[Modality, str] = {
    "text": "AutoTokenizer",
    "image": "AutoImageProcessor",
    "audio": "AutoFeatureExtractor",
}
"""What turns items of each kind into a model's input, by transformers' names."""


HEADS = re.compile(
    r"(cls|nsp|mlm|criterion|ctc|crf|tdnn|quantizer|objective|feature_extractor|qa_outputs|sequence_summary"
    r"|seq_relationship|vocab_\w+|project_\w+|(fc|linear|dense|norm|layer_?norm|out)\w*"
    r"|\w*(head|classif|predict|pooler|proj|scor|logit|decoder|loss|label|output)\w*)\.",
    re.IGNORECASE,
)
"""How the parts are called that transformers puts on top of a backbone, for every task of every family we test."""
NEVER_BARE = ("AutoModelForSemanticSegmentation", "AutoModelForUniversalSegmentation")
"""Classes of transformers among which some families have their only model."""
LEFT_OVER = {
    "mask_token",
    "position_ids",
    "token_type_ids",
    "inv_freq",
    "masked_bias",
    "relative_position_index",
    "num_batches_tracked",
}
"""What a part needs only for pretraining, or what older versions saved and newer ones compute."""


def bare(folder: Path, *, trust: bool = False, blocks: int | None = None) -> nn.Module:
    """The model without any task's layers, in evaluation mode, fp32; of a sequence-to-sequence model the encoder.

    Args:
        folder: A verified model folder.
        trust: Run the code in it that its config names.
        blocks: Only the lowest so many of them.

    Raises:
        ModelError: It cannot be read, its weights leave gaps, or they are another model's.
        MismatchError: Its config does not say how many blocks there are.
    """
    lower = _shorter.overrides(folder, blocks)
    if not _folder.has_weights(folder):
        return _encoder_of(_fresh(folder, "AutoModel", lower))
    with _quietly.reading(folder):
        module, report = _bare_class(folder, trust).from_pretrained(
            folder, **_strict(folder, trust), **lower, ignore_mismatched_sizes=True, output_loading_info=True
        )
    _refuse_gaps(module, report, folder, is_shorter=blocks is not None)
    _refuse_strangers(_shorter.without_higher(report["unexpected_keys"], blocks), folder)
    return righted(_settled(_encoder_of(module))).eval()


def _encoder_of(module: Any) -> nn.Module:
    """The encoder of a sequence-to-sequence model, any other as it is; a detector's encoder alone reads no pictures."""
    has_two = getattr(module.config, "is_encoder_decoder", False) and module.main_input_name != "pixel_values"
    found: nn.Module = module.get_encoder() if has_two else module
    return found


def _bare_class(folder: Path, trust: bool) -> Any:
    """AutoModel; of families that transformers has no bare model of, as UPerNet, the class for their task."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=trust, local_files_only=True)
    name = next((one for one in ("AutoModel", *NEVER_BARE) if has_class(config, one)), "AutoModel")
    return getattr(transformers, name)


def processor(folder: Path, modality: Modality, *, trust: bool = False) -> Any:
    """The tokenizer, the image processor or the feature extractor."""
    import transformers

    with _quietly.reading(folder):
        kind = getattr(transformers, PROCESSORS[modality])
        return kind.from_pretrained(folder, trust_remote_code=trust, local_files_only=True)


def for_task(
    folder: Path, auto_class: str, names: Sequence[str] | None, *, trust: bool = False, blocks: int | None = None
) -> nn.Module:
    """The ecosystem's task model, in evaluation mode.

    Args:
        folder: A verified model folder.
        auto_class: For example "AutoModelForSequenceClassification".
        names: Of the classes a fresh classifier is made for; None keeps the classifier the folder has.
        trust: Run the code in it that its config names.
        blocks: Only the lowest so many of them.

    Raises:
        MismatchError: The family has no such task model, or does not say in its config how many blocks there are.
    """
    import transformers

    named = {} if names is None else _named(names)
    if auto_class == "AutoModelForCTC":
        named = spellers.overrides(folder, names)
    elif auto_class == "AutoModelForSpeechSeq2Seq":
        named = {}  # it keeps its vocabulary
    named |= _shorter.overrides(folder, blocks)
    if not _folder.has_weights(folder):
        return _fresh(folder, auto_class, named)
    with _quietly.reading(folder):
        try:
            module: nn.Module = getattr(transformers, auto_class).from_pretrained(
                folder, **_strict(folder, trust), **named
            )
        except ValueError as error:
            if "Unrecognized configuration class" not in str(error):
                raise
            raise MismatchError(f'"{folder.name}" has no {auto_class} in transformers. Choose another.') from error
    return righted(_settled(module)).eval()


def _fresh(folder: Path, auto_class: str, changes: Mapping[str, Any]) -> nn.Module:
    """A model of a config alone, with the weights its family draws, the same each time."""
    import torch
    import transformers

    changes = {name: value for name, value in changes.items() if name != "ignore_mismatched_sizes"}
    with _quietly.reading(folder), torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, **changes)
        module: nn.Module = getattr(transformers, auto_class).from_config(config)
        if auto_class == "AutoModelForSpeechSeq2Seq" and _folder.generation_config(folder):
            module.generation_config = transformers.GenerationConfig.from_pretrained(folder, local_files_only=True)
    return righted(module).eval()


def was_saved_as(folder: Path, config: Any, auto_class: str) -> bool:
    """Whether a model folder was saved by the class of a task that tells one of several classes apart."""
    import transformers

    written = _folder.config(folder)
    if written.get("problem_type") not in (None, "single_label_classification") or not has_class(config, auto_class):
        return False
    if _folder.is_timm(folder):
        return int(written.get("num_classes") or 0) > 1
    kind = getattr(transformers, auto_class)._model_mapping[type(config)]
    return kind.__name__ in (written.get("architectures") or ()) and config.num_labels > 1


def has_class(config: Any, auto_class: str) -> bool:
    """Whether transformers has a model of this class for what the config describes."""
    import transformers

    kind, mapping = type(config), getattr(transformers, auto_class)._model_mapping
    # it looks the name of the class up, which code that comes with a model may bear too; its list of classes would
    # import every family there is
    return kind in mapping and (kind.__module__.startswith("transformers.") or kind in mapping._extra_content)


def of_any_size(module: nn.Module, tensors: Mapping[str, Any]) -> dict[str, bool]:
    """What lets a family with a table of positions read an image of another size than it was trained with."""
    usual = getattr(getattr(module, "config", None), "image_size", None)
    pixels = tensors.get("pixel_values")
    if pixels is None or usual is None or pixels.shape[-1] == usual:
        return {}
    takes = inspect.signature(module.forward).parameters
    return {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes else {}


def _named(names: Sequence[str]) -> dict[str, Any]:
    """What makes transformers replace a classifier by a fresh one for these classes."""
    id2label = dict(enumerate(names))
    label2id = {name: index for index, name in id2label.items()}
    return {"num_labels": len(names), "id2label": id2label, "label2id": label2id, "ignore_mismatched_sizes": True}


def _strict(folder: Path, trust: bool) -> dict[str, Any]:
    return {"use_safetensors": True, "trust_remote_code": trust, "local_files_only": True} | _timm.overrides(folder)


def _settled(module: nn.Module) -> nn.Module:
    """The module with its weights in memory of their own, at aligned addresses.

    Weights mapped from a file lie wherever the file has them, and the last bit of a product depends on how they lie:
    a model would answer otherwise once it is saved and loaded.
    """
    import torch

    with torch.inference_mode(False):
        for tensor in itertools.chain(module.parameters(), module.buffers()):
            tensor.data = tensor.data.clone()
    return module


def _refuse_gaps(module: nn.Module, report: Mapping[str, Any], folder: Path, *, is_shorter: bool) -> None:
    """Stops where transformers filled gaps with random weights; above the blocks, as in a pooler, they do no harm."""
    depths, top = stack.depths(module), len(stack.blocks_of(module)) + 1
    gaps = [name for name in report["missing_keys"] if depths.get(name, top) < top]
    # of a model made shorter, what stands above the blocks may have another width; it is fresh, as a head is
    gaps += [name for name, *_ in report["mismatched_keys"] if not is_shorter or depths.get(name, top) < top]
    if gaps:
        raise ModelError(
            f'The weights in "{folder}" do not fit its config.json: {len(gaps)} missing or of another shape, '
            f'such as "{min(gaps)}". Give a complete model folder.'
        )


def is_of_a_head(name: str) -> bool:
    """Whether a weight is one of a head, or a left-over that does no harm, told by its name in the checkpoint."""
    # timm's models lie one level deeper, as in "timm_model.fc.weight"
    within = name.removeprefix("timm_model.")
    # detectors that refine boxes from layer to layer have a head in each, within what is else the backbone
    if re.match(r"(model\.decoder\.)?(bbox|class)_embed\.", within):
        return True
    return HEADS.match(within) is not None or within.rpartition(".")[2] in LEFT_OVER


def _refuse_strangers(names: Iterable[str], folder: Path) -> None:
    """Stops over weights that are neither the backbone's nor those of a head, which a task's checkpoint has too."""
    strangers = [name for name in names if not is_of_a_head(name)]
    if strangers:
        raise ModelError(
            f'The weights in "{folder}" do not fit its config.json: {len(strangers)} belong to no part of the model '
            f'and to no head, such as "{min(strangers)}". Give the config.json that they were saved with.'
        )
