"""What a template has in place of what comes into it. Apart from templates, for those that only name the places."""

PROMPT = "{prompt}"
"""Where a template wants the prompt."""

SLOT = "{p}"
"""Where a template wants a virtual token, which the method P-tuning puts there."""
