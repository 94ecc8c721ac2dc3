"""The sources that need an extra keep the contract, in every form their models come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import source_checks

import families
import foreign
from headstart import plug

FORMS: dict[str, tuple[str, Any]] = {
    "timm resnet": ("timm", foreign.timm_folder),
    "timm vit": ("timm", lambda folder: foreign.timm_folder(folder, "test_vit", img_size=32)),
    "timm convnext": ("timm", lambda folder: foreign.timm_folder(folder, "test_convnext")),
    "timm without known blocks": ("timm", lambda folder: foreign.timm_folder(folder, "dla46_c")),
    "texts": ("tfhub", foreign.text_model),
    "images": ("tfhub", foreign.image_model),
}


@pytest.mark.parametrize("check", source_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("form", FORMS)
def test_the_source_keeps_the_contract(
    form: str, check: source_checks.Check, family: families.Family, tmp_path: Path
) -> None:
    name, make = FORMS[form]
    make(tmp_path / "model")
    check(source_checks.Bench(name, plug.load("sources", name), str(tmp_path / "model"), tmp_path))
