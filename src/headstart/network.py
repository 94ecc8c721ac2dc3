"""What is trained and what answers: the ecosystem's own task model, or a backbone with our head on hidden states."""

# B rows, D width, C classes, W sum of the widths of all hidden states

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from headstart import company, cut, pool, stack
from headstart.contracts import Backbone, Hidden, Inputs, States, Task
from headstart.errors import MismatchError
from headstart.heads.form import Form
from headstart.heads.layers import grid_of
from headstart.readings import Reading

KEPT = "state above the frozen blocks"
"""Among a batch's tensors, what the frozen part gave for its rows; no argument of a model has such a name."""


class Whole(nn.Module):
    """The ecosystem's task model.

    Args:
        module: The task model.
        boundary: Parts below it stay in evaluation mode while the rest learns, so that they give what they always gave.
        output: Of what the task model gives, what is learnt from and decoded; by default its logits.
    """

    def __init__(
        self, module: nn.Module, boundary: int = 0, output: Callable[[Any], torch.Tensor] | None = None
    ) -> None:
        super().__init__()
        self.module, self.boundary, self.output = module, boundary, output or _logits
        self.below: Hidden | None = None
        """In which form the parts below the boundary give their state, where it is kept."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """The output, first axis B; where a batch has the state above the frozen blocks, it goes on from there."""
        tensors = dict(inputs.tensors)
        state = tensors.pop(KEPT, None)
        if state is None:
            rows = company.alone(self.module, tensors)
            if rows is not None and len(rows) > 1:
                return company.side_by_side([self.output(self.module(**row)) for row in rows])
            given = self.module(**(tensors if rows is None else rows[0]))
        else:
            assert self.below is not None, "rows are kept only once the form is known"
            given = cut.resume(self.module, state.to(_dtype(self.module)), Inputs(tensors), self.below)
        return self.output(given)

    def train(self, mode: bool = True) -> Whole:
        """Learning mode for what stands above the boundary: no dropout and no moving statistics below."""
        super().train(mode)
        stack.still(self.module, self.boundary)
        return self


def _logits(given: Any) -> torch.Tensor:
    logits: torch.Tensor = given.logits
    return logits


def _dtype(module: nn.Module) -> torch.dtype:
    kinds = (parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())
    return next(kinds, torch.float32)  # what TensorFlow runs has no parameters here


class Headed(nn.Module):
    """A backbone, one reading of its hidden states, and our head.

    Args:
        backbone: Which is read.
        reading: Of its layers; of a single one where the head reads every state.
        head: From `heads.layers.build`.
        form: Which head it is; by default a linear one on averages.
        module: A bare model in place of the backbone's own, to be trained.
        boundary: Parts of it below stay in evaluation mode while the rest learns.
        keeps_statistics: Whether batch norms of the module keep the statistics they were trained to.
    """

    def __init__(
        self,
        backbone: Backbone,
        reading: Reading,
        head: nn.Module,
        form: Form | None = None,
        *,
        module: nn.Module | None = None,
        boundary: int = 0,
        keeps_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.backbone, self.reading, self.keeps_statistics = backbone, reading, keeps_statistics
        self.form = Form("linear", reading.width(backbone.widths)) if form is None else form
        self.module, self.head = backbone.module if module is None else module, head
        self.boundary = boundary
        self.below: Hidden | None = None
        """As for `Whole`."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Logits, shape (B, C), or (B, T, C) of a head by token, or what a task's own layers give; goes on from a kept
        state where a batch has it."""
        logits: torch.Tensor
        states, layers = self._states(inputs), self.reading.layers
        if self.form.reads_maps:
            maps = [grid_of(states.layers[layer]).permute(0, 3, 1, 2).to(_dtype(self.module)) for layer in layers]
            logits = self.head(maps)
        elif self.form.reads_states:
            logits = self.head(states.layers[layers[0]].to(_dtype(self.module)), states.mask_BT)
        elif self.form.is_by_token:
            logits = self.head(self.reading.joined(dict(enumerate(states.layers))).to(_dtype(self.module)))
        else:
            kind = self.form.pool or "mean"
            vectors = {layer: pool.of(kind, states.layers[layer], states.mask_BT) for layer in layers}
            logits = self.head(self.reading.joined(vectors).to(_dtype(self.module)))
        return logits

    def _states(self, inputs: Inputs) -> States:
        """The hidden states of the layers that are read; in the places of others there may be anything."""
        tensors = dict(inputs.tensors)
        kept = tensors.pop(KEPT, None)
        if kept is None:
            # of the other layers nothing is asked, not even a gradient of zeros, by which they would decay
            return self.backbone.states(self.module, inputs, only=self.reading.layers)
        assert self.below is not None, "rows are kept only once the form is known"
        going_on = cut.going_on(self.module, kept.to(_dtype(self.module)), self.below)
        above = self.backbone.states(going_on, Inputs(tensors))
        # a part that is stood in for may give no state, so they are counted from the top
        nothing = (torch.empty(0),) * (len(self.backbone.widths) - len(above.layers))
        return States(nothing + above.layers, above.mask_BT)

    def train(self, mode: bool = True) -> Headed:
        """As for `Whole`."""
        super().train(mode)
        stack.still(self.module, self.boundary)
        for norm in stack.batch_norms(self.module) if self.keeps_statistics else ():
            norm.eval()
        return self


def class_of(task: Task, backbone: Backbone) -> str | None:
    """The ecosystem's class that is trained and saved for a task; None where the task brings layers of its own."""
    offered: tuple[str, ...] = getattr(task, "auto_classes", ())
    found = next((name for name in offered if backbone.offers(name)), None)
    return task.auto_class if found is None and task.per != "place" else found


def pooled(backbone: Backbone, module: nn.Module, inputs: Inputs, kind: str) -> torch.Tensor:
    """Every hidden state made one vector a row, side by side, fp32, shape (B, sum of widths)."""
    if kind == "mean":
        return backbone.pooled(module, inputs)
    states = backbone.states(module, inputs)
    return torch.cat([pool.of(kind, state, states.mask_BT) for state in states.layers], dim=1)


def classifier_of(module: nn.Module) -> nn.Linear:
    """The last linear layer of an ecosystem task model, the one that gives the classes.

    Raises:
        MismatchError: The family ends in something else.
    """
    num_classes = module.config.num_labels  # type: ignore[union-attr]
    inside = {id(part) for part in stack.base_of(module).modules()}
    above = [part for part in module.modules() if isinstance(part, nn.Linear) and id(part) not in inside]
    last = above[-1] if above else _own_classifier(module)
    if not isinstance(last, nn.Linear) or last.out_features != num_classes:
        raise MismatchError(
            f"{type(module).__name__} does not end in a linear classifier. Read hidden layers, as in --read 1-2."
        )
    return last


def ends_in_linear(module: nn.Module) -> bool:
    """Whether a task model ends in a linear classifier, into which another may be put."""
    try:
        classifier_of(module)
    except MismatchError:
        return False
    return True


def _own_classifier(module: nn.Module) -> Any:
    """What a bare model that brings its classifier itself, as timm's do, says it is."""
    ask = getattr(stack.base_of(module), "get_classifier", None) or getattr(module, "get_classifier", None)
    return None if ask is None else ask()


def set_linear(layer: nn.Linear, weight_CD: Any, bias_C: Any) -> None:
    """Gives a linear layer these weights."""
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight_CD))
        layer.bias.copy_(torch.as_tensor(bias_C))
