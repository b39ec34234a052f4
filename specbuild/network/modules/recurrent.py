"""torch's recurrent layers, the batch first in states as well, giving the results that are named."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def final_state(hidden: Tensor, bidirectional: bool) -> Tensor:
    """The last layer's state after the final step, both directions side by side, in memory of its own."""
    return torch.cat(hidden[-2 if bidirectional else -1 :].unbind(0), dim=-1)


class RNN(nn.RNN):
    """`nn.RNN` with the batch first; its output, or the final state, and the states if they are named."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        returns: str = "sequence",
        return_hidden: bool = False,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, nonlinearity, bias, batch_first=True, bidirectional=bidirectional
        )
        self.dropout = float(dropout)  # torch warns of one that has no layers to stand between
        self.returns, self.return_hidden = returns, return_hidden

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:  # type: ignore[override]
        """The output; with `return_hidden` also the states, the batch first."""
        output, hidden = super().forward(input, None if hx is None else hx.transpose(0, 1).contiguous())
        return with_states(self, output, hidden)


class GRU(nn.GRU):
    """`nn.GRU` with the batch first; its output, or the final state, and the states if they are named."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        returns: str = "sequence",
        return_hidden: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first=True, bidirectional=bidirectional)
        self.dropout = float(dropout)
        self.returns, self.return_hidden = returns, return_hidden

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:  # type: ignore[override]
        """The output; with `return_hidden` also the states, the batch first."""
        output, hidden = super().forward(input, None if hx is None else hx.transpose(0, 1).contiguous())
        return with_states(self, output, hidden)


class LSTM(nn.LSTM):
    """`nn.LSTM` with the batch first; its output, or the final state, and the states that are named."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        returns: str = "sequence",
        return_hidden: bool = False,
        return_cell: bool = False,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias,
            batch_first=True, bidirectional=bidirectional, proj_size=proj_size,
        )  # fmt: skip
        self.dropout = float(dropout)
        self.returns, self.return_hidden, self.return_cell = returns, return_hidden, return_cell

    def forward(self, input: Tensor, hx: Tensor | None = None, cx: Tensor | None = None) -> Any:  # type: ignore[override]
        """The output; then the states and the cells, the batch first, of which are switched on."""
        states = None
        if hx is not None and cx is not None:
            states = (hx.transpose(0, 1).contiguous(), cx.transpose(0, 1).contiguous())
        output, (hidden, cell) = super().forward(input, states)
        return with_states(self, output, hidden, cell)


def with_states(module: RNN | GRU | LSTM, output: Tensor, hidden: Tensor, cell: Tensor | None = None) -> Any:
    """What a recurrent layer gives: the output alone, or a tuple with the states that are switched on."""
    if module.returns == "last":
        output = final_state(hidden, module.bidirectional)
    results = [output]
    if module.return_hidden:
        results.append(hidden.transpose(0, 1))
    if isinstance(module, LSTM) and module.return_cell and cell is not None:
        results.append(cell.transpose(0, 1))
    return tuple(results) if len(results) > 1 else output


class LSTMCell(nn.LSTMCell):
    """`nn.LSTMCell` whose states are inputs of their own; its output, and the cell if it is named."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, return_cell: bool = False) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.return_cell = return_cell

    def forward(self, input: Tensor, hx: Tensor | None = None, cx: Tensor | None = None) -> Any:  # type: ignore[override]
        """The state; with `return_cell` also the cell."""
        hidden, cell = super().forward(input, None if hx is None or cx is None else (hx, cx))
        return (hidden, cell) if self.return_cell else hidden
