"""Learning a head that reads every state of one layer: the states are kept on disk, the head is trained by the loop."""

# B rows, T tokens

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from headstart import batches, network, windows
from headstart.contracts import Backbone, Encoded, Inputs
from headstart.device import device
from headstart.errors import MismatchError
from headstart.heads import form, layers
from headstart.network import KEPT, Headed, Reading
from headstart.progress import Stage
from headstart.train import below
from headstart.train.head import best_of, by_loop, one_pass
from headstart.train.job import Job, Learnt, precision


def learn(job: Job) -> Learnt:
    """The bare backbone with our head on the states of one layer.

    Raises:
        MismatchError: The model gives one vector a row there, or no map where the head needs one.
    """
    assert job.validation is not None, "a head that is trained by the loop asks for a validation split"
    reading = network.one_layer(job.settings.read, job.backbone.widths)
    encoded = {"train": job.encoded(job.train), "validation": job.encoded(job.validation)}

    def read(module: nn.Module, inputs: Inputs) -> torch.Tensor:
        return reading.state(job.backbone, module, inputs)[0]

    arithmetic = precision(job, f"states of {reading}", one_pass(job.backbone.module, read, encoded["train"]))
    inputs, state = seen(job.backbone, reading, encoded["train"])
    made = form.asked(job.settings, reading.width(job.backbone.widths), is_of_map=job.backbone.modality == "image")
    head = layers.build(made, len(job.names)).to(device())
    trial = head.eval()(state)  # a head that cannot read this state says so now, not after the work
    assert trial.shape == (len(state), len(job.names)), "a head answers for every row and class"
    job.listener(Stage("features", f"every state of {reading}, computed once"))
    frozen = below.Frozen(job.backbone.module, read, f"states of {reading}", state, inputs)
    rows = below.on_disk(job, frozen, encoded, arithmetic.dtype)
    job.listener(Stage("head", f"{job.settings.head}, up to {job.recipe.epochs} epochs"))
    history = by_loop(job, _OnKept(head), rows["train"], rows["validation"])
    headed = Headed(job.backbone, reading, head.cpu().eval(), made)
    return Learnt(
        headed, arithmetic, str(reading), windows.told(encoded["train"]), job.recipe, history, best_of(job, history)
    )


def seen(backbone: Backbone, reading: Reading, encoded: Encoded) -> tuple[Inputs, torch.Tensor]:
    """The shortest and the longest row, and the states of the layer for them.

    Raises:
        MismatchError: There is one vector a row.
    """
    inputs = batches.placed(encoded.take(np.argsort(encoded.lengths)[[0, -1]]))
    with torch.no_grad():
        state, _ = reading.state(backbone, backbone.module.to(device()).eval(), inputs)
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
        logits: torch.Tensor = self.head(inputs.tensors[KEPT], inputs.tensors.get("attention_mask"))
        return logits
