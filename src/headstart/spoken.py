"""What metrics are called in a sentence; files and programs keep their short names."""

from __future__ import annotations

METRIC_NAMES = {
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "entity_f1": "entity F1",
    "mean_iou": "mean IoU",
    "exact_match": "exact match",
    "word_accuracy": "word accuracy",
    "wer": "word error rate",
    "cer": "character error rate",
    "log_loss": "log loss",
    "f1": "F1",
    "map": "mean average precision",
    "map50": "mean average precision at 0.5",
    "map75": "mean average precision at 0.75",
    "ece": "calibration error",
}


def metric(name: str) -> str:
    """A metric's name as it reads in a sentence."""
    return METRIC_NAMES.get(name, name.replace("_", " "))
