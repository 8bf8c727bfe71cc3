"""Problems a person can mend: what is wrong, with which value, and the way out."""

WORDS = {
    "error.unexpected": "Something went wrong inside Gatelight. Your work is kept; the details are in the terminal.",
    "error.field": "{label} ({name})",
    "error.nothing": "empty",
    "error.wanted.at_least": "at least {a}",
    "error.wanted.at_most": "at most {a}",
    "error.wanted.between": "between {a} and {b}",
    "error.wanted.one_of": "one of {a}",
    "error.wanted.whole": "a whole number",
    "error.wanted.number": "a number",
    "error.wanted.finite": "a finite number",
    "error.wanted.boolean": "true or false",
    "error.wanted.text": "text",
    "error.wanted.mapping": "a list of names with values",
    "error.busy_answering": "An answer is still being written: stop it first.",
    "error.big_file": "The file {file} has {size}: a run file is never larger than 1 MB.",
    "error.data_settings": (
        "The dataset “{name}” has a description of its own, so data settings do not apply: leave them out, or give the "
        "path of one of its files."
    ),
    "error.own_template": "Your own template and the choice of a template do not agree: give one exactly when “own” is "
    "chosen.",
    "error.unknown_encoding": (
        "There is no text encoding called “{value}”: leave it empty, or use utf-8, utf-16, gb18030 or cp1252."
    ),
    "error.bad_file": "The file {file} cannot be read: {reason}",
    "error.bad_set": "“{value}” is not NAME=VALUE, as in prompt_len=10.",
    "error.bad_setting": "{field} is {value}, but it must be {wanted}.",
    "error.bad_tensor": "The tensor {tensor} in {file} {problem}.",
    "error.bad_yaml": "This is not a run file: {reason}. Save one with “Save YAML” to see what it looks like.",
    "error.chat_models": "All columns must share one model, but these use {names}.",
    "error.delete_active": "The run “{run}” is active: stop it before you delete it.",
    "error.out_of_memory": (
        "Memory ran out at step {step}: go on from the last checkpoint in a way that needs less, with the button in "
        "Train, or start again with {advice}."
    ),
    "error.out_of_memory_again": "Memory ran out at step {step}: start again with {advice}.",
    "error.loss_never_finite": (
        "The loss is no number at step 1, before anything was learned, so no learning rate helps: the model's numbers "
        "are too large for precision {precision}, or its weights are damaged. Choose bf16 or fp32 as number format."
    ),
    "error.not_sharded": (
        "The Accelerate config asks for DeepSpeed, with which no adapter is trained here: to split the base over the "
        "processes take FSDP with fsdp_version: 2, else distributed_type MULTI_GPU or MULTI_CPU."
    ),
    "error.old_fsdp": (
        "The Accelerate config asks for FSDP in its version 1, with which no adapter is trained here: set "
        "fsdp_version: 2 in it."
    ),
    "error.sharded_quantised": (
        "{field} is {value}, and a base in {value} cannot be split over processes: choose bf16, fp16 or fp32, or take "
        "an Accelerate config with distributed_type MULTI_GPU or MULTI_CPU."
    ),
    "error.sharded_code": (
        "The model {name} runs code of its own, so it cannot be split over processes: take an Accelerate config with "
        "distributed_type MULTI_GPU or MULTI_CPU."
    ),
    "error.process_failed": "Process {rank} of the run failed: {reason}",
    "error.process_lost": (
        "Another process of the run is gone, or cannot be reached. What the newest checkpoint holds is kept: resume "
        "the run."
    ),
    "error.too_many_processes": (
        "{field} is {value}, but this machine has {most} GPUs or cores, one for each: choose at most {most}."
    ),
    "error.processes_elsewhere": (
        "{field} is {value}, but this is one process: start the run from the page or the command line, or set it to 1."
    ),
    "error.accelerate_missing": (
        "{field} is “{value}”, but there is no such file on this machine: name another one, or leave it empty."
    ),
    "error.accelerate_unread": (
        "{field} is “{value}”, which is no Accelerate config in YAML: make one with `accelerate config --config_file "
        "FILE.yaml`."
    ),
    "error.accelerate_entry": (
        "{field} is “{value}” in the Accelerate config “{file}”, which cannot be used here: leave it out."
    ),
    "error.accelerate_kind": (
        "{field} is “{value}” in the Accelerate config “{file}”, which cannot be used here: set it to MULTI_GPU, "
        "MULTI_CPU or FSDP; for one process alone leave the setting empty."
    ),
    "error.accelerate_machines": (
        "{field} is {value} in the Accelerate config “{file}”, but from here only this machine starts processes: "
        "execute `accelerate launch --config_file FILE -m engine train run.yaml` on each of them."
    ),
    "error.accelerate_count": (
        "{field} is {value} in the Accelerate config “{file}”, which cannot be used here: set it to {least} or more."
    ),
    "error.accelerate_ids": (
        "{field} is “{value}” in the Accelerate config “{file}”: set it to all, or to numbers with commas between them."
    ),
    "error.accelerate_few_ids": (
        "{field} is {value} in the Accelerate config “{file}”, but its gpu_ids are {most}: name one for each process."
    ),
    "error.accelerate_for_cpus": (
        "The Accelerate config “{file}” is for CPUs, but {field} is {value}, here a GPU: set it to cpu."
    ),
    "error.accelerate_for_gpus": (
        "The Accelerate config “{file}” is for GPUs, but {field} is {value}, here a CPU: take one with "
        "distributed_type MULTI_CPU."
    ),
    "error.accelerate_elsewhere": (
        "{field} is “{value}”, but this is one process: start the run from the page or the command line, or leave it "
        "empty."
    ),
    "error.accelerate_of_server": (
        "{field} is “{value}”, which lies in none of the folders that this server's operator has declared: leave it "
        "empty."
    ),
    "error.processes_ended": "The processes of the run “{run}” have ended: {reason}",
    "error.place_no_url": "“{place}” is no URL of a folder: name one such as s3://bucket/runs or file:///mnt/runs.",
    "error.place_unknown": "{place} is of a kind that is not known: name one such as s3://, gs:// or file://.",
    "error.place_no_driver": "{place} cannot be reached without its driver: {reason}",
    "error.place_unreachable": "{place} cannot be reached: {reason}. It is tried again.",
    "error.mirror_exists": "{place} holds another run already: choose another --out, or another place.",
    "error.mirror_busy": "Another process trains this run and mirrors it to {place}: stop it there first.",
    "error.mirror_lost": "Another process mirrors this run to {place} now: this one no longer does.",
    "error.run_lives_elsewhere": "The run “{run}” is being trained at {place}: stop it first, then resume it here.",
    "error.run_elsewhere": (
        "The run “{run}” is at {place}, and only a copy of it here: change it there, or resume it here."
    ),
    "error.copy_changed": "The run “{run}” at {place} is another one than was shown: look at it once more.",
    "error.copy_not_whole": "{file} of the run “{run}” is not whole at {place}: try again in a minute.",
    "error.no_run_there": "There is no mirrored run at {place}.",
    "error.run_is_here": "The folder “{path}” is there already: resume that one, or rename it.",
    "error.run_idle": "The run “{run}” is not being trained: there is nothing to stop.",
    "error.run_starting": "The processes of the run “{run}” are still starting: pause it when it makes its steps.",
    "error.not_written": (
        "{file} could not be written: {reason}. See that Gatelight may write there, then try again. Nothing was "
        "changed."
    ),
    "error.run_file_unread": "The run file {name} cannot be read: {reason}.",
    "error.run_files_alike": "Two run files are called {name}, and would share a folder: rename one.",
    "error.no_image": "A Kubernetes job needs a container image with Gatelight and its requirements: name it.",
    "error.loss_damaged_weights": (
        "The loss is no number at step 1, before anything was learned: the model's weights are damaged ({precision} "
        "holds every number of a sound model). Get the model again, or choose another."
    ),
    "error.loss_not_finite": (
        "The loss was no longer a number at step {step}: start again with a lower learning rate, such as {lower} (now "
        "{rate})."
    ),
    "error.diverged": (
        "Training has diverged by step {step}: the loss was {initial} at first and is {loss} nats/token now. The best "
        "state so far is kept. Start again with a lower learning rate, such as {lower} (now {rate})."
    ),
    "error.data_changed": (
        "The rows of {name} are not the ones that the run “{run}” began with ({splits}): put them back, or go on all "
        "the same."
    ),
    "error.not_on_resume": "{field} cannot change when a run goes on, only {known} can: start a new run.",
    "error.early_ungated": (
        "Pictures read in the lowest layers need gates, but there are none. Let the gates start at zero or at random, "
        "or read pictures in another way."
    ),
    "error.vision_early": (
        "{value} layers of early fusion are wanted, but only {free} of the {layers} layers have no adaption prompts. "
        "Lower one of the two."
    ),
    "error.vision_depths": (
        "{value} depths are wanted, but the vision encoder has {high} layers. Choose at most {high}."
    ),
    "error.predict_active": "The run {run} is active: stop it, or wait until it ends.",
    "error.mask_folded": "This mask holds bits only, its scores are gone: start a new run to train another.",
    "error.no_adapter": "The folder {name} holds no adapter: {reason}",
    "error.stopped_full": (
        "The disk is full, so the run “{run}” was stopped at step {step} with what it kept at step {kept}: make room, "
        "then resume it."
    ),
    "error.checkpoint_damaged": (
        "The checkpoint of the run “{run}” is damaged ({reason}): start the run again from its run.yaml."
    ),
    "error.path_text": "The path {name} holds characters that no path can have: name a plain file or a folder.",
    "error.path_long": "The path {name} is longer than a path can be: name a plain file or a folder.",
    "error.path_loop": (
        "The links of the path {name} lead in a circle, or its home folder is unknown: name a plain file or a folder."
    ),
    "error.path_system": "The path {name} belongs to the operating system: name a plain file or a folder of your own.",
    "error.path_special": (
        "The path {name} is a pipe, a socket or a device, which may never end: name a plain file or a folder."
    ),
    "error.trust_not_given": (
        "{field} was not ticked for the model {name} in this session: choose the model and tick it yourself, if you "
        "trust its authors."
    ),
    "error.no_trust_here": (
        "{field} cannot be switched on here, since others can reach this workbench: choose a model with safetensors "
        "and without code of its own."
    ),
    "error.run_needs_trust": (
        "The run {run} was made with {field}: in Train choose the model {name} and tick it again, if you still trust "
        "its authors; then resume."
    ),
    "error.over_limit": "{field} is {value}, but this server allows at most {limit}: lower it.",
    "error.server_full": "This server keeps {n} runs of all its visitors, and no more: try again in some hours.",
    "error.guest_downloads": "Guests of this server fetch no models: choose one that is here already.",
    "error.hub_too_large": (
        "{name} has {size} MB on the hub, but this server fetches at most {limit} MB: choose a smaller one."
    ),
    "error.hub_size_unknown": (
        "The hub does not say how large {name} is, so this server does not fetch it: check the name, try again later, "
        "or choose what is here already."
    ),
    "error.too_many_runs": (
        "You keep {n} runs, but this server keeps at most {limit} of each visitor: delete one in Runs first."
    ),
    "error.watch_only": "This server only shows runs: start another one without --watch-only to start or change any.",
    "error.watches_only": "{visitor} only watches here: ask a driver of this server to change that.",
    "error.run_of_other": "The run {run} belongs to {owner}: only {owner} or a driver of this server can do that.",
    "error.run_of_nobody": "The run {run} belongs to nobody here: only a driver of this server can do that.",
    "error.too_many_questions": "{n} questions are waiting for an answer already: ask again when some are answered.",
    "error.no_data_chosen": "Your own data is empty: upload a file, or name one or a hub dataset.",
    "error.no_last_patch": (
        "The last patch of a picture stands for nothing, so a head cannot read it. Let it read the first token or the "
        "mean of all."
    ),
    "error.span_pooling": (
        "A head that marks answers in texts reads every token, so it cannot read “{value}” alone: set what the head "
        "reads to “auto”."
    ),
    "error.no_words": "This adapter cannot be exported as text: {reason}; export as a Gatelight adapter.",
    "error.no_exchange": "This adapter cannot be exchanged with HF peft: {reason}; {fix}.",
    "error.no_experts": "{method} has no experts to choose from here: choose an AdaMix run that keeps its checkpoint.",
    "error.no_file": "The file {file} cannot be read: {reason}",
    "error.no_init_text": "{field} is empty: write the sentence to start from, or choose another start.",
    "error.template_prompt": "{field} must hold {{prompt}} exactly once, but it reads “{value}”.",
    "error.template_marks": "{field} must hold {{p}} wherever a virtual token shall stand, but it reads “{value}”.",
    "error.no_biases": "{field} is empty and the norms are off, so nothing would train: choose one of them.",
    "error.no_layers": (
        "{method} does not act in layers, so none can be switched off: choose a run of another method."
    ),
    "error.no_name": "The name is empty: type a name for the run.",
    "error.no_official": "This cannot be exchanged as an official LLaMA-Adapter checkpoint: {reason}; {fix}.",
    "error.no_prompt": "The message is empty: type a question.",
    "error.no_run": "The folder {run} holds no run: run.json is missing.",
    "error.run_startable": (
        "The run “{run}” is damaged: run.json cannot be used, {reason}. Still there: {saved}. Resume starts it again "
        "from its run.yaml, as does `python -m engine train`."
    ),
    "error.run_damaged": "The run “{run}” is damaged: run.json cannot be used, {reason}. Still there: {saved}.",
    "error.run_not_deleted": "The run “{run}” cannot be deleted: {reason}.",
    "error.no_sentence": "The sentence is empty: type some words to look at.",
    "error.no_snapshot": "The run “{run}” keeps nothing from step {step}: choose one of its snapshots.",
    "error.no_such_run": "There is no run “{run}”: it may have been deleted.",
    "error.bad_pattern": "{field} holds “{value}”: write entries such as q=4 or 3.down=16, with spaces between.",
    "error.bad_layers": "{field} holds “{value}”: write numbers and spans such as 0 2-5, with spaces between.",
    "error.no_such_layer": "{field} names {value}, but this model's layers are 0 to {last}.",
    "error.no_updates": "{field} leaves no linear with an update: remove an entry with 0.",
    "error.rank_grows": "{field} is {value}, but training starts with rank {limit}: choose one up to that.",
    "error.no_steps_left": (
        "Of the steps, {other} are before the first cut and {value} after the last one, which leaves none to take "
        "ranks away: choose shares that add up to less than 1."
    ),
    "error.more_than_weights": (
        "{field} is {value}, which means {count} values, but a linear of this model has {limit} weights: choose a "
        "smaller one."
    ),
    "error.no_targets": "{field} is empty: name at least one of q k v o gate up down.",
    "error.no_adapters": (
        "position is 'nowhere' and parallel is 0, so there is no adapter: choose a position, or set parallel to the "
        "units of one beside the MLP, such as 16."
    ),
    "error.other_processor": (
        "The tokenizer of {name} with its chat template, or its image processor, is not the one that the run “{run}” "
        "began with: put it back, or go on all the same."
    ),
    "error.other_weights": (
        "The weights of {name} are not the ones that the run “{run}” began with: put them back, or go on all the same."
    ),
    "error.recording": "“{run}” is a recording and stays as it is.",
    "error.ending": "The workbench is being closed: ask when it runs again.",
    "error.run_busy": "The run “{run}” is being trained by another process: stop it there.",
    "error.run_exists": "The folder {path} is not empty: choose another one.",
    "error.run_stopped_early": (
        "The run “{run}” is finished: patience ended it at step {step}. To train longer, start it with more patience."
    ),
    "error.run_finished": "The run “{run}” is finished: there is nothing left to do. To train longer, name more steps.",
    "error.fewer_steps": "{field} is {value}, but the run has {steps} already: name as many or more.",
    "error.disk_full": (
        "The disk is full, so {file} could not be written: make room, then try again. Nothing was changed."
    ),
    "error.too_many_layers": "{field} is {value}, but this model has {limit}.",
    "error.unknown_form": "There is no export form called {value}: choose one of {known}.",
    "error.method_twice": "Method: {method} is chosen twice: choose each method once.",
    "error.method_beside": (
        "Method: {method} trains without a gradient through the model, which the others need: train it alone."
    ),
    "error.methods_alike": (
        "Method: {method} and {other_method} act in the same way, and nobody could tell which of them did what: train "
        "one of them."
    ),
    "error.unknown_method": "There is no method called “{value}”: choose one of {known}.",
    "error.unknown_setting": "There is no setting called “{field}” here: choose one of {known}.",
    "error.not_queued": "The run “{run}” is not in the queue: it may have begun already.",
    "error.queue_begun": "The run “{run}” has begun: it cannot be moved.",
    "error.queue_stop": "The run “{run}” trains already: stop it instead.",
    "error.queue_gave_up": "The run “{run}” was cut off {n} times while it trained: it is not begun again.",
    "error.queue_locked": (
        "Another process changes the queue and does not come to an end: try again, or end that process."
    ),
    "error.queue_busy": "Another process trains the queue already, such as an open page: leave it to it.",
    "error.queue_before_others": (
        "The run “{run}” would go before somebody else’s: only a driver of this server can do that."
    ),
    "error.queue_full": "{n} runs of all visitors wait already, and no more may: try again later.",
    "error.too_many_waiting": "At most {limit} runs of each visitor wait here: start more when one of yours has ended.",
    "error.trust_cannot_wait": (
        "A run with {field} cannot wait in the queue, since nobody may be there when it begins: start "
        "it when nothing else trains."
    ),
    "error.unknown_method_of_search": "There is no method “{name}”; choose from {known}.",
    "error.search_bounds": "{field} is {value}, but it must be between {low} and {high}.",
    "error.search_objectives": "objectives are {value}: take loss, and any of {known}.",
    "error.search_recipe": "recipe is {value}: choose one of {known}, or none.",
    "error.search_sampler": "sampler is {value}: choose one of {known}.",
    "error.no_search_here": (
        "A search trains many runs, which this public server is too small for: start it on your own machine."
    ),
    "error.no_such_search": "There is no search “{name}”.",
    "error.search_damaged": "The search “{name}” cannot be read: {file}: {reason}.",
    "error.no_ladder": "There is no ladder “{tag}”: it may have been deleted.",
    "error.ladder_steps": "{field} is {value}, but a learning-rate ladder needs at least {low}: raise it.",
    "error.no_rate": "{title} trains no weights, so it has no learning rate: choose another method.",
}
