"""Chinese words: errors."""

WORDS = {
    "error.unexpected": "Gatelight 内部出错了。已有的结果都还在，细节见终端。",
    "error.field": "{label}（{name}）",
    "error.nothing": "空",
    "error.wanted.at_least": "不小于 {a}",
    "error.wanted.at_most": "不大于 {a}",
    "error.wanted.between": "在 {a} 与 {b} 之间",
    "error.wanted.one_of": "下列之一：{a}",
    "error.wanted.whole": "整数",
    "error.wanted.number": "数字",
    "error.wanted.finite": "有限的数字",
    "error.wanted.boolean": "true 或 false",
    "error.wanted.text": "文字",
    "error.wanted.mapping": "“名称: 值”的列表",
    "error.busy_answering": "上一个回答还没写完：请先停止它。",
    "error.big_file": "文件 {file} 有 {size}：运行文件不会超过 1 MB。",
    "error.attention_unseen": "{family} 模型的注意力无法观察，因此看不到哪些词元关注了虚拟词元。训练和对话不受影响。",
    "error.data_settings": "数据集“{name}”自带说明，数据设置对它不起作用：请去掉这些设置，或给出其中某个文件的路径。",
    "error.own_template": "自定义模板与模板选项不一致：选了“自定义”才写，写了就要选“自定义”。",
    "error.unknown_encoding": "没有名为“{value}”的文本编码：请留空，或用 utf-8、utf-16、gb18030、cp1252。",
    "error.bad_file": "文件 {file} 无法读取：{reason}",
    "error.bad_set": "“{value}”不是 名称=值 的形式，例如 prompt_len=10。",
    "error.bad_setting": "{field}现在是 {value}，应为{wanted}。",
    "error.bad_tensor": "{file} 中的张量 {tensor} 有问题：{problem}。",
    "error.bad_yaml": "这不是运行文件：{reason}。点“保存 YAML”可以看到正确的样子。",
    "error.chat_models": "各栏必须使用同一个模型，现在却是 {names}。",
    "error.no_gpu": "设备：这台机器上看不到 GPU，请选择自动或 CPU。",
    "error.own_attention": "注意力内核：{family} 类模型用自己的方式计算注意力，请保持自动。",
    "error.delete_active": "运行“{run}”正在进行：请先停止再删除。",
    "error.out_of_memory": (
        "第 {step} 步内存不足：请用“训练”页的按钮，以更省内存的方式从上一个检查点接着训练；或改用 {advice} 后重新开始。"
    ),
    "error.out_of_memory_again": "第 {step} 步内存不足：请改用 {advice} 后重新开始。",
    "error.loss_not_finite": (
        "第 {step} 步的损失已不是有效数字：请用更低的学习率（例如 {lower}，现在是 {rate}）重新开始。"
    ),
    "error.diverged": (
        "训练在第 {step} 步已经发散：损失开始时是 {initial}，现在是 {loss}。目前最好的状态会保留。"
        "请用更低的学习率（例如 {lower}，现在是 {rate}）重新开始。"
    ),
    "error.data_changed": ("{name} 的数据已不是运行“{run}”开始时的数据（{splits}）：请放回原来的数据，或仍然继续。"),
    "error.not_on_resume": "接着训练时不能改变{field}，只能改变 {known}：请开始新的运行。",
    "error.method_needs_attention": (
        "{method} 作用在注意力内部，而 {family} 模型没有使用 transformers 的注意力接口，无法介入。"
        "请换一个模型，或改用以下方法：{methods}。"
    ),
    "error.method_needs_text": (
        "{method} 要在文字之间加入虚拟词元，而 {family} 模型读的是图片。请换一个模型，或改用以下方法：{methods}。"
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
    "error.vision_depths": "要取 {value} 个深度，但视觉编码器只有 {high} 层。请至多选择 {high}。",
    "error.model_folder": "文件夹 {name} 里没有可载入的模型（需要 config.json、*.safetensors 和分词器）：{reason}",
    "error.model_gated": "模型 {name} 需要授权：请在模型站点接受条款，并设置环境变量 HF_TOKEN。",
    "error.model_missing": "本机没有模型 {name}，模型站点也没有回应：请检查名称和网络，或给出本地文件夹的路径。",
    "error.model_code": (
        "模型 {name} 自带 Python 代码，运行后能在本机做你能做的一切："
        "只有信任作者时才勾选“运行模型自带的代码”，否则请换一个模型。"
    ),
    "error.predict_active": "训练 {run} 正在进行：请先停止，或等它结束。",
    "error.model_incomplete": (
        "模型 {name} 的文件缺少必需的权重（{count} 个，第一个是 {first}）：请选择完整的模型"
        "（例如带语言头的因果语言模型），或重新下载。"
    ),
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
    "error.mask_folded": "这个掩码只剩下比特，分数已经不在了：请新开一次训练。",
    "error.no_adapter": "文件夹 {name} 里没有适配器：{reason}",
    "error.stopped_full": (
        "磁盘已满，运行“{run}”停在第 {step} 步，保留的是第 {kept} 步的结果：请腾出空间，然后接着训练。"
    ),
    "error.checkpoint_damaged": "运行“{run}”的检查点已损坏（{reason}）：请用它的 run.yaml 重新开始。",
    "error.path_text": "路径 {name} 含有路径不能有的字符：请写普通文件或文件夹。",
    "error.path_long": "路径 {name} 太长：请写普通文件或文件夹。",
    "error.path_loop": "路径 {name} 的链接首尾相连，或主目录未知：请写普通文件或文件夹。",
    "error.path_system": "路径 {name} 属于操作系统：请写自己的普通文件或文件夹。",
    "error.path_special": "路径 {name} 是管道、套接字或设备，可能永远读不完：请写普通文件或文件夹。",
    "error.model_of_server": "这台服务器由大家共用，不能读取模型 {name}：请从列表中选择，或写 hub 上的模型名。",
    "error.trust_not_given": "本次会话没有为模型 {name} 勾选{field}：如果信任作者，请选择该模型并自己勾选。",
    "error.no_trust_here": "别人也能访问这个工作台，所以不能打开{field}：请选择带 safetensors、不含自带代码的模型。",
    "error.run_needs_trust": (
        "运行 {run} 当时打开了{field}：如果仍信任作者，请在训练页选择模型 {name} 并再次勾选，然后继续。"
    ),
    "error.over_limit": "{field}是 {value}，但此服务器最多允许 {limit}：请调低。",
    "error.server_full": "此服务器为所有访客共保留 {n} 次运行，已满：请过几小时再试。",
    "error.hub_too_large": "{name} 在 hub 上有 {size} MB，而此服务器最多下载 {limit} MB：请选择较小的。",
    "error.hub_size_unknown": "hub 未说明 {name} 的大小，因此此服务器不下载：请检查名称、稍后再试，或选择此处已有的。",
    "error.too_many_runs": "您保留了 {n} 次运行，而此服务器为每位访客最多保留 {limit} 次：请先在“记录”里删除一次。",
    "error.watch_only": "此服务器只展示运行：如需开始或更改运行，请另外启动一个不带 --watch-only 的服务器。",
    "error.watches_only": "{visitor} 在这里只能观看：如需更改，请联系此服务器的主持人。",
    "error.run_of_other": "运行 {run} 属于 {owner}：只有 {owner} 或此服务器的主持人可以这样做。",
    "error.run_of_nobody": "运行 {run} 在这里不属于任何人：只有此服务器的主持人可以这样做。",
    "error.server_trains": "别人的运行正在训练：请等它结束，再开始您的。",
    "error.too_many_questions": "已有 {n} 个问题在等待回答：请等其中一些得到回答后再问。",
    "error.no_data_chosen": "还没有选自己的数据：请上传文件，或写出路径或 hub 数据集。",
    "error.takes_no_words": (
        "模型“{name}”读的是图片，不读文字。请在“对话”里给它一张图片，或在“记录”里看它对测试图片的判断。"
    ),
    "error.no_last_patch": "图片的最后一块没有特别的含义，分类头不能只读它。请让它读第一个 token 或全部的平均。",
    "error.no_exchange": "这个适配器无法与 HF peft 互换：{reason}；{fix}。",
    "error.no_experts": "{method} 在这里没有可选的专家：请选择保留了检查点的 AdaMix 运行。",
    "error.no_file": "文件 {file} 无法读取：{reason}",
    "error.no_init_text": "{field}是空的：请写一句作为起点的话，或选择其他起点。",
    "error.template_prompt": "{field}里必须恰好出现一次 {{prompt}}，现在是“{value}”。",
    "error.template_marks": "{field}里要放虚拟 token 的地方必须写 {{p}}，现在是“{value}”。",
    "error.no_biases": "{field}是空的，归一化层也没有选，这样没有东西可训练：请至少选一样。",
    "error.no_layers": "{method} 不按层起作用，无法关闭某些层：请选择其他方法的运行。",
    "error.no_name": "名称是空的：请给这次运行起个名字。",
    "error.no_official": "无法按 LLaMA-Adapter 官方检查点互换：{reason}；{fix}。",
    "error.no_prompt": "消息是空的：请输入问题。",
    "error.no_run": "文件夹 {run} 里没有运行：缺少 run.json。",
    "error.run_startable": (
        "运行“{run}”已损坏：run.json 无法使用（{reason}）。还在的部分：{saved}。"
        "“从检查点恢复”会按 run.yaml 重新开始，`python -m engine train` 也可以。"
    ),
    "error.run_damaged": "运行“{run}”已损坏：run.json 无法使用（{reason}）。还在的部分：{saved}。",
    "error.run_not_deleted": "运行“{run}”无法删除：{reason}。",
    "error.no_sentence": "句子是空的：请输入想观察的文字。",
    "error.no_snapshot": "运行“{run}”没有保留第 {step} 步：请从它的快照中选择。",
    "error.no_such_run": "没有运行“{run}”：可能已被删除。",
    "error.no_targets": "{field}是空的：请至少写出 q k v o gate up down 中的一个。",
    "error.other_precision": (
        "数字格式：这个适配器是在 {wanted} 格式的 {trained} 上训练的，"
        "而 {name} 现在以 {loaded} 载入：请改用 {wanted} 载入。"
    ),
    "error.other_base": "这个适配器是在 {wanted} 上训练的，权重与 {name} 不同：请载入它训练时的模型。",
    "error.other_weights": "{name} 的权重与运行“{run}”开始时的不同：请放回原来的权重，或仍然继续。",
    "error.reads_pictures": "模型“{name}”读的是图片，不是文字。请为这个数据集选择语言模型。",
    "error.recording": "“{run}”是录像，保持原样。",
    "error.not_causal": "模型 {name} 只会填空、不会续写，无法用文字作答：请改用任务头给出标签，或选择因果语言模型。",
    "error.run_active": "运行“{run}”正在进行：请先停止，再开始新的。",
    "error.run_busy": "运行“{run}”正由另一个进程训练：请在那里停止。",
    "error.run_exists": "文件夹 {path} 不是空的：请换一个。",
    "error.run_stopped_early": "运行“{run}”已经完成：早停在第 {step} 步结束了它；想训练更久，请加大耐心重新开始。",
    "error.run_finished": "运行“{run}”已经完成，没有剩下的步数。",
    "error.run_not_made": "无法建立运行文件夹 {path}：{reason}。",
    "error.too_many_layers": "{field}现在是 {value}，但这个模型只有 {limit} 层。",
    "error.unknown_family": "暂不支持 {family} 类型的模型：还没有说明它的层和注意力在哪里。支持：{known}。",
    "error.unknown_form": "没有名为 {value} 的导出格式：可选 {known}。",
    "error.unknown_method": "没有名为“{value}”的方法：可选 {known}。",
    "error.unknown_setting": "这里没有名为“{field}”的设置：可选 {known}。",
    "error.unknown_target": "作用对象里写了 {value}，但这个模型只有 {known}。",
}
