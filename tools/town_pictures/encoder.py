"""Pre-trains the embedded vision encoder: a small ViT names what is in drawn pictures, and reads no question.

Its pictures are drawn anew in every step and show everything beside everything: as the base has read about all people
of the town, the encoder has seen all its pairs of things, and only tuning never asks about some of them.
"""

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

from tools.town_pictures.drawing import SIDE, draw_with_place
from tools.town_pictures.scene import PETS, VALUES, draw_for, draw_scene
from tools.town_pictures.signs import SIGN_COLOURS, SIGN_SHAPES, draw_sign

SEED = 11
STEPS, BATCH, SIGNS = 1200, 64, 24
"""Updates, and in each of them pictures, of which so many are signs."""
PEAK_RATE = 1.5e-3
WARM_UP = 0.1
TEST_SCENES = 400

LABELS: dict[str, tuple[str, ...]] = {**VALUES, "sign colour": tuple(SIGN_COLOURS), "sign shape": SIGN_SHAPES}
"""What it learns to name, and the possible names."""
UNKNOWN = -100
PATCH = 8
"""Pixels of a side."""


def config() -> ViTConfig:
    """4 layers of width 96, 64 patches of 8 pixels square."""
    return ViTConfig(
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=SIDE,
        patch_size=PATCH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,  # as wide as a narrow model needs: with 0.02 it sees nothing small for a thousand steps
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Drawn pictures.

    Attributes:
        pixels: From -1 to 1.
        names: For each picture and each of `LABELS` the number of its name, or `UNKNOWN`.
        patches: For each patch the number of the pet in it, one more than the last for none.
    """

    pixels: Tensor
    names: Tensor
    patches: Tensor


def batch_of(rng: random.Random, count: int, signs: int, *, test: bool = False) -> Batch:
    """Pictures drawn for it, the first of them signs; scenes of any kind, or such as only the test has."""
    pictures, names, patches = [], [], []
    for number in range(count):
        seen: dict[str, str] = {}
        of_patches = np.full((SIDE // PATCH, SIDE // PATCH), len(PETS))
        if number < signs:
            picture, seen["sign colour"], seen["sign shape"] = draw_sign(rng)
        else:
            scene = draw_for(rng, test=True) if test else draw_scene(rng)
            picture, (left, top, right, bottom) = draw_with_place(scene)
            seen = {kind: scene.value(kind) for kind in VALUES}
            rows, columns = _patches(top, bottom), _patches(left, right)
            of_patches[rows, columns] = PETS.index(scene.pet)
        pictures.append(np.asarray(picture))
        names.append([pool.index(seen[kind]) if kind in seen else UNKNOWN for kind, pool in LABELS.items()])
        patches.append(of_patches.flatten())
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Batch(pixels, torch.tensor(names), torch.from_numpy(np.stack(patches)))


def _patches(low: int, high: int) -> slice:
    """The rows or columns of patches that hold some of these pixels."""
    return slice(max(0, low) // PATCH, -(-high // PATCH))


def pretrain(folder: Path, steps: int = STEPS) -> dict[str, object]:
    """Train, and write the encoder, its image processor and what was measured to `folder`."""
    torch.manual_seed(SEED)
    model = ViTModel(config(), add_pooling_layer=False)
    width = model.config.hidden_size
    heads = nn.ModuleList([nn.Linear(width, sum(map(len, LABELS.values()))), nn.Linear(width, len(PETS) + 1)])
    began = time.process_time()
    _train(model, heads, steps)
    seconds = time.process_time() - began
    right = _accuracy(model.eval(), heads)
    save(model, folder)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    recipe: dict[str, object] = {
        "steps": steps,
        "batch": BATCH,
        "signs_in_a_batch": SIGNS,
        "peak_learning_rate": PEAK_RATE,
        "seed": SEED,
        "parameters": model.num_parameters(),
        "cpu_seconds": round(seconds),
        "right_on_test_scenes": right,
    }
    (folder / "pretraining.json").write_text(json.dumps(recipe, indent=2) + "\n")
    (folder / "README.md").write_text(card(recipe), encoding="utf-8")
    return recipe


def save(model: ViTModel, folder: Path) -> None:
    """Write it in fp16, with a pooler of zeros: none was trained, but plain transformers misses one."""
    whole = ViTModel(model.config)
    whole.load_state_dict(model.state_dict(), strict=False)
    for parameter in whole.pooler.parameters():
        parameter.detach().zero_()
    whole.half().save_pretrained(folder)


def card(recipe: dict[str, Any]) -> str:
    """The card's text."""
    right = [
        f"| {kind} | {', '.join(pool)} | {recipe['right_on_test_scenes'][kind]:.1%} |" for kind, pool in LABELS.items()
    ]
    return _CARD.format(**recipe, pictures=recipe["steps"] * recipe["batch"], table="\n".join(right))


_CARD = """---
license: apache-2.0
library_name: transformers
tags: [vit, teaching]
---
# town-vit: a small vision encoder that has seen one town

The embedded vision encoder of Gatelight, `vision=town-vit`: a ViT of {parameters:,} parameters (4 layers, width 96,
64 patches of 8 pixels square), stored in fp16. It loads with plain `ViTModel.from_pretrained`. Use it to learn how a
language model is told of pictures; do not use it for anything that matters.

It was trained to name what is in {pictures:,} pictures that `tools/town_pictures` draws, each of them once: scenes
of the town (which also taught its patches where the pet is), and signs, one plain shape in one colour. It read no
question. Its scenes show everything beside everything, also the pairs of pet and colour that only test pictures of
[town-pictures](../datasets/town-pictures/README.md) show, though none of these pictures: as the base has read about
all people of the town, the encoder has seen all there is, and only tuning never asks about some of it.

| named | names | right on test scenes and on signs that were not seen |
|---|---|--:|
{table}

{steps:,} updates of {batch} pictures, {signs_in_a_batch} of them signs; peak learning rate {peak_learning_rate}, seed
{seed}; {cpu_seconds} CPU seconds.

## Making it again

    python -m tools.town_pictures encoder   # equal up to rounding on another machine
"""


def _train(model: ViTModel, heads: nn.ModuleList, steps: int) -> None:
    rng = random.Random(SEED)
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps, pct_start=WARM_UP)
    rare = torch.tensor([1.0] * len(PETS) + [0.1])  # most patches show no pet
    for step in range(steps):
        batch = batch_of(rng, BATCH, SIGNS)
        names, patches = _scores(model, heads, batch.pixels)
        losses = [
            nn.functional.cross_entropy(scores, batch.names[:, at], ignore_index=UNKNOWN)
            for at, scores in enumerate(names)
        ]
        losses.append(nn.functional.cross_entropy(patches.flatten(0, 1), batch.patches.flatten(), rare))
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
        if step % 50 == 0 or step == steps - 1:
            told = zip((*LABELS, "patches"), losses, strict=True)
            print(f"step {step + 1}/{steps}", *(f"{kind} {one.item():.2f}" for kind, one in told), sep="  ", flush=True)


def _scores(model: ViTModel, heads: nn.ModuleList, pixels: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """Logits of each of `LABELS`, from the class token; and of the pets, from every patch."""
    state = model(pixel_values=pixels).last_hidden_state
    of_picture, of_patch = heads
    names: tuple[Tensor, ...] = of_picture(state[:, 0]).split([len(pool) for pool in LABELS.values()], dim=-1)
    return names, of_patch(state[:, 1:])


@torch.no_grad()
def _accuracy(model: ViTModel, heads: nn.ModuleList) -> dict[str, float]:
    """Share of right names: of scenes as only the test has them, and of signs that were not seen."""
    batch = batch_of(random.Random(SEED + 1), TEST_SCENES, TEST_SCENES // 4, test=True)
    names, _ = _scores(model, heads, batch.pixels)
    right = {}
    for at, (kind, scores) in enumerate(zip(LABELS, names, strict=True)):
        known = batch.names[:, at] != UNKNOWN
        right[kind] = round(float((scores.argmax(-1) == batch.names[:, at])[known].float().mean()), 4)
    return right
