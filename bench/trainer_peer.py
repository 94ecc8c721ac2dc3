"""The peer: transformers' Trainer on SST-2 as its documentation shows it, backbone frozen or not; prints one JSON line.

Run by `against_trainer.py` in a process of its own, so that both sides pay for their imports.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import accelerate  # noqa: F401 - the Trainer imports it late; imports are counted apart on both sides
import numpy as np
import sst2
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

RECIPES = {
    "frozen": {"epochs": 3, "lr": 1e-3},
    "frozen-10": {"epochs": 10, "lr": 1e-3},
    "full": {"epochs": 1, "lr": 5e-5},
}
BATCH_SIZE = 32


class Encoded(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised rows, padded batch by batch by the collator."""

    def __init__(self, tokenizer: Any, split: str) -> None:
        texts, self.labels = sst2.rows(split)
        self.ids = tokenizer(texts, truncation=True)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**{name: values[row] for name, values in self.ids.items()}, "labels": self.labels[row]}


def run(strategy: str) -> dict[str, float]:
    """Seconds of training, tokenising included, and test accuracy after it."""
    folder = sst2.model_folder()
    start = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
    if strategy.startswith("frozen"):
        model.base_model.requires_grad_(False)
    recipe = RECIPES[strategy]
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            out,
            num_train_epochs=recipe["epochs"],
            per_device_train_batch_size=BATCH_SIZE,
            per_device_eval_batch_size=BATCH_SIZE,
            learning_rate=recipe["lr"],
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=0,
        )
        trainer = Trainer(
            model,
            arguments,
            data_collator=DataCollatorWithPadding(tokenizer),
            train_dataset=Encoded(tokenizer, "train"),
            compute_metrics=lambda given: {"accuracy": float((np.argmax(given[0], -1) == given[1]).mean())},
        )
        trainer.train()
        learning = time.perf_counter() - start
        accuracy = float(trainer.evaluate(Encoded(tokenizer, "test"))["eval_accuracy"])
    return {"learning_seconds": round(learning, 2), "accuracy": accuracy}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strategy", choices=RECIPES)
    print(json.dumps(run(parser.parse_args().strategy)))
