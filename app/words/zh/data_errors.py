"""Chinese words: errors of datasets."""

WORDS = {
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
    "error.hub_trouble": "向模型站点请求 {name} 时得到 {status}：这是站点的故障。请过几分钟再试，或给出本地路径。",
    "error.hub_unreachable": (
        "本机没有数据集 {name}，也连不上站点：请检查网络，并确认没有设置 HF_HUB_OFFLINE，或给出本地文件的路径。"
    ),
    "error.huge_cell": (
        "{file} 第 {line} 行的“{column}”列有 {size} 个字符，上限是一百万：请检查是否有没闭合的引号，或把文本拆开。"
    ),
    "error.huge_folder": (
        "文件夹 {folder} 不是图片文件夹：它包含主目录、超过 {most} 个文件，或超过 {others} 个其他类型的文件。"
        "请直接给出图片所在的文件夹。"
    ),
    "error.huge_parquet": "{file} 的数据解压后超过 {size} MB：请减少读取的行数，或只取其中一部分。",
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
    "error.own_template_mark": "自定义模板里有 {{p}}，只有 P-tuning 会用到它：请去掉，或写进该方法自己的模板。",
    "error.own_template_prompt": ("自定义模板是“{value}”，但里面必须恰好出现一次 {{prompt}}，或用双花括号写出列名。"),
    "error.ragged_line": (
        "{file} 第 {line} 行有 {count} 格，而表头有 {wanted} 列：含分隔符的格子请加引号，或改正这一行。"
    ),
    "error.too_few_rows": (
        "{file} 里问题各不相同的数据太少（{count} 条），留不出验证集和评测集：请另给这两个文件，或增加数据。"
    ),
    "error.unknown_suffix": "无法读取 {file} 这类文件：请给出以 {known} 结尾的文件。",
    "error.bad_description": "数据集“{name}”的说明文件无法读取：{reason}",
    "error.bad_encoding": "数据集“{name}”的文件 {file} 不是 UTF-8 文本：请另存为 UTF-8。",
    "error.bad_row": "{file} 第 {line} 行不是一条数据：应为含“prompt”和“response”两段文字的 JSON 对象。",
    "error.bad_template": "数据集“{name}”的模板里必须恰好出现一次 {{prompt}}。",
    "error.empty_split": "数据集“{name}”的文件 {file} 是空的。",
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
    "error.file_of_server": "文件 {name} 在大家共用的服务器上：请上传自己的文件，或写 hub 数据集。",
    "error.described_folder": "文件夹 {name} 带有自己的说明，这里不读取：请逐个上传其中的文件。",
    "error.no_room_for_upload": (
        "文件 {file} 解压后超过您还可用的 {left} MB（此处最多保留 {limit} MB）："
        "请用较小的文件，或删除不再需要其数据的运行。"
    ),
    "error.no_dataset": (
        "没有名为“{name}”的数据集：可选 {known}，也可以给出文件、站点数据集（hub:owner/name），"
        "带 dataset.json 的文件夹，或图片文件夹。"
    ),
    "error.handed_too_large": "这张图片有 {count} 个字符，最多可以传 {limit} 个。请把它缩小。",
    "error.bad_picture": (
        "文件 {name} 读不成图片。请给一张完整的 JPEG、PNG、WebP、GIF、BMP、TIFF 或 PPM 图片，不超过五千万像素。"
    ),
    "error.bad_zip": "文件 {file} 无法解压（{reason}）。请提供图片文件夹的 zip。",
    "error.bad_metadata": (
        "“{folder}”里的文件 {file} 必须有 file_name 和 label 两列，但它的列是 {known}。请改列名，"
        "或用数据设置 response 指明标签列。"
    ),
    "error.holds_pictures": "数据集“{name}”里是图片，模型“{model}”读不了。请选择图像模型，例如 ViT。",
    "error.picture_unseen": "“{name}”是图片，模型“{model}”读不了。请选择用图片训练过的运行，或图像模型，例如 ViT。",
    "error.no_row_seen": "“{name}”的验证数据里没有带图片的。请在“对话”里问一张图片。",
    "error.no_picture_labels": (
        "文件夹“{folder}”里没有带标签的图片。请把每个标签的图片放进以标签命名的文件夹，"
        "或添加一个有 file_name 和 label 两列的 metadata.csv。"
    ),
    "error.no_pictures": (
        "文件夹“{folder}”里没有能读成图片的文件（例如 {some}）。请提供 JPEG、PNG、WebP、GIF、BMP、TIFF 或 PPM 文件。"
    ),
    "error.one_picture_label": "{file} 的图片只有一个标签，没有可选的。请加入另一个标签的图片。",
    "error.picture_gone": "图片 {name} 读不到了。请把它放回去，或不用它另开一次训练。",
    "error.no_labels": "数据集“{name}”的回答全是空的，没有可学的内容。",
    "error.no_split": "数据集“{name}”缺少 {split} 部分：请补上文件 {file}。",
    "error.no_head": (
        "数据集“{name}”既没有标签，也没有数值，"
        "也没有能在文中找到的答案，任务头无从作答："
        "请选择带标签的数据，或让因果语言模型用文字回答。"
    ),
    "error.bad_target": "数据集“{name}”里有回答“{value}”，但任务头需要{wanted}。",
    "error.several_labels": (
        "{file} 的“{column}”列里一行有好几个标签，而分类头只选一个："
        "请把回答的类型设为自由文本，全部标签会当作一段文字来学。"
    ),
    "error.several_lists": (
        "文件 {file} 里有好几个数据列表（{known}），名字又不是训练、验证、测试："
        "请各存成一个文件，或改名为 train、validation、test。"
    ),
    "error.question_too_long": "问题有 {size} 个 token，而模型连同回答最多只能读 {limit} 个：请缩短问题。",
    "error.no_context": "回答设为“文中的片段”，但 {file} 没有列被当作所问的文本：请在“输入”中选择其中一列：{known}。",
    "error.no_passage": (
        "数据集“{name}”没有包含答案的文本，而任务头要在文本中标出答案：请选择带有上下文的数据，如 SQuAD。"
    ),
    "error.no_text_to_mark": "这个模型在文本中标出答案：请同时给出问题和所问的文本。",
    "error.one_text": "这个模型比较两段文本：请先写“{first}: …”，另起一行写“{second}: …”。",
}
