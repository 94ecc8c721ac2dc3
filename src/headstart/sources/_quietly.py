"""Running transformers without what it prints, and with one error for its many ways to fail over a folder."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path

from headstart.errors import HeadstartError, ModelError
from headstart.sources.modules import mended_torchvision


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turns the many ways in which transformers fails over a bad folder into one.

    Weights are made outside inference mode, whoever asks for the model first: they could never be trained otherwise.
    """
    import torch

    try:
        with quiet(), torch.inference_mode(False):
            yield
    except HeadstartError:
        raise
    except Exception as error:
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …").rstrip(".: ")
        raise ModelError(
            f'The model in "{folder}" cannot be read ({reason}). '
            f"Is the download complete, and transformers as new as the model?"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences transformers' loading bars and reports."""
    mended_torchvision.mend()
    from transformers.utils import logging

    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
