"""Problems with a model that a person can mend: what is wrong, with which value, and the way out."""

WORDS = {
    "error.attention_unseen": (
        "Who looks at the virtual tokens stays unseen on {family} models: their attention cannot be observed. "
        "Training and chat work as ever."
    ),
    "error.no_gpu": "Device: no GPU is seen on this machine; choose auto or CPU.",
    "error.own_attention": (
        "Attention kernel: models of type {family} compute attention in their own way; leave it on auto."
    ),
    "error.no_memory": (
        "Memory ran out, so this was given up: ask for less at once, as a shorter text, take a smaller model or number "
        "format nf4, or end other programs."
    ),
    "error.method_needs_attention": (
        "{method} acts inside of the attention, and that of {family} models cannot be reached: they do not call "
        "transformers' attention interface. Choose another model, or one of these methods: {methods}."
    ),
    "error.method_needs_text": (
        "{method} puts virtual tokens among the words of a text, and {family} models read pictures. Choose another "
        "model, or one of these methods: {methods}."
    ),
    "error.sees_none": "This run's adapter sees no pictures. Look at a run that was trained with them.",
    "error.vision_missing": (
        "The vision encoder “{name}” is not on this machine, and the hub did not answer. Check the name and the "
        "network, give the path of a local folder, or leave it empty."
    ),
    "error.vision_folder": (
        "The vision encoder “{name}” cannot be loaded. It must hold config.json, *.safetensors and "
        "preprocessor_config.json that fit each other ({reason})."
    ),
    "error.vision_beside_pictures": (
        "This model reads pictures itself, so it needs no vision encoder such as “{name}”. Leave vision empty, or "
        "choose a language model."
    ),
    "error.other_encoder": (
        "This adapter was trained with another vision encoder than “{name}” now holds. Put the weights back that it "
        "was trained with."
    ),
    "error.no_vision_encoder": (
        "“{name}” is a model of type {family}, which is no vision encoder that is known. Choose one of type {known}."
    ),
    "error.model_folder": (
        "The folder {name} holds no model that can be loaded (config.json, *.safetensors and a tokenizer): {reason}"
    ),
    "error.model_gated": (
        "The model {name} needs permission: accept its terms on the hub and set HF_TOKEN in the environment."
    ),
    "error.model_missing": (
        "The model {name} is not on this machine and the hub did not answer: check the name and the network, "
        "or give the path of a local folder."
    ),
    "error.model_code": (
        "The model {name} brings Python code of its own, which could do on this machine whatever you can: tick “Run "
        "the model's own code” only if you trust its authors, or choose another model."
    ),
    "error.model_incomplete": (
        "The file of the model {name} lacks weights that it needs ({count}, the first is {first}): choose the whole "
        "model, such as a causal language model with its head, or fetch it again."
    ),
    "error.model_config": (
        "No model can be made of the config.json of {name} ({reason}): correct that value, or fetch the file again."
    ),
    "error.model_sizes": (
        "The files of the model {name} disagree: {weight} is {stored} in its weights and {wanted} by its config.json "
        "({count} such): fetch both again from one place."
    ),
    "error.no_end_token": (
        "The tokenizer of the model {name} names no end token, so no answer would end: name one as eos_token in its "
        "tokenizer_config.json."
    ),
    "error.token_beyond": (
        "The tokenizer of the model {name} has the token {token} with the number {number}, but the model's embedding "
        "ends at {last}: take it out of tokenizer.json, or use the tokenizer that the model was trained with."
    ),
    "error.processor_size": (
        "The image processor of the model {name} makes pictures of {made} pixels, but its config.json says {wanted}: "
        "set size (and crop_size) in preprocessor_config.json to {wanted}."
    ),
    "error.other_quantisation": (
        "The weights of the model {name} are quantised as {value}, which cannot be trained on here: choose the "
        "unquantised model, and set precision to int8 or nf4 to save memory."
    ),
    "error.quantised_already": (
        "precision is {value}, but the weights of the model {name} are stored as {stored} already: set precision to "
        "{stored}, or choose the unquantised model."
    ),
    "error.bad_gguf": "The GGUF file {file} cannot be loaded ({reason}): fetch it again, or choose another one.",
    "error.gguf_precision": (
        "precision is '{value}', but the weights of {file} are stored as {stored} and are dequantised as they "
        "load: choose fp32, bf16 or fp16."
    ),
    "error.model_corrupt": (
        "The file {file} of the model {name} is damaged or incomplete ({reason}): delete it and fetch it again."
    ),
    "error.model_offline": (
        "The model {name} is not on this machine, and HF_HUB_OFFLINE keeps it from asking the hub: unset that to fetch "
        "it, or give the path of a local folder."
    ),
    "error.model_pickled": (
        "The model {name} has its weights only as pickles (*.bin), which can run code when they are read: choose a "
        "version with safetensors, or tick “Read pickled weights” if you trust its authors."
    ),
    "error.model_too_large": (
        "The model {name} does not fit into the memory of this machine: choose another precision, such as nf4, or a "
        "smaller model."
    ),
    "error.model_unknown": (
        "The hub has no model {name}, or it is private: check the spelling; for a private one, set HF_TOKEN in the "
        "environment."
    ),
    "error.narrow_words": (
        "The word vectors of this {family} model have {words} numbers and its layers {width}. Models that project "
        "between the two, such as opt-350m, are not supported: choose another size of the family."
    ),
    "error.needs_weights": (
        "{method} must read the frozen weights, and a base in {precision} holds them rounded: "
        "choose fp32, bf16 or fp16 for it, or another method."
    ),
    "error.model_of_server": (
        "The model {name} may not be read here, since others share this server: choose one of the list, or a hub id."
    ),
    "error.download_active": "{name} is being fetched: wait until it is here, or cancel that first.",
    "error.download_broken": (
        "The download of {name} broke off ({reason}): what has come is kept, so start it again to go on from there."
    ),
    "error.download_elsewhere": "Another program fetches {name} at this moment: wait until it is done.",
    "error.download_no_room": (
        "{name} needs {size} MB more, but the disk of the hub's cache has {free} MB free: make room, or set HF_HOME to "
        "a folder on another disk."
    ),
    "error.takes_no_words": (
        "The model “{name}” reads pictures, not what is typed. Give it one in Chat, or see in Runs what it "
        "says of the test pictures."
    ),
    "error.no_offsets": (
        "This model’s tokenizer does not say where its tokens stand in a text, so no answer can be marked there: "
        "choose a model with a tokenizer.json, or let it answer in words."
    ),
    "error.other_precision": (
        "Number format: this adapter was trained on {trained} in {wanted}, but {name} is loaded in {loaded}: load it "
        "in {wanted}."
    ),
    "error.other_base": (
        "This adapter was trained on {wanted} with other weights than {name}: load the model it was trained on."
    ),
    "error.reads_pictures": ("The model “{name}” reads pictures, not text. Choose a language model for this dataset."),
    "error.not_causal": "The model {name} fills gaps and does not write on, so it cannot answer in words: let a task "
    "head say the labels, or choose a causal language model.",
    "error.unknown_family": (
        "Models of type {family} are not supported yet: nobody has said where their layers and attention are. "
        "Supported: {known}."
    ),
    "error.unknown_target": "The targets name {value}, but this model has {known}.",
}
