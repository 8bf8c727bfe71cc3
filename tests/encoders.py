"""Tiny random vision encoders of every family, written as model folders."""

from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

SIZES = {
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 4,
}
WHOLE = ("clip", "siglip")
"""Families whose files hold a text encoder beside the one of pictures."""


def tiny_encoder(family: str) -> PreTrainedModel:
    """A random encoder as transformers makes it; drawn wide, so that pictures differ."""
    text = {**SIZES, "vocab_size": 40, "max_position_embeddings": 16, "eos_token_id": 2, "bos_token_id": 1}
    configs = {
        "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**SIZES)),
        "dinov2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**SIZES)),
        "clip_vision_model": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**SIZES)),
        "clip": lambda: transformers.CLIPModel(
            transformers.CLIPConfig(vision_config=SIZES, text_config=text, projection_dim=8)
        ),
        "siglip_vision_model": lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SIZES)),
        "siglip": lambda: transformers.SiglipModel(transformers.SiglipConfig(vision_config=SIZES, text_config=text)),
    }
    model = configs[family]().eval()
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gain = "norm" in name.lower() and name.endswith("weight")
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.2 + (1.0 if gain else 0.0))
    return model


def save_encoder(folder: Path, family: str = "vit") -> Path:
    """A folder as `load_vision` reads it."""
    tiny_encoder(family).save_pretrained(folder)
    size, half = {"height": 16, "width": 16}, [0.5, 0.5, 0.5]
    processor = {
        "vit": transformers.ViTImageProcessorPil(size=size),
        "siglip": transformers.SiglipImageProcessorPil(size=size),
        "clip": transformers.CLIPImageProcessorPil(size=size, crop_size=size, image_mean=half, image_std=half),
    }
    processor.get(family.split("_")[0], processor["vit"]).save_pretrained(folder)
    return folder
