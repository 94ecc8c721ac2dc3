"""A sequence-to-sequence model that writes what it reads: its encoder runs first, its decoder one token after another.

Whole texts are learnt at once, each token by those before it; which tokens make a text is the task's business.
"""

# B rows, T frames, L tokens learnt, N tokens written, V tokens of the vocabulary

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from headstart import company, cut, stack
from headstart.contracts import Hidden, Inputs, Learned, Task, Writing
from headstart.network import KEPT, Headed, Whole

AUTO_CLASS = "AutoModelForSpeechSeq2Seq"
"""The ecosystem's class of models that write what is said."""
TAUGHT = "tokens that are learnt"
"""Among a batch's tensors, the tokens its texts are made of, shape (B, L), negative behind a text."""
IDS, LOG_PROBS = 0, 1
"""What a row of `written` holds: the numbers of the tokens, and how likely each was after those before it."""
NOTHING = -1


class Writer(nn.Module):
    """The ecosystem's model, with what its texts begin and end with.

    Args:
        module: Has an encoder and a decoder, and generates as transformers' models do.
        writing: What stands before a text and behind it, and how it is looked for.
        boundary: Parts of the encoder below it stay in evaluation mode while the rest learns.
    """

    def __init__(self, module: nn.Module, writing: Writing, boundary: int = 0) -> None:
        super().__init__()
        self.module, self.writing, self.boundary = module, writing, boundary
        self.below: Hidden | None = None
        """As for `Whole`, of the encoder."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Logits of the tokens that are taught, shape (B, L, V); of a batch that teaches none what is written, see
        `written`. Where it has the state above the frozen blocks, the encoder goes on from there."""
        tensors = dict(inputs.tensors)
        taught_BL = tensors.pop(TAUGHT, None)
        heard = self._heard(tensors)
        return self.written(heard) if taught_BL is None else self._logits(heard, taught_BL)

    def _heard(self, tensors: dict[str, torch.Tensor]) -> Any:
        """What the encoder gives, with a mask of real frames where the decoder needs one."""
        encoder, state = trunk(self), tensors.pop(KEPT, None)
        if state is not None:
            assert self.below is not None, "rows are kept only once the form is known"
            kind = next(encoder.parameters()).dtype
            return cut.resume(encoder, state.to(kind), Inputs(tensors), self.below)
        rows = company.alone(encoder, tensors)
        if rows is None or len(rows) == 1:
            return encoder(**(tensors if rows is None else rows[0]))
        alone = [encoder(**row) for row in rows]
        states = [one.last_hidden_state for one in alone]
        masks = [state.new_ones(state.shape[:2], dtype=torch.long) for state in states]
        return type(alone[0])(
            last_hidden_state=company.side_by_side(states), attention_mask=company.side_by_side(masks)
        )

    def _logits(self, heard: Any, taught_BL: torch.Tensor) -> torch.Tensor:
        """Of each token that is taught, by those before it."""
        before = self._begun(taught_BL)
        ids = torch.cat([before, taught_BL[:, :-1].clamp(min=0)], dim=1)
        # the encoder's outcome may be expanded in place for several beams
        given = self.module(encoder_outputs=type(heard)(**heard), decoder_input_ids=ids, use_cache=False)
        logits: torch.Tensor = given.logits[:, before.shape[1] - 1 :]
        return logits

    def _begun(self, like: torch.Tensor) -> torch.Tensor:
        return torch.tensor([self.writing.before] * len(like), device=like.device)

    def written(self, heard: Any) -> torch.Tensor:
        """The tokens of each row behind those it is begun with, shape (B, 1, 2, N): their numbers, negative behind the
        end, and the natural logarithms of their probabilities.

        N is the same for all batches; the axis of length 1 stands for the one window that a row is.
        """
        from transformers import GenerationMixin

        states: torch.Tensor = heard.last_hidden_state
        ids = GenerationMixin.generate(
            self.module,
            encoder_outputs=type(heard)(**heard),
            attention_mask=states.new_ones(states.shape[:2], dtype=torch.long),
            decoder_input_ids=self._begun(states),
            generation_config=self._search(),
        )
        return self._told(heard, ids[:, len(self.writing.before) :])

    def _search(self) -> Any:
        """How transformers looks for a text: without chance, by as many beams as are asked for."""
        found: Any = copy.deepcopy(self.module.generation_config)
        found.update(
            do_sample=False,
            num_beams=self.writing.beams,
            max_new_tokens=None,
            max_length=self.writing.most,
            eos_token_id=self.writing.end,
            pad_token_id=self.writing.end,
            return_dict_in_generate=False,
        )
        return found

    def _told(self, heard: Any, ids_BN: torch.Tensor) -> torch.Tensor:
        """The written tokens with the probabilities that one more pass gives them."""
        is_behind_BN = (ids_BN == self.writing.end).cumsum(dim=1) - (ids_BN == self.writing.end).long() > 0
        ids_BN = ids_BN.masked_fill(is_behind_BN, NOTHING)
        found = torch.zeros(len(ids_BN), 1, 2, self.writing.most - len(self.writing.before), dtype=torch.float32)
        found[:, 0, IDS] = NOTHING
        if not ids_BN.shape[1]:
            return found
        logits_BNV = self._logits(heard, ids_BN)
        found[:, 0, IDS, : ids_BN.shape[1]] = ids_BN.float().cpu()
        for row, (logits_NV, ids_N) in enumerate(zip(logits_BNV, ids_BN, strict=True)):
            # row by row, for there may be a hundred MiB of each
            logits_NV = logits_NV.float()
            chosen_N = logits_NV.gather(1, ids_N.clamp(min=0)[:, None])[:, 0] - logits_NV.logsumexp(dim=1)
            found[row, 0, LOG_PROBS, : len(ids_N)] = chosen_N.masked_fill(ids_N < 0, 0.0).cpu()
        return found

    def train(self, mode: bool = True) -> Writer:
        """As for `Whole`."""
        super().train(mode)
        stack.still(self.module, self.boundary)
        return self


