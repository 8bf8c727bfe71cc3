"""The page. It asks the engine through `engine.service.workbench` alone and never loads torch itself."""
