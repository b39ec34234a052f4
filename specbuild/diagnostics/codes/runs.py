"""Runs and exports: SB5xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

TRAIN = "$ specbuild train specs/digits_cnn.yaml --set train.epochs=1 --run first"
ON = "$ specbuild train specs/digits_cnn.yaml --run first --resume"

RUNS: tuple[Code, ...] = (
    Code(
        "SB501",
        "not a run directory",
        "The folder is not there, has no manifest.json, or was written in a format that this specbuild "
        "does not read: runs of every older format are read, those of a later one need a newer specbuild. "
        "`train` makes run directories, by default as runs/NAME/NUMBER, and writes "
        "manifest.json last, so a folder without one is not a run, or one that is still being written.",
        "$ specbuild reload first",
        f"{TRAIN}\n$ specbuild reload first",
    ),
    Code(
        "SB502",
        "a file of the run is missing",
        "The manifest lists a file that is not in the folder, or does not list one that every run has. "
        "Restore the file from a copy, or train again.",
        f"{TRAIN}\n$ rm first/model.safetensors\n$ specbuild reload first",
        f"{TRAIN}\n$ specbuild reload first",
    ),
    Code(
        "SB503",
        "a file of the run was altered",
        "The manifest holds the size and the SHA-256 of every file in the run, and of itself. A file that "
        "no longer has them, that was added, that is a link or no plain file, that does not fit the rest of the run, "
        "or whose content is not what specbuild writes, is named. Nothing "
        "is loaded from such a run. Restore the file from a copy, or train again; files of your own go "
        "elsewhere.",
        f"{TRAIN}\n$ echo >> first/metrics.jsonl\n$ specbuild reload first",
        f"{TRAIN}\n$ specbuild reload first",
    ),
    Code(
        "SB504",
        "the reloaded model gives another output",
        "golden.safetensors holds a fixed input and the output that the trained model gave for it. With the "
        "torch, CPU capability and number of threads that wrote it, the reloaded model must give the "
        "same bits; otherwise, and on the device that `--device` names, its outputs may differ by a thousandth of "
        "the largest. Where they differ by more, this torch computes something else: install the version in "
        "environment.json.",
        "$ specbuild reload a_run_of_a_torch_that_computes_otherwise",
        f"{TRAIN}\n$ specbuild reload first",
    ),
    Code(
        "SB505",
        "the folder for the run is taken",
        "A run needs a folder of its own: one that does not exist yet, or is empty. Nothing is ever "
        "written over. Without --run, the next free number in runs/NAME is taken. A training that was "
        "not finished stays in its folder: `--resume` goes on with it. One that still runs holds a lock on it.",
        f"{TRAIN}\n{TRAIN}",
        f"{TRAIN}\n{TRAIN.replace('first', 'second')}",
    ),
    Code(
        "SB506",
        "a file cannot be written",
        "The file system refused: the folder is not writable, a part of its path is a file, or the disk is "
        "full. The reason is the operating system's own. Before the first step the space that the training takes is "
        "estimated, from its weights, the state of its optimizer and the checkpoints that are kept, and a disk that is "
        "too small for it is told then; `train --dry-run` tells the space. A disk that fills later ends no training: "
        "older checkpoints are removed, what cannot be written is tried again, and a training that has ended waits up "
        "to ten minutes for space. Where that does not come, what was trained is in the newest checkpoint, "
        "and `train --resume` goes on from it. An export never writes over a file that is there, unless `--force` says "
        "so, and its name ends as its format's do.",
        f"$ touch file\n{TRAIN.replace('first', 'file/first')}",
        TRAIN,
    ),
    Code(
        "SB507",
        "the run needs a plug-in",
        "The run was made with layers, losses, data sets or transforms that a plug-in added. A run is data, so "
        "nothing in it is imported: name the module yourself, if you trust it.",
        f"{TRAIN} --plugin my_layers --set layers[1]=Snake\n$ specbuild reload first",
        f"{TRAIN} --plugin my_layers --set layers[1]=Snake\n$ specbuild reload --plugin my_layers first",
    ),
    Code(
        "SB508",
        "a plug-in cannot be imported",
        "`--plugin MODULE` imports a Python module by its name, from the working directory or from where Python looks. "
        "It was not found, or raised an error as it ran.",
        "$ specbuild check --plugin no_such_module specs/lenet5.yaml",
        "$ specbuild check specs/lenet5.yaml",
    ),
    Code(
        "SB509",
        "the training that goes on is another one",
        "`train --resume` ends in the bits of a training that was never stopped, so the document must be the one "
        "that the training began with. What may be another: how long it trains (epochs, max_steps, max_minutes, "
        "early_stopping, unless a scheduler goes by it), the device, when checkpoints are made, TensorBoard, how "
        "samples are loaded and cached, and the name. Each such change is printed; anything else is refused with the "
        "old and the new value.",
        f"{TRAIN}\n{ON} --set train.epochs=2 --set optimizer.lr=1",
        f"{TRAIN}\n{ON} --set train.epochs=2",
    ),
    Code(
        "SB510",
        "there is nothing to go on from",
        "`train --resume` goes on from the newest checkpoint in the run that is as it was written, and says of each "
        "other one why it was passed over. Here none is left, or the training made none: `checkpoint: null`. The "
        "weights of a run that has ended are still there for `reload`; to train further takes a checkpoint.",
        f"{TRAIN} --set train.checkpoint=null\n{ON} --set train.epochs=2 --set train.checkpoint=null",
        f"{TRAIN}\n{ON} --set train.epochs=2",
    ),
)