Network = Whole | Headed | Writer
"""What can be trained as a whole."""


def trunk(network: nn.Module) -> nn.Module:
    """The part of a network that can be cut between two blocks: of one that writes the encoder, else all of it but a
    head of ours."""
    module: Any = network.module
    trunk: nn.Module = module.get_encoder() if isinstance(network, Writer) else module
    return trunk


def writing_of(task: Task, learned: Learned) -> Writing | None:
    """How the model of a task writes; None where it answers for rows, tokens or places."""
    ask = getattr(task, "writing", None)
    found: Writing | None = None if ask is None else ask(learned)
    return found


def whole_of(task: Task, learned: Learned, module: nn.Module, boundary: int = 0) -> Whole | Writer:
    """The network around the ecosystem's model for a task."""
    writing = writing_of(task, learned)
    if writing is None:
        return Whole(module, boundary, task.output)
    _tell(module, writing)
    return Writer(module, writing, boundary)


def _tell(module: Any, writing: Writing) -> None:
    """Lets the generation config that is saved say how texts are written, so that others write them alike."""
    told: dict[str, Any] = {"max_length": writing.most, "num_beams": writing.beams, "eos_token_id": writing.end}
    if writing.language is not None:
        told |= {"language": writing.language, "task": "transcribe"}
    for name, value in told.items():
        setattr(module.generation_config, name, value)
    # transformers would make one that is the config's anew when it opens the folder
    module.generation_config._from_model_config = False


def taught(inputs: Inputs, targets_BL: torch.Tensor) -> Inputs:
    """The batch with the tokens that are to be learnt."""
    return Inputs({**inputs.tensors, TAUGHT: targets_BL}, inputs.where)
