"""A method attached to a fresh view: how evaluation and analysis run a model beside its training."""

from engine.methods.base import Method
from engine.models.base import Base
from engine.models.view import View


def attached_view(base: Base, method: Method | None) -> View:
    """A fresh view of the base, with a sharing copy of the method in eval mode attached to it; a bare one for None."""
    view = base.view()
    if method is not None:
        method.sharing_copy().eval().attach(view.sites)
    return view
