"""One frozen module as a place where methods act: hooks add to what goes in, or to what comes out."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from engine.models.hooks import ForwardContext, Hook, RowSlice

AddInput = Callable[[Float[Tensor, "*b i"]], Float[Tensor, "*b i"] | None]
"""What to add to a module's input."""
AddOutput = Callable[[Float[Tensor, "*b i"], Float[Tensor, "*b o"]], Float[Tensor, "*b o"] | None]
"""What to add to a module's output, from its input and its output."""


class ModuleSite:
    """One frozen module of a view, usually a linear or a norm. Hooks add to what goes in or to what comes out.

    Hooks on the output run in the order in which they were registered, and each sees what those before it made of it:
    where a norm closes a sub-layer, an adapter behind it reads the tuned norm.
    """

    def __init__(self, module: nn.Module, context: ForwardContext) -> None:
        self.module = module
        self.input_hooks: list[Hook[AddInput]] = []
        self.output_hooks: list[Hook[AddOutput]] = []
        self.output_observers: list[Callable[[Tensor, Tensor, Tensor], None]] = []
        self.input_observers: list[Callable[[Tensor, Tensor], None]] = []
        self._context = context

    def add_to_input(self, run: AddInput, rows: RowSlice) -> None:
        """Register a hook on the input; the first one puts the hook in place."""
        if not self.input_hooks:
            self.module.register_forward_pre_hook(self._before)
        self.input_hooks.append(Hook(run, rows))

    def add_to_output(self, run: AddOutput, rows: RowSlice) -> None:
        """Register a hook on the output; the first one puts the hook in place."""
        if not self.output_hooks:
            self.module.register_forward_hook(self._after)
        self.output_hooks.append(Hook(run, rows))

    def observe(self, observer: Callable[[Tensor, Tensor, Tensor], None]) -> None:
        """Register `observer(input, own output, output with hooks)`."""
        if not self.output_hooks:
            self.add_to_output(lambda _x, _y: None, None)
        self.output_observers.append(observer)

    def observe_input(self, observer: Callable[[Tensor, Tensor], None]) -> None:
        """Register `observer(input, input with hooks)`."""
        if not self.input_hooks:
            self.add_to_input(lambda _x: None, None)
        self.input_observers.append(observer)

    def _before(self, _module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        x: Tensor = inputs[0]
        for hook in self.input_hooks:
            x = self._added(x, hook.rows, hook.run(self._served(inputs[0], hook.rows)))
        for observe in self.input_observers:
            observe(inputs[0], x)
        return (x, *inputs[1:])

    def _after(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:  # noqa: ANN401 - torch's own
        if isinstance(output, tuple):  # some families' layers give more than their states
            return (self._after(module, inputs, output[0]), *output[1:])
        x, total = inputs[0], output
        for hook in self.output_hooks:
            total = self._added(total, hook.rows, hook.run(self._served(x, hook.rows), self._served(total, hook.rows)))
        for observe in self.output_observers:
            observe(x, output, total)
        return total

    def _served(self, x: Tensor, rows: RowSlice) -> Tensor:
        """The rows that a hook serves."""
        if rows is None:
            return x
        return x[rows] if len(x) == self._context.rows else x.unflatten(0, (self._context.rows, -1))[rows].flatten(0, 1)

    def _added(self, total: Tensor, rows: RowSlice, added: Tensor | None) -> Tensor:
        """The sum in the base's dtype; rows that the hook does not serve stay equal to the bit."""
        if added is None:
            return total
        if rows is None:
            return total + added.to(total.dtype)
        by_row = total.unflatten(
            0, (self._context.rows, -1)
        ).clone()  # (b, n, ...); n is 1 where rows are not flattened
        served = by_row[rows]
        by_row[rows] = served + added.to(total.dtype).reshape(served.shape)
        out: Tensor = by_row.flatten(0, 1)
        return out
