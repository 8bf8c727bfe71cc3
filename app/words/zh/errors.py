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
    "error.bad_chat_template": "这个模型的分词器的对话模板用不了（{reason}）：请改选 Alpaca 模板或纯文本模板。",
    "error.bad_hub_name": "“{name}”不是站点数据集的写法：请写 hub:owner/name，需要时在后面加 :config 和 :split。",
    "error.bad_item": "{file} 第 {line} 行应当是一条数据，现在却是 {value}：请把每条数据写成带名称的 JSON 对象。",
    "error.bad_jinja": "自定义模板第 {line} 行不是合法的 Jinja：{reason}。",
    "error.bad_json": "{file} 第 {line} 行第 {column} 列不是合法的 JSON（{reason}）：请改正那里。",
    "error.bad_parquet": "文件 {file} 不是可读的 Parquet（{reason}）：请重新生成。",
    "error.bad_quotes": "{file} 从第 {line} 行开始的那条数据有引号没有闭合或没有成对（{reason}）：请改正。",
    "error.damaged_text": (
        "{file} 第 {line} 行有字节不是 {encoding} 文本，而其余部分正常：请修正这一行，或把文件另存为 UTF-8。"
    ),
    "error.data_settings": "数据集“{name}”自带说明，数据设置对它不起作用：请去掉这些设置，或给出其中某个文件的路径。",
    "error.empty_file": "文件 {file} 里没有数据：请补上，或换一个文件。",
    "error.hub_missing": (
        "本机没有数据集 {name}，站点没有回应或不认识它：请检查名称和网络（需要授权的数据集还要设置 HF_TOKEN），"
        "或给出本地文件的路径。"
    ),
    "error.hub_refused": (
        "数据集 {name} 无法读取：{reason}。请在后面写明 config 和 split，例如 hub:owner/name:config:split，"
        "或下载其中的文件并给出路径。"
    ),
    "error.hub_split": "站点数据集 {name} 没有名为 train 的部分：请在后面写明 {known} 之一。",
    "error.huge_cell": (
        "{file} 第 {line} 行的“{column}”列有 {size} 个字符，上限是一百万：请检查是否有没闭合的引号，或把文本拆开。"
    ),
    "error.jinja_failed": "自定义模板无法填入数据：{reason}。请写得简单一些。",
    "error.jinja_memory": "模板处理一行数据就需要超过 {size} MB 内存：请检查不断变长的文本或列表。",
    "error.jinja_slow": "模板在 {seconds} 秒内没有填完：请检查停不下来的循环，或写得简单一些。",
    "error.jinja_name": "自定义模板用到了数据里没有的东西（{reason}）：可用的有 {known}。",
    "error.label_names": (
        "标签名称是“{value}”，而 {file} 里的标签是 {known}：请从 0 开始为每个编号各写一个不同的名称。"
    ),
    "error.no_chat_template": "这个模型的分词器没有对话模板：请改选 Alpaca 模板或纯文本模板，或换一个对话模型。",
    "error.no_column": "{file} 没有“{column}”这一列：可选 {known}。",
    "error.no_data_file": "文件 {file} 无法读取（{reason}）：请检查路径。",
    "error.no_guess": (
        "从 {known} 猜不出 {file} 的哪些列是问题、哪一列是回答：请自行指定（CSV 和 TSV 的第一行必须是列名）。"
    ),
    "error.no_number": "{file} 的“{column}”列里有“{value}”，不是数字：请把回答当作标签或自由文本。",
    "error.no_usable_rows": "{file} 的 {column} 里没有一条可学的数据：请选择别的列。",
    "error.not_text": "文件 {file} 不是文本：请先另存为 CSV 或 JSON。",
    "error.one_label": ("{file} 的“{column}”列里不同的标签不到两个，没有可选的：请选择别的列，或把回答当作自由文本。"),
    "error.own_template": "自定义模板与模板选项不一致：选了“自定义”才写，写了就要选“自定义”。",
    "error.own_template_mark": "自定义模板里有 {{p}}，只有 P-tuning 会用到它：请去掉，或写进该方法自己的模板。",
    "error.own_template_prompt": ("自定义模板是“{value}”，但里面必须恰好出现一次 {{prompt}}，或用双花括号写出列名。"),
    "error.ragged_line": (
        "{file} 第 {line} 行有 {count} 格，而表头有 {wanted} 列：含分隔符的格子请加引号，或改正这一行。"
    ),
    "error.too_few_rows": (
        "{file} 里问题各不相同的数据太少（{count} 条），留不出验证集和评测集：请另给这两个文件，或增加数据。"
    ),
    "error.unknown_encoding": "没有名为“{value}”的文本编码：请留空，或用 utf-8、utf-16、gb18030、cp1252。",
    "error.unknown_suffix": "无法读取 {file} 这类文件：请给出以 {known} 结尾的文件。",
    "error.bad_description": "数据集“{name}”的说明文件无法读取：{reason}",
    "error.bad_encoding": "数据集“{name}”的文件 {file} 不是 UTF-8 文本：请另存为 UTF-8。",
    "error.bad_file": "文件 {file} 无法读取：{reason}",
    "error.bad_row": "{file} 第 {line} 行不是一条数据：应为含“prompt”和“response”两段文字的 JSON 对象。",
    "error.bad_set": "“{value}”不是 名称=值 的形式，例如 prompt_len=10。",
    "error.bad_setting": "{field}现在是 {value}，应为{wanted}。",
    "error.bad_template": "数据集“{name}”的模板里必须恰好出现一次 {{prompt}}。",
    "error.bad_tensor": "{file} 中的张量 {tensor} 有问题：{problem}。",
    "error.bad_yaml": "这不是运行文件：{reason}。点“保存 YAML”可以看到正确的样子。",
    "error.chat_models": "各栏必须使用同一个模型，现在却是 {names}。",
    "error.no_gpu": "设备：这台机器上看不到 GPU，请选择自动或 CPU。",
    "error.own_attention": "注意力内核：{family} 类模型用自己的方式计算注意力，请保持自动。",
    "error.delete_active": "运行“{run}”正在进行：请先停止再删除。",
    "error.empty_split": "数据集“{name}”的文件 {file} 是空的。",
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
    "error.vision_beside_pictures": "这个模型自己读图片，不需要视觉编码器“{name}”。请把它留空，或选择语言模型。",
    "error.other_encoder": "“{name}”现在的权重不是训练这个适配器时的视觉编码器。请放回当时的权重。",
    "error.no_picture_column": "设置了视觉编码器，但“{name}”没有指定图片列。请选择其中一列：{known}，或不设编码器。",
    "error.pictures_unseen": "列“{column}”里是图片，但这个方法看不到图片。请设置视觉编码器，或不选图片列。",
    "error.described_pictures_unseen": (
        "“{name}”的问题都关于图片，而这个方法看不到图片。请选择其中一种方法：{known}，或换一个数据集。"
    ),
    "error.no_row_pictures": "{file} 不是文件，列“{column}”不能作为图片列。请下载成文件并给出路径。",
    "error.row_pictures_several": "{file} 第 {row} 条有 {count} 张图片，最多一张。请只留一张，或拆成多条。",
    "error.row_picture_missing": "{file} 第 {row} 条的图片“{name}”不存在。请放到该文件的文件夹或其下，或留空。",
    "error.row_picture_outside": "{file} 第 {row} 条的图片“{name}”在该文件的文件夹之外。图片必须在该文件夹或其下。",
    "error.row_picture_no_picture": (
        "{file} 第 {row} 条的图片“{name}”不是可读的图片。请使用 JPEG、PNG、WebP、GIF、BMP、TIFF 或 PPM 文件。"
    ),
    "error.row_picture_broken": "{file} 第 {row} 条的图片“{name}”已损坏或不完整。请更换，或去掉这一条。",
    "error.row_picture_huge": "{file} 第 {row} 条的图片“{name}”超过 5000 万像素。请缩小。",
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
    "error.file_of_server": "文件 {name} 在大家共用的服务器上：请上传自己的文件，或写 hub 数据集。",
    "error.over_limit": "{field}是 {value}，但此服务器最多允许 {limit}：请调低。",
    "error.too_many_runs": "您保留了 {n} 次运行，而此服务器为每位访客最多保留 {limit} 次：请先在“记录”里删除一次。",
    "error.described_folder": "文件夹 {name} 带有自己的说明，这里不读取：请逐个上传其中的文件。",
    "error.no_room_for_upload": (
        "文件 {file} 解压后超过您还可用的 {left} MB（此处最多保留 {limit} MB）："
        "请用较小的文件，或删除不再需要其数据的运行。"
    ),
    "error.watch_only": "此服务器只展示运行：如需开始或更改运行，请另外启动一个不带 --watch-only 的服务器。",
    "error.watches_only": "{visitor} 在这里只能观看：如需更改，请联系此服务器的主持人。",
    "error.run_of_other": "运行 {run} 属于 {owner}：只有 {owner} 或此服务器的主持人可以这样做。",
    "error.run_of_nobody": "运行 {run} 在这里不属于任何人：只有此服务器的主持人可以这样做。",
    "error.server_trains": "别人的运行正在训练：请等它结束，再开始您的。",
    "error.too_many_questions": "已有 {n} 个问题在等待回答：请等其中一些得到回答后再问。",
    "error.no_data_chosen": "还没有选自己的数据：请上传文件，或写出路径或 hub 数据集。",
    "error.no_dataset": (
        "没有名为“{name}”的数据集：可选 {known}，也可以给出文件、站点数据集（hub:owner/name），"
        "带 dataset.json 的文件夹，或图片文件夹。"
    ),
    "error.bad_picture": (
        "文件 {name} 读不成图片。请给一张完整的 JPEG、PNG、WebP、GIF、BMP、TIFF 或 PPM 图片，不超过五千万像素。"
    ),
    "error.bad_zip": "文件 {file} 无法解压（{reason}）。请提供图片文件夹的 zip。",
    "error.takes_no_words": (
        "模型“{name}”读的是图片，不读文字。请在“对话”里给它一张图片，或在“记录”里看它对测试图片的判断。"
    ),
    "error.bad_metadata": (
        "“{folder}”里的文件 {file} 必须有 file_name 和 label 两列，但它的列是 {known}。请改列名，"
        "或用数据设置 response 指明标签列。"
    ),
    "error.holds_pictures": "数据集“{name}”里是图片，模型“{model}”读不了。请选择图像模型，例如 ViT。",
    "error.no_last_patch": "图片的最后一块没有特别的含义，分类头不能只读它。请让它读第一个 token 或全部的平均。",
    "error.no_picture_labels": (
        "文件夹“{folder}”里没有带标签的图片。请把每个标签的图片放进以标签命名的文件夹，"
        "或添加一个有 file_name 和 label 两列的 metadata.csv。"
    ),
    "error.no_pictures": (
        "文件夹“{folder}”里没有能读成图片的文件（例如 {some}）。请提供 JPEG、PNG、WebP、GIF、BMP、TIFF 或 PPM 文件。"
    ),
    "error.one_picture_label": "{file} 的图片只有一个标签，没有可选的。请加入另一个标签的图片。",
    "error.picture_gone": "图片 {name} 读不到了。请把它放回去，或不用它另开一次训练。",
    "error.no_exchange": "这个适配器无法与 HF peft 互换：{reason}；{fix}。",
    "error.no_experts": "{method} 在这里没有可选的专家：请选择保留了检查点的 AdaMix 运行。",
    "error.no_file": "文件 {file} 无法读取：{reason}",
    "error.no_init_text": "{field}是空的：请写一句作为起点的话，或选择其他起点。",
    "error.template_prompt": "{field}里必须恰好出现一次 {{prompt}}，现在是“{value}”。",
    "error.template_marks": "{field}里要放虚拟 token 的地方必须写 {{p}}，现在是“{value}”。",
    "error.no_biases": "{field}是空的，归一化层也没有选，这样没有东西可训练：请至少选一样。",
    "error.no_labels": "数据集“{name}”的回答全是空的，没有可学的内容。",
    "error.no_layers": "{method} 不按层起作用，无法关闭某些层：请选择其他方法的运行。",
    "error.no_name": "名称是空的：请给这次运行起个名字。",
    "error.no_official": "无法按 LLaMA-Adapter 官方检查点互换：{reason}；{fix}。",
    "error.no_prompt": "消息是空的：请输入问题。",
    "error.no_run": "文件夹 {run} 里没有运行：缺少 run.json。",
    "error.run_startable": (
        "运行“{run}”已损坏：run.json 无法使用（{reason}）。还在的部分：{saved}。"
        "“接着训练”会按 run.yaml 重新开始，`python -m engine train` 也可以。"
    ),
    "error.run_damaged": "运行“{run}”已损坏：run.json 无法使用（{reason}）。还在的部分：{saved}。",
    "error.run_not_deleted": "运行“{run}”无法删除：{reason}。",
    "error.no_sentence": "句子是空的：请输入想观察的文字。",
    "error.no_snapshot": "运行“{run}”没有保留第 {step} 步：请从它的快照中选择。",
    "error.no_split": "数据集“{name}”缺少 {split} 部分：请补上文件 {file}。",
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
    "error.no_head": "数据集“{name}”既没有标签也没有数值，任务头无从作答：请选择带标签的数据，"
    "或让因果语言模型用文字回答。",
    "error.bad_target": "数据集“{name}”里有回答“{value}”，但任务头需要{wanted}。",
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
