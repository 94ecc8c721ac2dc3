"""A sequence-to-sequence model that writes what it reads: its encoder runs first, its decoder one token after another.

Whole texts are learnt at once, each token by those before it; which tokens make a text is the task's business.
"""

# B rows, T frames, L tokens learnt, N tokens written, V tokens of the vocabulary

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from headstart import alignment, company, cut, stack
from headstart.contracts import Backbone, Hidden, Inputs, Learned, Task, Writing
from headstart.network import KEPT, Headed, Whole, class_of

AUTO_CLASS = "AutoModelForSpeechSeq2Seq"
"""The ecosystem's class of models that write what is said."""
TAUGHT = "tokens that are learnt"
"""Among a batch's tensors, the tokens its texts are made of, shape (B, L), negative behind a text."""
IDS, LOG_PROBS, STARTS, ENDS = 0, 1, 2, 3
"""What a row of `written` holds: the numbers of the tokens, how likely each was after those before it, and when it
begins and ends, as shares of what is read."""
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
        mask = tensors.get(company.MASK)
        heard = self._heard(tensors)
        if taught_BL is not None:
            return self._logits(self.module, heard, taught_BL)
        return self.written(heard, _num_frames(heard, mask))

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

    def _logits(self, module: nn.Module, heard: Any, taught_BL: torch.Tensor) -> torch.Tensor:
        """Of each token that is taught, by those before it."""
        before = self._begun(taught_BL)
        ids = torch.cat([before, taught_BL[:, :-1].clamp(min=0)], dim=1)
        # the encoder's outcome may be expanded in place for several beams
        given = module(encoder_outputs=type(heard)(**heard), decoder_input_ids=ids, use_cache=False)
        logits: torch.Tensor = given.logits[:, before.shape[1] - 1 :]
        return logits

    def _begun(self, like: torch.Tensor) -> torch.Tensor:
        return torch.tensor([self.writing.before] * len(like), device=like.device)

    def written(self, heard: Any, num_frames: Sequence[int]) -> torch.Tensor:
        """The tokens of each row behind those it is begun with, shape (B, 1, 4, N): their numbers, negative behind the
        end, the natural logarithms of their probabilities, and when each begins and ends.

        N is the same for all batches; the axis of length 1 stands for the one window that a row is.

        Args:
            heard: What the encoder gives.
            num_frames: Of each row, without padding.
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
        return self._told(heard, ids[:, len(self.writing.before) :], num_frames)

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

    def _told(self, heard: Any, ids_BN: torch.Tensor, num_frames: Sequence[int]) -> torch.Tensor:
        """The written tokens with what one more pass tells of them: how likely each is, and where the decoder looks."""
        is_behind_BN = (ids_BN == self.writing.end).cumsum(dim=1) - (ids_BN == self.writing.end).long() > 0
        ids_BN = ids_BN.masked_fill(is_behind_BN, NOTHING)
        found = torch.zeros(len(ids_BN), 1, 4, self.writing.most - len(self.writing.before))
        found[:, 0, IDS] = NOTHING
        module, seen = alignment.looking(self.module)
        logits_BNV = self._logits(module, heard, ids_BN)
        skipped = len(self.writing.before) - 1
        for row, ids_N in enumerate(ids_BN):
            num = int((ids_N >= 0).sum())
            found[row, 0, IDS, :num] = ids_N[:num].float().cpu()
            # row by row, for there may be a hundred MiB of each
            logits_NV = logits_BNV[row, :num].float()
            chosen_N = logits_NV.gather(1, ids_N[:num, None])[:, 0] - logits_NV.logsumexp(dim=1)
            found[row, 0, LOG_PROBS, :num] = chosen_N.cpu()
            scores = [one[row, :, skipped : skipped + num] for one in seen]
            found[row, 0, STARTS : ENDS + 1, :num] = _times(scores, num_frames[row], num)
        return found

    def train(self, mode: bool = True) -> Writer:
        """As for `Whole`."""
        super().train(mode)
        stack.still(self.module, self.boundary)
        return self


def _num_frames(heard: Any, mask: torch.Tensor | None) -> list[int]:
    """Frames of each row, told by their own mask or by that of what they were made of."""
    states_BTD: torch.Tensor = heard.last_hidden_state
    own = getattr(heard, "attention_mask", None)
    mask = mask if own is None else own
    if mask is None:
        return [states_BTD.shape[1]] * len(states_BTD)
    shares = mask.sum(dim=1).double() / mask.shape[1]
    return [max(1, round(states_BTD.shape[1] * share)) for share in shares.tolist()]


def _times(scores: list[torch.Tensor], num_frames: int, num: int) -> torch.Tensor:
    """When each token begins and ends, as shares of the row, shape (2, N); the whole row where that is not known."""
    if not scores or not num:
        return torch.tensor([0.0, 1.0])[:, None].expand(2, num)
    begin_N = torch.from_numpy(alignment.starts(scores, num_frames)) / num_frames
    return torch.stack([begin_N, torch.cat([begin_N[1:], torch.ones(1)])])


Network = Whole | Headed | Writer
"""What can be trained as a whole."""


def trunk(network: nn.Module) -> nn.Module:
    """The part of a network that can be cut between two blocks: of one that writes the encoder, else all of it but a
    head of ours."""
    module: Any = network.module
    trunk: nn.Module = module.get_encoder() if isinstance(network, Writer) else module
    return trunk


def writes(task: Task, backbone: Backbone) -> bool:
    """Whether the task's model of this family writes, one token after the other."""
    return class_of(task, backbone) == AUTO_CLASS


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
