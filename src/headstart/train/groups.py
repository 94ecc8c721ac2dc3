"""Parameter groups for the optimiser: lower blocks learn more slowly, and only matrices are decayed."""

from __future__ import annotations

from typing import Any

from torch import nn

from headstart import stack


def layered(
    module: nn.Module, *, lr: float, layer_decay: float, weight_decay: float, classifier_lr: float = 0.0
) -> list[dict[str, Any]]:
    """One group per depth and kind of parameter, for everything that is not frozen.

    Args:
        module: A backbone or a task model around one.
        lr: Peak learning rate above the highest block.
        layer_decay: Factor on it for each step further down.
        weight_decay: Decoupled, for matrices and kernels; biases and norms go without.
        classifier_lr: Least rate of the layer that names the classes.

    Source: discriminative fine-tuning, Howard and Ruder, ACL 2018, with a constant factor.
    """
    depth = stack.depths(module)
    top, classifier = max(depth.values()), stack.classifier_of(module)
    naming = set() if classifier is None else set(classifier.parameters())
    groups: dict[tuple[int, bool, bool], dict[str, Any]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            key = depth[name], parameter in naming, parameter.ndim > 1
            rate = max(classifier_lr, lr) if key[1] else lr * layer_decay ** (top - key[0])
            fresh = {"params": [], "lr": rate, "weight_decay": weight_decay * key[2]}
            groups.setdefault(key, fresh)["params"].append(parameter)
    return list(groups.values())


def alike(head: nn.Module, *, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups of a head's parameters at one rate: matrices and kernels, and what goes without decay.

    Args:
        head: Layers on top of features.
        lr: Peak learning rate.
        weight_decay: Decoupled, for matrices and kernels.
    """
    parted: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in head.parameters():
        parted[parameter.ndim > 1].append(parameter)
    return [{"params": some, "lr": lr, "weight_decay": weight_decay * has} for has, some in parted.items()]
