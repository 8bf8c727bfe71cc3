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
    "error.data_settings": "数据集“{name}”自带说明，数据设置对它不起作用：请去掉这些设置，或给出其中某个文件的路径。",
    "error.own_template": "自定义模板与模板选项不一致：选了“自定义”才写，写了就要选“自定义”。",
    "error.unknown_encoding": "没有名为“{value}”的文本编码：请留空，或用 utf-8、utf-16、gb18030、cp1252。",
    "error.bad_file": "文件 {file} 无法读取：{reason}",
    "error.bad_set": "“{value}”不是 名称=值 的形式，例如 prompt_len=10。",
    "error.bad_setting": "{field}现在是 {value}，应为{wanted}。",
    "error.bad_tensor": "{file} 中的张量 {tensor} 有问题：{problem}。",
    "error.bad_yaml": "这不是运行文件：{reason}。点“保存 YAML”可以看到正确的样子。",
    "error.chat_models": "各栏必须使用同一个模型，现在却是 {names}。",
    "error.delete_active": "运行“{run}”正在进行：请先停止再删除。",
    "error.out_of_memory": (
        "第 {step} 步内存不足：请用“训练”页的按钮，以更省内存的方式从上一个检查点接着训练；或改用 {advice} 后重新开始。"
    ),
    "error.out_of_memory_again": "第 {step} 步内存不足：请改用 {advice} 后重新开始。",
    "error.loss_never_finite": (
        "第 1 步还没学到任何东西，损失就已不是数字，因此与学习率无关："
        "模型的数值超出了 {precision} 的范围，或权重已损坏。请把数值格式改为 bf16 或 fp32。"
    ),
    "error.not_sharded": (
        "Accelerate 配置要求使用 DeepSpeed，而这里无法用它训练适配器："
        "要把基座拆分到多个进程，请使用 FSDP 并设置 fsdp_version: 2；"
        "否则请把 distributed_type 设为 MULTI_GPU 或 MULTI_CPU。"
    ),
    "error.old_fsdp": (
        "Accelerate 配置要求使用 FSDP 第 1 版，而这里无法用它训练适配器：请在其中设置 fsdp_version: 2。"
    ),
    "error.sharded_quantised": (
        "{field}为 {value}，而 {value} 的基座无法拆分到多个进程："
        "请选择 bf16、fp16 或 fp32，或改用 distributed_type 为 MULTI_GPU 或 MULTI_CPU 的 Accelerate 配置。"
    ),
    "error.sharded_code": (
        "模型 {name} 运行自带的代码，因此无法拆分到多个进程："
        "请改用 distributed_type 为 MULTI_GPU 或 MULTI_CPU 的 Accelerate 配置。"
    ),
    "error.process_failed": "运行的第 {rank} 号进程出错：{reason}",
    "error.process_lost": "运行的另一个进程已退出或无法连接。最新检查点中的内容已保留：请继续该运行。",
    "error.too_many_processes": (
        "{field}为 {value}，但每个进程需要一块 GPU 或一个核心，而本机只有 {most} 个：请最多选 {most}。"
    ),
    "error.processes_elsewhere": "{field}为 {value}，但这里只有一个进程：请从网页或命令行启动该运行，或改为 1。",
    "error.accelerate_missing": "{field}为“{value}”，但本机没有这个文件：请指定另一个文件，或留空。",
    "error.accelerate_unread": (
        "{field}为“{value}”，但它不是 YAML 格式的 Accelerate 配置：请用 `accelerate config --config_file FILE.yaml` "
        "生成一个。"
    ),
    "error.accelerate_entry": "Accelerate 配置“{file}”中的 {field} 为“{value}”，这里不能使用：请删去这一项。",
    "error.accelerate_kind": (
        "Accelerate 配置“{file}”中的 {field} 为“{value}”，这里不能使用：请改为 MULTI_GPU、MULTI_CPU 或 FSDP；"
        "若只用一个进程，请将该设置留空。"
    ),
    "error.accelerate_machines": (
        "Accelerate 配置“{file}”中的 {field} 为 {value}，但从这里只能在本机启动进程：请在每台机器上执行 "
        "`accelerate launch --config_file FILE -m engine train run.yaml`。"
    ),
    "error.accelerate_count": ("Accelerate 配置“{file}”中的 {field} 为 {value}，这里不能使用：请改为 {least} 或更大。"),
    "error.accelerate_ids": "Accelerate 配置“{file}”中的 {field} 为“{value}”：请改为 all，或用逗号分隔的编号。",
    "error.accelerate_few_ids": (
        "Accelerate 配置“{file}”中的 {field} 为 {value}，但其 gpu_ids 只有 {most} 个：请为每个进程指定一块 GPU。"
    ),
    "error.accelerate_for_cpus": "Accelerate 配置“{file}”面向 CPU，但{field}为 {value}，在本机是 GPU：请改为 cpu。",
    "error.accelerate_for_gpus": (
        "Accelerate 配置“{file}”面向 GPU，但{field}为 {value}，在本机是 CPU：请改用 distributed_type "
        "为 MULTI_CPU 的配置。"
    ),
    "error.accelerate_elsewhere": "{field}为“{value}”，但这里只有一个进程：请从网页或命令行启动该运行，或将其留空。",
    "error.accelerate_of_server": "{field}为“{value}”，它不在本服务器管理员声明的任何文件夹中：请留空。",
    "error.processes_ended": "运行“{run}”的各进程已结束：{reason}",
    "error.place_no_url": "“{place}”不是文件夹的 URL：请给出如 s3://bucket/runs 或 file:///mnt/runs 的地址。",
    "error.place_unknown": "{place} 的类型未知：请给出如 s3://、gs:// 或 file:// 的地址。",
    "error.place_no_driver": "没有相应的驱动，无法访问 {place}：{reason}",
    "error.place_unreachable": "无法访问 {place}：{reason}。会继续重试。",
    "error.mirror_exists": "{place} 已有另一个运行：请换一个 --out，或换一个地址。",
    "error.mirror_busy": "另一个进程正在训练该运行，并把它镜像到 {place}：请先在那里停止。",
    "error.mirror_lost": "另一个进程已开始把该运行镜像到 {place}：本进程不再镜像。",
    "error.run_lives_elsewhere": "运行“{run}”正在 {place} 训练：请先停止，再在这里继续。",
    "error.run_elsewhere": "运行“{run}”位于 {place}，这里只有副本：请在那里修改，或在这里继续它。",
    "error.copy_changed": "{place} 上的运行“{run}”与之前显示的不同：请重新查看。",
    "error.copy_not_whole": "运行“{run}”的 {file} 在 {place} 还不完整：请一分钟后再试。",
    "error.no_run_there": "{place} 没有镜像的运行。",
    "error.run_is_here": "文件夹“{path}”已经存在：请继续那一个，或给它改名。",
    "error.run_idle": "运行“{run}”没有在训练：没有可停止的内容。",
    "error.run_starting": "运行“{run}”的各进程还在启动：等它开始训练后再暂停。",
    "error.not_written": "无法写入 {file}：{reason}。请确认 Gatelight 可以在那里写入，然后再试。什么都没有改变。",
    "error.run_file_unread": "无法读取运行文件 {name}：{reason}。",
    "error.run_files_alike": "有两个运行文件都叫 {name}，会共用一个文件夹：请给其中一个改名。",
    "error.no_image": "Kubernetes 作业需要一个装有 Gatelight 及其依赖的容器镜像：请指定镜像名。",
    "error.loss_damaged_weights": (
        "第 1 步还没学到任何东西，损失就已不是数字：模型的权重已损坏（完好的模型，其数值 {precision} 都装得下）。"
        "请重新获取该模型，或换一个模型。"
    ),
    "error.loss_not_finite": (
        "第 {step} 步的损失已不是有效数字：请用更低的学习率（例如 {lower}，现在是 {rate}）重新开始。"
    ),
    "error.diverged": (
        "训练在第 {step} 步已经发散：损失开始时是 {initial}，现在是 {loss} nats/token。目前最好的状态会保留。"
        "请用更低的学习率（例如 {lower}，现在是 {rate}）重新开始。"
    ),
    "error.data_changed": ("{name} 的数据已不是运行“{run}”开始时的数据（{splits}）：请放回原来的数据，或仍然继续。"),
    "error.not_on_resume": "接着训练时不能改变{field}，只能改变 {known}：请开始新的运行。",
    "error.early_ungated": "在最低几层读图片需要门控系数，但现在没有。请让门控系数从零或随机开始，或换一种读法。",
    "error.vision_early": ("要在 {value} 层做早期融合，但 {layers} 层里只有 {free} 层没有适应提示。请减少其中一个。"),
    "error.vision_depths": "要取 {value} 个深度，但视觉编码器只有 {high} 层。请至多选择 {high}。",
    "error.predict_active": "训练 {run} 正在进行：请先停止，或等它结束。",
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
    "error.trust_not_given": "本次会话没有为模型 {name} 勾选{field}：如果信任作者，请选择该模型并自己勾选。",
    "error.no_trust_here": "别人也能访问这个工作台，所以不能打开{field}：请选择带 safetensors、不含自带代码的模型。",
    "error.run_needs_trust": (
        "运行 {run} 当时打开了{field}：如果仍信任作者，请在训练页选择模型 {name} 并再次勾选，然后继续。"
    ),
    "error.over_limit": "{field}是 {value}，但此服务器最多允许 {limit}：请调低。",
    "error.server_full": "此服务器为所有访客共保留 {n} 次运行，已满：请过几小时再试。",
    "error.guest_downloads": "此服务器的访客不能下载模型：请选择此处已有的。",
    "error.hub_too_large": "{name} 在 hub 上有 {size} MB，而此服务器最多下载 {limit} MB：请选择较小的。",
    "error.hub_size_unknown": "hub 未说明 {name} 的大小，因此此服务器不下载：请检查名称、稍后再试，或选择此处已有的。",
    "error.too_many_runs": "您保留了 {n} 次运行，而此服务器为每位访客最多保留 {limit} 次：请先在“记录”里删除一次。",
    "error.watch_only": "此服务器只展示运行：如需开始或更改运行，请另外启动一个不带 --watch-only 的服务器。",
    "error.watches_only": "{visitor} 在这里只能观看：如需更改，请联系此服务器的主持人。",
    "error.run_of_other": "运行 {run} 属于 {owner}：只有 {owner} 或此服务器的主持人可以这样做。",
    "error.run_of_nobody": "运行 {run} 在这里不属于任何人：只有此服务器的主持人可以这样做。",
    "error.too_many_questions": "已有 {n} 个问题在等待回答：请等其中一些得到回答后再问。",
    "error.no_data_chosen": "还没有选自己的数据：请上传文件，或写出路径或 hub 数据集。",
    "error.no_last_patch": "图片的最后一块没有特别的含义，分类头不能只读它。请让它读第一个 token 或全部的平均。",
    "error.span_pooling": "在文中标出答案的任务头要读所有 token，不能只读“{value}”：请把任务头读取设为“自动”。",
    "error.no_words": "这个适配器不能导出为文本：{reason}；请导出为 Gatelight 适配器。",
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
    "error.bad_pattern": "{field}里有“{value}”：请写成 q=4 或 3.down=16 的形式，用空格隔开。",
    "error.bad_layers": "{field}里有“{value}”：请写编号和区间，如 0 2-5，用空格隔开。",
    "error.no_such_layer": "{field}写了 {value}，但这个模型的层是 0 到 {last}。",
    "error.no_updates": "{field}没有留下任何要更新的线性层：请去掉一个为 0 的条目。",
    "error.rank_grows": "{field}是 {value}，但训练从秩 {limit} 起步：请不要超过它。",
    "error.no_steps_left": "首次裁剪之前占 {other}，末次裁剪之后占 {value}，没有剩下可裁剪的步：两者之和请小于 1。",
    "error.more_than_weights": "{field}是 {value}，相当于 {count} 个数，但一个线性层只有 {limit} 个权重：请取小一些。",
    "error.no_targets": "{field}是空的：请至少写出 q k v o gate up down 中的一个。",
    "error.no_adapters": (
        "position 是 'nowhere' 而 parallel 是 0，没有任何适配器："
        "请选择一个位置，或把 parallel 设为并行适配器的单元数，如 16。"
    ),
    "error.other_processor": (
        "{name} 的分词器（及其对话模板）或图像处理器与运行“{run}”开始时的不同：请放回原来的，或仍然继续。"
    ),
    "error.other_weights": "{name} 的权重与运行“{run}”开始时的不同：请放回原来的权重，或仍然继续。",
    "error.recording": "“{run}”是录像，保持原样。",
    "error.ending": "工作台正在关闭：请在它重新运行后再问。",
    "error.run_busy": "运行“{run}”正由另一个进程训练：请在那里停止。",
    "error.run_exists": "文件夹 {path} 不是空的：请换一个。",
    "error.run_stopped_early": "运行“{run}”已经完成：早停在第 {step} 步结束了它；想训练更久，请加大耐心重新开始。",
    "error.run_finished": "运行“{run}”已经完成，没有剩下的步数。若要继续训练，请指定更多步数。",
    "error.fewer_steps": "{field} 为 {value}，但该运行已有 {steps} 步：请指定不少于此的步数。",
    "error.disk_full": "磁盘已满，无法写入 {file}：请腾出空间后再试。什么都没有改变。",
    "error.too_many_layers": "{field}现在是 {value}，但这个模型只有 {limit} 层。",
    "error.unknown_form": "没有名为 {value} 的导出格式：可选 {known}。",
    "error.method_twice": "方法：{method} 选了两次，每种方法只能选一次。",
    "error.method_beside": "方法：{method} 训练时梯度不经过模型，而其他方法需要这一梯度：请单独训练它。",
    "error.methods_alike": "方法：{method} 与 {other_method} 的作用方式相同，无法分清各自的贡献：请只训练其中一种。",
    "error.unknown_method": "没有名为“{value}”的方法：可选 {known}。",
    "error.unknown_setting": "这里没有名为“{field}”的设置：可选 {known}。",
    "error.not_queued": "运行“{run}”不在队列中：它可能已经开始。",
    "error.queue_begun": "运行“{run}”已经开始，不能再移动。",
    "error.queue_stop": "运行“{run}”已在训练：请改为停止它。",
    "error.queue_gave_up": "运行“{run}”在训练时被中断了 {n} 次：不再重新开始。",
    "error.queue_locked": "另一个进程正在更改队列，一直没有结束：请再试一次，或结束那个进程。",
    "error.queue_busy": "另一个进程（例如打开的页面）已在训练队列：请交给它。",
    "error.queue_before_others": "运行“{run}”会排到别人的前面：只有此服务器的主持人可以这样做。",
    "error.queue_full": "所有访客共有 {n} 次运行在等待，已满：请稍后再试。",
    "error.too_many_waiting": "每位访客最多有 {limit} 次运行在等待：请等您的一次结束后再开始。",
    "error.trust_cannot_wait": "启用了{field}的运行不能排队，因为开始时可能无人在场：请在没有其他训练时再开始。",
    "error.unknown_method_of_search": "没有名为“{name}”的方法；请从 {known} 中选择。",
    "error.search_bounds": "{field} 是 {value}，但必须在 {low} 和 {high} 之间。",
    "error.search_objectives": "objectives 是 {value}：请选 loss，以及 {known} 中的任意几个。",
    "error.search_recipe": "recipe 是 {value}：请从 {known} 中选择，或留空。",
    "error.search_sampler": "sampler 是 {value}：请从 {known} 中选择。",
    "error.no_search_here": "搜索要训练许多次运行，这台公共服务器太小：请在自己的机器上开始。",
    "error.no_such_search": "没有名为“{name}”的搜索。",
    "error.search_damaged": "无法读取搜索“{name}”：{file}：{reason}。",
    "error.no_ladder": "没有学习率阶梯“{tag}”：它可能已被删除。",
    "error.ladder_steps": "{field}现在是 {value}，但学习率阶梯至少需要 {low}：请调大。",
    "error.no_rate": "{title} 不训练权重，没有学习率：请换一种方法。",
}
