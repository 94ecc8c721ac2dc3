"""headstart: the measured way to reuse pretrained models. The public names live here; each is loaded on first use.

Importing the package loads no library; `headstart.fit` and the others bring in what they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from headstart.api import advise, check, fit, inspect
    from headstart.encoding.encoder import Encoder, load_backbone
    from headstart.encoding.parts import Encoding
    from headstart.errors import DataError, HeadstartError
    from headstart.estimators import ImageClassifier, TextClassifier
    from headstart.evaluation import evaluate
    from headstart.model import Model, load
    from headstart.run import Run
    from headstart.settings import FitSettings

_HOMES = {
    "DataError": "errors",
    "Encoder": "encoding.encoder",
    "Encoding": "encoding.parts",
    "FitSettings": "settings",
    "HeadstartError": "errors",
    "ImageClassifier": "estimators",
    "Model": "model",
    "Run": "run",
    "TextClassifier": "estimators",
    "check": "api",
    "evaluate": "evaluation",
    "advise": "api",
    "fit": "api",
    "inspect": "api",
    "load": "model",
    "load_backbone": "encoding.encoder",
}
"""Name -> the module it lives in. No name may also be a module's, or importing that module would shadow it."""

__all__ = [
    "DataError",
    "Encoder",
    "Encoding",
    "FitSettings",
    "HeadstartError",
    "ImageClassifier",
    "Model",
    "Run",
    "TextClassifier",
    "__version__",
    "advise",
    "check",
    "evaluate",
    "fit",
    "inspect",
    "load",
    "load_backbone",
]


def __getattr__(name: str) -> object:
    """The public name, from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f'module "headstart" has no attribute "{name}"')
    return getattr(import_module(f"headstart.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
