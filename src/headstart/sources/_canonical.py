"""Old ids of the Hub without an organisation, as papers and tutorials still write them, and where those models are now.

Only these are accepted as bare words: each has meant one model on the Hub since before it had organisations.
"""

from __future__ import annotations

MOVED = {
    "google-bert": (
        *("bert-base-uncased", "bert-base-cased", "bert-large-uncased", "bert-large-cased"),
        *(
            "bert-base-multilingual-uncased",
            "bert-base-multilingual-cased",
            "bert-base-chinese",
            "bert-base-german-cased",
        ),
        *("bert-large-uncased-whole-word-masking", "bert-large-cased-whole-word-masking"),
    ),
    "FacebookAI": ("roberta-base", "roberta-large", "xlm-roberta-base", "xlm-roberta-large"),
    "distilbert": (
        *(
            "distilbert-base-uncased",
            "distilbert-base-cased",
            "distilbert-base-multilingual-cased",
            "distilroberta-base",
        ),
        "distilbert-base-uncased-finetuned-sst-2-english",
    ),
    "albert": tuple(
        f"albert-{size}-{version}" for size in ("base", "large", "xlarge", "xxlarge") for version in ("v1", "v2")
    ),
    "xlnet": ("xlnet-base-cased", "xlnet-large-cased"),
    "almanach": ("camembert-base",),
    "google": tuple(
        f"electra-{size}-{part}" for size in ("small", "base", "large") for part in ("discriminator", "generator")
    ),
    "microsoft": ("deberta-v3-small", "deberta-v3-base", "deberta-v3-large"),
}
"""Organisation -> names; the last two were never without theirs, and are known by their names alone."""
NEVER_BARE = frozenset({"google", "microsoft"})
IDS = {name: f"{organisation}/{name}" for organisation, names in MOVED.items() for name in names}


def hub_id(name: str) -> str | None:
    """The Hub id of a bare word; the old one where only under that it lies in this machine's cache; None if unknown."""
    if name not in IDS:
        return None
    is_old_alone = _is_cached(name) and not _is_cached(IDS[name])
    return name if is_old_alone and IDS[name].partition("/")[0] not in NEVER_BARE else IDS[name]


def _is_cached(repository: str) -> bool:
    from pathlib import Path

    from huggingface_hub import constants

    snapshots = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "snapshots"
    return snapshots.is_dir() and any(snapshots.iterdir())
