"""Tiny models that write what is said, with random weights: Whisper of one language and of several, and Moonshine.

Their tokenizers are made here, one of bytes and one of letters with bytes for all others, as the real ones are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAMES = ("whisper", "whisper-of-languages", "moonshine")
POSITIONS = 16
"""Tokens they write at most."""
SECONDS = 1
"""That Whisper reads at once."""
LANGUAGES = ("en", "zh", "de")
SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>")
SPECIAL += ("<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")


def make(name: str, folder: Path) -> None:
    """Writes the model with what prepares recordings and texts."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        made, preparing = _moonshine() if name == "moonshine" else _whisper(is_multilingual=name != "whisper")
    made.save_pretrained(folder)
    preparing.save_pretrained(folder)


def bytes_tokenizer() -> Any:
    """One token for each byte, and a few for two letters; then Whisper's special ones."""
    import transformers as t
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [("Ġ", letter) for letter in "abc"]
    names = [*letters, *map("".join, pairs), *SPECIAL]
    return t.WhisperTokenizer(
        vocab={name: number for number, name in enumerate(names)},
        merges=pairs,
        additional_special_tokens=list(SPECIAL[1:]),
    )


def _whisper(*, is_multilingual: bool) -> tuple[Any, Any]:
    import transformers as t

    tokens = bytes_tokenizer()
    number = {name: tokens.convert_tokens_to_ids(name) for name in SPECIAL}
    ends = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), number["<|endoftext|>"])
    start = {"decoder_start_token_id": number["<|startoftranscript|>"]}
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    sizes: dict[str, Any] = {"d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "init_std": 0.05, **heads}
    sizes |= {"encoder_layers": 2, "decoder_layers": 2, "num_mel_bins": 16, "max_source_positions": 50 * SECONDS}
    config = t.WhisperConfig(
        **sizes, **ends, **start, vocab_size=len(tokens), max_target_positions=POSITIONS, begin_suppress_tokens=None
    )
    made = t.WhisperForConditionalGeneration(config)
    more: dict[str, Any] = {"is_multilingual": is_multilingual, "no_timestamps_token_id": number["<|notimestamps|>"]}
    if is_multilingual:
        more["lang_to_id"] = {f"<|{code}|>": number[f"<|{code}|>"] for code in LANGUAGES}
        more["task_to_id"] = {task: number[f"<|{task}|>"] for task in ("transcribe", "translate")}
    made.generation_config = t.GenerationConfig(**ends, **start, **more, max_length=POSITIONS, return_timestamps=False)
    listening = t.WhisperFeatureExtractor(feature_size=16, chunk_length=SECONDS)
    return made, t.WhisperProcessor(feature_extractor=listening, tokenizer=tokens)


def letters_tokenizer() -> Any:
    """One token for each letter, those at the beginning of a word with its mark, and for each byte of all else."""
    import transformers as t
    from tokenizers import Tokenizer, decoders, models, normalizers, processors

    alphabet = "abcdefghijklmnopqrstuvwxyz"
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *alphabet]
    pairs = [("▁", letter) for letter in "abc"]
    names += map("".join, pairs)
    vocab = {name: number for number, name in enumerate(names)}
    made = Tokenizer(models.BPE(vocab, pairs, unk_token="<unk>", byte_fallback=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def _moonshine() -> tuple[Any, Any]:
    import transformers as t

    tokens = letters_tokenizer()
    layers = dict.fromkeys(("encoder_num_hidden_layers", "decoder_num_hidden_layers"), 2)
    heads = dict.fromkeys(("encoder_num_attention_heads", "decoder_num_attention_heads"), 2)
    config = t.MoonshineConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        intermediate_size=48,
        max_position_embeddings=POSITIONS,
        initializer_range=0.1,
        **layers,
        **heads,
    )
    listening = t.Wav2Vec2FeatureExtractor(return_attention_mask=True, do_normalize=False)
    return t.MoonshineForConditionalGeneration(config), t.Wav2Vec2Processor(listening, tokens)
