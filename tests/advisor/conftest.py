"""What tests of whole advice may do without: rounds have tests of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headstart.advisor import rounds


@pytest.fixture(scope="module")
def few_rounds() -> Iterator[None]:
    """Few rows are judged in no more rounds than many, while the tests of a module run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "OF_FEW", rounds.FOLDS)
        yield
