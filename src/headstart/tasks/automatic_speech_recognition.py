"""What is said in a recording, as a text with the times of its words."""

# B rows, T frames, C outputs

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Backbone, Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where
from headstart.data.truths.transcripts import plain
from headstart.tasks.classes.single import config, output, settled
from headstart.tasks.speech import beam_search, ctc, languages, templates, transcripts_judged
from headstart.tasks.speech.ctc import counted
from headstart.tasks.speech.languages import Language
from headstart.tasks.speech.spelling import Spelling
from headstart.tasks.speech.transcript_snippet import TRANSCRIPTS
from headstart.tasks.speech.transcripts_judged import figure
from headstart.tasks.speech.word_times import told

if TYPE_CHECKING:
    import torch

    from headstart.settings import FitSettings

__all__ = ["config", "counted", "figure", "output", "settled"]

aliases = ("asr", "speech-to-text", "speech-recognition")
modality: Modality = "audio"
fields = (
    Field("audio", "audio", "the recording", aliases=("file_name", "file", "path", "filename", "wav", "sound", "clip")),
    Field(
        "label",
        "transcript",
        "what is said in it",
        aliases=("transcription", "transcript", "sentence", "normalized_text", "text", "words"),
    ),
)
primary = "word_accuracy"
auto_class = "AutoModelForCTC"
read_at: ReadAt = "layers"
per: Per = "token"
snippet = TRANSCRIPTS
BEAMS = 16
"""Prefixes that are kept where a language is asked and nobody says how many."""


@dataclass(frozen=True)
class Learned:
    """How transcripts are spelled, and how they are looked for."""

    spelling: Spelling
    beams: int = 1
    language: Language | None = None


def learn(rows: Rows) -> Learned:
    """The letters of the training transcripts."""
    return Learned(Spelling.built(map(plain, rows.column("label"))))


def meets(learned: Learned, rows: Rows, backbone: Backbone, settings: FitSettings) -> Learned:
    """With the checkpoint's own vocabulary where that is kept, and with the language that is asked for.

    Raises:
        MismatchError: Its vocabulary is to be kept, and it has none, or not the letters of the transcripts.
        SettingError: There is no such language.
    """
    texts = [plain(text) for text in rows.column("label")]
    spelling = _kept(backbone, texts, settings) or learned.spelling
    language = languages.asked(settings.language_model, texts)
    beams = settings.beams or (1 if language is None else BEAMS)
    return Learned(spelling, beams, language)


def _kept(backbone: Backbone, texts: Sequence[str], settings: FitSettings) -> Spelling | None:
    """The checkpoint's vocabulary; None where one is built."""
    from headstart.errors import MismatchError

    speller = backbone.speller
    spelling = None if speller is None or speller.blank is None else Spelling.kept(speller)
    missing = "" if spelling is None else spelling.missing(texts)
    if settings.vocabulary == "kept" and (spelling is None or missing):
        lacks = "has no vocabulary" if spelling is None else f'does not know "{missing}" of the transcripts'
        raise MismatchError(f'--vocabulary kept: "{backbone.ref}" {lacks}. Use --vocabulary built, or leave it out.')
    return None if settings.vocabulary == "built" or missing else spelling


def names(learned: Learned) -> tuple[str, ...]:
    """The vocabulary."""
    return learned.spelling.names


def items(rows: Rows) -> list[Any]:
    """The recordings."""
    return rows.column("audio")


def collate(rows: Rows, learned: Learned, where: Where | None = None) -> torch.Tensor:
    """Frames, blank and letters of each row, see `ctc.targets`."""
    assert where is not None, "letters belong to frames, and where says how many there are"
    return ctc.targets(rows.column("label"), learned.spelling, where)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Minus the log probability of each transcript, in nats, shape (B,); see `ctc.loss`."""
    return ctc.loss(output, targets, weights=weights, smoothing=smoothing)


def decode(output: Any, learned: Learned, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The text of each recording, and when each of its words is said."""
    assert where is not None, "words are told in seconds"
    return [_decoded(*row, learned) for row in zip(output, where, strict=True)]


def _decoded(output_TC: torch.Tensor, where_T2: Any, learned: Learned) -> Prediction:
    log_probs_TC = output_TC.double().log_softmax(dim=-1).numpy()
    spelling = learned.spelling
    if learned.beams == 1 and learned.language is None:
        heard = beam_search.greedy(log_probs_TC, spelling.blank)
    else:
        heard = beam_search.search(
            *(log_probs_TC, spelling.pieces), blank=spelling.blank, beams=learned.beams, language=learned.language
        )
    return told(heard, spelling.pieces, where_T2, silence=float(np.exp(log_probs_TC[:, spelling.blank].mean())))


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
    """Word accuracy, word and character error rate; see `transcripts_judged.metrics`."""
    return transcripts_judged.metrics(rows.column("label"), [answer["text"] for answer in predictions])


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, list[Any]]:
    """The text, how sure it is, whether every word is right, and how many are wrong of how many."""
    said, truth = [answer["text"] for answer in predictions], rows.column("label")
    split = transcripts_judged.words_of
    counts = transcripts_judged.errors(list(map(split, truth)), list(map(split, said)))
    wrong = counts[:, :3].sum(axis=1)
    return {
        "prediction": said,
        "confidence": [answer["confidence"] for answer in predictions],
        "correct": [bool(count == 0) for count in wrong],
        "wrong_words": [int(count) for count in wrong],
        "words": [int(count) for count in counts[:, 3]],
    }


def baselines(train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
    """One transcript for all, and where transcripts recur that of the recording most alike."""
    texts = train.column("label")
    found = {"one transcript for all": [templates.constant(texts)] * len(test)}
    if 2 * len(set(texts)) <= len(texts) + 1:
        found["the most similar recording"] = templates.nearest(train, test, "audio", "label", seed=seed)
    return {
        name: [{"text": plain(text), "confidence": 1.0, "words": []} for text in texts] for name, texts in found.items()
    }


def points(rows: Rows, learned: Learned, where: Where | None = None) -> Points:
    """Letters, each over its share of the frames as if all were said in equal time; see `ctc.shares`."""
    assert where is not None, "letters belong to frames, and where says how many there are"
    return ctc.shares(collate(rows, learned, where).numpy())


def to_json(learned: Learned) -> Any:
    """By name."""
    spelling, language = learned.spelling, learned.language
    return {
        "vocabulary": list(spelling.names),
        "blank": spelling.blank,
        "is_kept": spelling.is_kept,
        "beams": learned.beams,
        "language": None if language is None else language.to_json(),
    }


def from_json(value: Any) -> Learned:
    """As it was saved."""
    language = value["language"]
    return Learned(
        Spelling(tuple(value["vocabulary"]), value["blank"], value["is_kept"]),
        value["beams"],
        None if language is None else Language.from_json(language),
    )
