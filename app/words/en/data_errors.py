"""Problems of a dataset that a person can mend: what is wrong, with which value, and the way out."""

WORDS = {
    "error.bad_chat_template": (
        "The chat template of this model's tokenizer cannot be used ({reason}): choose the template “alpaca” or "
        "“plain”."
    ),
    "error.bad_hub_name": (
        "“{name}” is no hub dataset: write hub:owner/name, and if needed :config and :split behind it."
    ),
    "error.bad_item": (
        "Line {line} of {file} holds {value} where a row is expected: write every row as an object with named texts."
    ),
    "error.bad_jinja": "Line {line} of your own template is not Jinja: {reason}.",
    "error.bad_json": "Line {line}, column {column} of {file} is not JSON ({reason}): correct it there.",
    "error.bad_parquet": "The file {file} is not Parquet that can be read ({reason}): write it again.",
    "error.bad_quotes": (
        "The row that begins in line {line} of {file} has a quote that is not closed or not doubled "
        "({reason}): correct it."
    ),
    "error.damaged_text": (
        "Line {line} of {file} holds bytes that are no {encoding} text, though the rest is: correct the line, or save "
        "the file as UTF-8."
    ),
    "error.empty_file": "The file {file} has no rows: add some, or choose another file.",
    "error.hub_missing": (
        "The dataset {name} is not on this machine and the hub did not answer or does not know it: check the name and "
        "the network (and HF_TOKEN if it is gated), or give the path of a file."
    ),
    "error.hub_refused": (
        "The dataset {name} cannot be read: {reason}. Name a config and a split behind it, as in hub:owner/name:config:"
        "split, or download a file of it and give its path."
    ),
    "error.hub_split": "The hub dataset {name} has no split called train: name one of {known} behind it.",
    "error.hub_trouble": (
        "The hub answered {status} when it was asked for {name}: that is the hub's trouble. Try again in some minutes, "
        "or give a local path."
    ),
    "error.hub_unreachable": (
        "The dataset {name} is not on this machine and the hub cannot be reached: check the network and that "
        "HF_HUB_OFFLINE is not set, or give the path of a file."
    ),
    "error.huge_cell": (
        "Line {line} of {file} has {size} characters in the column “{column}”, and a million is the limit: look for a "
        "quote that is not closed, or split the text."
    ),
    "error.huge_folder": (
        "The folder {folder} is no folder of pictures: it holds a home folder, more than {most} files, or more than "
        "{others} files of other kinds. Name the folder of the pictures itself."
    ),
    "error.huge_parquet": (
        "The rows of {file} have more than {size} MB when they are unpacked: read fewer rows, or take a part of it."
    ),
    "error.jinja_failed": "Your own template cannot be filled: {reason}. Simplify it.",
    "error.jinja_memory": (
        "The template needs more than {size} MB of memory for one row: look for a text or a list that it makes longer "
        "and longer."
    ),
    "error.jinja_slow": (
        "The template is not filled within {seconds} seconds: look for a loop that goes on and on, or simplify it."
    ),
    "error.jinja_name": ("Your own template uses something that a row does not have ({reason}): choose from {known}."),
    "error.label_names": (
        "The names of the labels are “{value}”, but the labels of {file} are {known}: write a different name for each "
        "id from 0 on."
    ),
    "error.no_chat_template": (
        "This model's tokenizer has no chat template: choose the template “alpaca” or “plain”, or a chat model."
    ),
    "error.no_column": "{file} has no column “{column}”: choose one of {known}.",
    "error.no_data_file": "The file {file} cannot be read ({reason}): check the path.",
    "error.no_guess": (
        "Which columns of {file} are asked and which answered cannot be guessed from {known}: choose them (the first "
        "line of a CSV or TSV file must name the columns)."
    ),
    "error.no_number": (
        "The column “{column}” of {file} holds “{value}”, which is no number: let its responses be labels or free text."
    ),
    "error.no_usable_rows": "{file} has no row with something to learn in {column}: choose other columns.",
    "error.not_text": "The file {file} is not text: save it as CSV or JSON first.",
    "error.one_label": (
        "The column “{column}” of {file} holds fewer than two different labels, so there is nothing to choose: choose "
        "another column, or let its responses be free text."
    ),
    "error.own_template_mark": (
        "Your own template holds {{p}}, which only the method P-tuning fills: leave it out, or write it into the "
        "method's own template."
    ),
    "error.own_template_prompt": (
        "Your own template is “{value}”, but it must hold {{prompt}} exactly once, or name columns in double braces."
    ),
    "error.ragged_line": (
        "Line {line} of {file} has {count} cells, but the header names {wanted} columns: quote cells that hold the "
        "separator, or correct the line."
    ),
    "error.too_few_rows": (
        "{file} has too few rows that ask different things ({count}) to keep some for validation and scoring: give "
        "files for both, or more rows."
    ),
    "error.unknown_suffix": "The file {file} is of no kind that can be read: give one that ends in {known}.",
    "error.bad_description": "The description of the dataset “{name}” cannot be read: {reason}",
    "error.bad_encoding": "The file {file} of the dataset “{name}” is not UTF-8 text: save it as UTF-8.",
    "error.bad_row": (
        "Line {line} of {file} is not a row: it must be a JSON object with the texts “prompt” and “response”."
    ),
    "error.bad_template": "The template of the dataset “{name}” must hold {{prompt}} exactly once.",
    "error.empty_split": "The file {file} of the dataset “{name}” has no rows.",
    "error.no_picture_column": (
        "A vision encoder is set, but no column of “{name}” is named as that of the pictures. Choose one of {known}, "
        "or set no encoder."
    ),
    "error.pictures_unseen": (
        "The column “{column}” holds pictures, but the method sees none. Set its vision encoder, or choose no column "
        "of pictures to train on the texts alone."
    ),
    "error.described_pictures_unseen": (
        "The rows of “{name}” are about pictures, and the method sees none. Choose one of {known}, or another dataset."
    ),
    "error.no_row_pictures": (
        "The column “{column}” cannot hold pictures, since {file} is no file. Download it as a file and give its path."
    ),
    "error.row_pictures_several": (
        "Row {row} of {file} has {count} pictures, and one is the limit. Keep one, or make a row of each."
    ),
    "error.row_picture_missing": (
        "Row {row} of {file} has the picture “{name}”, which is not there. Put it into the folder of that file or "
        "below, or leave the cell empty."
    ),
    "error.row_picture_outside": (
        "Row {row} of {file} has the picture “{name}”, which leads out of the folder of that file. Pictures must lie "
        "there or below."
    ),
    "error.row_picture_no_picture": (
        "Row {row} of {file} has the picture “{name}”, which is no picture that can be read. Give a JPEG, PNG, WebP, "
        "GIF, BMP, TIFF or PPM file."
    ),
    "error.row_picture_broken": (
        "Row {row} of {file} has the picture “{name}”, which is damaged or cut off. Replace it, or take the row out."
    ),
    "error.row_picture_huge": (
        "Row {row} of {file} has the picture “{name}”, which has more than 50 million pixels. Make it smaller."
    ),
    "error.file_of_server": (
        "The file {name} lies on the server that everybody shares: upload yours, or name a hub dataset."
    ),
    "error.described_folder": (
        "The folder {name} has a description of its own, which is not read here: upload its files one by one."
    ),
    "error.no_room_for_upload": (
        "The file {file} has, unpacked, more than the {left} MB that are left of the {limit} MB that you may keep "
        "here: give a smaller one, or delete runs whose data you no longer need."
    ),
    "error.no_dataset": (
        "There is no dataset called “{name}”: choose one of {known}, or give a file, a hub dataset (hub:owner/name), "
        "a folder with a dataset.json, or one of pictures."
    ),
    "error.handed_too_large": (
        "The picture takes {count} characters, and at most {limit} can be handed over. Make it smaller."
    ),
    "error.bad_picture": (
        "The file {name} is no picture that can be read. Give a whole JPEG, PNG, WebP, GIF, BMP, TIFF or PPM file "
        "of at most 50 million pixels."
    ),
    "error.bad_zip": "The file {file} cannot be unpacked ({reason}). Give a zip of a folder of pictures.",
    "error.bad_metadata": (
        "The file {file} in “{folder}” must have the columns file_name and label, but it has {known}. Rename them, or "
        "name the label's with the data setting response."
    ),
    "error.holds_pictures": (
        "The dataset “{name}” holds pictures, which the model “{model}” cannot read. Choose an image model, such as a "
        "ViT."
    ),
    "error.picture_unseen": (
        "“{name}” is a picture, which the model “{model}” cannot read. Choose a run that was trained with pictures, or "
        "an image model, such as a ViT."
    ),
    "error.no_row_seen": "No validation row of “{name}” is about a picture. Ask about one in Chat.",
    "error.no_picture_labels": (
        "The folder “{folder}” holds no pictures with labels. Put the pictures of each label into a folder of its "
        "name, or add a metadata.csv with the columns file_name and label."
    ),
    "error.no_pictures": (
        "No file of the folder “{folder}” can be read as a picture (such as {some}). Give JPEG, PNG, WebP, GIF, BMP, "
        "TIFF or PPM files."
    ),
    "error.one_picture_label": (
        "The pictures of {file} all have one label, so there is nothing to choose. Add pictures of another."
    ),
    "error.picture_gone": ("The picture {name} cannot be read any more. Put it back, or start a new run without it."),
    "error.no_labels": "Every response of the dataset “{name}” is empty, so there is nothing to learn.",
    "error.no_split": "The dataset “{name}” has no split {split}: add the file {file}.",
    "error.no_head": "The data {name} have neither labels nor numbers nor answers that stand in a text, so a task "
    "head has nothing to say: choose data "
    "with labels, or let a causal language model answer in its own words.",
    "error.bad_target": "The data {name} have the response “{value}”, but the task head needs {wanted}.",
    "error.several_labels": (
        "Rows of {file} have several labels each in the column “{column}”, and a head chooses one: set Responses to "
        "“free”, which learns all of them as a text."
    ),
    "error.several_lists": (
        "The file {file} holds several lists of rows ({known}), and no names of splits: save each as a file of its "
        "own, or name them train, validation and test."
    ),
    "error.question_too_long": (
        "The question has {size} tokens, but the model reads at most {limit} with its answer: shorten it."
    ),
    "error.no_context": (
        "Answers are said to be spans, but no column of {file} is taken for the texts in which they stand: choose one "
        "as the input, of {known}."
    ),
    "error.no_passage": (
        "The data {name} have no texts in which answers stand, but the head marks answers in texts: choose rows with a "
        "context, as SQuAD has."
    ),
    "error.no_text_to_mark": (
        "This model marks answers in a text: give both a question and the text that it is about."
    ),
    "error.one_text": "This model compares two texts: write '{first}: …' and on the next line '{second}: …'.",
}
