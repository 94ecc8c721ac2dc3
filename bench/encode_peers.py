"""One side of the encode benchmark in a process of its own: 2,000 SST-2 sentences to vectors; prints one JSON line.

Usage: python bench/encode_peers.py SIDE VECTORS.npy, where SIDE is one of those named in SIDES.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sst2

SENTENCES = 2000
BATCH_SIZE = 32
Encode = Callable[[list[str]], Any]


def headstart(precision: str) -> Encode:
    """Ours, from texts to averages, tokenising included."""
    from headstart.encoding.encoder import load_backbone

    encoder = load_backbone(sst2.MINILM, offline=True, precision=precision)
    return lambda texts: encoder.encode(texts, states=False).mean


def pipeline() -> Encode:
    """transformers' feature-extraction pipeline, batches of 32 in file order; the average over tokens added by hand."""
    import transformers

    folder = str(sst2.model_folder())
    extract = transformers.pipeline("feature-extraction", model=folder, tokenizer=folder, return_tensors=True)

    def encode(texts: list[str]) -> Any:
        states = extract(texts, batch_size=BATCH_SIZE)
        # rows come padded to their batch's longest; the tokenizer says how many tokens are real
        lengths = [len(row) for row in extract.tokenizer(texts)["input_ids"]]
        return np.stack([state[0, :length].mean(0).numpy() for state, length in zip(states, lengths, strict=True)])

    return encode


def sentence_transformers() -> Encode:
    """sentence-transformers as its documentation shows it, without the final scaling to length one."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(sst2.model_folder()), device="cpu")
    return lambda texts: model.encode(texts, batch_size=BATCH_SIZE, normalize_embeddings=False)


SIDES: dict[str, Callable[[], Encode]] = {
    "headstart": lambda: headstart("auto"),
    "headstart-float32": lambda: headstart("float32"),
    "headstart-bfloat16": lambda: headstart("bfloat16"),
    "pipeline": pipeline,
    "sentence-transformers": sentence_transformers,
}


def main(side: str, vectors: str) -> None:
    """Encodes once to warm up, then measured; loading is left out on every side."""
    texts = sst2.rows("train")[0][:SENTENCES]
    encode = SIDES[side]()
    encode(texts[:200])
    start = time.perf_counter()
    found = np.asarray(encode(texts), dtype=np.float32)
    seconds = time.perf_counter() - start
    np.save(vectors, found)
    print(json.dumps({"seconds": round(seconds, 3), "sentences_per_second": round(SENTENCES / seconds, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
