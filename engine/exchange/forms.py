"""The formats in which an adapter can be exported. Needs no torch."""

EXPORT_FORMATS = ("gatelight", "peft", "llama_adapter", "text")
"""Gatelight's safetensors and JSON, an HF peft directory, an official LLaMA-Adapter checkpoint, a text file."""
