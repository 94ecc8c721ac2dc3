"""Learning a head that reads every state: the states are kept on disk, the head is trained by the loop.

It makes one vector of all states of a layer, or answers for each token from its states in one or several layers.
"""

# B rows, T tokens, D width

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from headstart import batches, network, windows
from headstart.contracts import Backbone, Encoded, Inputs
from headstart.device import device
from headstart.errors import MismatchError
from headstart.heads import form, layers
from headstart.network import KEPT, Headed, Whole
from headstart.progress import Stage
from headstart.readings import Reading, one_layer, readings
from headstart.train import below
from headstart.train.head import best_of, by_loop
from headstart.train.job import Job, Learnt, precision
from headstart.train.vectors import one_pass


def learn(job: Job) -> Learnt:
    """The bare backbone with our head on its states, or the ecosystem's class where that reads and computes the same.

    Raises:
        MismatchError: The model gives one vector a row there, or no map where the head needs one.
    """
    assert job.validation is not None, "a head that is trained by the loop asks for a validation split"
    reading = reading_of(job)
    encoded = {"train": job.encoded(job.train), "validation": job.encoded(job.validation)}

    def read(module: nn.Module, inputs: Inputs) -> torch.Tensor:
        return reading.state(job.backbone, module, inputs)

    arithmetic = precision(job, f"states of {reading}", one_pass(job.backbone.module, read, encoded["train"]))
    inputs, state = seen(job.backbone, reading, encoded["train"])
    is_image = job.backbone.modality == "image"
    width = reading.width(job.backbone.widths)
    made = form.asked(job.settings, width, is_of_map=is_image, is_by_token=job.is_by_token)
    head = layers.build(made, len(job.names)).to(device())
    # a head that cannot read this state says so now, not after the work
    answered = _OnKept(head).eval()(Inputs({KEPT: state}))
    assert answered.shape[-1] == len(job.names), "a head answers for every class"
    job.listener(Stage("features", f"every state of {reading}, computed once"))
    frozen = below.Frozen(job.backbone.module, read, f"states of {reading}", state, inputs)
    rows = below.on_disk(job, frozen, encoded, arithmetic.dtype)
    job.listener(Stage("head", f"{job.settings.head}, up to {job.recipe.epochs} epochs"))
    history = by_loop(job, _OnKept(head), rows["train"], rows["validation"])
    trained = _settled(job, reading, head.cpu().eval(), made)
    told, value = windows.told(encoded["train"]), best_of(job, history)
    return Learnt(trained, arithmetic, _named(trained, reading), told, job.recipe, history, value)


def reading_of(job: Job) -> Reading:
    """What the head reads: one layer, or by token what was asked for and otherwise what the task says."""
    widths = job.backbone.widths
    if not job.is_by_token:
        return one_layer(job.settings.read, widths)
    asked = job.task.read_at if job.settings.read == "auto" else job.settings.read
    if asked == "classifier":
        return Reading(((len(widths) - 1,),))
    return upper_half(len(widths)) if asked == "layers" else readings(asked, widths)[0]


def upper_half(num_states: int) -> Reading:
    """The upper layers, averaged in three runs of neighbours that stand side by side; see the decision log."""
    layers = range(num_states // 2 + 1, num_states) or range(num_states - 1, num_states)
    parts = np.array_split(np.array(layers), min(3, len(layers)))
    return Reading(tuple(tuple(map(int, part)) for part in parts))


def _settled(job: Job, reading: Reading, head: nn.Module, made: form.Form) -> nn.Module:
    """The head beside the backbone, or within the ecosystem's class where a linear layer is all that has too."""
    is_last = reading.groups == ((len(job.backbone.widths) - 1,),)
    if made.is_by_token and made.kind == "linear" and is_last:
        module = job.task_module()
        if not network.ends_in_linear(module):
            return Headed(job.backbone, reading, head, made)
        network.set_linear(network.classifier_of(module), head[0].weight, head[0].bias)  # type: ignore[index]
        whole = Whole(module, output=job.task.output)
        headed = Headed(job.backbone, reading, head, made)
        if _answer_alike(whole, headed, job.encoded(job.train)):
            return whole
    return Headed(job.backbone, reading, head, made)


@torch.no_grad()
def _answer_alike(whole: Whole, headed: Headed, encoded: Encoded) -> bool:
    """Whether two networks give the same: some families have more between the last states and the classes."""
    inputs = encoded.take([int(np.argmin(encoded.lengths))])
    return torch.allclose(whole.eval()(inputs), headed.cpu().eval()(inputs), atol=1e-4, rtol=1e-3)


def _named(trained: nn.Module, reading: Reading) -> str:
    return "classifier" if isinstance(trained, Whole) else str(reading)


def seen(backbone: Backbone, reading: Reading, encoded: Encoded) -> tuple[Inputs, torch.Tensor]:
    """The shortest and the longest row, and the states that are read of them.

    Raises:
        MismatchError: There is one vector a row.
    """
    inputs = batches.placed(encoded.take(np.argsort(encoded.lengths)[[0, -1]]))
    with torch.no_grad():
        state = reading.state(backbone, backbone.module.to(device()).eval(), inputs)
    if state.ndim < 3:
        raise MismatchError(
            f'"{backbone.ref}" gives one vector a row at {reading}, and --head conv, --head attention-pool and '
            f"--pool attention read states. Use --head linear or mlp, or another --read."
        )
    return inputs, state


class _OnKept(nn.Module):
    """A head that takes kept states as the loop hands them over."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, inputs: Inputs) -> torch.Tensor:
        state, mask_BT = inputs.tensors[KEPT], inputs.tensors.get("attention_mask")
        logits: torch.Tensor = self.head(state, mask_BT) if isinstance(self.head, layers.OnStates) else self.head(state)
        return logits
