"""What is said in a recording, as a text with the times of its words."""

# B rows, T frames, C outputs

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Backbone, Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where, Writing
from headstart.data.truths.transcripts import plain
from headstart.tasks.classes.single import config, output, settled
from headstart.tasks.speech import beam_search, ctc, languages, templates, transcripts_judged, written
from headstart.tasks.speech.languages import Language
from headstart.tasks.speech.spelling import Spelling
from headstart.tasks.speech.transcript_snippet import TRANSCRIPTS
from headstart.tasks.speech.transcripts_judged import figure
from headstart.tasks.speech.word_times import told
from headstart.tasks.speech.written import Written

if TYPE_CHECKING:
    import torch

    from headstart.settings import FitSettings

__all__ = ["config", "figure", "output", "settled"]

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
auto_classes = (auto_class, "AutoModelForSpeechSeq2Seq")
read_at: ReadAt = "layers"
per: Per = "token"
snippet = TRANSCRIPTS
BEAMS = 16
"""Prefixes that are kept where a language is asked and nobody says how many."""


@dataclass(frozen=True)
class Learned:
    """How transcripts are spelled, and how they are looked for; `written` of a model that writes token by token."""

    spelling: Spelling
    beams: int = 1
    language: Language | None = None
    written: Written | None = None


def learn(rows: Rows) -> Learned:
    """The letters of the training transcripts."""
    return Learned(Spelling.built(map(plain, rows.column("label"))))


def meets(learned: Learned, rows: Rows, backbone: Backbone, settings: FitSettings) -> Learned:
    """With the checkpoint's own vocabulary where that is kept, and with the language that is asked for.

    Raises:
        MismatchError: Its vocabulary is to be kept, and it has none, or not the letters of the transcripts.
        SettingError: There is no such language; or a model that writes is to have another vocabulary.
        DataError: A model that writes cannot write some of the transcripts.
    """
    if not backbone.offers(auto_class) and backbone.offers(auto_classes[1]):
        return dataclasses.replace(learned, written=_written(rows, backbone, settings))
    texts = [plain(text) for text in rows.column("label")]
    spelling = _kept(backbone, texts, settings) or learned.spelling
    language = languages.asked(settings.language_model, texts)
    beams = settings.beams or (1 if language is None else BEAMS)
    return Learned(spelling, beams, language)


def _written(rows: Rows, backbone: Backbone, settings: FitSettings) -> Written:
    """The vocabulary of a model that writes, and how it does."""
    from headstart.errors import MismatchError, SettingError

    speller = backbone.speller
    writing = None if speller is None else speller.writing(settings.spoken_language)
    if speller is None or writing is None:
        raise MismatchError(f'"{backbone.ref}" writes with a tokenizer, and its folder has none. Give a complete one.')
    for name in ("vocabulary", "class_weights"):
        if getattr(settings, name) not in ("auto", "kept", "none"):
            asked = f"--{name.replace('_', '-')} {getattr(settings, name)}"
            raise SettingError(f'{asked}: "{backbone.ref}" writes with tokens of its own. Leave it out.')
    found = Written.of(speller, dataclasses.replace(writing, beams=settings.beams or 1))
    found.verify(rows, str(backbone.ref))
    return found


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
    return learned.spelling.names if learned.written is None else learned.written.names


def writing(learned: Learned) -> Writing | None:
    """How the model writes; None of a CTC model."""
    return None if learned.written is None else learned.written.writing


def items(rows: Rows) -> list[Any]:
    """The recordings."""
    return rows.column("audio")


def collate(rows: Rows, learned: Learned, where: Where | None = None) -> torch.Tensor:
    """Frames, blank and letters of each row, see `ctc.targets`; of a model that writes, whole numbers of its tokens."""
    if learned.written is not None:
        return learned.written.targets(rows.column("label"))
    assert where is not None, "letters belong to frames, and where says how many there are"
    return ctc.targets(rows.column("label"), learned.spelling, where)


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Letters, or tokens, of each row."""
    return ctc.counted(targets) if targets.is_floating_point() else written.counted(targets)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Minus the log probability of each transcript, in nats, shape (B,); see `ctc.loss` and `written.loss`."""
    judge = ctc.loss if targets.is_floating_point() else written.loss
    return judge(output, targets, weights=weights, smoothing=smoothing)


def decode(output: Any, learned: Learned, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The text of each recording, and when each of its words is said."""
    assert where is not None, "words are told in seconds"
    if learned.written is not None:
        return [written.decoded(*row, learned.written) for row in zip(output, where, strict=True)]
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
    return ctc.shares(ctc.targets(rows.column("label"), learned.spelling, where).numpy())


def to_json(learned: Learned) -> Any:
    """By name."""
    spelling, language = learned.spelling, learned.language
    return {
        "vocabulary": list(spelling.names),
        "blank": spelling.blank,
        "is_kept": spelling.is_kept,
        "beams": learned.beams,
        "language": None if language is None else language.to_json(),
        "written": written.to_json(learned.written),
    }


def from_json(value: Any) -> Learned:
    """As it was saved."""
    language = value["language"]
    return Learned(
        Spelling(tuple(value["vocabulary"]), value["blank"], value["is_kept"]),
        value["beams"],
        None if language is None else Language.from_json(language),
        written.from_json(value.get("written")),
    )
