"""The forms in which an adapter is given away. Needs no torch."""

EXPORT_FORMATS = ("gatelight", "peft", "llama_adapter")
"""Our own safetensors and JSON, an HF peft directory, an official LLaMA-Adapter checkpoint."""
