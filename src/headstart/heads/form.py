"""Which head: its kind, what it reads and how large it is; as settings ask for it and as a model folder records it.

Its layers are built in `layers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError
from headstart.settings import OF_A_BATCH, OF_STATES, FitSettings

PARTS = 8
"""Parts of an attention-pool head, each with its own weights over the tokens."""
WIDTH, NARROWEST = 256, 64
"""Width within a head where nobody says, and the least of layers that read maps."""


@dataclass(frozen=True)
class Form:
    """All that must be known to build a head again.

    `width` is how many numbers it reads, of a vector or of each state; `pool` says how the states of a row become one
    vector, and is None where the head itself sees to that; `inner` is the width within; `is_of_map` tells a convolution
    over a map from one along tokens; `is_by_token` a head that answers for each state from one for the whole row.
    Layers that a task brings itself read several maps: `widths` and `strides` tell of each how many numbers a place of
    it has, and how many pixels of the input lie between two places.
    """

    kind: str
    width: int
    pool: str | None = "mean"
    inner: int = 256
    dropout: float = 0.1
    is_of_map: bool = False
    is_by_token: bool = False
    widths: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def reads_maps(self) -> bool:
        """Whether it is layers of a task's own, which read several maps."""
        return bool(self.strides)

    @property
    def reads_states(self) -> bool:
        """Whether it reads every state of one layer, and not one vector of each layer."""
        return self.kind in OF_STATES or self.pool == "attention"

    def to_json(self) -> dict[str, Any]:
        """As headstart.json has it."""
        return dict(vars(self))

    @staticmethod
    def from_json(facts: Mapping[str, Any]) -> Form:
        """From what headstart.json says; what older folders do not say is what was meant then."""
        known: dict[str, Any] = {name: facts[name] for name in Form.__dataclass_fields__ if name in facts}
        known |= {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return Form(**known)


def asked(settings: FitSettings, width: int, *, is_of_map: bool = False, is_by_token: bool = False) -> Form:
    """The head that the settings ask for, on so many numbers."""
    if is_by_token:
        return Form(settings.head, width, None, _width(settings), settings.head_dropout, is_by_token=True)
    pool = None if settings.head in OF_STATES else _pool(settings)
    is_of_map = is_of_map and settings.head == "conv"
    return Form(settings.head, width, pool, _width(settings), settings.head_dropout, is_of_map)


def of_maps(settings: FitSettings, widths: Sequence[int], strides: Sequence[int]) -> Form:
    """The form of a task's own layers on maps of these widths and strides."""
    # layers far wider than the maps below them would take nearly all of the time
    width = settings.head_width or min(max(widths[0], NARROWEST), WIDTH)
    return Form("maps", sum(widths), None, width, settings.head_dropout, widths=tuple(widths), strides=tuple(strides))


def verify_by_place(settings: FitSettings) -> None:
    """Makes sure that nothing is asked of the head where the task brings its own.

    Raises:
        SettingError: Another head, pooling or reading is asked for, or pictures are to be mixed.
    """
    for name, usual in (("head", "linear"), ("pool", "auto"), ("read", "auto")):
        if getattr(settings, name) != usual:
            raise SettingError(
                f"--{name} {getattr(settings, name)}: this task answers for places in pictures and brings layers of "
                f"its own, which read several maps. Leave it out; --head-width and --head-dropout change their size."
            )
    for name in OF_A_BATCH:
        if name in settings.augment:
            raise SettingError(
                f"--augment {name} mixes whole pictures, and this task answers for places in them. Leave it out."
            )


def _width(settings: FitSettings) -> int:
    return WIDTH if settings.head_width is None else settings.head_width


def _pool(settings: FitSettings) -> str:
    return "mean" if settings.pool == "auto" else settings.pool


def verify_by_token(settings: FitSettings) -> None:
    """Makes sure that the head asked for can answer for each token.

    Raises:
        SettingError: It makes one vector of all of them.
    """
    if settings.reads_states or settings.pool != "auto":
        said = f"--pool {settings.pool}" if settings.pool != "auto" else f"--head {settings.head}"
        raise SettingError(
            f"{said} makes one vector of all tokens, and this task answers for each. Use --head linear or mlp."
        )


def verify(backbone: Backbone, settings: FitSettings) -> None:
    """Makes sure that the head asked for can stand on the backbone.

    Raises:
        MismatchError: The backbone does not give what the head reads.
        SettingError: Two of the settings do not go together.
    """
    said = f"--head {settings.head}" if settings.head in OF_STATES else f"--pool {settings.pool}"
    if settings.read == "classifier" and (settings.head != "linear" or settings.pool != "auto"):
        said = f"--pool {settings.pool}" if settings.pool != "auto" else f"--head {settings.head}"
        raise SettingError(f"--read classifier goes with --head linear only, not with {said}. Leave one of them out.")
    if settings.pool == "cls" and not backbone.has_cls:
        raise MismatchError(
            f'--pool cls: "{backbone.ref}" puts no token there that stands for the whole row. Use --pool mean or max.'
        )
    if settings.head == "attention-pool" and _width(settings) % PARTS:
        raise SettingError(
            f"--head attention-pool --head-width {settings.head_width}: {PARTS} parts share the width. "
            f"Give a multiple of {PARTS}."
        )
    if settings.reads_states and not backbone.blocks:
        raise MismatchError(f'{said}: "{backbone.ref}" gives one vector a row, no states. Use --head linear or mlp.')
