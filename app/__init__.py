"""The page. It talks to the engine through `engine.service.workbench` alone and never loads torch itself."""
