"""The name that was probably meant, and whether that is beyond doubt."""

from __future__ import annotations

from collections.abc import Iterable

from specbuild.diagnostics.diagnostic import Edit, Path, Target

LONGEST = 64
"""What is longer than this is no misspelling of a name."""
MOST_KNOWN = 1000
"""Among more names than this none is looked for."""


SYNONYMS = {
    "alpha": ("negative_slope", "momentum"),
    "beta_1": ("betas",),
    "beta_2": ("betas",),
    "decay": ("weight_decay",),
    "dilation_rate": ("dilation",),
    "drop_prob": ("p", "dropout"),
    "dropout_rate": ("p", "dropout"),
    "embed_size": ("embedding_dim", "embed_dim"),
    "epsilon": ("eps",),
    "factor": ("gamma", "scale_factor"),
    "filters": ("out_channels",),
    "heads": ("nhead", "num_heads"),
    "hidden": ("hidden_size",),
    "hidden_dim": ("hidden_size",),
    "hidden_units": ("hidden_size",),
    "in_dim": ("in_features",),
    "input_dim": ("num_embeddings", "in_features", "input_size"),
    "l2": ("weight_decay",),
    "l2_regularization": ("weight_decay",),
    "layers": ("num_layers",),
    "learning_rate": ("lr",),
    "n_embd": ("embedding_dim", "d_model", "embed_dim"),
    "n_head": ("nhead", "num_heads"),
    "n_layers": ("num_layers",),
    "num_classes": ("out_features",),
    "num_epochs": ("epochs",),
    "num_filters": ("out_channels",),
    "num_units": ("out_features", "hidden_size"),
    "nb_epoch": ("epochs",),
    "out_dim": ("out_features",),
    "output_dim": ("embedding_dim", "out_features"),
    "output_shape": ("shape", "output_size"),
    "permutation": ("dims",),
    "pool_size": ("kernel_size",),
    "prob": ("p",),
    "probability": ("p",),
    "rate": ("p",),
    "step": ("step_size",),
    "target_shape": ("shape",),
    "units": ("out_features", "hidden_size"),
    "use_bias": ("bias",),
    "vocab_size": ("num_embeddings",),
}
"""What other frameworks, and people, call an argument that torch has under one of these names."""

TYPES = {
    "AveragePooling": "AvgPool",
    "BatchNormalization": "BatchNorm",
    "Concatenate": "Concat",
    "Conv1DTranspose": "ConvTranspose1d",
    "Conv2DTranspose": "ConvTranspose2d",
    "Conv3DTranspose": "ConvTranspose3d",
    "Dense": "Linear",
    "GlobalAveragePooling": "AdaptiveAvgPool",
    "GlobalMaxPooling": "AdaptiveMaxPool",
    "GroupNormalization": "GroupNorm",
    "LayerNormalization": "LayerNorm",
    "MaxPooling": "MaxPool",
    "SpatialDropout": "Dropout",
    "ZeroPadding": "ZeroPad",
}
"""What Keras calls a layer; what torch calls it. A number of axes follows both."""


def types_meant(word: str, known: Iterable[str]) -> list[str]:
    """The types that a written one stands for: torch's path to it, a Keras layer, or a type for 1, 2 or 3 axes."""
    names = [*known]
    tail = word.rpartition(".")[2]
    stem, axes = (tail[:-2], tail[-2]) if tail[-2:] in ("1D", "2D", "3D") else (tail, "")
    if tail in TYPES:
        tail = TYPES[tail]
    elif stem in TYPES:
        tail = f"{TYPES[stem]}{axes}d"
    if tail in names:
        return [tail] if tail != word else []
    each = [name for axes in "123" for name in names if name.lower() == f"{tail.lower()}{axes}d"]
    if len(each) > 1:
        return each
    near = nearest(tail, names) if tail != word else None
    return [near] if near else []


def synonym(word: str, known: Iterable[str]) -> str | None:
    """The known name of what other frameworks call `word`."""
    names = set(known)
    return next((name for name in SYNONYMS.get(word, ()) if name in names), None)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to `word`, if one is close enough to be offered.

    Case is ignored at first, so that `relu` finds `ReLU`.
    """
    from difflib import get_close_matches  # only a mistake pays for it

    names = list(known)
    if len(word) > LONGEST or len(names) > MOST_KNOWN:
        return None
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.lower(), name)
    if word.lower() in folded:
        return folded[word.lower()]
    found = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def renaming(path: Path, word: str, meant: str | None, known: Iterable[str], target: Target = "value") -> Edit | None:
    """The edit that puts `meant` in place of `word`; None where another name may have been meant."""
    return Edit(path, meant, target) if meant is not None and is_clear(word, meant, known) else None


def is_clear(word: str, meant: str, known: Iterable[str]) -> bool:
    """Whether `word` is a slip of the pen for `meant`, and for no other known name.

    That is: the same letters in other case or with other `_`; or one letter, of long names one in four,
    missing, added, replaced or exchanged with its neighbour; or the first words of a longer name
    (`kernel` for `kernel_size`). The digits are the same.
    """
    others = [name for name in known if name != meant]
    if len(word) > LONGEST or len(others) > MOST_KNOWN or digits(word) != digits(meant):
        return False
    if bare(word) == bare(meant):
        return all(bare(word) != bare(other) for other in others)
    if meant.startswith(f"{word}_"):
        return not any(other.startswith(word) for other in others)
    allowed = max(len(meant) // 4, 1 if len(meant) > 2 else 0)
    slips = distance(word.lower(), meant.lower(), allowed)
    return slips <= allowed and all(distance(word.lower(), other.lower(), slips) > slips for other in others)


def digits(word: str) -> str:
    """The digits of a name, which nobody misspells."""
    return "".join(filter(str.isdigit, word))


def bare(word: str) -> str:
    """A name without case and joints."""
    return word.lower().replace("_", "").replace("-", "")


def distance(a: str, b: str, most: int) -> int:
    """How many letters are missing, added, replaced or exchanged with their neighbour; `most + 1` if more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = row, before, [i]
        for j, y in enumerate(b, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                least = min(least, above[j - 2] + 1)
            row.append(least)
        if min(row) > most:
            return most + 1
    return row[-1]
