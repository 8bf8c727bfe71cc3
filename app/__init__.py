"""The page. It never loads torch itself: whatever needs torch is asked of `engine.service.workbench`.

Beside the workbench it imports only those parts of the engine that load no torch and describe what can be chosen:

- `engine.core`: errors, settings, paths, what paths may be named, sampling, signals, and what is said of files that
  cannot be written.
- `engine.config`: what determines a run, and the settings of training.
- `engine.methods`: the table of methods, `engine.methods.spec`, and `engine.methods.sizing`.
- `engine.data`: `engine.data.settings`, `engine.data.pixels` (thumbnails), and of `engine.data.readers` the formats,
  names and archives that a person may choose.
- `engine.exchange.forms`: the formats of an export.
- `engine.models.chat_template`: whether a model was made for conversations.
- The values that the workbench takes and returns, each beside what makes it: `engine.data.info`,
  `engine.data.preview_values`, `engine.models.info`, `engine.models.menu`, `engine.memory.info`, `engine.runs.score`,
  `engine.runs.summary`, `engine.runs.update`, `engine.inference.messages`, `engine.evaluation.predicted`,
  `engine.service.downloads`, `engine.service.limits`, `engine.service.reference`, `engine.service.status`,
  `engine.tuning.plan`, `engine.tuning.recipes`, `engine.tuning.space`.

`tests/test_layers.py` holds the list module by module.
"""

from app.no_editor_stubs import skip_editor_stubs

skip_editor_stubs()
