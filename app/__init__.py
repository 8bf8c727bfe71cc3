"""The page. It talks to the engine through `engine.workbench` alone and never loads torch itself."""
