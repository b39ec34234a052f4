"""Reading: SB1xx."""

from __future__ import annotations

from specbuild.diagnostics.codes.code import Code

READING: tuple[Code, ...] = (
    Code(
        "SB101",
        "the document cannot be read",
        "There is no such file, it is a directory, a pipe or a device, or its permissions forbid it. A "
        "document is a regular file; `-` reads standard input instead.",
        "$ specbuild check specs/digits_cnn.yml",
        "$ specbuild check specs/digits_cnn.yaml",
    ),
    Code(
        "SB102",
        "not UTF-8 text",
        "A document is text in UTF-8, with or without a byte order mark. UTF-16, single bytes of other "
        "encodings, control characters and halves of surrogate pairs are refused where they stand. In double "
        "quotes, a character may be written as an escape.",
        "$ printf 'specbuild: 1\\nname: n\\357\\ninput: [4]\\nlayers: [ReLU]\\n' | specbuild check -",
        "$ printf 'specbuild: 1\\nname: n\\ninput: [4]\\nlayers: [ReLU]\\n' | specbuild check -",
    ),
    Code(
        "SB103",
        "YAML syntax",
        "The text is not YAML: indentation that fits no line above, a bracket or a quote that is not closed, "
        "a tab before a key, a space missing after a colon, a text that needs quotes. Reading ends at the "
        "first such place, so what follows it is not judged.",
        "specbuild: 1\ninput: [3, 32, 32\nlayers:\n  - ReLU\n",
        "specbuild: 1\ninput: [3, 32, 32]\nlayers:\n  - ReLU\n",
    ),
    Code(
        "SB104",
        "JSON syntax",
        "The text is not JSON: a comma too many or missing, single quotes, a key without quotes, a comment, "
        "`True` for `true`. A file is read as JSON if its name ends in .json, or if it has another name than "
        ".yaml or .yml and begins with `{`.",
        '{"specbuild": 1, "input": [3, 32, 32], "layers": ["ReLU",]}\n',
        '{"specbuild": 1, "input": [3, 32, 32], "layers": ["ReLU"]}\n',
    ),
    Code(
        "SB105",
        "duplicate key",
        "A mapping has each key once. Most readers of YAML and JSON keep the last value in silence, and the "
        "others are lost.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - type: Linear\n    out_features: 8\n    out_features: 4\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - type: Linear\n    out_features: 4\n",
    ),
    Code(
        "SB106",
        "a feature of YAML that is refused",
        "A document says what it means where it means it, and nothing in it names a class to be made. So "
        "tags, merge keys (`<<`), directives, a second document, and keys that are null, aliases or "
        "collections are refused. Anchors and aliases for values are fine.",
        "specbuild: 1\ninput: !!python/tuple [16]\nlayers: [ReLU]\n",
        "specbuild: 1\ninput: [16]\nlayers: [ReLU]\n",
    ),
    Code(
        "SB107",
        "not a finite number",
        "No argument of a network means anything as NaN or infinity, and JSON has neither. A number that is "
        "too large for a float, such as 1e999, is one of them.",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: LeakyReLU, negative_slope: .nan}\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: LeakyReLU, negative_slope: 0.01}\n",
    ),
    Code(
        "SB108",
        "`${...}` without quotes",
        "Between brackets or braces, YAML takes `{` for the begin of a mapping; so an expression there "
        "stands in quotes. On a line of its own, as in `out_features: ${width}`, it needs none.",
        "specbuild: 1\nvars: {n: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: ${n}}\n",
        'specbuild: 1\nvars: {n: 8}\ninput: [16]\nlayers:\n  - {type: Linear, out_features: "${n}"}\n',
    ),
    Code(
        "SB109",
        "over a budget",
        "A document may have 64 MiB, 100 collections within one another, numbers of 400 characters, and 200,000 keys "
        "and values, of a document over 1 MiB one for every 5 characters, with each alias counted as all that it "
        "stands for. No network comes near; what does is a mistake or an attack. An alias within its own anchor "
        "has no end at all.",
        "specbuild: 1\ninput: [16]\nlayers: &all [ReLU, *all]\n",
        "specbuild: 1\ninput: [16]\nlayers: [ReLU]\n",
    ),
    Code(
        "SB110",
        "not a mapping",
        "A document is a mapping with the keys `specbuild`, `input` and `layers` at least. An empty file, or "
        "one that holds only comments, a list or a single value, is none.",
        "- {type: Linear, out_features: 8}\n- ReLU\n",
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 8}\n  - ReLU\n",
    ),
    Code(
        "SB111",
        "not a value of a document",
        "From Python a document may come as a dict. It holds what JSON holds: mappings with string keys, "
        "lists, strings, numbers, booleans and None. A tuple is taken for a list; a set, an array of numpy, "
        "a class or a function is refused.",
        '$ python -c \'import specbuild as s; s.load({"specbuild": 1, "input": {16}, "layers": ["ReLU"]})\'',
        '$ python -c \'import specbuild as s; s.load({"specbuild": 1, "input": [16], "layers": ["ReLU"]})\'',
    ),
    Code(
        "SB112",
        "the new document cannot be written",
        "`check --fix` and `fmt` write the new document beside the file and put it in its place when it is whole. Its "
        "folder does not take a new file, or nobody may write to the file itself. The file is as it was.",
        "$ printf 'specbuild: 1\\ninput: [4]\\nlayers: [Relu]\\n' > spec.yaml\n$ chmod a-w spec.yaml\n"
        "$ specbuild check --fix spec.yaml",
        "$ printf 'specbuild: 1\\ninput: [4]\\nlayers: [Relu]\\n' > spec.yaml\n$ specbuild check --fix spec.yaml",
    ),
    Code(
        "SB113",
        "the rest is not judged",
        "After 100 different mistakes, or 200 layers of one repeated line that are wrong, the rest of a "
        "document is not looked at. Mend what is told, and check again.",
        "specbuild: 1\ninput: [16]\nlayers:\n" + "".join(f"  - Lineal{n}\n" for n in range(101)),
        "specbuild: 1\ninput: [16]\nlayers:\n  - {type: Linear, out_features: 8}\n",
    ),
    Code(
        "SB114",
        "a base that cannot be read",
        "`base` is the path of another spec, relative to the folder of the document that names it: a regular file on "
        "this machine whose name ends in .yaml, .yml or .json. A document has at most 4 bases, one upon the other, and "
        "none of them builds on the document again. What is wrong inside of a base is told at its own line.",
        "$ printf 'specbuild: 1\\nbase: specs/resnet81.yaml\\n' | specbuild check -",
        "$ printf 'specbuild: 1\\nbase: specs/resnet18.yaml\\n' | specbuild check -",
    ),
)
