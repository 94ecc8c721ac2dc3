"""Which task the data is for, among those that there are and that the settings leave, and its rows as they are read."""

from __future__ import annotations

from typing import Any

from headstart import plug
from headstart.contracts import Field
from headstart.data.read import Found, read
from headstart.data.truths.labels import separated
from headstart.errors import SettingError
from headstart.settings import FitSettings


def candidates(settings: FitSettings) -> dict[str, tuple[Field, ...]]:
    """The fields of the tasks that may be meant, to infer from: all, or those that answer to the name asked for.

    Raises:
        SettingError: Several classes a row are asked for, and none of the tasks has them.
        UnknownName: There is no such task.
    """
    names = plug.names("tasks")
    if settings.task is not None:
        plug.load("tasks", settings.task)  # an unknown name is refused with the list
        names = [one for one in names if settings.task in (one, *plug.load("tasks", one).aliases)]
    found: dict[str, tuple[Field, ...]] = {name: plug.load("tasks", name).fields for name in names}
    several = {name: fields for name, fields in found.items() if any(field.kind == "labels" for field in fields)}
    if not settings.multi_label and settings.separator is None and set(several) != set(found):
        return found
    if not several:
        raise SettingError(
            f"--multi-label and --separator are for classes of texts and images, and {settings.task} has none. "
            f"Leave them out."
        )
    return {name: separated(fields, settings.separator or "") for name, fields in several.items()}


def find(data: Any, settings: FitSettings) -> Found:
    """The data with its task and fields, read but not yet checked."""
    known = candidates(settings)
    return read(
        data,
        candidates=known,
        task=next(iter(known)) if settings.task is not None and len(known) == 1 else None,
        columns=settings.columns,
        images=settings.images,
        palette=settings.palette,
        validation=settings.validation,
        test=settings.test,
        offline=settings.offline,
    )
