"""Lets the checks say what they compared, as tests do."""

import pytest

pytest.register_assert_rewrite("task_checks", "source_checks", "strategy_checks")
