"""`scratch`: the same architecture from fresh weights, all trained; shows what the pretrained ones are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from headstart.contracts import Backbone, Task
from headstart.errors import MismatchError
from headstart.settings import OF_LORA, OF_OUR_HEAD, FitSettings, Recipe
from headstart.strategies import _blocks

if TYPE_CHECKING:
    from torch import nn

RESETS = ("reset_parameters", "_reset_parameters")
"""What torch's own modules call the function that draws their weights anew."""


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    if task.modality == "audio":
        # word accuracy stays at 0 for as many epochs as it takes until letters are heard; see the decision log
        return Recipe(epochs=30, lr=2e-3, patience=30, layer_decay=1.0)
    # more of everything than for `full`, or the comparison would be won by stopping early: accuracy may stay at chance
    # for many epochs before it rises; no block is nearer to done than another
    return Recipe(epochs=30, lr=5e-4, patience=10, layer_decay=1.0)


def needs_validation(settings: FitSettings, task: Task, num_rows: int) -> bool:
    """The best epoch is chosen on a validation split."""
    return True


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """The ecosystem's task model brings its own head and reads what that reads."""
    return OF_LORA | OF_OUR_HEAD | {"unfreeze", "top", "cache"}


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the stem.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained; or it has a part whose weights nobody but
            its makers can draw.
    """
    _blocks.count(backbone)
    stubborn = None if _is_built_from_a_config(backbone.module) else next(_without_reset(backbone.module), None)
    if stubborn is not None:
        raise MismatchError(
            f'"{backbone.ref}" has weights in "{stubborn}" that can only be loaded, not drawn. Use --strategy full.'
        )
    return 0


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model with weights drawn as its family draws them, by torch's generator."""
    if _is_built_from_a_config(module):
        return _built_anew(module).eval()
    for part in module.modules():
        reset = _reset_of(part)
        if reset is not None:
            reset()
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module


def _built_anew(module: nn.Module) -> nn.Module:
    """A model of the same config, filled as its makers do, which torch's defaults for the single layers would not."""
    family: Any = type(module)
    if module.config.model_type == "timm_wrapper":  # type: ignore[union-attr]
        # timm has drawn its weights by then; transformers would draw them again, the convolutions too small
        family = type(family.__name__, (family,), {"_init_weights": lambda self, part: None})
    fresh: nn.Module = family(module.config)
    fresh.__class__ = type(module)
    if hasattr(module, "generation_config"):
        fresh.generation_config = module.generation_config  # how it writes is no weight
    return fresh


def _is_built_from_a_config(module: nn.Module) -> bool:
    """Whether it is one of transformers' models, which their configs describe in full."""
    return hasattr(type(module), "config_class")


def _without_reset(module: nn.Module) -> Iterator[str]:
    """Parts with numbers of their own that cannot be asked to draw them anew."""
    for name, part in module.named_modules():
        has_own = any(True for _ in part.parameters(recurse=False))
        if has_own and _reset_of(part) is None:
            yield name or type(part).__name__


def _reset_of(part: nn.Module) -> Callable[[], None] | None:
    return next((getattr(part, name) for name in RESETS if callable(getattr(part, name, None))), None)
