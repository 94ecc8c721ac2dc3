"""BERT says hello: token ids, every token's hidden state and the CLS state of one text, beside what transformers gives.

Usage: python examples/hello.py [MODEL]; by default the English model that ships as a package, without any network.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
import transformers

import headstart

transformers.utils.logging.disable_progress_bar()

TEXT = "Hello, my dog is cute"


def main(model: str = "sentence-transformers/all-MiniLM-L6-v2") -> int:
    """Prints both sides and how far apart they are; the exit code tells whether they agree."""
    encoder = headstart.load_backbone(model)
    ours = encoder.encode([TEXT])
    folder = encoder.backbone.folder  # where the verified files lie
    inputs = transformers.AutoTokenizer.from_pretrained(folder)([TEXT], return_tensors="pt")
    with torch.inference_mode():
        theirs = transformers.AutoModel.from_pretrained(folder)(**inputs).last_hidden_state.numpy()
    print(f"{encoder.backbone.ref}: {TEXT!r}")
    print(f"  token ids      {ours.ids[0].tolist()}")
    print(f"  hidden states  {ours.hidden.shape}")
    print(f"  CLS state      {ours.cls.shape}, beginning {' '.join(f'{number:.4f}' for number in ours.cls[0, :5])}")
    same_ids = ours.ids.tolist() == inputs["input_ids"].tolist()
    apart = float(np.abs(ours.hidden - theirs).max())
    print(f"  transformers   {'the same ids' if same_ids else 'other ids'}, largest difference {apart:.1e}")
    return 0 if same_ids and apart < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
