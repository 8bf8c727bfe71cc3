"""Makes the town seen: drawn pictures, questions about them, and a small encoder. A tool, not part of the app."""
