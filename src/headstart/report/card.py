"""The model card of a model folder: YAML front matter the Hub understands, then what a reader of the model must know.

Pure functions from a run's settings and scores to Markdown; no path of the machine it was made on gets in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from headstart.report import words as say
from headstart.settings import PAIRED

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
DATASET_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
LICENSE_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")
HUB_METRICS = {
    "accuracy": "accuracy",
    "f1_macro": "f1",
    "f1_micro": "f1",
    "entity_f1": "f1",
    "precision": "precision",
    "recall": "recall",
    "wer": "wer",
    "cer": "cer",
}
"""Ours -> the Hub's identifier, for the metrics that have one."""
TAGS = {
    "multi-label-text-classification": "text-classification",
    "multi-label-image-classification": "image-classification",
    "text-pair-classification": "text-classification",
}
"""Ours -> the Hub's name of a task, where they differ."""
SHOWN_CLASSES = 30
CODE = (
    "The pretrained model came with code of its own, which --trust allowed to run while this model was made. "
    "Whoever opens this folder may have to run it too: read it first."
)
OTHER_LIBRARIES = ("torchhub", "tfhub")
"""Sources whose models transformers does not open, and the Hub has no name for what does."""
TOLD = ("strategy", "model", "revision", "validation", "test")
"""Settings that the table of the training names in better words, or that only say where things lay."""


def card(run: Mapping[str, Any], scores: Mapping[str, Any], usage: str) -> str:
    """The README.md of a model folder.

    Args:
        run: The contents of run.json.
        scores: The contents of scores.json.
        usage: Python that loads the folder and predicts.

    Source: the model card specification of the Hugging Face Hub (hub-docs, modelcard.md).
    """
    parts = [
        f"---\n{front_matter(run, scores)}---",
        _opening(run, scores),
        _scores(scores),
        f"## How to use it\n\n```python\n{usage.strip()}\n```",
        _training_data(run, scores),
        _training(run),
        _limits(run, scores),
        _again(run),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(run: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    """The YAML between the dashes.

    A licence the Hub has no identifier for becomes "other" with its name; the base model and the data set are
    named only where they are on the Hub, because the Hub turns them into links.
    """
    import yaml

    base, dataset = hub_model(run), hub_dataset(run)
    told = {
        **({} if run["model"]["source"] in OTHER_LIBRARIES else {"library_name": "transformers"}),
        **_license(run["model"]["license"]),
        # fresh weights descend from no other model
        **({"base_model": base} if base and run["settings"]["strategy"] != "scratch" else {}),
        "pipeline_tag": TAGS.get(run["task"], run["task"]),
        "tags": ["headstart", run["settings"]["strategy"]],
        **({"datasets": [dataset]} if dataset else {}),
        "metrics": [HUB_METRICS[name] for name in scores["metrics"] if name in HUB_METRICS],
        "model-index": [{"name": _title(run), "results": [_result(run, scores)]}],
    }
    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=10_000))


def _license(name: str | None) -> dict[str, str]:
    if name is None:
        return {"license": "unknown"}
    if LICENSE_ID.fullmatch(name.lower()):
        return {"license": name.lower()}
    return {"license": "other", "license_name": name}


def _result(run: Mapping[str, Any], scores: Mapping[str, Any]) -> dict[str, Any]:
    measured = {name: figures for name, figures in scores["metrics"].items() if name in HUB_METRICS}
    return {
        "task": {"type": TAGS.get(run["task"], run["task"]), "name": say.plain(run["task"])},
        "dataset": {"name": data_name(run), "type": hub_dataset(run) or "custom", "split": scores["split"]},
        "metrics": [
            {
                "type": HUB_METRICS[name],
                "value": round(float(figures["value"]), 6),
                "name": f"{say.metric(name)} (95 % interval {say.interval(figures)})",
            }
            for name, figures in measured.items()
        ],
    }


def hub_model(run: Mapping[str, Any]) -> str | None:
    """The Hub id of the base model, or None where it came from a folder or from elsewhere."""
    name = str(run["model"]["name"])
    return name if run["model"]["source"] == "hf" and HUB_ID.fullmatch(name) else None


def hub_dataset(run: Mapping[str, Any]) -> str | None:
    """The Hub id of the data, or None for the user's own files; only the spelling with "hub:" is beyond doubt."""
    scheme, _, name = str(run["data"]["asked"]).partition("#")[0].partition(":")
    return name if scheme == "hub" and DATASET_ID.fullmatch(name) else None


def data_name(run: Mapping[str, Any]) -> str:
    """What to call the data: its Hub id, or the name of the file or folder without where it lies."""
    return hub_dataset(run) or PurePosixPath(str(run["data"]["asked"]).replace("\\", "/")).name or "data"


def _title(run: Mapping[str, Any]) -> str:
    return f"{_model_name(run)} for {data_name(run)}"


def _model_name(run: Mapping[str, Any]) -> str:
    return PurePosixPath(str(run["model"]["name"]).replace("\\", "/")).name


# ---------------------------------------------------------------------------------------------------------- body


