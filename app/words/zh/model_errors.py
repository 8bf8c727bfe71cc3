"""Chinese words: errors of models."""

WORDS = {
    "error.attention_unseen": "{family} 模型的注意力无法观察，因此看不到哪些token关注了虚拟token。训练和对话不受影响。",
    "error.no_gpu": "设备：这台机器上看不到 GPU，请选择自动或 CPU。",
    "error.own_attention": "注意力内核：{family} 类模型用自己的方式计算注意力，请保持自动。",
    "error.no_memory": (
        "内存不足，已放弃该操作：请减少一次处理的内容（如更短的文本），换用更小的模型或数值格式 nf4，或结束其他程序。"
    ),
    "error.method_needs_attention": (
        "{method} 作用在注意力内部，而 {family} 模型没有使用 transformers 的注意力接口，无法介入。"
        "请换一个模型，或改用以下方法：{methods}。"
    ),
    "error.method_needs_text": (
        "{method} 要在文字之间加入虚拟token，而 {family} 模型读的是图片。请换一个模型，或改用以下方法：{methods}。"
    ),
    "error.sees_none": "这次运行的适配器看不到图片。请看用图片训练过的运行。",
    "error.vision_missing": "视觉编码器“{name}”不在本机，hub 也没有响应。请检查名称和网络，写出本机文件夹，或留空。",
    "error.vision_folder": (
        "视觉编码器“{name}”无法加载。文件夹里要有互相匹配的 config.json、*.safetensors 和 preprocessor_config.json"
        "（{reason}）。"
    ),
    "error.vision_beside_pictures": "这个模型自己读图片，不需要视觉编码器“{name}”。请把它留空，或选择语言模型。",
    "error.other_encoder": "“{name}”现在的权重不是训练这个适配器时的视觉编码器。请放回当时的权重。",
    "error.no_vision_encoder": "“{name}”的类型是 {family}，不是已知的视觉编码器。请选择以下类型之一：{known}。",
    "error.model_folder": "文件夹 {name} 里没有可载入的模型（需要 config.json、*.safetensors 和分词器）：{reason}",
    "error.model_gated": "模型 {name} 需要授权：请在模型站点接受条款，并设置环境变量 HF_TOKEN。",
    "error.model_missing": "本机没有模型 {name}，模型站点也没有回应：请检查名称和网络，或给出本地文件夹的路径。",
    "error.model_code": (
        "模型 {name} 自带 Python 代码，运行后能在本机做你能做的一切："
        "只有信任作者时才勾选“运行模型自带的代码”，否则请换一个模型。"
    ),
    "error.model_incomplete": (
        "模型 {name} 的文件缺少必需的权重（{count} 个，第一个是 {first}）：请选择完整的模型"
        "（例如带语言头的因果语言模型），或重新下载。"
    ),
    "error.model_config": "用模型 {name} 的 config.json 建不出模型（{reason}）：请更正这个值，或重新下载该文件。",
    "error.model_sizes": (
        "模型 {name} 的文件互相矛盾：{weight} 在权重里是 {stored}，按 config.json 是 {wanted}（共 {count} 处）："
        "请从同一处重新下载两者。"
    ),
    "error.no_end_token": (
        "模型 {name} 的分词器没有结束符，回答永远不会结束：请在 tokenizer_config.json 里用 eos_token 指定一个。"
    ),
    "error.token_beyond": (
        "模型 {name} 的分词器里，token {token} 的编号是 {number}，而模型的嵌入只到 {last}："
        "请把它从 tokenizer.json 删掉，或换用模型训练时的分词器。"
    ),
    "error.processor_size": (
        "模型 {name} 的图像处理器给出 {made} 像素的图片，而 config.json 要求 {wanted}："
        "请把 preprocessor_config.json 里的 size（和 crop_size）改为 {wanted}。"
    ),
    "error.other_quantisation": (
        "模型 {name} 的权重已量化为 {value}，这里无法在其上训练："
        "请选未量化的模型，并把 precision 设为 int8 或 nf4 来省内存。"
    ),
    "error.quantised_already": (
        "precision 是 {value}，但模型 {name} 的权重已经存成 {stored}：请把 precision 设为 {stored}，或选未量化的模型。"
    ),
    "error.bad_gguf": "GGUF 文件 {file} 无法加载（{reason}）：请重新下载，或选另一个。",
    "error.gguf_precision": "precision 是 {value}，但 {file} 的权重存为 {stored}，加载时会反量化：请选 fp32、bf16。",
    "error.model_corrupt": "模型 {name} 的文件 {file} 已损坏或不完整（{reason}）：请删除后重新下载。",
    "error.model_offline": (
        "本机没有模型 {name}，而 HF_HUB_OFFLINE 不允许访问模型站点：请取消该设置后下载，或给出本地文件夹的路径。"
    ),
    "error.model_pickled": (
        "模型 {name} 的权重只有 pickle 格式（*.bin），读取时可能执行代码："
        "请选择带 safetensors 的版本；如果信任作者，可勾选“读取 pickle 权重”。"
    ),
    "error.model_too_large": "模型 {name} 放不进本机内存：请换一种数值格式（如 nf4），或换更小的模型。",
    "error.model_unknown": ("模型站点上没有模型 {name}，或它是私有的：请检查拼写；私有模型请设置环境变量 HF_TOKEN。"),
    "error.narrow_words": (
        "这个 {family} 模型的词向量有 {words} 维，而各层是 {width} 维。不支持在两者之间做投影的模型（例如 opt-350m），"
        "请选择同一系列的其他规模。"
    ),
    "error.needs_weights": (
        "{method} 需要读取冻结的权重，而 {precision} 的基座里只有取整后的权重："
        "请为基座选择 fp32、bf16 或 fp16，或换一种方法。"
    ),
    "error.model_of_server": "这台服务器由大家共用，不能读取模型 {name}：请从列表中选择，或写 hub 上的模型名。",
    "error.download_active": "正在下载 {name}：请等它完成，或先取消。",
    "error.download_broken": "{name} 的下载中断（{reason}）：已收到的部分会保留，重新开始即可从该处继续。",
    "error.download_elsewhere": "另一个程序正在下载 {name}：请等它完成。",
    "error.download_no_room": (
        "{name} 还需要 {size} MB，而 hub 缓存所在磁盘只剩 {free} MB：请腾出空间，或将 HF_HOME 设为其他磁盘上的文件夹。"
    ),
    "error.takes_no_words": (
        "模型“{name}”读的是图片，不读文字。请在“对话”里给它一张图片，或在“记录”里看它对测试图片的判断。"
    ),
    "error.no_offsets": (
        "这个模型的分词器不说明 token 在文本中的位置，因此无法标出答案："
        "请选择带有 tokenizer.json 的模型，或让它用文字作答。"
    ),
    "error.other_precision": (
        "数字格式：这个适配器是在 {wanted} 格式的 {trained} 上训练的，"
        "而 {name} 现在以 {loaded} 载入：请改用 {wanted} 载入。"
    ),
    "error.other_base": "这个适配器是在 {wanted} 上训练的，权重与 {name} 不同：请载入它训练时的模型。",
    "error.reads_pictures": "模型“{name}”读的是图片，不是文字。请为这个数据集选择语言模型。",
    "error.not_causal": "模型 {name} 只会填空、不会续写，无法用文字作答：请改用任务头给出标签，或选择因果语言模型。",
    "error.unknown_family": "暂不支持 {family} 类型的模型：还没有说明它的层和注意力在哪里。支持：{known}。",
    "error.unknown_target": "作用对象里写了 {value}，但这个模型只有 {known}。",
}
