"""Metrics: what is measured beside the loss. Names in lower case; arguments as torchmetrics has them.

A metric is of one output: of the first whose loss is one of labels, or the first with a loss, unless it says which
(`output`). It is of the whole pass, not the mean of its batches. Whether an output is a choice among classes, a yes
or no, or several of them, its loss says, and so do the label that does not count (`ignore_index`) and the axis of the
classes (`class_dim`).
"""

from specbuild.catalogue.metrics.metric import Metric
from specbuild.catalogue.table import Table

METRICS: Table[Metric] = Table(
    "specbuild.catalogue.metrics",
    {
        "accuracy": ("accuracy",),
        "classification": ("precision", "recall", "f1", "auroc", "average_precision", "confusion_matrix"),
        "segmentation": ("mean_iou", "dice"),
        "regression": ("mae", "mse", "rmse", "r2"),
        "images": ("psnr", "ssim"),
        "text": ("perplexity",),
    },
    classes={
        "accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "f1": "F1", "auroc": "AUROC",
        "average_precision": "AveragePrecision", "confusion_matrix": "ConfusionMatrix", "mean_iou": "MeanIoU",
        "dice": "Dice", "mae": "MAE", "mse": "MSE", "rmse": "RMSE", "r2": "R2", "psnr": "PSNR", "ssim": "SSIM",
        "perplexity": "Perplexity",
    },
)  # fmt: skip
"""Every metric, by the name that a document uses."""

__all__ = ["METRICS", "Metric"]
