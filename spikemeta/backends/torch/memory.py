"""Whether tensors belong together, looked at before every update: the compiled pass trusts the addresses that it is given."""

import torch

from spikemeta.backends.torch.groups import refuse_dtype
from spikemeta.errors import UserError

#: Kinds of tensor whose memory is what they say; a subclass may keep it elsewhere, or nowhere.
_PLAIN = (torch.nn.Parameter, torch.Tensor, torch.nn.Buffer)


def plain(p, state):
    """Whether a parameter and its state lie in the memory of the CPU as they are, in one kind of number.

    Parameters
    ----------
    p : Tensor
    state : dict of str to object
        The synapses' state; what is no tensor is not looked at.

    Raises
    ------
    UserError
        If the parameter was replaced by one of another shape or device, or is no longer float32 or float64.
    """
    shape, dtype, device = p.shape, p.dtype, p.device
    if dtype is not torch.float32 and dtype is not torch.float64:
        refuse_dtype(p)
    lies = p.is_cpu and type(p) in _PLAIN and p.is_contiguous() and not p.is_neg()
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            if value.shape != shape:
                raise UserError(_replaced(name, f"the shape {tuple(value.shape)}", f"the shape {tuple(shape)}"))
            if value.device != device:
                raise UserError(_replaced(name, f"lies on {value.device}", f"lies on {device}", joint=""))
            lies = lies and value.dtype is dtype and value.is_contiguous()
    return lies


def _replaced(name, mine, now, joint="has "):
    return (
        f"the state {name!r} of a parameter {joint}{mine}, and the parameter now {joint}{now}: it was replaced after the "
        "optimizer was made; call release() and make an optimizer from the new parameters"
    )


def gradient_of(p):
    """The gradient of a parameter, in the parameter's own kind of number, as torch's optimizers cast it.

    Raises
    ------
    UserError
        If the gradient is sparse or complex, or of another shape or device than the parameter.
    """
    found = p.grad
    if found.layout is not torch.strided:
        raise UserError(
            "the update does not support sparse gradients: use dense ones, as with torch.nn.Embedding(..., sparse=False)"
        )
    if found.shape != p.shape or found.device != p.device:
        raise UserError(
            f"a gradient of shape {tuple(found.shape)} on {found.device} does not belong to its parameter of shape "
            f"{tuple(p.shape)} on {p.device}: the parameter was replaced after backward(); clear the gradient, and call "
            "backward() again"
        )
    if found.is_complex():
        raise UserError(f"a gradient is {found.dtype} where its parameter is {p.dtype}: take the real part that is meant")
    if found.dtype is not p.dtype:
        found = found.to(p.dtype)
    if found.is_neg():  # its memory holds the opposite
        found = found.resolve_neg()
    return found.clone() if found.data_ptr() == p.data_ptr() else found


def put_gradient(p, value):
    """Set ``p.grad``, in the kind of number that the parameter wants its gradients in."""
    wanted = getattr(p, "grad_dtype", None)
    p.grad = value if wanted is None else value.to(wanted)


def addresses(arrays, dtype):
    """Where arrays begin, for the compiled pass.

    Parameters
    ----------
    arrays : iterable of (str, Tensor or None, int)
        Name, array and the count of its numbers; None stands for a draw that the pass makes itself, address 0.
    dtype : torch.dtype

    Raises
    ------
    UserError
        If an array is not what the pass takes it for.
    """
    out = []
    for name, value, count in arrays:
        if value is None:
            out.append(0)
            continue
        address = value.data_ptr()
        if value.dtype is not dtype or value.numel() != count or not value.is_contiguous() or (count and not address):
            raise UserError(
                f"{name!r}, of shape {tuple(value.shape)} and {value.dtype}, is not what the update needs: "
                f"{count} numbers of {dtype} in one piece of memory"
            )
        out.append(address)
    return out