def _opening(run: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    names, base = scores.get("per_class", {}), hub_model(run)
    many = f" with {len(names)} classes" if names else ""
    linked = f"[{base}](https://huggingface.co/{base})" if base else inline(_model_name(run))
    moved = {
        "frozen": "The pretrained model is unchanged; a head was learnt on the features it gives.",
        "top": "Its highest blocks were trained further on the data below; those beneath are unchanged.",
        "lora": "Adapters of low rank were trained on the data below and added to the weights of its blocks.",
        "scratch": "Only its architecture was taken: fresh weights were trained on the data below.",
    }
    if run["reading"] == "decoder":
        moved["frozen"] = "Its encoder is unchanged; its decoder was trained further on the data below."
    how = moved.get(run["settings"]["strategy"], "Its weights were trained further on the data below.")
    return (
        f"# {inline(_title(run))}\n\n"
        f"A model for {say.plain(run['task'])}{many}, made from {linked} "
        f"with headstart {run['headstart']}. {how}\n\n**{placeless(scores['verdict'])}**"
    )


def _scores(scores: Mapping[str, Any]) -> str:
    metrics = [name for name in scores["metrics"] if scores["metrics"][name].get("low") is not None]
    methods = {"**this model**": scores["metrics"], **{inline(k): v for k, v in scores["baselines"].items()}}
    rows = [[name, *(_measured(figures.get(metric)) for metric in metrics)] for name, figures in methods.items()]
    gain = scores["gain"]
    judged = f"On {scores['rows']:,} {scores['split']} rows the model did not learn from, with 95 % intervals."
    return (
        f"## Scores\n\n{judged}\n\n"
        + table(["method", *map(say.metric, metrics)], rows)
        + f"\n\nGain over {inline(gain['over'])}: {say.figure(gain['value'], signed=True)} "
        f"({say.interval(gain, signed=True)}, {inline(gain['method'])}). {_honest(gain)}"
    )


def _measured(figures: Mapping[str, Any] | None) -> str:
    return "–" if figures is None else f"{say.figure(figures['value'])} ({say.interval(figures)})"


def _honest(gain: Mapping[str, Any]) -> str:
    if say.standing(gain) == "level":
        return "The interval contains 0, so these rows do not show that the model is better."
    side = "above" if say.standing(gain) == "better" else "below"
    return f"The whole interval lies {side} 0."


def _training_data(run: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in run["data"]["rows"].items() if count)
    return f"## Training data\n\n{inline(data_name(run))}: {counts} rows. {placeless(run['data']['how'])}"


def _training(run: Mapping[str, Any]) -> str:
    parameters = run["parameters"]
    rows = [
        ["strategy", run["settings"]["strategy"]],
        ["base model", inline(_model_name(run))],
        *([["revision", run["model"]["revision"]]] if run["model"]["revision"] is not None else []),
        ["blocks of the base model", str(run["num_blocks"])],
        ["boundary", str(run["boundary"])],
        ["features read at", say.reading(run["reading"])],
        ["parameters", f"{parameters['total']:,}, of which {parameters['trained']:,} were trained"],
        ["precision", run["precision"]],
        ["time", f"{say.duration(run['seconds']['total'])} on {inline(run['machine']['cpu'])}"],
        *(
            [say.plain(name), placeless(say.value(given))]
            for name, given in {**say.telling(run), **(run.get("recipe") or {})}.items()
            if name not in TOLD
        ),
    ]
    return f"## How it was trained\n\n{table(['what', 'value'], rows)}"


def _limits(run: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    names = [inline(str(name)) for name in scores.get("per_class", {})]
    more = f", and {len(names) - SHOWN_CLASSES} more in config.json" if len(names) > SHOWN_CLASSES else ""
    knows = "It always answers with one of its classes" if "confusion" in scores else "It finds nothing else than"
    limits = [f"{knows}: {', '.join(names[:SHOWN_CLASSES])}{more}."] if names else []
    if "exact_match" in scores["metrics"] and not names:
        limits.append("It answers with nothing but pieces of the text it is given, as they stand there.")
    if "wer" in scores["metrics"]:
        limits.append("It writes lower case without punctuation, and the error rates compare texts in that form.")
    limits += _long(run)
    if run["model"].get("ran_code"):
        limits.append(CODE)
    limits.append("The scores hold for data like the test rows; on other data they can be much lower.")
    return "## Limits\n\n" + bullets([*limits, *map(placeless, run["warnings"])])


def _long(run: Mapping[str, Any]) -> list[str]:
    """What is read of a long text; runs from before it could be chosen cut."""
    settings, anatomy = run["settings"], run.get("anatomy", {})
    if anatomy.get("modality") == "audio":
        seconds = settings.get("max_length") or 30
        return [f"Recordings of more than {seconds} seconds are read in windows that overlap; nothing of them is lost."]
    limit = settings.get("max_length") or anatomy.get("max_tokens")
    if not limit or anatomy.get("modality", "text") != "text":
        return []
    if run.get("per") == "token":
        return [f"Texts of more than {limit} tokens are read in windows that overlap, and nothing of them is lost."]
    long = run.get("read_as", settings.get("long", "cut"))
    if long == PAIRED:
        return [f"Of pairs of more than {limit} tokens the end of the longer text is not read."]
    if long == "chunks":
        return [f"Texts of more than {limit} tokens are read in parts, whose answers are averaged."]
    first = "first and last" if long == "head-tail" else "first"
    return [f"Of texts of more than {limit} tokens only the {first} are read, {limit} in all."]


def _again(run: Mapping[str, Any]) -> str:
    data = {**run["data"], "asked": run["data"]["asked"] if hub_dataset(run) else data_name(run)}
    model = {**run["model"], "name": run["model"]["name"] if hub_model(run) else _model_name(run)}
    command = say.without_paths(say.command({**run, "data": data, "model": model}))
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return f"## Making it again\n\n```sh\n{command}\n```\n\nWith {inline(versions)}, and the same data."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are already escaped."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def placeless(text: str) -> str:
    """The text as `inline` has it, and of every path only the name."""
    return inline(say.without_paths(text))


def inline(text: str) -> str:
    """The text on one line with everything escaped that Markdown or HTML would read as more than text."""
    line = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", " ".join(text.split()))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
