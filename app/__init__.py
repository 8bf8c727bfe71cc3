"""The page. It reads the engine's tables of methods and settings, and asks `engine.service.workbench` for all else.

Building it loads no torch.
"""
